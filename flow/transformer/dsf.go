package transformer

import (
	"math"
	"sync"

	"github.com/sluice-hep/sluice/flow/tile"
	"github.com/sluice-hep/sluice/internal/kernel"
)

// Sigmoidal is the deep sigmoidal flow of neural autoregressive flows (Huang et al., arXiv:1804.00779): layer after layer
//
//	z = logit(S),  S = sum_h w_h sigmoid(u_h),  u_h = a_h x + b_h,  a = softplus + 1e-3,  w = softmax.
//
// The rows of h are, of each layer, Units raw a, Units b and Units raw w. There is no closed inverse: ToData finds x by
// Newton's method within a bracket, to the precision of float32.
//
// So that neither S nor 1-S is lost far outside, with c what all u_h are beyond 40 or below -40, else 0, and
// g_h = exp(u_h-c), alpha = exp(-c) and beta = 1 for c > 0, and 1 and exp(c) for c < 0,
//
//	sigmoid(u_h) = beta up_h,  sigmoid(-u_h) = alpha down_h,  up_h = g_h/(alpha + beta g_h),  down_h = 1/(alpha + beta g_h)
//	z = log A - log B + c,  log dz/dx = log C - log A - log B
//
// where A, B and C are the sums of w_h up_h, w_h down_h and w_h a_h up_h down_h.
type Sigmoidal struct {
	Units, Layers int
	Floor         float32 // of a
}

// NewSigmoidal returns one of so many units in each layer.
func NewSigmoidal(units, layers int) *Sigmoidal { return &Sigmoidal{units, layers, 1e-3} }

const (
	leastShare    = 1e-12 // of w_h, so that no sum is a denormal number
	flatSlope     = 1e-20 // of C: below, where the map is flat, the gradient of the slope would overflow, and is left out
	sigmoidalNear = 40    // exp of it, and one over that, leave room in a float32
	MostUnits     = 128   // of a layer
)

// sigmoidalRows are the rows that a layer saves before those of its units: x, alpha, beta, A, B and C. Each unit has w, a, up
// and down.
const sigmoidalRows = 6

func (s *Sigmoidal) perLayer() int { return sigmoidalRows + 4*s.Units }

// Saved implements Transformer.
func (s *Sigmoidal) Saved() int { return s.Layers * s.perLayer() }

// Identity implements Transformer: all units alike; what the network adds tells them apart.
func (s *Sigmoidal) Identity() []float32 {
	h := make([]float32, 3*s.Units*s.Layers)
	for l := range s.Layers {
		for u := range s.Units {
			h[3*s.Units*l+u] = float32(math.Log(math.Expm1(1 - float64(s.Floor))))
		}
	}
	return h
}

// sigmoidalLayer is one layer on a column of n events; h are its parameters, a, b, w and so on rows of its units.
type sigmoidalLayer struct {
	units, n             int
	h, b, w, a, up, down []float32
	x, alpha, beta       []float32
	sumA, sumB, sumC     []float32
}

// layer takes up layer l with what it saves, and computes w and a where that is new.
func (s *Sigmoidal) layer(l, n int, h, saved []float32, fresh bool) sigmoidalLayer {
	k := s.Units
	h, own := tile.Rows(h, 3*l*k, 3*k), saved[sigmoidalRows*kernel.Tile:]
	layer := sigmoidalLayer{
		units: k, n: n, h: h, b: tile.Rows(h, k, k), w: tile.Rows(own, 0, k), a: tile.Rows(own, k, k), up: tile.Rows(own, 2*k, k), down: tile.Rows(own, 3*k, k),
		x: tile.Row(saved, 0)[:n], alpha: tile.Row(saved, 1)[:n], beta: tile.Row(saved, 2)[:n], sumA: tile.Row(saved, 3)[:n], sumB: tile.Row(saved, 4)[:n], sumC: tile.Row(saved, 5)[:n],
	}
	if fresh {
		tile.Softmax(layer.w, tile.Rows(h, 2*k, k), k, n, leastShare)
		kernel.Softplus(layer.a, h[:k*kernel.Tile])
		tile.AddTo(layer.a, s.Floor)
	}
	return layer
}

