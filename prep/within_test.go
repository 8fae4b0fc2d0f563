package prep

import (
	"math/rand/v2"
	"testing"

	"github.com/sluice-hep/sluice/events"
)

// A mark far from all other values is none of the range that what is drawn keeps to, and is no event beyond it.
func TestBeyondTheRangeWithoutMarks(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	x := make([]float64, 4000)
	for i := range x {
		x[i] = 100 + 10*r.NormFloat64()
		if i%5 == 0 {
			x[i] = -999999
		}
	}
	p, _, err := Fit(&events.Table{Columns: []events.Column{{Name: "x", Type: events.Float64, F64: x}}}, []string{"x"}, Spec{}, 1)
	if err != nil {
		t.Fatal(err)
	}
	if low, high := p.Columns[0].Trained(); low < 40 || high > 160 {
		t.Errorf("the range is %g to %g", low, high)
	}
	drawn := &events.Table{Columns: []events.Column{{Name: "x", Type: events.Float64, F64: []float64{-999999, 100, 2422, 0}}}}
	if rows, _ := p.Beyond(drawn, 0.5); len(rows) != 2 || rows[0] != 2 {
		t.Errorf("events %v lie beyond", rows)
	}
	if n, ranges, err := p.OutOfRange(drawn); n != 2 || err != nil {
		t.Errorf("%d events out of range: %v, %v", n, ranges, err)
	}
}
