package infer

import (
	"testing"

	"github.com/sluice-hep/sluice/events"
)

// Draws that are worth one have no interval, and say so; draws of equal weights have.
func TestDrawsOfNoWorth(t *testing.T) {
	x, even, one := make([]float64, 100), make([]float64, 100), make([]float64, 100)
	for i := range x {
		x[i], even[i] = float64(i), 2
	}
	one[7] = 1
	c := &events.Column{Name: "x", Type: events.Float64, F64: x}
	p, err := newParameter(c, one, nil)
	if median, of68, _ := p.Cells(); err != nil || p.Median != nil || median != "not known: the draws are worth 1" || of68 != "" {
		t.Errorf("%q, %q, %v", median, of68, err)
	}
	for _, w := range [][]float64{nil, even} {
		if p, err = newParameter(c, w, nil); err != nil || p.Median == nil || p.Worth != 0 {
			t.Errorf("%+v, %v", p, err)
		}
	}
}
