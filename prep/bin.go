package prep

import "math"

// bin is the rational quadratic between two knots, with slopes a and b at its ends in units of its secant: at fraction t
// of the width,
//
//	y = y0 + height (t^2 + a t(1-t)) / (1 + (a+b-2) t(1-t)).
type bin struct {
	x, width, perWidth, y, height float64

	rise, bend          float64 // a height and a+b-2
	left, middle, right float64 // slopes at the ends, and twice the secant
}

func newBin(x0, x1, y0, y1, left, right float64) bin {
	width, height := x1-x0, y1-y0
	secant := height / width
	a, b := left/secant, right/secant
	return bin{x0, width, 1 / width, y0, height, a * height, a + b - 2, left, 2 * secant, right}
}

// at is y and dy/dx at fraction t of the bin.
func (b *bin) at(t float64) (y, slope float64) {
	s := 1 - t
	u, v, w := t*s, t*t, s*s
	inv := 1 / (1 + b.bend*u)
	return b.y + (b.height*v+b.rise*u)*inv, (b.right*v + b.middle*u + b.left*w) * (inv * inv)
}

// solve is the fraction t of the bin where the spline is y: the root of p t^2 + q t - r in the form that cancels
// nowhere.
func (b *bin) solve(y float64) float64 {
	r := y - b.y
	e := r * b.bend
	p, q := b.height-b.rise+e, b.rise-e
	return min(2*r/(q+math.Sqrt(max(q*q+4*p*r, 0))), 1)
}
