package plain_test

import (
	"math"
	"slices"
	"sort"

	"github.com/sluice-hep/sluice/export/plain"
)

// What the numbers mean, in float64, an event at a time: the definition that the model is compared with.

func apply(steps []plain.Step, x float64) (y, logDet float64) {
	for _, s := range steps {
		var d float64
		x, d = applyStep(s, x)
		logDet += d
	}
	return x, logDet
}

func applyStep(s plain.Step, x float64) (y, logSlope float64) {
	switch s := s.(type) {
	case *plain.Linear:
		return (x - s.Shift) / s.Unit, -math.Log(s.Unit)
	case *plain.Clip:
		return min(max(x, 0), 1)*(1-s.B) + s.B/2, math.Log1p(-s.B)
	case *plain.Logit:
		x = min(max(x, 0x1p-53), 1-0x1p-53)
		return math.Log(x) - math.Log1p(-x), -math.Log(x) - math.Log1p(-x)
	case *plain.Log:
		v := x + s.Offset
		l := math.Log(max(v, s.Floor))
		if v < s.Floor {
			return l + v/s.Floor - 1, -l
		}
		return l, -l
	case *plain.Asinh:
		t := (x - s.Centre) / s.Scale
		return math.Asinh(t), -math.Log(s.Scale) - math.Log(math.Hypot(1, t))
	case *plain.Periodic:
		t := (x - s.Cut) / s.Turn
		t -= math.Floor(t)
		if s.Filled > 0 && t > (1+s.Filled)/2 {
			t--
		}
		return (t - s.Start) / s.Unit, -math.Log(s.Turn * s.Unit)
	case *plain.Quantile:
		return applyQuantile(s, x)
	}
	return x, 0
}

func applyQuantile(s *plain.Quantile, x float64) (y, logSlope float64) {
	n := len(s.X) - 1
	for _, end := range []struct {
		at    int
		index float64
		is    bool
	}{{0, s.Lower, x < s.X[0]}, {n, s.Upper, x > s.X[n]}} {
		if a := math.Abs(s.Y[end.at]); end.is {
			far := math.Log1p(math.Abs(x-s.X[end.at]) * s.Slope[end.at] * a / end.index)
			size := math.Sqrt(a*a + 2*end.index*far)
			return math.Copysign(size, s.Y[end.at]), math.Log(s.Slope[end.at]*a/size) - far
		}
	}
	k := max(min(sort.Search(n, func(i int) bool { return s.X[i+1] > x }), n-1), 0)
	w, h := s.X[k+1]-s.X[k], s.Y[k+1]-s.Y[k]
	a, b, t := s.Slope[k]*w/h, s.Slope[k+1]*w/h, (x-s.X[k])/w
	u := t * (1 - t)
	den := 1 + (a+b-2)*u
	return s.Y[k] + h*(t*t+a*u)/den, math.Log(h / w * (b*t*t + 2*u + a*(1-t)*(1-t)) / (den * den))
}

func invert(c *plain.Column, y float64) float64 {
	for _, s := range slices.Backward(c.Steps) {
		y = invertStep(s, y)
	}
	switch {
	case y <= c.Low:
		return c.Least
	case y >= c.High:
		return c.Most
	}
	return y
}

func invertStep(s plain.Step, y float64) float64 {
	switch s := s.(type) {
	case *plain.Linear:
		return y*s.Unit + s.Shift
	case *plain.Clip:
		return min(max((y-s.B/2)/(1-s.B), 0), 1)
	case *plain.Logit:
		return 1 / (1 + math.Exp(-y))
	case *plain.Log:
		low := math.Log(s.Floor)
		if y < low {
			return s.Floor*(1+y-low) - s.Offset
		}
		return math.Exp(min(y, plain.MostExp)) - s.Offset
	case *plain.Asinh:
		return s.Centre + s.Scale*math.Sinh(min(max(y, -plain.MostExp), plain.MostExp))
	case *plain.Round:
		return math.Round((y-s.Offset)/s.Unit)*s.Unit + s.Offset
	case *plain.Periodic:
		t := y*s.Unit + s.Start
		x := s.Cut + (t-math.Floor(t))*s.Turn
		if x >= s.Low+s.Turn {
			x -= s.Turn
		}
		return min(max(x, s.Low), s.Low+s.Turn)
	case *plain.Quantile:
		return invertQuantile(s, y)
	}
	return y
}

