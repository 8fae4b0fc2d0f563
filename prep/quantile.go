package prep

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"sort"
)

// quantile takes the distribution of a column to a standard normal: a smooth (C1), strictly increasing
// spline of rational quadratics (Gregory and Delbourgo, IMA J. Numer. Anal. 2 (1982) 123) between knots at
// quantiles, and a power-law tail on either side, so that an event far outside the training range costs few nats.
//
// At an edge the density does not fall to 0, and nothing comes back from beyond: the latent values that lie there, of
// edgeEvents in all training events, become the edge.
//
// Knots are the largest number of intervals wanted; fewer are used where fewer describe the distribution.
type quantile struct {
	Knots int       `json:"knots"`
	X     []float64 `json:"x"`     // knots
	Y     []float64 `json:"y"`     // their normal quantiles
	Slope []float64 `json:"slope"` // dy/dx at the knots
	// Shape of the lower and the upper tail: the index of the power law, see tail.
	Lower float64 `json:"lower"`
	Upper float64 `json:"upper"`
	// The first or the last knot is an edge.
	EdgeLow  bool `json:"edge_low,omitempty"`
	EdgeHigh bool `json:"edge_high,omitempty"`

	low, high float64 // edges to fit, infinite for none

	bins     []bin  // of the knots, by index
	byX, byY *guide // to the knots inside
}

const maxKnots = 1024

func (s *quantile) Kind() string { return "quantile" }

func (s *quantile) Apply(x, logDet []float64) { inBlocks(x, logDet, 1, s.applySlope) }

func (s *quantile) Invert(y, logDet []float64) { inBlocks(y, logDet, -1, s.invertSlope) }

func (s *quantile) applySlope(x, slope, logDet []float64) {
	for i := 0; i < len(x); i++ {
		if i += s.applyInside(x[i:], slope[i:]); i < len(x) {
			y, d := s.applyAnywhere(x[i])
			x[i] = y
			logDet[i] += d
		}
	}
}

func (s *quantile) invertSlope(y, slope, logDet []float64) {
	for i := 0; i < len(y); i++ {
		if i += s.invertInside(y[i:], slope[i:]); i < len(y) {
			x, d := s.invertAnywhere(y[i])
			y[i] = x
			logDet[i] -= d
		}
	}
}

// applyInside maps the first values, up to one that is not between the knots or whose slope does not fit, and says
// how many. It calls nothing, which is what keeps it fast.
func (s *quantile) applyInside(x, slope []float64) int {
	g, lo, hi := s.byX, s.X[0], s.X[len(s.X)-1]
	slope = slope[:len(x)]
	for i, v := range x {
		if !(v >= lo && v <= hi) {
			return i
		}
		b := &s.bins[g.below(v)]
		y, d := b.at((v - b.x) * b.perWidth)
		d *= slope[i]
		if !fits(d) {
			return i
		}
		x[i], slope[i] = y, d
	}
	return len(x)
}

// invertInside is the inverse of applyInside.
func (s *quantile) invertInside(y, slope []float64) int {
	g, lo, hi := s.byY, s.Y[0], s.Y[len(s.Y)-1]
	slope = slope[:len(y)]
	for i, v := range y {
		if !(v >= lo && v <= hi) {
			return i
		}
		b := &s.bins[g.below(v)]
		t := b.solve(v)
		_, d := b.at(t)
		d *= slope[i]
		if !fits(d) {
			return i
		}
		y[i], slope[i] = b.x+t*b.width, d
	}
	return len(y)
}

// applyAnywhere is y and log(dy/dx) at x.
func (s *quantile) applyAnywhere(x float64) (y, logSlope float64) {
	lower, upper := s.tails()
	switch {
	case x < lower.X:
		return lower.apply(x)
	case x > upper.X:
		return upper.apply(x)
	}
	b := &s.bins[s.byX.below(x)]
	y, d := b.at((x - b.x) * b.perWidth)
	return y, math.Log(d)
}

// invertAnywhere is x and log(dy/dx) at y.
func (s *quantile) invertAnywhere(y float64) (x, logSlope float64) {
	lower, upper := s.tails()
	switch {
	case y < lower.Y && s.EdgeLow:
		return lower.X, math.Log(lower.Slope)
	case y > upper.Y && s.EdgeHigh: // within the last cell, of a grid
		return upper.X - 1e-9*(upper.X-lower.X), math.Log(upper.Slope)
	case y < lower.Y:
		return lower.invert(y)
	case y > upper.Y:
		return upper.invert(y)
	}
	b := &s.bins[s.byY.below(y)]
	t := b.solve(y)
	_, d := b.at(t)
	return b.x + t*b.width, math.Log(d)
}

