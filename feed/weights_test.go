package feed

import (
	"math"
	"testing"
)

// A weight counts in units of the mean of the training events, whatever its unit, also where the sum is beyond the
// numbers, and where a large one comes late.
func TestWeightsInUnitsOfTheirMean(t *testing.T) {
	weights := []float64{0.5, 2, -0.25, 3, 0, 1.75}
	for _, unit := range []float64{1, 1e-46, 1e-300, 1e39, 1e300, 5e307} {
		var s WeightSum
		for _, w := range weights {
			s.Add(w * unit)
		}
		if s.Events != 6 || s.Negative != 1 || math.Abs(s.Below/s.Absolute-0.25/7.5) > 1e-15 || !(s.Sum() > 0) {
			t.Errorf("in units of %g: %+v", unit, s)
		}
		for _, w := range weights {
			if got, want := s.Relative(w*unit), w*6/7; math.Abs(float64(got)-want) > 1e-6*math.Abs(want) {
				t.Errorf("in units of %g: %g is %g times the mean, want %g", unit, w, got, want)
			}
		}
	}
	var none, cancelled WeightSum
	cancelled.Add(-1e300)
	cancelled.Add(1e300)
	if none.Sum() != 0 || cancelled.Sum() != 0 {
		t.Errorf("sums %g and %g", none.Sum(), cancelled.Sum())
	}
}
