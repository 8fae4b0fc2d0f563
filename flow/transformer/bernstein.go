package transformer

import (
	"github.com/sluice-hep/sluice/flow/tile"
	"github.com/sluice-hep/sluice/internal/kernel"
)

// Bernstein is the polynomial of degree M on [-Bound, Bound] with increasing coefficients (Hothorn, Most and Buehlmann, Scand. J.
// Statist. 45, 2018; as a flow Ramasinghe et al., arXiv:2102.03509, and Sick et al., arXiv:2004.00464),
//
//	z = Bound (2V-1),  V = sum_k theta_k B_k,M(t),  t = (x/Bound+1)/2,  B_k,M = binomial(M, k) t^k (1-t)^(M-k)
//
// with theta_0 = 0 and the increments d_k = 1e-3 + (1-1e-3 M) softmax, which sum to 1: it increases, and maps the interval onto
// itself. Outside it goes on along its tangents. The rows of h are the M raw increments. By the step of de Casteljau,
// V = sum_k B_k,M-1 (theta_k + t d_k), and dV/dt = M sum_k B_k,M-1 d_k, all of it positive. There is no closed inverse: ToData finds
// t by Newton's method, to the precision of float32.
type Bernstein struct {
	Degree   int
	Bound    float32
	binomial [2][]float32 // of M-1 and M-2
}

const (
	leastIncrement = 1e-3
	MostDegree     = 50
)

// NewBernstein returns one of so high a degree, from 2 to MostDegree.
func NewBernstein(degree int, bound float64) *Bernstein {
	b := &Bernstein{Degree: degree, Bound: float32(bound)}
	for i := range b.binomial {
		n, c := degree-1-i, 1.0
		for k := range n + 1 {
			b.binomial[i] = append(b.binomial[i], float32(c))
			c *= float64(n-k) / float64(k+1)
		}
	}
	return b
}

// Saved implements Transformer: increments, B_k,M-1, t, 1-t, V and dV/dt over M.
func (b *Bernstein) Saved() int { return 2*b.Degree + 4 }

// Identity implements Transformer: equal increments.
func (b *Bernstein) Identity() []float32 { return make([]float32, b.Degree) }

// Interval implements Bounded: the tangents outside keep no wider one.
func (b *Bernstein) Interval() tile.Interval { return tile.Interval{Bound: b.Bound} }

// share is the part of an increment that follows the softmax.
func (b *Bernstein) share() float32 { return 1 - leastIncrement*float32(b.Degree) }

// polynomial is one on a column of n events; d and basis are rows.
type polynomial struct {
	*Bernstein
	n           int
	d, basis    []float32
	t, rest     []float32 // rest is 1-t
	v, increase []float32
}

// polynomial takes up what is saved, and computes the increments where h is given.
func (b *Bernstein) polynomial(saved, h []float32, n int) polynomial {
	m, last := b.Degree, saved[2*b.Degree*kernel.Tile:]
	p := polynomial{b, n, tile.Rows(saved, 0, m), tile.Rows(saved, m, m), tile.Row(last, 0)[:n], tile.Row(last, 1)[:n], tile.Row(last, 2)[:n], tile.Row(last, 3)[:n]}
	if h != nil {
		tile.Softmax(p.d, h, m, n, leastIncrement/b.share())
		kernel.Scale(p.d, b.share())
	}
	return p
}

// place sets t and 1-t from x; what lies outside goes to the ends.
func (p *polynomial) place(x []float32) {
	for e, v := range x[:p.n] {
		v = max(min(v/p.Bound, 1), -1)
		p.t[e], p.rest[e] = 0.5*(1+v), 0.5*(1-v)
	}
}

// powers sets the rows of dst to c_k t^k (1-t)^(n-k), with n+1 the number of c.
func (p *polynomial) powers(dst, c []float32) {
	var power [kernel.Tile]float32
	for k, v := range c {
		if k == 0 {
			fill(power[:p.n], 1)
		}
		r := tile.Row(dst, k)[:p.n]
		copy(r, power[:])
		kernel.Scale(r, v)
		kernel.Mul(power[:p.n], power[:], p.t)
	}
	fill(power[:p.n], 1)
	for k := len(c) - 1; k >= 0; k-- {
		kernel.Mul(tile.Row(dst, k)[:p.n], tile.Row(dst, k), power[:])
		kernel.Mul(power[:p.n], power[:], p.rest)
	}
}

func fill(x []float32, v float32) {
	for i := range x {
		x[i] = v
	}
}

