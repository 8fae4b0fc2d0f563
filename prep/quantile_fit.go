package prep

import (
	"fmt"
	"math"
	"slices"
	"sort"
)

const (
	tailEvents = 10 // training events beyond each outermost knot
	maxTailZ   = 3.7
	// Of more events than this an even selection is taken: 30 knots then cost 6e-5 nats for being fitted.
	fitEvents   = 1 << 18
	startBins   = 16
	minPerKnot  = 25  // effective events a new interval must hold
	significant = 1.7 // deviation, in units of 1/sqrt(events), at which an interval is divided
)

// tailIndices are what a tail may be. Few events lie there, so a light tail taken for a heavier one costs next to nothing.
var tailIndices = []float64{0.5, 1, 1.5, 2, 3}

// No event within farRanges times the training range of it may cost farCost nats more than the mean.
const farRanges, farCost = 1000, 45

func (s *quantile) Fit(x, w []float64) error {
	e := newEmpirical(every(fitEvents, x, w))
	if len(e.value) < 2 { // the selection missed what differs
		e = newEmpirical(x, w)
	}
	if len(e.value) < 2 {
		return errConstant
	}
	p := min(max(tailEvents/e.n, normalCDF(-maxTailZ)), 0.1)
	edge := -normalQuantile(p, 1-p)
	bins := min(s.Knots, startBins, max(1, int(e.n/minPerKnot)))
	s.X, s.Y = nil, nil
	for k := range bins + 1 {
		y := edge * (2*float64(k)/float64(bins) - 1)
		s.insert(e, e.at(normalCDF(y)), y)
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
	s.fitTails(e)
	if err := s.check(); err != nil {
		return fmt.Errorf("no smooth map to a normal: %w", err)
	}
	return nil
}

// insert adds the knot (x, y), unless it lies too close to another, and reports whether it did.
func (s *quantile) insert(e *empirical, x, y float64) bool {
	const leastX, leastY = 1e-9, 1e-6 // of the range
	least := leastX * (e.value[len(e.value)-1] - e.value[0])
	k := sort.SearchFloat64s(s.X, x)
	if k > 0 && (x-s.X[k-1] < least || y-s.Y[k-1] < leastY) || k < len(s.X) && (s.X[k]-x < least || s.Y[k]-y < leastY) {
		return false
	}
	s.X, s.Y = slices.Insert(s.X, k, x), slices.Insert(s.Y, k, y)
	return true
}

// slopes sets dy/dx at the knots: its logarithm is interpolated linearly in y between the middles of the
// neighbouring intervals, where it is that of the secant. So it is positive for any distribution, and
// second-order accurate for a smooth one.
func (s *quantile) slopes() {
	n := len(s.X)
	height, secant := make([]float64, n-1), make([]float64, n-1)
	for k := range height {
		height[k] = s.Y[k+1] - s.Y[k]
		secant[k] = height[k] / (s.X[k+1] - s.X[k])
	}
	s.Slope = make([]float64, n)
	s.Slope[0], s.Slope[n-1] = secant[0], secant[n-2]
	for k := 1; k < n-1; k++ {
		a := height[k] / (height[k-1] + height[k])
		s.Slope[k] = math.Pow(secant[k-1], a) * math.Pow(secant[k], 1-a)
	}
	if n > 2 {
		s.Slope[0] = endSlope(secant[0], s.Slope[1])
		s.Slope[n-1] = endSlope(secant[n-2], s.Slope[n-2])
	}
	s.index()
}

// endSlope extrapolates in the same way, within limits.
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
			y, _ := s.bins[k].at((e.value[j] - s.X[k]) / s.bins[k].width)
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
		if len(s.X) <= s.Knots && s.insert(e, p.x, p.y) {
			done = true
		}
	}
	return done
}

// fitTails chooses the index of each tail by maximum likelihood of the events beyond the outermost knots,
// among those in which an event far outside costs few nats. At a hard edge only the heaviest do: there a
// distance is measured in a tiny scale.
func (s *quantile) fitTails(e *empirical) {
	s.Lower, s.Upper = tailIndices[0], tailIndices[0]
	lower, upper := s.tails()
	first, last := e.value[0], e.value[len(e.value)-1]
	mean := -s.meanLogDensity(e)
	far := farRanges * (last - first)
	n := len(e.value)
	low, _ := slices.BinarySearch(e.value, lower.X)
	high, _ := slices.BinarySearch(e.value, upper.X)
	s.Lower = lower.fit(e.value[:low], e.mass[:low], first-far, mean+farCost)
	s.Upper = upper.fit(e.value[high:n], e.mass[high:n], last+far, mean+farCost)
}

// fit is the likeliest index for values of given mass, all beyond the knot, among those in which an event
// at far costs at most so many nats; the first of tailIndices where there is none.
func (t tail) fit(value, mass []float64, far, cost float64) float64 {
	best, most := tailIndices[0], math.Inf(-1)
	for _, index := range tailIndices {
		t.Index = index
		if -t.logDensity(far) > cost {
			continue
		}
		sum := 0.0
		for i, v := range value {
			sum += mass[i] * t.logDensity(v)
		}
		if sum >= most {
			best, most = index, sum
		}
	}
	return best
}

// logDensity is that of x if y is standard normal.
func (t tail) logDensity(x float64) float64 {
	y, d := t.apply(x)
	return d + logNormal(y)
}

func (s *quantile) meanLogDensity(e *empirical) float64 {
	y, d := slices.Clone(e.value), make([]float64, len(e.value))
	s.Apply(y, d)
	sum := 0.0
	for i := range y {
		sum += e.mass[i] * (d[i] + logNormal(y[i]))
	}
	return sum
}
