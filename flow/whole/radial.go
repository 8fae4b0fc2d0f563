package whole

import (
	"math"

	"github.com/sluice-hep/sluice/flow/tile"
	"github.com/sluice-hep/sluice/internal/kernel"
	"github.com/sluice-hep/sluice/nn"
)

// Radial is z = x + (s-a)/(a+r) d, d = x - c, r = |d|, about a center c = x0 + V (context), with a = |alpha| and s = softplus(beta)
// (Rezende and Mohamed, arXiv:1505.05770, equation 14, with the constraint of appendix A.2). With q = (r+s)/(a+r) the radius of z is q r, and
//
//	log|det dz/dx| = (D-1) log q + log((r^2 + 2ar + as)/(a+r)^2).
//
// Both ways are closed: the radius R of z gives that of x by r^2 + (s-R) r - a R = 0, of which one root is positive.
type Radial struct {
	Center, Alpha, Beta nn.View
	shift               shift
	features, context   int
}

// NewRadial returns one of so many features and context columns.
func NewRadial(features, context int) *Radial { return &Radial{features: features, context: context} }

// Layout implements Transform.
func (l *Radial) Layout(lay *nn.Layout, scope string) {
	l.Center = lay.Add(scope+".center", l.features, 1, nn.Bias)
	l.Alpha, l.Beta = lay.Add(scope+".alpha", 1, 1, nn.Scale), lay.Add(scope+".beta", 1, 1, nn.Scale)
	l.shift = newShift(lay, scope, l.features, l.context)
}

// Start implements Starter: the identity, about a random center.
func (l *Radial) Start(p []float32, src *nn.Source) {
	for i := range l.features {
		l.Center.Of(p)[i] = float32(src.NormFloat64())
	}
	l.Alpha.Of(p)[0], l.Beta.Of(p)[0] = 1, float32(math.Log(math.E-1))
}

// Memory implements Transform: d and r.
func (l *Radial) Memory() (rows, scratch int) { return l.features + 1, l.features }

// lens is a and s, which are not smaller than leastSize.
type lens struct{ a, s float64 }

const (
	leastSize = 1e-6
	atCenter  = 1e-20 // a radius that has no direction
)

func (l *Radial) lens(p []float32) lens {
	return lens{max(math.Abs(float64(l.Alpha.Of(p)[0])), leastSize), max(tile.Softplus(float64(l.Beta.Of(p)[0])), leastSize)}
}

// Sizes are a and s.
func (l *Radial) Sizes(p []float32) (a, s float64) {
	q := l.lens(p)
	return q.a, q.s
}

// at is the ratio q of the radii and the slope of the one by the other.
func (l lens) at(r float64) (ratio, slope float64) {
	k := 1 / (l.a + r)
	return (r + l.s) * k, ((r+2*l.a)*k*r + l.a*l.s*k) * k
}

// logDet adds so many times that of the radius r to dst.
func (l *Radial) logDet(dst []float32, times float32, q lens, r []float32) {
	var columns [2][kernel.Tile]float32
	ratio, slope := columns[0][:len(r)], columns[1][:len(r)]
	for e, v := range r {
		a, b := q.at(float64(v))
		ratio[e], slope[e] = float32(a), float32(b)
	}
	kernel.Log(ratio, ratio)
	kernel.Log(slope, slope)
	kernel.Axpy(dst[:len(r)], times*float32(l.features-1), ratio)
	kernel.Axpy(dst[:len(r)], times, slope)
}

// polar sets d and r of the features of a tile.
func (l *Radial) polar(t *tile.Tile, p, mem []float32) (d, r []float32) {
	d, r = tile.Rows(mem, 0, l.features), tile.Row(mem, l.features)[:t.N]
	copy(d, t.X)
	for f, c := range l.Center.Of(p) {
		tile.AddTo(tile.Row(d, f)[:t.N], -c)
	}
	l.shift.add(d, -1, t, p)
	for e := range r {
		square := 0.0
		for f := range l.features {
			v := float64(d[f*kernel.Tile+e])
			square += v * v
		}
		r[e] = float32(math.Sqrt(square))
	}
	return d, r
}

