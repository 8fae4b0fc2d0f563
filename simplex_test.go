package sluice_test

import (
	"bytes"
	"math"
	"os"
	"path/filepath"
	"testing"

	"gonum.org/v1/gonum/mathext"

	"github.com/sluice-hep/sluice"
	"github.com/sluice-hep/sluice/apply"
	"github.com/sluice-hep/sluice/card"
	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/internal/rng"
	"github.com/sluice-hep/sluice/model"
)

// A Dirichlet density of four fractions is learned to its entropy, per unit of three of them, to the same bits on any number of threads; what is drawn
// sums to 1.
func TestSimplexLearnsDirichlet(t *testing.T) {
	exponent := []int{1, 4, 2, 3}
	src := rng.New(5, rng.StreamTest, 0)
	tab := &events.Table{}
	for _, name := range []string{"fp", "fHe", "fN", "fFe"} {
		tab.Columns = append(tab.Columns, events.Column{Name: name, Type: events.Float64})
	}
	for range 8000 {
		sum, a := 0.0, make([]float64, len(exponent))
		for k, e := range exponent {
			for range e { // a gamma number
				a[k] -= math.Log(src.Float64())
			}
			sum += a[k]
		}
		for k := range a {
			tab.Columns[k].F64 = append(tab.Columns[k].F64, a[k]/sum)
		}
	}
	entropy, all := 0.0, 0.0
	for _, e := range exponent {
		l, _ := math.Lgamma(float64(e))
		entropy += l - float64(e-1)*mathext.Digamma(float64(e))
		all += float64(e)
	}
	l, _ := math.Lgamma(all)
	entropy += -l + (all-float64(len(exponent)))*mathext.Digamma(all)

	c, err := card.Parse([]byte("toy: {name: banana}\nfeatures: [fp, fHe, fN, fFe]\nsimplex: [[fHe, fp, fN, fFe]]\nflow: {type: maf, transforms: 3, hidden: [24]}\ntrain: {epochs: 15, batch: 128, test: 0.25}\n"), "dirichlet.yaml")
	if err != nil {
		t.Fatal(err)
	}
	c.Toy, c.Table = card.Toy{}, tab
	var files [][]byte
	for threads := 1; threads <= 2; threads++ {
		path := filepath.Join(t.TempDir(), "m.safetensors")
		c.Threads = threads
		r, err := sluice.Train(t.Context(), c, path, sluice.Options{})
		if err != nil {
			t.Fatal(err)
		}
		// 2000 test events scatter by about 0.03 together; below the entropy by more than that a density is none
		if got := float64(r.TestNLL); math.Abs(got-entropy) > 0.07 {
			t.Errorf("a test NLL of %.3f, where the entropy is %.3f", got, entropy)
		}
		m, err := model.Load(path)
		if err != nil {
			t.Fatal(err)
		}
		if m.Density.Size() == 0 || m.Features.Dim() != 3 {
			t.Errorf("%d features of 4 fractions", m.Features.Dim())
		}
		out := filepath.Join(t.TempDir(), "drawn.npy")
		if _, err := sluice.Sample(t.Context(), m, apply.Sample{Events: 5000, Seed: 2}, out, sluice.Options{Threads: threads}); err != nil {
			t.Fatal(err)
		}
		drawn, err := events.ReadAll([]string{out}, events.Options{})
		if err != nil {
			t.Fatal(err)
		}
		for i := range drawn.Len() {
			sum := 0.0
			for k := range drawn.Columns {
				v := drawn.Columns[k].Float(i)
				if sum += v; v < 0 {
					t.Fatalf("a fraction of %g is drawn", v)
				}
			}
			if math.Abs(sum-1) > 1e-15 {
				t.Fatalf("fractions are drawn that sum to 1%+g", sum-1)
			}
		}
		bytes, err := os.ReadFile(out)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, bytes)
	}
	if !bytes.Equal(files[0], files[1]) {
		t.Error("another number of threads draws other events")
	}
}
