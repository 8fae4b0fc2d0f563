package kernel

import "math"

// knots are the bins of one event along one axis, in float64.
type knots struct {
	size [MaxBins]float64 // widths or heights
	soft [MaxBins]float64 // the softmax they come from
}

// bin is the piece of the spline that an event falls into.
type bin struct {
	i              int // its index
	xk, w, yk, h   float64
	d0, d1         float64 // slopes at its ends
	raw0, raw1     float64 // raw parameters of these slopes
	softW, softH   float64 // softmax value of the bin
	belowW, belowH float64 // sum of the softmax values below it
}

// fill computes the bins from the raw rows at params[e], params[e+Tile], ...
func (k *knots) fill(s Spline, params []float32) {
	top := math.Inf(-1)
	for j := range s.Bins {
		top = max(top, float64(params[j*Tile]))
	}
	sum := 0.0
	for j := range s.Bins {
		k.soft[j] = exp64((float64(params[j*Tile]) - top) * float64(s.scale()))
		sum += k.soft[j]
	}
	for j := range s.Bins {
		k.soft[j] /= sum
		k.size[j] = 2 * float64(s.Bound) * (minBin + (1-minBin*float64(s.Bins))*k.soft[j])
	}
}

// find returns the bin of the given value and its left end; the last bin takes what rounding leaves over.
func (k *knots) find(s Spline, v float64) (int, float64) {
	left := -float64(s.Bound)
	for j := range s.Bins - 1 {
		if v < left+k.size[j] {
			return j, left
		}
		left += k.size[j]
	}
	return s.Bins - 1, left
}

// at returns the bin of an event that lies in it along x (its width given) or along z.
func (s Spline) bin(kw, kh *knots, v float64, byHeight bool, params []float32) bin {
	var b bin
	if byHeight {
		b.i, _ = kh.find(s, v)
	} else {
		b.i, _ = kw.find(s, v)
	}
	b.xk, b.yk = -float64(s.Bound), -float64(s.Bound)
	for j := range b.i {
		b.xk += kw.size[j]
		b.yk += kh.size[j]
		b.belowW += kw.soft[j]
		b.belowH += kh.soft[j]
	}
	b.w, b.h, b.softW, b.softH = kw.size[b.i], kh.size[b.i], kw.soft[b.i], kh.soft[b.i]
	b.raw0 = float64(s.ends(params)[0])
	b.raw1 = b.raw0
	if b.i > 0 {
		b.raw0 = float64(params[(2*s.Bins+b.i-1)*Tile])
	}
	if b.i < s.Bins-1 {
		b.raw1 = float64(params[(2*s.Bins+b.i)*Tile])
	}
	b.d0, b.d1 = minSlope+softplus64(b.raw0), minSlope+softplus64(b.raw1)
	return b
}

// eval gives f and log f' at t in [0, 1] of the bin (Durkan et al., equations 4 and 5).
func (b *bin) eval(t float64) (z, logDet float64) {
	s, q := b.h/b.w, t*(1-t)
	den := s + (b.d0+b.d1-2*s)*q
	m := b.d1*t*t + 2*s*q + b.d0*(1-t)*(1-t)
	return b.yk + b.h*(s*t*t+b.d0*q)/den, math.Log(m * (s / den) * (s / den))
}

func (s Spline) inside(v float32) bool { return v >= -s.Bound && v <= s.Bound }

// clip keeps what rounding would take out of the interval.
func (s Spline) clip(v float64) float32 { return min(max(float32(v), -s.Bound), s.Bound) }

func (s Spline) toLatentGeneric(z, logDet, x, params []float32) {
	var kw, kh knots
	for e, v := range x {
		if !s.inside(v) {
			z[e] = v
			continue
		}
		p := params[e:]
		kw.fill(s, p)
		kh.fill(s, p[s.Bins*Tile:])
		b := s.bin(&kw, &kh, float64(v), false, p)
		y, l := b.eval(clamp01((float64(v) - b.xk) / b.w))
		z[e] = s.clip(y)
		logDet[e] += float32(l)
	}
}