func invertQuantile(s *plain.Quantile, y float64) float64 {
	n := len(s.X) - 1
	for _, end := range []struct {
		at                int
		sign, index, edge float64
		is, isEdge        bool
	}{{0, -1, s.Lower, s.Low, y < s.Y[0], s.EdgeLow}, {n, 1, s.Upper, s.High, y > s.Y[n], s.EdgeHigh}} {
		switch a := math.Abs(s.Y[end.at]); {
		case end.is && end.isEdge:
			return end.edge
		case end.is:
			far := min((y*y-a*a)/(2*end.index), plain.MostExp)
			return s.X[end.at] + end.sign*math.Expm1(far)*end.index/(s.Slope[end.at]*a)
		}
	}
	k := max(min(sort.Search(n, func(i int) bool { return s.Y[i+1] > y }), n-1), 0)
	w, h := s.X[k+1]-s.X[k], s.Y[k+1]-s.Y[k]
	a, b, r := s.Slope[k]*w/h, s.Slope[k+1]*w/h, y-s.Y[k]
	e := r * (a + b - 2)
	p, q := h-a*h+e, a*h-e
	return s.X[k] + w*min(2*r/(q+math.Sqrt(max(q*q+4*p*r, 0))), 1)
}

func product(d *plain.Dense, context, in []float64) []float64 {
	all := append(slices.Clone(context[:d.Context]), in...)
	out := make([]float64, d.Out)
	for o := range out {
		out[o] = float64(d.Bias[o])
		for i, v := range all {
			out[o] += v * float64(d.Weight[i*d.Out+o])
		}
	}
	return out
}

func activated(kind string, h []float64) []float64 {
	h = slices.Clone(h)
	for i, v := range h {
		switch kind {
		case "relu":
			h[i] = max(v, 0)
		case "tanh":
			h[i] = math.Tanh(v)
		case "elu":
			if v < 0 {
				h[i] = math.Expm1(v)
			}
		}
	}
	return h
}

func network(n *plain.Net, context, in []float64) []float64 {
	if len(n.Blocks) == 0 {
		for i := range n.Layers {
			if in = product(&n.Layers[i], context, in); i+1 < len(n.Layers) {
				in = activated(n.Activation, in)
			}
		}
		return in
	}
	h := product(&n.Layers[0], context, in)
	for _, b := range n.Blocks {
		r := h
		for j := range b.Linears {
			if norm := b.Norms[j]; norm != nil {
				r = slices.Clone(r)
				for i := range r {
					r[i] = r[i]*float64(norm.Scale[i]) + float64(norm.Shift[i])
				}
			}
			r = product(&b.Linears[j], nil, activated(n.Activation, r))
		}
		h = slices.Clone(h)
		for i := range h {
			gate := 1.0
			if b.Gate != nil {
				gate = 1 / (1 + math.Exp(-product(b.Gate, context, nil)[i]))
			}
			h[i] += r[i] * gate
		}
	}
	return product(&n.Layers[1], nil, h)
}

func see(c *plain.Conditional, x []float64) (in []float64) {
	for _, s := range c.Seen {
		if s.Circle == 0 {
			in = append(in, x[s.Feature])
			continue
		}
		sin, cos := math.Sincos(math.Pi * x[s.Feature] / float64(s.Circle))
		in = append(in, cos, sin)
	}
	return in
}

func logScale(kind string, h float64) float64 {
	switch kind {
	case "tanh":
		return math.Tanh(h)
	case "soft":
		return h / (1 + math.Abs(h)/5)
	case "clamp":
		return 1.9 * 2 / math.Pi * math.Atan(h/1.9)
	case "sigmoid":
		return math.Log(1/(1+math.Exp(-h-2)) + 1e-3)
	}
	return h
}

