package prep

import (
	"fmt"
	"math"
	"slices"
	"sort"
)

const (
	tailEvents  = 10 // training events beyond each outermost knot
	maxTailZ    = 3.7
	startBins   = 16
	minPerKnot  = 25  // effective events a new interval must hold
	significant = 1.7 // deviation, in units of 1/sqrt(events), at which an interval is divided
)

// tailIndices are what a tail may be: from nearly as heavy as a distribution can be to one for
// which 10,000 tail widths still cost no more than 50 nats.
var tailIndices = []float64{1, 1.5, 2, 3, 4}

func (s *quantile) Fit(x, w []float64) error {
	e := newEmpirical(x, w)
	if len(e.value) < 2 {
		return errConstant
	}
	p := min(max(tailEvents/e.n, normalCDF(-maxTailZ)), 0.1)
	edge := -normalQuantile(p, 1-p)
	bins := min(s.Knots, startBins, max(1, int(e.n/minPerKnot)))
	s.X, s.Y = nil, nil
	for k := range bins + 1 {
		y := edge * (2*float64(k)/float64(bins) - 1)
		s.insert(e, y)
	}
	if len(s.X) < 2 {
		s.X = []float64{e.value[0], e.value[len(e.value)-1]}
		s.Y = []float64{-edge, edge}
	}
	s.slopes()
	for range 12 {
		if !s.refine(e) {
			break
		}
		s.slopes()
	}
	s.Lower, s.Upper = s.fitTails(e)
	if err := s.check(); err != nil {
		return fmt.Errorf("no smooth map to a normal: %w", err)
	}
	return nil
}

// insert adds the knot at normal quantile y, unless it lies too close to another.
func (s *quantile) insert(e *empirical, y float64) bool {
	return s.insertAt(e, e.at(normalCDF(y)), y)
}

func (s *quantile) insertAt(e *empirical, x, y float64) bool {
	least := 1e-9 * (e.value[len(e.value)-1] - e.value[0])
	k := sort.SearchFloat64s(s.X, x)
	if k < len(s.X) && (s.X[k]-x < least || s.Y[k]-y < 1e-6) || k > 0 && (x-s.X[k-1] < least || y-s.Y[k-1] < 1e-6) {
		return false
	}
	s.X, s.Y = slices.Insert(s.X, k, x), slices.Insert(s.Y, k, y)
	return true
}

// slopes sets dy/dx at the knots to the geometric mean of the neighbouring secants, each weighted by the
// distance to the other: third-order accurate for smooth distributions, and positive for all.
func (s *quantile) slopes() {
	n := len(s.X)
	width, secant := make([]float64, n-1), make([]float64, n-1)
	for k := range width {
		width[k] = s.X[k+1] - s.X[k]
		secant[k] = (s.Y[k+1] - s.Y[k]) / width[k]
	}
	s.Slope = make([]float64, n)
	s.Slope[0], s.Slope[n-1] = secant[0], secant[n-2]
	for k := 1; k < n-1; k++ {
		a := width[k] / (width[k-1] + width[k])
		s.Slope[k] = math.Pow(secant[k-1], a) * math.Pow(secant[k], 1-a)
	}
	if n > 2 { // the same rule, solved for the end
		s.Slope[0] = endSlope(secant[0], s.Slope[1])
		s.Slope[n-1] = endSlope(secant[n-2], s.Slope[n-2])
	}
}

func endSlope(secant, inner float64) float64 {
	return secant * min(max(secant/inner, 0.2), 5)
}

// refine divides every interval in which the events do not lie as the spline says, at the place where
// they deviate most, and reports whether there was one.
func (s *quantile) refine(e *empirical) bool {
	type point struct{ x, y float64 }
	var add []point
	for k := range len(s.X) - 1 {
		lo, hi := sort.SearchFloat64s(e.value, s.X[k]), sort.SearchFloat64s(e.value, s.X[k+1])
		mass := normalCDF(s.Y[k+1]) - normalCDF(s.Y[k])
		var worst, at, below float64
		for j := lo; j < hi; j++ {
			y, _ := s.spline(k, (e.value[j]-s.X[k])/(s.X[k+1]-s.X[k]))
			if d := math.Abs(normalCDF(y) - e.below[j]); d > worst {
				worst, at, below = d, e.value[j], e.below[j]
			}
		}
		if worst*math.Sqrt(e.n/mass) > significant && mass*e.n > 2*minPerKnot {
			add = append(add, point{at, normalQuantile(below, 1-below)})
		}
	}
	done := false
	for _, p := range add {
		if len(s.X) <= s.Knots && s.insertAt(e, p.x, p.y) {
			done = true
		}
	}
	return done
}

// fitTails chooses the index of each tail by maximum likelihood of the events beyond the outermost knots.
func (s *quantile) fitTails(e *empirical) (lower, upper float64) {
	best := [2]float64{math.Inf(-1), math.Inf(-1)}
	for _, index := range tailIndices {
		s.Lower, s.Upper = index, index
		lo, up := s.tails()
		var l [2]float64
		for j, v := range e.value {
			switch {
			case v < lo.X:
				y, d := lo.apply(v)
				l[0] += e.mass[j] * (d + logNormal(y))
			case v > up.X:
				y, d := up.apply(v)
				l[1] += e.mass[j] * (d + logNormal(y))
			}
		}
		if l[0] >= best[0] {
			best[0], lower = l[0], index
		}
		if l[1] >= best[1] {
			best[1], upper = l[1], index
		}
	}
	return lower, upper
}
