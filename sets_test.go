package sluice_test

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/sluice-hep/sluice"
	"github.com/sluice-hep/sluice/apply"
	"github.com/sluice-hep/sluice/card"
	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/internal/rng"
	"github.com/sluice-hep/sluice/model"
)

// jetFile writes events with 0 to 4 jets, jet1_pt to jet4_pt, and sum, that of their pt with a noise of width 0.5. absent stands where
// there is no jet.
func jetFile(t *testing.T, events int, absent string) string {
	t.Helper()
	src := rng.New(11, rng.StreamTest, 0)
	var text strings.Builder
	text.WriteString("nJet,jet1_pt,jet2_pt,jet3_pt,jet4_pt,sum\n")
	for i := range events {
		n, sum := i%5, 0.5*src.NormFloat64()
		fmt.Fprint(&text, n)
		for k := range 4 {
			pt := 0.5 + math.Abs(src.NormFloat64())
			if k >= n {
				fmt.Fprint(&text, ",", absent)
				continue
			}
			sum += pt
			fmt.Fprintf(&text, ",%.6f", pt)
		}
		fmt.Fprintf(&text, ",%.6f\n", sum)
	}
	path := filepath.Join(t.TempDir(), "jets.csv")
	if err := os.WriteFile(path, []byte(text.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func jetCard(t *testing.T, file, more string) *card.Card {
	t.Helper()
	c, err := card.Parse([]byte(fmt.Sprintf("files: [%q]\nfeatures: [sum]\ncontext_sets: {jets: ['jet{1}_pt'], count: nJet, most: 4}\n%s", file, more)), "jets.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// A density that hangs on a sum over jets is learned from the set of them, to near the entropy of the noise; densities and samples take
// the jets from files, and an event without jets is one as others.
func TestContextSets(t *testing.T) {
	file, dir := jetFile(t, 6000, ""), t.TempDir()
	c := jetCard(t, file, "flow: {type: maf, transforms: 2, hidden: [16], context_net: {deep-sets: {each: [16], pooled: 8, hidden: [16], out: 4}}}\ntrain: {epochs: 30, batch: 100, lr: 0.01}\n")
	path := filepath.Join(dir, "m.safetensors")
	r, err := sluice.Train(t.Context(), c, path, sluice.Options{})
	if err != nil {
		t.Fatal(err)
	}
	entropy := math.Log(0.5 * math.Sqrt(2*math.Pi*math.E)) // 0.726; that of sum alone is 2.2
	t.Logf("NLL %.3f, entropy %.3f", float64(r.TestNLL), entropy)
	if float64(r.TestNLL) > entropy+0.1 || float64(r.TestNLL) < entropy-0.1 { // 600 test events scatter by 0.03
		t.Errorf("a test NLL of %v, want about %v", r.TestNLL, entropy)
	}
	m, err := model.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(dir, "drawn.csv")
	if _, err := sluice.Sample(t.Context(), m, apply.Sample{ContextFile: file, Seed: 1}, out, sluice.Options{}); err != nil {
		t.Fatal(err)
	}
	drawn, err := events.ReadAll([]string{out}, events.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var square float64
	column := func(name string) *events.Column {
		c, err := drawn.Column(name)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	for i := range drawn.Len() {
		off := column("sum").Float(i)
		for k := range int(column("nJet").Float(i)) {
			off -= column(fmt.Sprintf("jet%d_pt", k+1)).Float(i)
		}
		square += off * off
	}
	if width := math.Sqrt(square / float64(drawn.Len())); width < 0.4 || width > 0.65 {
		t.Errorf("the noise of %d drawn events has the width %v, want 0.5", drawn.Len(), width)
	}
	d, err := sluice.Density(t.Context(), m, apply.Density{Files: []string{file}}, filepath.Join(dir, "d.csv"), sluice.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if got := float64(d.MeanLogProb); d.Events != 6000 || math.Abs(got+entropy) > 0.1 {
		t.Errorf("a mean log-density of %v in %d events", got, d.Events)
	}
}

// Whatever stands where there is no jet, the same model comes of it, on a stream too; more jets than are taken are told with their number.
func TestContextSetsAbsent(t *testing.T) {
	for _, memory := range []string{"", "memory: 60kB\n"} {
		var hashes []string
		for _, absent := range []string{"", "-999", "1e30"} {
			c := jetCard(t, jetFile(t, 1500, absent), memory+"flow: {type: maf, transforms: 1, hidden: [8]}\ntrain: {epochs: 1, batch: 50}\n")
			if absent == "1e30" {
				c.Threads = 3
			}
			path := filepath.Join(t.TempDir(), "m.safetensors")
			if _, err := sluice.Train(t.Context(), c, path, sluice.Options{}); err != nil {
				t.Fatal(err)
			}
			m, err := model.Load(path)
			if err != nil {
				t.Fatal(err)
			}
			m.Card = "" // which names the file
			hash, err := m.Hash()
			if err != nil {
				t.Fatal(err)
			}
			hashes = append(hashes, hash)
		}
		if len(slices.Compact(hashes)) != 1 {
			t.Errorf("%smodels %q", memory, hashes)
		}
	}
	c := jetCard(t, jetFile(t, 1500, ""), "flow: {type: maf, transforms: 1, hidden: [8]}\ntrain: {epochs: 1, batch: 50}\n")
	c.ContextSets[0].Most = 3
	var warned []string
	if _, err := sluice.Train(t.Context(), c, filepath.Join(t.TempDir(), "m.safetensors"), sluice.Options{Warn: func(line string) { warned = append(warned, line) }}); err != nil {
		t.Fatal(err)
	}
	if text := strings.Join(warned, "\n"); !strings.Contains(text, `"nJet" is above 3 in 300 of the events, at most 4`) {
		t.Errorf("%q", text)
	}
}