func (s Spline) toDataGeneric(x, logDet, z, params []float32) {
	var kw, kh knots
	for e, v := range z {
		if !s.inside(v) {
			x[e] = v
			continue
		}
		p := params[e:]
		kw.fill(s, p)
		kh.fill(s, p[s.Bins*Tile:])
		b := s.bin(&kw, &kh, float64(v), true, p)
		t := b.root(float64(v))
		_, l := b.eval(t)
		x[e] = s.clip(b.xk + t*b.w)
		logDet[e] -= float32(l)
	}
}

// root solves f(t) = z for t by the form of the quadratic's root that does not cancel (appendix A.3 of the
// paper); rounding may take the discriminant below 0.
func (b *bin) root(z float64) float64 {
	s, dy := b.h/b.w, z-b.yk
	curve := b.d0 + b.d1 - 2*s
	qa := dy*curve + b.h*(s-b.d0)
	qb := b.h*b.d0 - dy*curve
	qc := -s * dy
	disc := max(qb*qb-4*qa*qc, 0)
	return clamp01(2 * qc / (-qb - math.Sqrt(disc)))
}

func clamp01(t float64) float64 { return min(max(t, 0), 1) }

func (s Spline) backwardGeneric(dx, dParams, dz, dLogDet, x, params []float32) {
	var kw, kh knots
	for e, v := range x {
		out := dParams[e:]
		if !s.inside(v) {
			dx[e] = dz[e]
			for r := range s.ParamRows() {
				out[r*Tile] = 0
			}
			continue
		}
		p := params[e:]
		kw.fill(s, p)
		kh.fill(s, p[s.Bins*Tile:])
		b := s.bin(&kw, &kh, float64(v), false, p)
		g := b.backward(clamp01((float64(v)-b.xk)/b.w), float64(dz[e]), float64(dLogDet[e]))
		dx[e] = float32(-g.xk)
		s.softmaxBackward(out, &kw, b.i, b.belowW, g.xk, g.w)
		s.softmaxBackward(out[s.Bins*Tile:], &kh, b.i, b.belowH, g.yk, g.h)
		below := (b.i + s.Bins - 1) % s.Bins // on a circle, the last knot lies below the first bin
		for r := range s.ParamRows() - 2*s.Bins {
			var d float64
			if r == below {
				d = g.d0 * unary64(opSigmoid, b.raw0)
			}
			if r == b.i {
				d += g.d1 * unary64(opSigmoid, b.raw1)
			}
			out[(2*s.Bins+r)*Tile] = float32(d)
		}
	}
}

// binGrad is the gradient of a bin's ends, sizes and slopes; that of x is -xk.
type binGrad struct{ xk, w, yk, h, d0, d1 float64 }

// backward differentiates gz*z + gl*log f' at t, with z = yk + h*u/den and log f' = log m + 2 log s - 2 log den.
func (b *bin) backward(t, gz, gl float64) binGrad {
	s, q, r := b.h/b.w, t*(1-t), 1-t
	curve := b.d0 + b.d1 - 2*s
	u, den := s*t*t+b.d0*q, s+curve*q
	m := b.d1*t*t + 2*s*q + b.d0*r*r
	gu := gz * b.h / den
	gden := -(gu*u + 2*gl) / den
	gm := gl / m
	gs := gu*t*t + gden*(1-2*q) + 2*gm*q + 2*gl/s
	gt := gu*(2*s*t+b.d0*(1-2*t)) + gden*curve*(1-2*t) + 2*gm*(b.d1*t+s*(1-2*t)-b.d0*r)
	return binGrad{
		xk: -gt / b.w,
		w:  -(gt*t + gs*s) / b.w,
		yk: gz,
		h:  gz*u/den + gs/b.w,
		d0: (gu+gden)*q + gm*r*r,
		d1: gden*q + gm*t*t,
	}
}

// softmaxBackward sets the gradient of one axis's raw rows: bin sizes below i each move the bin's end, size
// i its own extent, and those above nothing.
func (s Spline) softmaxBackward(out []float32, k *knots, i int, below, gEnd, gSize float64) {
	f := 2 * float64(s.Bound) * (1 - minBin*float64(s.Bins))
	mean := below*gEnd + k.soft[i]*gSize
	for j := range s.Bins {
		var g float64
		switch {
		case j < i:
			g = gEnd
		case j == i:
			g = gSize
		}
		out[j*Tile] = float32(float64(s.scale()) * f * k.soft[j] * (g - mean))
	}
}