// bulk is the part of the latent values that must be fast.
const bulk = 2.5

// index makes of the knots what Apply and Invert look up.
func (s *quantile) index() {
	n := len(s.X) - 1
	s.bins = make([]bin, n)
	for k := range s.bins {
		s.bins[k] = newBin(s.X[k], s.X[k+1], s.Y[k], s.Y[k+1], s.Slope[k], s.Slope[k+1])
	}
	lo, hi := sort.SearchFloat64s(s.Y, -bulk), sort.SearchFloat64s(s.Y, bulk)
	lo, hi = max(lo, 1), max(min(hi, n-1), 1)
	s.byX, s.byY = newGuide(s.X[1:n], s.X[lo], s.X[hi]), newGuide(s.Y[1:n], s.Y[lo], s.Y[hi])
}

// tail is the map outside the knot (X, Y), where t = Slope (x-X) is the distance beyond it:
//
//	y = sqrt(Y^2 + 2 Index log(1 + t |Y|/Index)) with the sign of Y.
//
// It continues value and slope; a standard normal y makes the density of x a power law, t^-(Index+1) up to
// logarithms, so that an event at t costs about (Index+1) log(t) nats.
type tail struct {
	X, Y, Slope, Index float64
}

func (s *quantile) tails() (lower, upper tail) {
	last := len(s.X) - 1
	return tail{s.X[0], s.Y[0], s.Slope[0], s.Lower}, tail{s.X[last], s.Y[last], s.Slope[last], s.Upper}
}

func (t tail) apply(x float64) (y, logSlope float64) {
	a := math.Abs(t.Y)
	l := math.Log1p(math.Abs(x-t.X) * t.Slope * a / t.Index)
	y = math.Sqrt(a*a + 2*t.Index*l)
	return math.Copysign(y, t.Y), math.Log(t.Slope*a/y) - l
}

func (t tail) invert(y float64) (x, logSlope float64) {
	a := math.Abs(t.Y)
	if math.IsInf(t.Index, 0) { // straight
		return t.X + (y-t.Y)/t.Slope, math.Log(t.Slope)
	}
	l := min((math.Abs(y)-a)*(math.Abs(y)+a)/(2*t.Index), maxExp)
	d := math.Expm1(l) * t.Index / (t.Slope * a)
	return t.X + math.Copysign(d, t.Y), math.Log(t.Slope*a/math.Abs(y)) - l
}

// limits are the edges, infinite where there is none.
func (s *quantile) limits() (low, high float64) {
	low, high = math.Inf(-1), math.Inf(1)
	if s.EdgeLow {
		low = s.X[0]
	}
	if s.EdgeHigh {
		high = s.X[len(s.X)-1]
	}
	return low, high
}

func (s *quantile) check() error {
	n := len(s.X)
	if n < 2 || n > 4*maxKnots || len(s.Y) != n || len(s.Slope) != n {
		return fmt.Errorf("%d knots, %d values and %d slopes; there must be as many of each, 2 to %d", n, len(s.Y), len(s.Slope), 4*maxKnots)
	}
	if !finite(s.X...) || !finite(s.Y...) || !increasing(s.X) || !increasing(s.Y) || s.Y[0] >= 0 || s.Y[n-1] <= 0 || s.Y[n-1] > 40 || s.Y[0] < -40 {
		return errors.New("knots are not finite and increasing through 0")
	}
	for k := range n - 1 {
		width := s.X[k+1] - s.X[k]
		if secant := (s.Y[k+1] - s.Y[k]) / width; !finite(secant, 1/width) || secant <= 0 {
			return errors.New("knots are too close or too far apart")
		}
	}
	if !finite(s.Slope...) || slices.Min(s.Slope) <= 0 {
		return errors.New("slopes are not positive")
	}
	if !finite(s.Lower, s.Upper) || min(s.Lower, s.Upper) < 0.1 || max(s.Lower, s.Upper) > 100 {
		return errors.New("indices of the tails are not between 0.1 and 100")
	}
	s.index()
	return nil
}
