package toy

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// Potential is an energy U(x1, x2) of table 1 of Rezende and Mohamed, arXiv:1505.05770: the density exp(-U), up to a factor, for
// flows that are trained without events.
//
// U2 to U4 go on for ever along x1; here exp(-U) falls beyond |x1| = 4, where the figures of the paper end, as a normal tail of width 0.4.
type Potential func(x1, x2 float64) (logProb, by1, by2 float64)

// potentials are U1 to U4.
var potentials = []Potential{u1, u2, u3, u4}

// PotentialNames lists U1 to U4.
func PotentialNames() []string { return []string{"U1", "U2", "U3", "U4"} }

// NewPotential returns one by its name.
func NewPotential(name string) (Potential, error) {
	i := slices.Index(PotentialNames(), name)
	if i < 0 {
		return nil, fmt.Errorf("toy: there is no potential %q; there is %s", name, strings.Join(PotentialNames(), ", "))
	}
	return potentials[i], nil
}

// LogProb is -U at x = (x1, x2). Where gradient is not nil, it is set to that of -U.
func (u Potential) LogProb(x, _, gradient []float64) float64 {
	logProb, by1, by2 := u(x[0], x[1])
	if gradient != nil {
		gradient[0], gradient[1] = by1, by2
	}
	return logProb
}

// LogIntegral is the logarithm of the integral of exp(-U) over the plane: of a sum over a grid, whose step of a tenth of the narrowest
// width errs by less than 1e-9.
func (u Potential) LogIntegral() float64 {
	sum := 0.0
	u.over(func(_, _, logProb float64) { sum += math.Exp(logProb) })
	return math.Log(sum * step * step)
}

const step = 0.03 // of the grid

// over visits the grid, of the plane as far as there is any density.
func (u Potential) over(visit func(x, y, logProb float64)) {
	const reach = 9.0
	for x := -reach; x <= reach; x += step {
		for y := -reach; y <= reach; y += step {
			logProb, _, _ := u(x, y)
			visit(x, y, logProb)
		}
	}
}

// u1 is a ring of radius 2 with two modes.
func u1(x, y float64) (v, byX, byY float64) {
	r := max(math.Hypot(x, y), math.SmallestNonzeroFloat64)
	right, left := (x-2)/0.6, (x+2)/0.6
	modes, share := mix(-right*right/2, -left*left/2)
	across := (r - 2) / 0.4
	byR := -across / 0.4 / r
	return modes - across*across/2, byR*x - (share*right+(1-share)*left)/0.6, byR * y
}

// u2 is a sine.
func u2(x, y float64) (v, byX, byY float64) { return bands(x, y, 0.4, 0, 0, 0.4) }

// u3 is a sine that a second one leaves by 3 about x1 = 1.
func u3(x, y float64) (v, byX, byY float64) {
	t := (x - 1) / 0.6
	w := 3 * math.Exp(-t*t/2)
	return bands(x, y, 0.35, w, -w*t/0.6, 0.35)
}

// u4 is a sine from which a second one goes down by 3 at x1 = 1.
func u4(x, y float64) (v, byX, byY float64) {
	s := 1 / (1 + math.Exp(-(x-1)/0.3))
	return bands(x, y, 0.4, 3*s, 3*s*(1-s)/0.3, 0.35)
}

// bands is log(exp(-(a/width)^2/2) + exp(-((a+w)/other)^2/2)), a = x2 - sin(pi x1/2), where dw is the slope of w; of one band where w and
// its slope are 0 for both widths alike, up to a constant.
func bands(x, y, width, w, dw, other float64) (v, byX, byY float64) {
	sin, cos := math.Sincos(math.Pi * x / 2)
	a := (y - sin) / width
	b := (y - sin + w) / other
	v, share := mix(-a*a/2, -b*b/2)
	byA, byB := -share*a/width, -(1-share)*b/other
	wall := max(math.Abs(x)-4, 0) / 0.4
	return v - wall*wall/2, byB*dw - (byA+byB)*cos*math.Pi/2 - math.Copysign(wall/0.4, x), byA + byB
}

// mix is log(e^a + e^b), and the share of e^a.
func mix(a, b float64) (sum, share float64) {
	sum = logAddExp(a, b)
	return sum, math.Exp(a - sum)
}
