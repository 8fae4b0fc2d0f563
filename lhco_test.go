package sluice

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/sluice-hep/sluice/card"
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
		table, _, err := Read(c)
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
				// the result is kept as float32, which rounds by 6e-8
				if got := col.Float(i); math.Abs(got-row[k]) > 1e-7*(1+math.Abs(row[k])) {
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