// value sets z and logSlope from x, and what backward needs.
func (l *sigmoidalLayer) value(z, logSlope []float32) {
	var center [kernel.Tile]float32
	c := center[:l.n]
	l.arguments(c)
	for e, v := range c {
		l.alpha[e], l.beta[e] = min(-v, 0), min(v, 0)
	}
	kernel.Exp(l.alpha, l.alpha)
	kernel.Exp(l.beta, l.beta)
	clear(l.sumA)
	clear(l.sumB)
	clear(l.sumC)
	for unit := range l.units {
		kernel.SigmoidalForward(tile.Row(l.up, unit)[:l.n], tile.Row(l.down, unit), tile.Row(l.w, unit), tile.Row(l.a, unit), l.alpha, l.beta, l.sumA, l.sumB, l.sumC)
	}
	var logB [kernel.Tile]float32
	kernel.Log(z[:l.n], l.sumA)
	kernel.Log(logB[:l.n], l.sumB)
	kernel.Log(logSlope[:l.n], l.sumC)
	for e := range c {
		if l.sumC[e] < leastSlope {
			logSlope[e], l.sumC[e] = l.flat(e), leastSlope
		}
		logSlope[e] -= z[e] + logB[e]
		z[e] += c[e] - logB[e]
	}
}

// leastSlope is where a sum of small slopes is done in float64.
const leastSlope = 1e-35

// arguments leaves u-c in up, and says what c is.
func (l *sigmoidalLayer) arguments(c []float32) {
	near := true
	for unit := range l.units {
		u := tile.Row(l.up, unit)[:l.n]
		kernel.MulAdd(u, tile.Row(l.a, unit), l.x, tile.Row(l.b, unit))
		near = near && kernel.SquaredNorm(u) < sigmoidalNear*sigmoidalNear
	}
	if near { // as below, where all c are 0
		return
	}
	var lowest, highest [kernel.Tile]float32
	copy(lowest[:], tile.Row(l.up, 0))
	copy(highest[:], tile.Row(l.up, 0))
	for unit := range l.units {
		for e, v := range tile.Row(l.up, unit)[:l.n] {
			lowest[e], highest[e] = min(lowest[e], v), max(highest[e], v)
		}
	}
	for e := range c {
		c[e] = max(lowest[e]-sigmoidalNear, 0) + min(highest[e]+sigmoidalNear, 0)
	}
	for unit := range l.units {
		kernel.Axpy(tile.Row(l.up, unit)[:l.n], -1, c)
	}
}

// flat is log C of an event between units that are all far off.
func (l *sigmoidalLayer) flat(e int) float32 {
	top, sum := math.Inf(-1), 0.0
	for unit := range l.units {
		at := unit*kernel.Tile + e
		u := math.Abs(float64(l.a[at])*float64(l.x[e]) + float64(l.b[at]))
		t := math.Log(float64(l.w[at])*float64(l.a[at])) - u - 2*math.Log1p(math.Exp(-u))
		if t > top {
			top, sum = t, sum*math.Exp(top-t)
		}
		sum += math.Exp(t - top)
	}
	return float32(top + math.Log(sum))
}

// ToLatent implements Transformer.
func (s *Sigmoidal) ToLatent(f *tile.Feature) {
	var slope [kernel.Tile]float32
	x := f.X
	for i := range s.Layers {
		l := s.layer(i, f.N, f.H, tile.Rows(f.Saved, i*s.perLayer(), s.perLayer()), true)
		copy(l.x, x)
		l.value(f.Z, slope[:])
		kernel.Add(f.LogDet[:f.N], slope[:])
		x = f.Z
	}
}

// Backward implements Transformer.
func (s *Sigmoidal) Backward(f *tile.Feature) {
	for i := s.Layers - 1; i >= 0; i-- {
		l := s.layer(i, f.N, f.H, tile.Rows(f.Saved, i*s.perLayer(), s.perLayer()), false)
		l.backward(f.D[:f.N], tile.Rows(f.DH, 3*i*s.Units, 3*s.Units), f.DLogDet)
	}
}