// move adds each event's by d to its features.
func (l *Radial) move(t *tile.Tile, by, d []float32) {
	for f := range l.features {
		kernel.Mul(tile.Row(d, f)[:t.N], tile.Row(d, f), by)
		kernel.Add(tile.Row(t.X, f)[:t.N], tile.Row(d, f)[:t.N])
	}
}

// ToLatent implements Transform.
func (l *Radial) ToLatent(t *tile.Tile, p, mem []float32) {
	q := l.lens(p)
	d, r := l.polar(t, p, mem)
	for f := range l.features {
		x, from := tile.Row(t.X, f), tile.Row(d, f)
		for e, v := range r {
			x[e] += float32((q.s - q.a) / (q.a + float64(v)) * float64(from[e]))
		}
	}
	l.logDet(t.LogDet, 1, q, r)
}

// ToData implements Transform.
func (l *Radial) ToData(t *tile.Tile, p, mem []float32) {
	var by [kernel.Tile]float32
	q := l.lens(p)
	d, r := l.polar(t, p, mem)
	for e, v := range r {
		far := float64(v)
		root := math.Sqrt((far-q.s)*(far-q.s) + 4*q.a*far)
		at := (far - q.s + root) / 2
		if far < q.s { // without cancellation
			at = 2 * q.a * far / (q.s - far + root)
		}
		r[e], by[e] = float32(at), float32((q.a-q.s)/(at+q.s))
	}
	l.move(t, by[:], d)
	l.logDet(t.LogDet, -1, q, r)
}

// Backward implements Independent.
func (l *Radial) Backward(t *tile.Tile, p, g, mem, scratch []float32) {
	var columns [3][kernel.Tile]float32
	along, ratio, product := columns[0][:t.N], columns[1][:t.N], columns[2][:t.N]
	d, r := mem, tile.Row(mem, l.features)[:t.N]
	if t.First {
		for _, v := range []nn.View{l.Center, l.Alpha, l.Beta, l.shift.View} {
			clear(v.Of(g))
		}
	}
	for f := range l.features {
		kernel.Mul(product, tile.Row(t.DX, f), tile.Row(d, f))
		kernel.Add(along, product)
	}
	byA, byS := l.lens(p).backward(along, ratio, r, t.DLogDet, float64(l.features-1))
	alpha, beta := l.Alpha.Of(p)[0], float64(l.Beta.Of(p)[0])
	if math.Abs(float64(alpha)) > leastSize {
		l.Alpha.Of(g)[0] += float32(math.Copysign(byA, byA*float64(alpha)))
	}
	if tile.Softplus(beta) > leastSize {
		l.Beta.Of(g)[0] += float32(byS / (1 + math.Exp(-beta)))
	}
	for f := range l.features {
		dx, byCenter := tile.Row(t.DX, f)[:t.N], tile.Row(scratch, f)[:t.N]
		copy(byCenter, dx)
		kernel.Mul(dx, dx, ratio)
		kernel.Mul(product, along, tile.Row(d, f))
		kernel.Add(dx, product)
		kernel.Axpy(byCenter, -1, dx)
		l.Center.Of(g)[f] += kernel.Sum(byCenter)
	}
	l.shift.gradient(p, g, scratch, t)
}

// backward sets ratio to q, turns along, the product of the gradient of z with d, into the gradient of r over r, and returns those of a and s.
func (l lens) backward(along, ratio, r, dLogDet []float32, more float64) (byA, byS float64) {
	for e, v := range r {
		at := float64(v)
		q, slope := l.at(at)
		k := 1 / (l.a + at)
		byQ, bySlope := float64(along[e])+float64(dLogDet[e])*more/q, float64(dLogDet[e])/slope
		byR := byQ*k*(1-q) + 2*bySlope*k*(1-slope)
		byA += -byQ*q*k + bySlope*k*((2*at+l.s)*k-2*slope)
		byS += byQ*k + bySlope*l.a*k*k
		ratio[e], along[e] = float32(q), 0
		if at > atCenter {
			along[e] = float32(byR / at)
		}
	}
	return byA, byS
}
