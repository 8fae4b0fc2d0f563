package flow

import (
	"math"

	"github.com/sluice-hep/sluice/internal/kernel"
)

// Bernstein is the polynomial of degree M on [-Bound, Bound] with increasing coefficients (Hothorn, Most and Buehlmann, Scand. J.
// Statist. 45, 2018; as a flow Ramasinghe et al., arXiv:2102.03509, and Sick et al., arXiv:2004.00464),
//
//	z = Bound (2V-1),  V = sum_k theta_k B_k,M(t),  t = (x/Bound+1)/2,  B_k,M = binomial(M, k) t^k (1-t)^(M-k)
//
// with theta_0 = 0 and the increments d_k = 1e-3 + (1-1e-3 M) softmax, which sum to 1: it increases, and maps the interval onto
// itself. Outside it goes on along its tangents. The rows of h are the M raw increments. By the step of de Casteljau,
// V = sum_k B_k,M-1 (theta_k + t d_k), and dV/dt = M sum_k B_k,M-1 d_k, all of it positive.
type Bernstein struct {
	Degree   int
	Bound    float32
	binomial [2][]float64 // of M-1 and M-2
}

const leastIncrement = 1e-3

// NewBernstein returns one of so high a degree, from 2 to mostDegree.
func NewBernstein(degree int, bound float64) *Bernstein {
	b := &Bernstein{Degree: degree, Bound: float32(bound)}
	for i := range b.binomial {
		n, c := degree-1-i, 1.0
		for k := range n + 1 {
			b.binomial[i] = append(b.binomial[i], c)
			c *= float64(n-k) / float64(k+1)
		}
	}
	return b
}

const mostDegree = 50 // powers of 1e-6 are normal numbers up to there

// Saved implements Transformer: the increments.
func (b *Bernstein) Saved() int { return b.Degree }

// Identity implements Transformer: equal increments.
func (b *Bernstein) Identity() []float32 { return make([]float32, b.Degree) }

// Interval implements Bounded: the tangents outside keep no wider one.
func (b *Bernstein) Interval() Interval { return Interval{Bound: b.Bound} }

// share is the part of an increment that follows the softmax.
func (b *Bernstein) share() float32 { return 1 - leastIncrement*float32(b.Degree) }

// increments sets d to those of n events; they may take the place of h.
func (b *Bernstein) increments(d, h []float32, n int) {
	softmax(d, h, b.Degree, n, 0)
	for j := range b.Degree {
		r := row(d, j)[:n]
		kernel.Scale(r, b.share())
		addTo(r, leastIncrement)
	}
}

// bernsteinPoint is the polynomial of one event, whose increments are a column of d, at one place.
type bernsteinPoint struct {
	*Bernstein
	d        []float32
	up, down [mostDegree]float64 // powers of t and 1-t
	v, slope float64             // V and dV/dt
}

func (p *bernsteinPoint) at(t float64) {
	up, down := 1.0, 1.0
	for k := range p.Degree {
		p.up[k], p.down[k] = up, down
		up, down = up*t, down*(1-t)
	}
	var theta float64
	p.v, p.slope = 0, 0
	for k, c := range p.binomial[0] {
		d, basis := float64(p.d[k*kernel.Tile]), c*p.up[k]*p.down[p.Degree-1-k]
		p.v += basis * (theta + t*d)
		p.slope += basis * d
		theta += d
	}
	p.slope *= float64(p.Degree)
}

// tail returns the end of the interval that x lies beyond, 1 or -1, and the slope there; 0 within.
func (p *bernsteinPoint) tail(x float32) (end, slope float64) {
	switch {
	case x > p.Bound:
		return 1, float64(p.Degree) * float64(p.d[(p.Degree-1)*kernel.Tile])
	case x < -p.Bound:
		return -1, float64(p.Degree) * float64(p.d[0])
	}
	return 0, 0
}