// scaled is the map of one feature, or the way back.
func scaled(s plain.Scaler, v float64, h []float64, back bool) (out, logDet float64) {
	switch s := s.(type) {
	case *plain.Affine:
		log := logScale(s.LogScale, h[1])
		if s.ScaleFirst != back {
			return v*math.Exp(log) + h[0], log
		}
		return (v - h[0]) * math.Exp(-log), -log
	case *plain.Spline:
		return spline(s, v, h, back)
	}
	panic("no such map")
}

func spline(s *plain.Spline, v float64, h []float64, back bool) (out, logDet float64) {
	bound, k := float64(s.Bound), s.Bins
	if !(math.Abs(v) <= bound) {
		return v, 0
	}
	wrap := func(v float64) float64 { return min(max(v-2*bound*math.RoundToEven(v/(2*bound)), -bound), bound) }
	if s.Circular && !back {
		v = wrap(v + wrap(h[3*k]))
	}
	x, y := knots(h[:k], bound), knots(h[k:2*k], bound)
	softplus := func(r float64) float64 { return max(r, 0) + math.Log1p(math.Exp(-math.Abs(r))) + plain.LeastSlope }
	slope := make([]float64, k+1)
	slope[0], slope[k] = 1, 1
	for i := 1; i < k; i++ {
		slope[i] = softplus(h[2*k+i-1])
	}
	if s.Circular {
		slope[0], slope[k] = softplus(h[3*k-1]), softplus(h[3*k-1])
	}
	by := x
	if back {
		by = y
	}
	i := min(sort.Search(k-1, func(i int) bool { return by[i+1] > v }), k-1)
	w, height := x[i+1]-x[i], y[i+1]-y[i]
	e, d0, d1 := height/w, slope[i], slope[i+1]
	if back {
		dy := v - y[i]
		curve := d0 + d1 - 2*e
		a, b, c := dy*curve+height*(e-d0), height*d0-dy*curve, -e*dy
		t := min(max(2*c/(-b-math.Sqrt(max(b*b-4*a*c, 0))), 0), 1)
		if out = min(max(x[i]+t*w, -bound), bound); s.Circular {
			out = wrap(out - wrap(h[3*k]))
		}
		return out, 0
	}
	t := min(max((v-x[i])/w, 0), 1)
	q := t * (1 - t)
	den := e + (d0+d1-2*e)*q
	return min(max(y[i]+height*(e*t*t+d0*q)/den, -bound), bound), math.Log((d1*t*t + 2*e*q + d0*(1-t)*(1-t)) * (e / den) * (e / den))
}

func knots(raw []float64, bound float64) []float64 {
	top, sum := slices.Max(raw), 0.0
	for _, r := range raw {
		sum += math.Exp(r - top)
	}
	at := []float64{-bound}
	for i, r := range raw {
		at = append(at, at[i]+2*bound*(plain.LeastBin+(1-plain.LeastBin*float64(len(raw)))*math.Exp(r-top)/sum))
	}
	return at
}

// flowOf is one event's way through a flow.
type flowOf struct {
	*plain.Flow
	context []float64
}

func given(f *plain.Flow, context []float64) flowOf {
	if f.Embedding != nil {
		context = network(f.Embedding, nil, context)
	}
	return flowOf{f, context}
}

func (f flowOf) toLatent(x []float64) (z []float64, logDet float64) {
	z = slices.Clone(x)
	for _, l := range f.Layers {
		switch l := l.(type) {
		case *plain.Map:
			z = times(l.Matrix, z, l.Bias)
			logDet += l.LogDet
		case *plain.Radial:
			d, r := f.polar(l, z)
			for i := range z {
				z[i] += (l.S - l.A) / (l.A + r) * d[i]
			}
			logDet += float64(len(z)-1)*math.Log((r+l.S)/(l.A+r)) + math.Log((r*r+2*l.A*r+l.A*l.S)/((l.A+r)*(l.A+r)))
		case *plain.Conditional:
			h := network(&l.Net, f.context, see(l, z))
			for j, i := range l.Moved {
				var d float64
				z[i], d = scaled(l.Scales[j], z[i], h[l.At[j]:l.At[j+1]], false)
				logDet += d
			}
		}
	}
	return z, logDet
}

