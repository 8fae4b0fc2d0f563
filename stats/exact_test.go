package stats

import (
	"math"
	"testing"

	"github.com/sluice-hep/sluice/events"
)

// Two samples 50 standard deviations apart have nothing in common, wherever they lie and whatever type holds them.
func TestSamplesFarFromZeroAreToldApart(t *testing.T) {
	const sigma = 0.05
	a, b := normals(500, 40), normals(500, 41)
	double := func(x []float64, shift float64) *events.Table {
		c := make([]float64, len(x))
		for i, v := range x {
			c[i] = 1126259462.4 + sigma*(v+shift)
		}
		return table([][]float64{c, x}, nil)
	}
	integer := func(x []float64, shift float64, unsigned bool) *events.Table {
		t := table([][]float64{nil, x}, nil)
		c := &t.Columns[0]
		c.Type = events.Int64
		if unsigned {
			c.Type = events.Uint64
		}
		for _, v := range x { // a deviation of 10 microseconds: float64 near 2^60 has steps of 256
			us := int64(math.Round(10 * (v + shift)))
			if unsigned {
				c.U64 = append(c.U64, math.MaxUint64-100_000+uint64(us))
			} else {
				c.I64 = append(c.I64, 1<<60+us)
			}
		}
		return t
	}
	for _, c := range []struct {
		name      string
		near, far *events.Table
		std, w1   float64
	}{
		{"seconds as doubles", double(a, 0), double(b, 50), sigma, 50 * sigma},
		{"microseconds near 2^60", integer(a, 0, false), integer(b, 50, false), 10, 500},
		{"microseconds near 2^64", integer(a, 0, true), integer(b, 50, true), 10, 500},
	} {
		r, err := Compare(c.near, c.far, nil)
		if err != nil {
			t.Fatal(err)
		}
		got := r.Columns["a"]
		// deviations of 500 numbers scatter by 3 %, the distance of two means by 0.1 %
		if got.KS != 1 || math.Abs(got.W1/c.w1-1) > 0.01 || math.Abs(got.Reference.Std/c.std-1) > 0.15 || math.Abs(got.Generated.Std/c.std-1) > 0.15 {
			t.Errorf("%s: %+v", c.name, got)
		}
		if rho := r.CorrelationReference[0][1]; rho < 0.99 {
			t.Errorf("%s: the correlation with what it is made of is %g", c.name, rho)
		}
		if want := c.near.Columns[0].Float(0); math.Abs(got.Reference.Mean/want-1) > 1e-9 {
			t.Errorf("%s: mean %v, want about %v", c.name, got.Reference.Mean, want)
		}
		same, err := Compare(c.near, c.near, nil)
		if err != nil || same.Columns["a"].KS != 0 || same.Columns["a"].W1 != 0 {
			t.Errorf("%s: from itself it is %+v (%v)", c.name, same.Columns["a"], err)
		}
	}
}
