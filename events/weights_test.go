package events

import (
	"math"
	"slices"
	"strings"
	"testing"
)

func TestWeightsOfAnyUnit(t *testing.T) {
	want := []float64{1, -0.5, 0, 1.5}
	for _, unit := range []float64{1, 0x1p-152, 0x1p130, 0x1p1022, 0x1p-1070} {
		table := &Table{Weight: "w", Columns: []Column{{Name: "w", Type: Float64}}}
		for _, v := range want {
			table.Columns[0].F64 = append(table.Columns[0].F64, v*unit)
		}
		if got, err := table.Weights(); err != nil || !slices.Equal(got, want) {
			t.Errorf("in units of %g: %v, %v", unit, got, err)
		}
	}
	none := &Table{Weight: "w", Columns: []Column{{Name: "w", F32: []float32{0, 0}}}}
	if got, err := none.Weights(); err != nil || !slices.Equal(got, []float64{0, 0}) {
		t.Errorf("%v, %v", got, err)
	}
	if got, err := (&Table{}).Weights(); got != nil || err != nil {
		t.Errorf("%v, %v", got, err)
	}
	bad := &Table{Weight: "w", Columns: []Column{{Name: "w", F32: []float32{1, float32(math.NaN())}}}}
	if _, err := bad.Weights(); err == nil || !strings.Contains(err.Error(), `row 2: weight "w" is NaN`) {
		t.Error(err)
	}
}
