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
// Knots are the largest number of intervals wanted; fewer are used where fewer describe the distribution.
type quantile struct {
	Knots int       `json:"knots"`
	X     []float64 `json:"x"`     // knots
	Y     []float64 `json:"y"`     // their normal quantiles
	Slope []float64 `json:"slope"` // dy/dx at the knots
	// Shape of the lower and the upper tail: the index of the power law, see tail.
	Lower float64 `json:"lower"`
	Upper float64 `json:"upper"`
}

const maxKnots = 1024

func (s *quantile) Kind() string { return "quantile" }

func (s *quantile) Apply(x, logDet []float64) {
	lower, upper := s.tails()
	last := len(s.X) - 1
	for i, v := range x {
		var d float64
		switch {
		case v < s.X[0]:
			x[i], d = lower.apply(v)
		case v > s.X[last]:
			x[i], d = upper.apply(v)
		default:
			k := bin(s.X, v)
			x[i], d = s.spline(k, (v-s.X[k])/(s.X[k+1]-s.X[k]))
		}
		if logDet != nil {
			logDet[i] += d
		}
	}
}

func (s *quantile) Invert(y, logDet []float64) {
	lower, upper := s.tails()
	last := len(s.Y) - 1
	for i, v := range y {
		var d float64
		switch {
		case v < s.Y[0]:
			y[i], d = lower.invert(v)
		case v > s.Y[last]:
			y[i], d = upper.invert(v)
		default:
			k := bin(s.Y, v)
			t := s.solve(k, v)
			_, d = s.spline(k, t)
			y[i] = s.X[k] + t*(s.X[k+1]-s.X[k])
		}
		if logDet != nil {
			logDet[i] -= d
		}
	}
}

// bin is k with knots[k] <= v <= knots[k+1].
func bin(knots []float64, v float64) int {
	return max(sort.SearchFloat64s(knots[:len(knots)-1], v)-1, 0)
}

// spline is y and log(dy/dx) at fraction t of bin k.
func (s *quantile) spline(k int, t float64) (y, logSlope float64) {
	height := s.Y[k+1] - s.Y[k]
	secant := height / (s.X[k+1] - s.X[k])
	a, b := s.Slope[k]/secant, s.Slope[k+1]/secant
	u := t * (1 - t)
	den := 1 + (a+b-2)*u
	y = s.Y[k] + height*(t*t+a*u)/den
	return y, math.Log(secant * (b*t*t + 2*u + a*(1-t)*(1-t)) / (den * den))
}

// solve is the fraction t of bin k where the spline is y: the root of a t^2 + b t + c in the form
// that cancels nowhere.
func (s *quantile) solve(k int, y float64) float64 {
	height := s.Y[k+1] - s.Y[k]
	secant := height / (s.X[k+1] - s.X[k])
	d0, d1 := s.Slope[k]/secant, s.Slope[k+1]/secant
	r := (y - s.Y[k]) / height
	e := r * (d0 + d1 - 2)
	a, b, c := 1-d0+e, d0-e, -r
	return min(2*c/(-b-math.Sqrt(max(b*b-4*a*c, 0))), 1)
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
	l := min((math.Abs(y)-a)*(math.Abs(y)+a)/(2*t.Index), maxExp)
	d := math.Expm1(l) * t.Index / (t.Slope * a)
	return t.X + math.Copysign(d, t.Y), math.Log(t.Slope*a/math.Abs(y)) - l
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
		if secant := (s.Y[k+1] - s.Y[k]) / (s.X[k+1] - s.X[k]); !finite(secant) || secant <= 0 {
			return errors.New("knots are too close or too far apart")
		}
	}
	if !finite(s.Slope...) || slices.Min(s.Slope) <= 0 {
		return errors.New("slopes are not positive")
	}
	if !finite(s.Lower, s.Upper) || min(s.Lower, s.Upper) < 0.1 || max(s.Lower, s.Upper) > 100 {
		return errors.New("indices of the tails are not between 0.1 and 100")
	}
	return nil
}