func (b *Bernstein) unit(x float32) float64 { return 0.5 * (float64(x)/float64(b.Bound) + 1) }

// ToLatent implements Transformer.
func (b *Bernstein) ToLatent(f *Feature) {
	b.increments(f.Saved, f.H, f.N)
	p, bound := bernsteinPoint{Bernstein: b}, float64(b.Bound)
	for e, x := range f.X[:f.N] {
		p.d = f.Saved[e:]
		if end, slope := p.tail(x); end != 0 {
			f.Z[e] = float32(end*bound + slope*(float64(x)-end*bound))
			f.LogDet[e] += float32(math.Log(slope))
			continue
		}
		p.at(b.unit(x))
		f.Z[e] = float32(bound * (2*p.v - 1))
		f.LogDet[e] += float32(math.Log(p.slope))
	}
}

// Backward implements Transformer.
func (b *Bernstein) Backward(f *Feature) {
	p, bound, m := bernsteinPoint{Bernstein: b}, float64(b.Bound), float64(b.Degree)
	for e, x := range f.X[:f.N] {
		p.d = f.Saved[e:]
		dz, dl, dh := float64(f.D[e]), float64(f.DLogDet[e]), f.DH[e:]
		if end, slope := p.tail(x); end != 0 {
			for k := range b.Degree {
				dh[k*kernel.Tile] = 0
			}
			last := (b.Degree - 1) * int(end+1) / 2
			dh[last*kernel.Tile] = float32(dz*m*(float64(x)-end*bound) + dl*m/slope)
			f.D[e] = float32(dz * slope)
			continue
		}
		t := b.unit(x)
		p.at(t)
		above, byV, bySlope := 0.0, 2*bound*dz, m*dl/p.slope
		for k := b.Degree - 1; k >= 0; k-- { // dV/dd_k is t B_k and all B above, d slope/dd_k is M B_k
			basis := b.binomial[0][k] * p.up[k] * p.down[b.Degree-1-k]
			dh[k*kernel.Tile] = float32(byV*(above+t*basis) + bySlope*basis)
			above += basis
		}
		var bend float64
		for k, c := range b.binomial[1] {
			bend += c * p.up[k] * p.down[b.Degree-2-k] * float64(p.d[(k+1)*kernel.Tile]-p.d[k*kernel.Tile])
		}
		f.D[e] = float32(dz*p.slope + bySlope*(m-1)*bend/(2*bound))
	}
	for j := range b.Degree {
		kernel.Scale(row(f.DH, j)[:f.N], b.share())
		r := row(f.Saved, j)[:f.N]
		addTo(r, -leastIncrement)
		kernel.Scale(r, 1/b.share())
	}
	softmaxBackward(f.DH, f.Saved, b.Degree, f.N)
}

// ToData implements Transformer.
func (b *Bernstein) ToData(f *Feature) {
	b.increments(f.H, f.H, f.N)
	p, bound := bernsteinPoint{Bernstein: b}, float64(b.Bound)
	for e, z := range f.Z[:f.N] {
		p.d = f.H[e:]
		if end, slope := p.tail(z); end != 0 {
			f.X[e] = float32(end*bound + (float64(z)-end*bound)/slope)
			f.LogDet[e] -= float32(math.Log(slope))
			continue
		}
		f.X[e] = float32(bound * (2*p.root(b.unit(z)) - 1))
		f.LogDet[e] -= float32(math.Log(p.slope))
	}
}

// root is t where V is v: Newton's steps, or halves of the bracket where these leave it.
func (p *bernsteinPoint) root(v float64) float64 {
	lo, hi, t := 0.0, 1.0, v
	for range 60 {
		p.at(t)
		if p.v > v {
			hi = t
		} else {
			lo = t
		}
		next := t - (p.v-v)/p.slope
		if !(next > lo && next < hi) {
			next = (lo + hi) / 2
		}
		if math.Abs(next-t) < 1e-12 {
			break
		}
		t = next
	}
	return t
}
