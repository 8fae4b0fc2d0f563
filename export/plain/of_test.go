package plain

import (
	"math"
	"slices"
	"testing"

	"github.com/sluice-hep/sluice/export/exporttest"
	"github.com/sluice-hep/sluice/model"
	"github.com/sluice-hep/sluice/prep"
)

// Of a mixed table the columns are named that have codes, by the names that the user knows.
func TestColumnsWithCodes(t *testing.T) {
	data := exporttest.Events(2000)
	mass, pt := data.Columns[0].F32, data.Columns[1].F32
	for i := range mass {
		if i%3 == 0 {
			mass[i] = float32(math.NaN())
		}
		if i%6 == 0 {
			pt[i] = float32(math.NaN())
		}
	}
	var err error
	var m model.Model
	if m.Features, _, err = prep.Fit(data, []string{"mass", "pt", "eta"}, prep.Spec{Mixed: true, Missing: prep.Missing{All: prep.Gap{Model: true}}}, 1); err != nil {
		t.Fatal(err)
	}
	for _, together := range []bool{false, true} {
		if together {
			if _, err := m.Features.Together(data); err != nil {
				t.Fatal(err)
			}
		}
		if names := codes(&m); !slices.Equal(names, []string{"mass", "pt"}) {
			t.Errorf("together %v: %q", together, names)
		}
	}
}
