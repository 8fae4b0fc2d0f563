package transformer

import (
	"math"

	"github.com/sluice-hep/sluice/flow/tile"
	"github.com/sluice-hep/sluice/internal/kernel"
)

// CircularSpline is the map of an angle on the circle [-Bound, Bound], whose ends are one point (Rezende et al.,
// arXiv:2002.02428): z = f(x + phase), taken into the circle, with f the spline of arXiv:1906.04032 that has one derivative at
// both ends. The density is continuous across them. The rows of h are K raw widths, K raw heights, the K-1 raw derivatives at
// the inner knots, that of the ends, and the phase. Outside, where no angle is, it is the identity.
type CircularSpline struct{ spline kernel.Spline }

// NewCircularSpline returns one of so many bins.
func NewCircularSpline(bins int, bound float64) *CircularSpline {
	return &CircularSpline{kernel.Spline{Bins: bins, Bound: float32(bound), Circular: true}}
}

// Saved implements Transformer: the spline's, and x + phase.
func (c *CircularSpline) Saved() int { return c.spline.SavedRows() + 1 }

// Identity implements Transformer.
func (c *CircularSpline) Identity() []float32 { return append(unitSlopes(c.spline), 0) }

// Circle implements Angular.
func (c *CircularSpline) Circle() float32 { return c.spline.Bound }

// Interval implements Bounded.
func (c *CircularSpline) Interval() tile.Interval {
	return tile.Interval{Bound: c.spline.Bound, Wider: true}
}

// turn sets dst to src turned by sign*phase; outside of the circle it is src.
func (c *CircularSpline) turn(dst, src, phase []float32, sign float64) {
	bound := float64(c.spline.Bound)
	for e, v := range src {
		if c.inside(v) {
			u := float64(v) + sign*wrap(float64(phase[e]), bound)
			v = float32(wrap(u, bound))
		}
		dst[e] = v
	}
}

// wrap takes an angle to [-bound, bound].
func wrap(x, bound float64) float64 {
	return max(min(x-2*bound*math.RoundToEven(x/(2*bound)), bound), -bound)
}

func (c *CircularSpline) inside(v float32) bool { return max(v, -v) <= c.spline.Bound }

func (c *CircularSpline) phase(h []float32, n int) []float32 {
	return tile.Row(h, c.spline.ParamRows())[:n]
}

// ToLatent implements Transformer.
func (c *CircularSpline) ToLatent(f *tile.Feature) {
	u := tile.Row(f.Saved, c.spline.SavedRows())
	c.turn(u, f.X[:f.N], c.phase(f.H, f.N), 1)
	c.spline.ToLatent(f.Z, f.LogDet, u, f.H, f.Saved, f.N)
}

// Backward implements Transformer.
func (c *CircularSpline) Backward(f *tile.Feature) {
	u := tile.Row(f.Saved, c.spline.SavedRows())
	c.spline.Backward(f.D, f.DH, f.D, f.DLogDet, u, f.H, f.Saved, f.N)
	for e, dx := range f.D[:f.N] {
		if !c.inside(u[e]) {
			dx = 0
		}
		c.phase(f.DH, f.N)[e] = dx
	}
}

// ToData implements Transformer.
func (c *CircularSpline) ToData(f *tile.Feature) {
	c.spline.ToData(f.X, f.LogDet, f.Z, f.H, f.N)
	c.turn(f.X, f.X[:f.N], c.phase(f.H, f.N), -1)
}
