package background

import (
	"math"
	"testing"

	"github.com/sluice-hep/sluice/stats"
)

// Bins without an event get one, and the template still adds up to the number expected: a workspace had more background than the table.
func TestFill(t *testing.T) {
	h, err := stats.NewHistogram([]float64{0, 1, 2, 3, 4}, []float64{0.5, 0.6, 2.5, 5}, []float64{10, 10, 10, 10})
	if err != nil {
		t.Fatal(err)
	}
	of := &Template{Nominal: h}
	of.fill(10)
	n := of.Nominal
	sum := n.Under + n.Over
	for k, v := range n.SumW {
		if sum += v; !(v > 0) || !(n.SumW2[k] > 0) {
			t.Errorf("bin %d has %g with a variance of %g", k, v, n.SumW2[k])
		}
	}
	if of.filled != 2 || math.Abs(sum-40) > 1e-9 || math.Abs(n.SumW[1]-40./6) > 1e-9 || math.Abs(n.SumW2[0]-200*4./9) > 1e-9 {
		t.Errorf("%d filled, a sum of %g: %+v", of.filled, sum, n)
	}
}
