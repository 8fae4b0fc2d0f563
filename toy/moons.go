package toy

import (
	"math"

	"gonum.org/v1/gonum/integrate/quad"

	"github.com/sluice-hep/sluice/internal/rng"
)

// moons is with equal chance (cos t, sin t) or (1 - cos t, 1/2 - sin t), t uniform on [0, pi], plus
// N(0, sigma^2 I).
type moons struct {
	sigma          float64
	nodes, weights []float64 // Gauss-Legendre on [0, 1]
}

// panelNodes resolve an integrand that falls by e^-reach over the panel, monotonically, to 1e-14.
const (
	panelNodes = 32
	reach      = 45 // e^-45 is below the rounding of the integral
)

func newMoons(sigma float64) *moons {
	m := &moons{sigma: sigma, nodes: make([]float64, panelNodes), weights: make([]float64, panelNodes)}
	quad.Legendre{}.FixedLocations(m.nodes, m.weights, 0, 1)
	return m
}

func (*moons) label() string { return "moon" }

func (m *moons) draw(x1, x2, part []float32, seed uint64) {
	rng.Normal(x1, seed, rng.StreamToy, 0, 0) // columns 0 and 1 share block 0; 1 and 2 below are blocks
	rng.Normal(x2, seed, rng.StreamToy, 1, 0)
	const chunk = 1024
	var moon, angle [chunk]float64
	for first := 0; first < len(part); first += chunk {
		n := min(chunk, len(part)-first)
		rng.Uniform(moon[:n], seed, rng.StreamToy, 1, uint64(first))
		rng.Uniform(angle[:n], seed, rng.StreamToy, 2, uint64(first))
		for k := range n {
			i := first + k
			s, c := math.Sincos(math.Pi * angle[k])
			if moon[k] >= 0.5 {
				part[i], c, s = 1, 1-c, 0.5-s
			}
			x1[i] = float32(c + m.sigma*float64(x1[i]))
			x2[i] = float32(s + m.sigma*float64(x2[i]))
		}
	}
}

func (m *moons) moments() (mean, variance [2]float64) {
	s2 := m.sigma * m.sigma
	return [2]float64{0.5, 0.25}, [2]float64{0.75 + s2, 0.5625 - 1/math.Pi + s2}
}

func (m *moons) logDensity(part int, x, y float64) float64 {
	if part == 1 {
		x, y = 1-x, 0.5-y
	}
	return m.upper(x, y)
}

// upper is the log density about the upper half circle. In polar coordinates (r, phi) of the point,
//
//	p = 1/(2 pi^2 sigma^2) exp(-(r-1)^2 / 2 sigma^2) int_0^pi exp(-kappa (1 - cos(t-phi))) dt,  kappa = r/sigma^2.
//
// The integrand is even about phi and about the point opposite, so what lies on either side of these is an
// integral over the angle d from phi: from 0 for a point above, from the nearer end of the arc for one below.
func (m *moons) upper(x, y float64) float64 {
	r, phi := math.Hypot(x, y), math.Atan2(y, x)
	kappa := r / (m.sigma * m.sigma)
	var arc float64
	if phi >= 0 {
		arc = logAddExp(m.panel(kappa, 0, phi), m.panel(kappa, 0, math.Pi-phi))
	} else {
		arc = logAddExp(m.panel(kappa, -phi, math.Pi), m.panel(kappa, math.Pi+phi, math.Pi))
	}
	d := (r - 1) / m.sigma
	return arc - d*d/2 - math.Log(2*math.Pi*math.Pi*m.sigma*m.sigma)
}

// panel is log int_a^b exp(-kappa (1 - cos d)) dd for 0 <= a <= b <= pi. Its largest value, at a, is taken
// out, and the range cut where the rest is below e^-reach: with 1 - cos d = 2 sin^2(d/2),
// sin^2(d/2) = sin^2(a/2) + reach/(2 kappa).
func (m *moons) panel(kappa, a, b float64) float64 {
	sa := math.Sin(a / 2)
	width := b - a
	if s2 := sa*sa + reach/(2*kappa); s2 < 1 {
		// far away the difference loses its digits; the slope is at most kappa, so reach/kappa bounds it
		width = min(width, max(2*math.Asin(math.Sqrt(s2))-a, reach/kappa))
	}
	if width <= 0 {
		return math.Inf(-1)
	}
	var s float64
	sinA, cosA := math.Sincos(a)
	for i, u := range m.nodes {
		sin, cos := math.Sincos(width * u / 2)
		// cos a - cos d = 2 sin((d+a)/2) sin((d-a)/2), without cancellation
		s += m.weights[i] * math.Exp(-2*kappa*(sinA*cos+cosA*sin)*sin)
	}
	return math.Log(width*s) - 2*kappa*sa*sa
}

// entropy sums -p log p over a grid. Where the density is smooth on the scale of sigma the sum converges at a
// step of 1 already; where the moons meet, log p bends faster: a step of 0.4 errs by 4e-8 at sigma = 0.1, and
// 0.25 by 4e-12. The moons are each other's point reflection, so the upper one's events stand for all.
func (m *moons) entropy() (whole, givenPart float64) {
	const step, tails = 0.25, 9.0 // in sigma; a normal tail beyond 9 sigma is below 1e-18
	h := step * m.sigma
	lo, hi := -1-tails*m.sigma, 2+tails*m.sigma
	for x := lo; x <= hi; x += h {
		for y := -0.5 - tails*m.sigma; y <= 1+tails*m.sigma; y += h {
			if !m.nearUpper(x, y, tails) {
				continue
			}
			a := m.upper(x, y)
			whole -= math.Exp(a) * (logAddExp(a, m.upper(1-x, 0.5-y)) - math.Ln2)
			givenPart -= math.Exp(a) * a
		}
	}
	return whole * h * h, givenPart * h * h
}

// nearUpper tells whether a point is within so many sigma of the upper half circle.
func (m *moons) nearUpper(x, y, sigmas float64) bool {
	far := sigmas * m.sigma
	if y >= 0 {
		return math.Abs(math.Hypot(x, y)-1) <= far
	}
	return math.Hypot(math.Abs(x)-1, y) <= far
}