// backward turns d, the gradient of z, into that of x, and sets dh. With g_h = w_h up_h down_h,
//
//	dz/du_h = g_h/(A B),  dlog z'/du_h = g_h (a_h (alpha down_h - beta up_h)/C - alpha/A + beta/B),  dlog z'/da_h = g_h/C + x dlog z'/du_h
//
// and by the raw w_h w_h times the derivative by w_h less the mean of these, which is 0 of z and -1 of log z'.
func (l *sigmoidalLayer) backward(d, dh, dLogDet []float32) {
	var column [6][kernel.Tile]float32
	p, q, r, s, dx, slope := column[0][:l.n], column[1][:l.n], column[2][:l.n], column[3][:l.n], column[4][:l.n], column[5][:l.n]
	for e, dz := range d {
		a, b, dl := 1/l.sumA[e], 1/l.sumB[e], dLogDet[e]
		p[e], q[e] = dz*a*b-dl*(l.alpha[e]*a-l.beta[e]*b), dl/l.sumC[e]
		if l.sumC[e] < flatSlope {
			q[e] = 0
		}
		r[e], s[e] = (dz-dl)*a, (dz+dl)*b
	}
	for unit := range l.units {
		w, a, up, down := tile.Row(l.w, unit), tile.Row(l.a, unit), tile.Row(l.up, unit), tile.Row(l.down, unit)
		da, db, dw := tile.Row(dh, unit)[:l.n], tile.Row(dh, l.units+unit)[:l.n], tile.Row(dh, 2*l.units+unit)[:l.n]
		kernel.SigmoidalBackward(db, da, w, a, up, down, p, q, l.alpha, l.beta)
		kernel.SigmoidalShares(dw, w, a, up, down, da, r, s, dLogDet)
		kernel.MulAdd(dx, db, a, dx)
		kernel.MulAdd(da, db, l.x, da)
		kernel.Sigmoid(slope, tile.Row(l.h, unit)[:l.n])
		kernel.Mul(da, da, slope)
	}
	copy(d, dx)
}

// sigmoidalScratch takes the place of what a layer saves.
var sigmoidalScratch = newScratch(sigmoidalRows + 4*MostUnits)

// ToData implements Transformer.
func (s *Sigmoidal) ToData(f *tile.Feature) {
	scratch := sigmoidalScratch.Get().(*[]float32)
	defer sigmoidalScratch.Put(scratch)
	var slope [kernel.Tile]float32
	z := f.Z
	for i := s.Layers - 1; i >= 0; i-- {
		l := s.layer(i, f.N, f.H, *scratch, true)
		l.solve(f.X, z, slope[:])
		kernel.Axpy(f.LogDet[:f.N], -1, slope[:])
		z = f.X
	}
}

// solve finds the x of a column z, which lies between the least and the largest u.
func (l *sigmoidalLayer) solve(x, z, logSlope []float32) {
	var s tile.Search
	var y [kernel.Tile]float32
	copy(s.Z[:], z[:l.n])
	for unit := range l.units {
		a, b := tile.Row(l.a, unit)[:l.n], tile.Row(l.b, unit)[:l.n]
		for e, v := range s.Z[:l.n] {
			at := (v - b[e]) / a[e]
			if unit == 0 {
				s.Lo[e], s.Hi[e] = at, at
			}
			s.Lo[e], s.Hi[e] = min(s.Lo[e], at), max(s.Hi[e], at)
		}
	}
	s.Begin(l.x)
	for more := true; more; {
		l.value(y[:], logSlope)
		more = s.Step(l.x, y[:], logSlope)
	}
	copy(x, l.x)
}

// newScratch keeps memory of so many rows for those who search.
func newScratch(rows int) *sync.Pool {
	return &sync.Pool{New: func() any { m := kernel.Aligned(rows * kernel.Tile); return &m }}
}
