package stats

import (
	"math"
	"testing"

	"github.com/sluice-hep/sluice/internal/rng"
)

// ring are events on a circle of radius 1 with a little noise, and a weight that is 1 or 2; some lack the first value.
func ring(n int, seed uint64, lacking bool) (s Sample) {
	src := rng.New(seed, rng.StreamTest, 7)
	s.Columns = make([][]float64, 2)
	for range n {
		phi, r := 2*math.Pi*src.Float64(), 1+0.05*src.NormFloat64()
		x := r * math.Cos(phi)
		if lacking && src.IntN(5) == 0 {
			x = math.NaN()
		}
		s.Columns[0], s.Columns[1] = append(s.Columns[0], x), append(s.Columns[1], math.Exp(20*r*math.Sin(phi)))
	}
	return s
}

// Of simulated events as observations 5 % have a p below 0.05, whatever the columns.
func TestRemoteKeepsItsErrorRate(t *testing.T) {
	for _, lacking := range []bool{false, true} {
		low, of := 0, 0
		for seed := range uint64(6) {
			each, err := Remote(ring(300, 1000+seed, lacking), ring(2000, seed, lacking), seed)
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range each {
				if of++; e.P < 0.05 {
					low++
				}
			}
		}
		// of six sets of 1000 ranked events the share has a standard deviation of 0.4 %
		if rate := float64(low) / float64(of); rate < 0.034 || rate > 0.066 {
			t.Errorf("lacking %v: %.3f of %d are below 0.05", lacking, rate, of)
		}
	}
}

// What lies in a hole, beyond the range, or lacks a value that all have, is found.
func TestRemoteFindsHoles(t *testing.T) {
	nan := math.NaN()
	each, err := Remote(Sample{Columns: [][]float64{{0, 3, nan, math.Inf(1), 1}, {1, 1, 1, 1, 1}}}, ring(4000, 1, false), 1)
	if err != nil {
		t.Fatal(err)
	}
	for i, e := range each[:4] {
		if e.Cannot != "" || e.P > 0.005 {
			t.Errorf("observation %d: %+v", i+1, e)
		}
	}
	if e := each[4]; e.P < 0.05 {
		t.Errorf("an event on the ring: %+v", e)
	}
	if each, err = Remote(ring(2, 2, false), ring(99, 1, false), 1); err != nil || each[1].Cannot == "" {
		t.Errorf("of 99 simulated events: %+v, %v", each, err)
	}
}