// value sets V, dV/dt over M, and logSlope to the logarithm of dV/dt.
func (p *polynomial) value(logSlope []float32) {
	var column [2][kernel.Tile]float32
	theta, next := column[0][:p.n], column[1][:p.n]
	p.powers(p.basis, p.binomial[0])
	clear(p.v)
	clear(p.increase)
	for k := range p.Degree {
		d, basis := tile.Row(p.d, k), tile.Row(p.basis, k)
		kernel.MulAdd(next, p.t, d, theta)
		kernel.MulAdd(p.v, basis, next, p.v)
		kernel.MulAdd(p.increase, basis, d, p.increase)
		kernel.Add(theta, d)
	}
	copy(logSlope[:p.n], p.increase)
	kernel.Scale(logSlope[:p.n], float32(p.Degree))
	kernel.Log(logSlope[:p.n], logSlope[:p.n])
}

// tail is the end of the interval that x lies beyond, 1 or -1; 0 within.
func (b *Bernstein) tail(x float32) float32 {
	switch {
	case x > b.Bound:
		return 1
	case x < -b.Bound:
		return -1
	}
	return 0
}

// ToLatent implements Transformer.
func (b *Bernstein) ToLatent(f *tile.Feature) {
	var slope [kernel.Tile]float32
	p := b.polynomial(f.Saved, f.H, f.N)
	p.place(f.X)
	p.value(slope[:])
	kernel.Add(f.LogDet[:f.N], slope[:])
	for e, x := range f.X[:f.N] {
		f.Z[e] = b.Bound * (2*p.v[e] - 1)
		if end := b.tail(x); end != 0 {
			f.Z[e] = end*b.Bound + float32(b.Degree)*p.increase[e]*(x-end*b.Bound)
		}
	}
}

// Backward implements Transformer. dV/dd_k is t B_k and all B above, and that of dV/dt over M is B_k; d(dV/dt)/dt over M is
// (M-1) sum_k B_k,M-2 (d_k+1 - d_k).
func (b *Bernstein) Backward(f *tile.Feature) {
	var column [5][kernel.Tile]float32
	var lower [MostDegree * kernel.Tile]float32
	p, m := b.polynomial(f.Saved, nil, f.N), float32(b.Degree)
	byV, bySlope, above, both, bend := column[0][:f.N], column[1][:f.N], column[2][:f.N], column[3][:f.N], column[4][:f.N]
	for e, dz := range f.D[:f.N] {
		byV[e], bySlope[e] = 2*b.Bound*dz, f.DLogDet[e]/p.increase[e]
		if end := b.tail(f.X[e]); end != 0 { // of the end, V is fixed and the increment counts
			byV[e], bySlope[e] = 0, bySlope[e]+dz*m*(f.X[e]-end*b.Bound)
		}
	}
	kernel.MulAdd(both, byV, p.t, bySlope)
	p.powers(lower[:], b.binomial[1])
	for k := b.Degree - 1; k >= 0; k-- {
		dh, basis := tile.Row(f.DH, k)[:f.N], tile.Row(p.basis, k)
		kernel.Mul(dh, byV, above)
		kernel.MulAdd(dh, basis, both, dh)
		kernel.Add(above, basis)
		if k > 0 {
			low := tile.Row(lower[:], k-1)
			kernel.MulAdd(bend, low, tile.Row(p.d, k), bend)
			kernel.Mul(low, low, tile.Row(p.d, k-1))
			kernel.Axpy(bend, -1, low[:f.N])
		}
	}
	for e, dz := range f.D[:f.N] {
		f.D[e] = dz * m * p.increase[e]
		if b.tail(f.X[e]) == 0 {
			f.D[e] += bySlope[e] * (m - 1) * bend[e] / (2 * b.Bound)
		}
	}
	// the softmax is (d - 1e-3)/share, and the gradient by it share times that by d
	kernel.Scale(f.DH, b.share())
	tile.AddTo(p.d, -leastIncrement)
	kernel.Scale(p.d, 1/b.share())
	tile.SoftmaxBackward(f.DH, p.d, b.Degree, f.N)
}

// bernsteinScratch takes the place of what is saved.
var bernsteinScratch = newScratch(2*MostDegree + 4)

// ToData implements Transformer.
func (b *Bernstein) ToData(f *tile.Feature) {
	scratch := bernsteinScratch.Get().(*[]float32)
	defer bernsteinScratch.Put(scratch)
	var slope [kernel.Tile]float32
	var s tile.Search
	p := b.polynomial(*scratch, f.H, f.N)
	for e, z := range f.Z[:f.N] {
		s.Z[e], s.Lo[e], s.Hi[e] = 0.5*(1+max(min(z/b.Bound, 1), -1)), 0, 1
	}
	s.Begin(p.t)
	for more := true; more; {
		for e, t := range p.t {
			p.rest[e] = 1 - t
		}
		p.value(slope[:])
		more = s.Step(p.t, p.v, slope[:])
	}
	kernel.Axpy(f.LogDet[:f.N], -1, slope[:])
	for e, z := range f.Z[:f.N] {
		f.X[e] = b.Bound * (2*p.t[e] - 1)
		if end := b.tail(z); end != 0 {
			f.X[e] = end*b.Bound + (z-end*b.Bound)/(float32(b.Degree)*p.increase[e])
		}
	}
}
