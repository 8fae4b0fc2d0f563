package sluice

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/sluice-hep/sluice/card"
	"github.com/sluice-hep/sluice/events"
)

func referenceFile(name string) string {
	dir := os.Getenv("SLUICE_REFERENCE")
	if dir == "" {
		dir = filepath.Join("testdata", "reference")
	}
	return filepath.Join(dir, name)
}

// The expressions of the cards make the features of the published exercise.
func TestReferenceLHCOFeatures(t *testing.T) {
	text, err := os.ReadFile(referenceFile("lhco_features.json"))
	if err != nil {
		t.Fatal(err)
	}
	var ref struct {
		Outputs struct {
			Features [][]float64 `json:"features"`
		} `json:"outputs"`
	}
	if err := json.Unmarshal(text, &ref); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"lhco.yaml", "lhco-tutorial.yaml"} {
		c, err := card.Load(filepath.Join("cards", name))
		if err != nil {
			t.Fatal(err)
		}
		c.Dir, c.Files = ".", []string{"testdata/lhco_rows.csv"}
		q, err := c.Query()
		if err != nil {
			t.Fatal(err)
		}
		rows, err := q.Open(t.Context(), 7)
		if err != nil {
			t.Fatal(err)
		}
		table, err := rows.All(0)
		rows.Close()
		if err != nil {
			t.Fatal(err)
		}
		if len(ref.Outputs.Features) != table.Len() {
			t.Fatalf("%d events, the reference has %d", table.Len(), len(ref.Outputs.Features))
		}
		for k, feature := range c.Features {
			col, err := table.Column(feature)
			if err != nil {
				t.Fatal(err)
			}
			for i, row := range ref.Outputs.Features {
				if got := col.Float(i); math.Abs(got-row[k]) > 1e-12*(1+math.Abs(row[k])) {
					t.Errorf("%s: %s of row %d: %.9g, the reference has %.9g", name, feature, i+1, got, row[k])
				}
			}
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