func (f flowOf) toData(z []float64) []float64 {
	x := slices.Clone(z)
	for _, l := range slices.Backward(f.Layers) {
		switch l := l.(type) {
		case *plain.Map:
			for i := range x {
				x[i] -= l.Bias[i]
			}
			x = times(l.Inverse, x, make([]float64, len(x)))
		case *plain.Radial:
			d, far := f.polar(l, x)
			r := (far - l.S + math.Sqrt((far-l.S)*(far-l.S)+4*l.A*far)) / 2
			for i := range x {
				x[i] += (l.A - l.S) / (r + l.S) * d[i]
			}
		case *plain.Conditional:
			known, begin := slices.Clone(x), 0
			if len(l.Kept) == 0 {
				for _, i := range l.Moved {
					known[i] = 7 // anything
				}
			}
			for _, end := range l.Ends {
				h := network(&l.Net, f.context, see(l, known))
				for j := begin; j < end; j++ {
					i := l.Moved[j]
					x[i], _ = scaled(l.Scales[j], x[i], h[l.At[j]:l.At[j+1]], true)
				}
				for j := begin; j < end; j++ {
					known[l.Moved[j]] = x[l.Moved[j]]
				}
				begin = end
			}
		}
	}
	return x
}

// polar is how far x lies from the center.
func (f flowOf) polar(l *plain.Radial, x []float64) (d []float64, r float64) {
	for i, c := range l.Center {
		for j := range f.context {
			c += l.Shift[i*len(f.context)+j] * f.context[j]
		}
		d = append(d, x[i]-c)
		r = math.Hypot(r, d[i])
	}
	return d, r
}

func times(matrix, x, bias []float64) []float64 {
	n := len(x)
	y := slices.Clone(bias)
	for i := range y {
		for j, v := range x {
			y[i] += matrix[i*n+j] * v
		}
	}
	return y
}

var logRoot = 0.5 * math.Log(2*math.Pi)

func (f flowOf) logBase(z []float64) (sum float64) {
	for _, b := range f.Bases {
		switch b := b.(type) {
		case *plain.Normal:
			for _, i := range b.Of() {
				sum -= z[i]*z[i]/2 + logRoot
			}
		case *plain.StudentT:
			for j, i := range b.Of() {
				nu := b.Nu[j]
				up, _ := math.Lgamma((nu + 1) / 2)
				down, _ := math.Lgamma(nu / 2)
				sum += up - down - 0.5*math.Log(nu*math.Pi) - (nu+1)/2*math.Log1p(z[i]*z[i]/nu)
			}
		case *plain.Box:
			sum += b.LogNorm
			for j, i := range b.Of() {
				if b.Width > 0 {
					sum -= z[i] * z[i] / (2 * b.Width * b.Width)
				}
				if math.Abs(z[i]) > float64(b.Bound[j])*(1+1e-6) {
					sum = math.Inf(-1)
				}
			}
		case *plain.Mixture:
			var each []float64
			for k, log := range b.LogWeight {
				for j, i := range b.Of() {
					at := k*len(b.Of()) + j
					r := (z[i] - b.Mean[at]) / b.Width[at]
					log -= r*r/2 + math.Log(b.Width[at]) + logRoot
				}
				each = append(each, log)
			}
			sum += logSum(each)
		case *plain.ConditionalNormal:
			h := network(&b.Net, f.context, nil)
			for j, i := range b.Of() {
				s := logScale("soft", h[len(b.Of())+j])
				r := (z[i] - h[j]) * math.Exp(-s)
				sum -= r*r/2 + s + logRoot
			}
		}
	}
	return sum
}

func logSum(each []float64) float64 {
	top, sum := slices.Max(each), 0.0
	if math.IsInf(top, -1) {
		return top
	}
	for _, v := range each {
		sum += math.Exp(v - top)
	}
	return top + math.Log(sum)
}
