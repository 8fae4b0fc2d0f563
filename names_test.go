package sluice

import (
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/sluice-hep/sluice/apply"
	"github.com/sluice-hep/sluice/card"
	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/internal/rng"
	"github.com/sluice-hep/sluice/model"
)

// namedEvents are n events of a channel, of which the mean and the width of x depend, and an era.
func namedEvents(n int) *events.Table {
	g := rng.New(7, rng.StreamToy, 0)
	channel, era, x := make([]string, n), make([]string, n), make([]float64, n)
	for i := range n {
		k := min(g.IntN(5), 3)
		channel[i], era[i] = []string{"ee", "emu", "mumu", "tau tau"}[k], []string{"early", "late"}[g.IntN(2)]
		x[i] = 4*float64(k) + (1+float64(k))*g.NormFloat64()/4
	}
	return &events.Table{Columns: []events.Column{
		{Name: "channel", Type: events.Text, Str: channel}, {Name: "era", Type: events.Text, Str: era}, {Name: "x", Type: events.Float64, F64: x},
	}}
}

// Names are learned, kept, drawn, written and read in every format that can be written, in memory and as a stream.
func TestNamesFromFilesToFiles(t *testing.T) {
	file := filepath.Join(t.TempDir(), "named.parquet")
	writeTable(t, file, namedEvents(6000))
	for _, memory := range []card.Bytes{0, 120_000} {
		c := small("x", "channel")
		c.Files, c.Context, c.Memory = []string{file}, []string{"era"}, memory
		c.Train.Epochs, c.Train.Batch, c.Train.LR = 12, 64, 0.01
		path := filepath.Join(t.TempDir(), "m.safetensors")
		if _, err := Train(t.Context(), c, path, Options{}); err != nil {
			t.Fatal(err)
		}
		m, err := model.Load(path)
		if err != nil {
			t.Fatal(err)
		}
		var want *events.Table
		for _, format := range []string{"csv", "npy", "parquet", "root"} {
			out := filepath.Join(t.TempDir(), "sample."+format)
			if _, err := Sample(t.Context(), m, Draw{Events: 2000, Seed: 3, Context: apply.Values(map[string]any{"era": "late"})}, out, Options{}); err != nil {
				t.Fatal(err)
			}
			got, err := events.ReadAll([]string{out}, events.Options{})
			if err != nil {
				t.Fatal(err)
			}
			if want == nil {
				want = got
			}
			for _, name := range []string{"channel", "era"} {
				a, err := want.Column(name)
				if err != nil {
					t.Fatal(err)
				}
				if b, err := got.Column(name); err != nil || !slices.Equal(a.Str, b.Str) {
					t.Errorf("%s: other names in %q, %v", format, name, err)
				}
			}
		}
		sum, n := map[string]float64{}, map[string]float64{}
		channel, _ := want.Column("channel")
		x, _ := want.Column("x")
		for i, s := range channel.Str {
			sum[s], n[s] = sum[s]+x.Float(i), n[s]+1
		}
		for k, s := range []string{"ee", "emu", "mumu", "tau tau"} {
			if mean := sum[s] / n[s]; math.Abs(mean-4*float64(k)) > 0.5 || len(n) != 4 {
				t.Errorf("memory %v: %v events of %q with a mean of %.2f", memory, n[s], s, mean)
			}
		}
	}
}

// A name that training had not is told with its count, and its density is that of one event more.
func TestDensityOfUnseenNames(t *testing.T) {
	dir := t.TempDir()
	c := small("x", "channel")
	c.Table = namedEvents(2000)
	trained, err := Train(t.Context(), c, filepath.Join(dir, "m.safetensors"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	tab := namedEvents(100)
	tab.Columns[0].Str[3], tab.Columns[0].Str[7] = "jets", "jets"
	file := filepath.Join(dir, "unseen.csv")
	writeTable(t, file, tab)
	var warned []string
	r, err := Density(t.Context(), trained.Density, Evaluate{Files: []string{file}}, filepath.Join(dir, "d.csv"), Options{Warn: func(line string) { warned = append(warned, line) }})
	if err != nil || r.OutOfRange != 2 || r.NotFinite != 0 {
		t.Errorf("%+v, %v", r, err)
	}
	want := `column "channel": 2 of 100 events have a value that the model does not know, the first ("jets") in event 4: it is taken for the rarest of the names that it knows`
	if !slices.Equal(warned, []string{want}) {
		t.Errorf("%q", warned)
	}
	if _, err := Density(t.Context(), trained.Density, Evaluate{Files: []string{emptied(t, tab)}}, filepath.Join(dir, "e.csv"), Options{}); err == nil ||
		!strings.Contains(err.Error(), `column "channel": 1 of 100 values is missing (empty), the first in row 6 of`) {
		t.Error(err)
	}
}

// emptied is a file of the events, of which one has no channel.
func emptied(t *testing.T, tab *events.Table) string {
	t.Helper()
	tab.Columns[0].Str[5] = ""
	file := filepath.Join(t.TempDir(), "empty.csv")
	writeTable(t, file, tab)
	return file
}

func writeTable(t *testing.T, path string, tab *events.Table) {
	t.Helper()
	out, err := events.Create(path)
	if err == nil {
		err = out.Write(tab)
	}
	if err == nil {
		err = out.Close()
	}
	if err != nil {
		t.Fatal(fmt.Errorf("%s: %w", path, err))
	}
}
