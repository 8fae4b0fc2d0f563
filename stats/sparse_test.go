package stats

import (
	"math/rand/v2"
	"testing"

	"github.com/sluice-hep/sluice/events"
)

// sparse is a table of columns of which some hold another value than 0 in a few events, and whose first two go together as asked.
func sparse(n int, together float64, seed uint64) *events.Table {
	r := rand.New(rand.NewPCG(seed, 5))
	t := &events.Table{}
	for k := range 8 {
		c := events.Column{Name: string(rune('a' + k)), Type: events.Float64}
		for i := range n {
			x := r.NormFloat64()
			switch {
			case k == 1:
				x = together*t.Columns[0].F64[i] + (1-together)*x
			case k > 4:
				if x = 0; r.Float64() < 0.01 {
					x = float64(1 + r.IntN(3))
				}
			}
			c.F64 = append(c.F64, x)
		}
		t.Columns = append(t.Columns, c)
	}
	return t
}

// A pair whose correlation a handful of events make hides no difference of others, and makes none.
func TestSparsePairsHideNothing(t *testing.T) {
	c, err := Compare(sparse(500, 0.8, 1), sparse(500, 0.3, 2), nil)
	if err != nil {
		t.Fatal(err)
	}
	if d := c.Rank; d.P > 1e-6 || d.Pair[0] != "a" || d.Pair[1] != "b" {
		t.Errorf("%+v: the first two columns go together otherwise", d)
	}
	if testing.Short() {
		return
	}
	const cases = 30
	alarms := 0
	for i := range uint64(cases) {
		c, err := Compare(sparse(500, 0.8, 2*i+10), sparse(500, 0.8, 2*i+11), nil)
		if err != nil {
			t.Fatal(err)
		}
		if c.Rank.P < 0.05 {
			alarms++
		}
	}
	t.Logf("%d alarms at 5 %% in %d cases of no difference", alarms, cases)
	if alarms > 6 { // of 1.5, four standard deviations
		t.Errorf("%d alarms at 5 %% in %d cases of no difference", alarms, cases)
	}
}
