package sluice

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/sluice-hep/sluice/card"
	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/internal/reference"
)

// lhcoInputs are the jets of the reference: their masses in GeV and n-subjettiness.
type lhcoInputs struct {
	Label []float64
	Mass1 []float64 `json:"mass_1"`
	Mass2 []float64 `json:"mass_2"`
	Tau11 []float64 `json:"tau1_1"` // of jet 1
	Tau21 []float64 `json:"tau2_1"`
	Tau12 []float64 `json:"tau1_2"`
	Tau22 []float64 `json:"tau2_2"`
}

// write makes a file with the columns of cards/data/lhco.parquet.
func (in *lhcoInputs) write(t *testing.T) (path string) {
	t.Helper()
	var table events.Table
	for name, x := range map[string][]float64{"label": in.Label, "mj1": in.Mass1, "mj2": in.Mass2,
		"tau1j1": in.Tau11, "tau2j1": in.Tau21, "tau1j2": in.Tau12, "tau2j2": in.Tau22} {
		table.Columns = append(table.Columns, events.Column{Name: name, Type: events.Float64, F64: x})
	}
	path = filepath.Join(t.TempDir(), "lhco.parquet")
	w, err := events.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Abort()
	if err := errors.Join(w.Write(&table), w.Close()); err != nil {
		t.Fatal(err)
	}
	return path
}

// The expressions of the card make the features of the published exercise.
func TestReferenceLHCOFeatures(t *testing.T) {
	var in lhcoInputs
	var out struct{ Features [][]float64 }
	reference.Read(t, "lhco_features", &in, &out)
	path := in.write(t)
	c, err := card.Load("cards/lhco.yaml")
	if err != nil {
		t.Fatal(err)
	}
	c.Files = []string{path}
	q, err := c.Query()
	if err != nil {
		t.Fatal(err)
	}
	rows, err := q.Open(t.Context(), 7)
	if err != nil {
		t.Fatal(err)
	}
	table, err := rows.All()
	rows.Close()
	if err != nil {
		t.Fatal(err)
	}
	if len(out.Features) != table.Len() {
		t.Fatalf("%d events, the reference has %d", table.Len(), len(out.Features))
	}
	for k, feature := range c.Features {
		col, err := table.Column(feature)
		if err != nil {
			t.Fatal(err)
		}
		for i, row := range out.Features {
			reference.Near(t, fmt.Sprintf("%s of row %d", feature, i+1), col.Float(i), row[k], 1e-12)
		}
	}
}

func TestCardsAreValid(t *testing.T) {
	cards, err := filepath.Glob("cards/*.yaml")
	if err != nil || len(cards) < 5 {
		t.Fatalf("%d cards, %v", len(cards), err)
	}
	for _, path := range cards {
		if _, err := card.Load(path); err != nil {
			t.Error(err)
		}
	}
}

// The copy that the cards use holds the values of the original.
func TestLHCOCopyIsUnchanged(t *testing.T) {
	dir := os.Getenv("SLUICE_DATA")
	if dir == "" {
		t.Skip("SLUICE_DATA names no folder with lhco_rnd_100k_core.parquet")
	}
	original, err := events.ReadAll([]string{filepath.Join(dir, "lhco_rnd_100k_core.parquet")}, events.Options{})
	if err != nil {
		t.Fatal(err)
	}
	ours, err := events.ReadAll([]string{"cards/data/lhco.parquet"}, events.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, define := range [][2]string{{"tau21_1", "tau2j1/tau1j1"}, {"tau21_2", "tau2j2/tau1j2"}} {
		if err := events.Define(ours, define[0], define[1]); err != nil {
			t.Fatal(err)
		}
	}
	const tolerance = 5e-6 // the file has about six digits
	for _, name := range [][2]string{
		{"label", "label"}, {"mj1", "mass_1"}, {"mj2", "mass_2"}, {"tau21_1", "tau21_1"}, {"tau21_2", "tau21_2"},
	} {
		a, err := ours.Column(name[0])
		if err != nil {
			t.Fatal(err)
		}
		b, err := original.Column(name[1])
		if err != nil {
			t.Fatal(err)
		}
		if a.Len() != b.Len() {
			t.Fatalf("%d events, the original has %d", a.Len(), b.Len())
		}
		for i := range a.Len() {
			x, y := a.Float(i), b.Float(i)
			if math.IsNaN(x) != math.IsNaN(y) || math.Abs(x-y) > tolerance*(1+math.Abs(y)) {
				t.Fatalf("%s of event %d: %g, in the original %g", name[0], i, x, y)
			}
		}
	}
}

// The copy of the HIGGS events holds those of the original files, value by value: first the rows of the text, then background and signal in turn.
func TestHIGGSCopyIsUnchanged(t *testing.T) {
	dir := os.Getenv("SLUICE_DATA")
	if dir == "" {
		t.Skip("SLUICE_DATA names no folder with higgs_15k_noheader.csv.gz and higgs_20k.root")
	}
	read := func(path string) *events.Table {
		table, err := events.ReadAll([]string{path}, events.Options{})
		if err != nil {
			t.Fatal(err)
		}
		return table
	}
	ours, text := read("cards/data/higgs.parquet"), read(filepath.Join(dir, "higgs_15k_noheader.csv.gz"))
	trees := [2]*events.Table{read(filepath.Join(dir, "higgs_20k.root:bkg_tree")), read(filepath.Join(dir, "higgs_20k.root:sig_tree"))}
	n := text.Len()
	if ours.Len() != n+2*trees[0].Len() || len(ours.Columns) != 30 {
		t.Fatalf("%d events of %d columns", ours.Len(), len(ours.Columns))
	}
	for k, c := range ours.Columns[2:] {
		for i := range ours.Len() {
			was := float32(text.Columns[k+1].Float(min(i, n-1)))
			if i >= n {
				was = trees[(i-n)%2].Columns[k].F32[(i-n)/2]
			}
			if c.F32[i] != was {
				t.Fatalf("%s of event %d is %g, and was %g", c.Name, i, c.F32[i], was)
			}
		}
	}
	for i, label := range ours.Columns[1].I64 {
		was := int64((i - n) % 2)
		if i < n {
			was = int64(text.Columns[0].Float(i))
		}
		if label != was || ours.Columns[0].I64[i] != int64(i) {
			t.Fatalf("event %d has label %d and number %d", i, label, ours.Columns[0].I64[i])
		}
	}
}
