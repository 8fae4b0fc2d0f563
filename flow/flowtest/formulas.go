package flowtest

import "math"

// Scalar is what a Transformer has of one feature of one event.
type Scalar struct {
	Options map[string]any // of its kind, in full
	X       float64
	H       []float64                   // from the conditioner
	Own     func(name string) []float64 // parameters of its own
}

// Formula is a Transformer: the latent and log dz/dx.
type Formula func(s Scalar) (z, logDet float64)

// transformers are the formulas of the kinds of transformers.
var transformers = map[string]Formula{
	"affine": func(s Scalar) (z, logDet float64) {
		l := logScale(s)
		return (s.X - s.H[0]) * math.Exp(-l), -l
	},
	"scale-shift": func(s Scalar) (z, logDet float64) {
		l := logScale(s)
		return s.X*math.Exp(l) + s.H[0], l
	},
	"spline": func(s Scalar) (z, logDet float64) {
		return spline(s.X, s.H, s.Options["bins"].(int), s.Options["bound"].(float64), 1)
	},
	"dsf": func(s Scalar) (z, logDet float64) {
		n, layers := s.Options["units"].(int), s.Options["layers"].(int)
		z = s.X
		for l := range layers {
			var ld float64
			z, ld = sigmoidal(z, s.H[3*n*l:][:3*n])
			logDet += ld
		}
		return z, logDet
	},
	"bernstein": func(s Scalar) (z, logDet float64) {
		return bernstein(s.X, s.H, s.Options["bound"].(float64))
	},
	"circular-spline": func(s Scalar) (z, logDet float64) {
		k, bound := s.Options["bins"].(int), s.Options["bound"].(float64)
		if s.X < -bound || s.X > bound {
			return s.X, 0
		}
		x := math.Mod(s.X+s.H[3*k]+bound, 2*bound)
		if x < 0 {
			x += 2 * bound
		}
		return spline(x-bound, s.H, k, bound, 1e-3+math.Log1p(math.Exp(s.H[3*k-1])))
	},
}

func logScale(s Scalar) float64 {
	raw := s.H[1]
	switch s.Options["log_scale"] {
	case "tanh":
		return math.Tanh(raw)
	case "soft":
		return raw / (1 + math.Abs(raw)/5)
	case "clamp":
		return 1.9 * 2 / math.Pi * math.Atan(raw/1.9)
	case "sigmoid":
		return math.Log(1/(1+math.Exp(-raw-2)) + 1e-3)
	}
	return raw
}

// spline is equation 4 of arXiv:1906.04032, with the slope end at both ends.
func spline(x float64, h []float64, k int, bound, end float64) (z, logDet float64) {
	if x < -bound || x > bound {
		return x, 0
	}
	xs, ys := knots(h[:k], bound), knots(h[k:2*k], bound)
	d := make([]float64, k+1)
	d[0], d[k] = end, end
	for i := 1; i < k; i++ {
		d[i] = 1e-3 + math.Log1p(math.Exp(h[2*k+i-1]))
	}
	i := 0
	for i < k-1 && x >= xs[i+1] {
		i++
	}
	w, dy := xs[i+1]-xs[i], ys[i+1]-ys[i]
	s, t := dy/w, (x-xs[i])/w
	den := s + (d[i]+d[i+1]-2*s)*t*(1-t)
	z = ys[i] + dy*(s*t*t+d[i]*t*(1-t))/den
	return z, math.Log(s * s * (d[i+1]*t*t + 2*s*t*(1-t) + d[i]*(1-t)*(1-t)) / (den * den))
}

// sigmoidal is equation 8 of arXiv:1804.00779, logit(sum of w sigmoid(a x + b)).
func sigmoidal(x float64, h []float64) (z, logDet float64) {
	n := len(h) / 3
	var sum, up, down, slope float64
	for i := range n {
		sum += math.Exp(h[2*n+i])
	}
	for i := range n {
		a, w := math.Log1p(math.Exp(h[i]))+1e-3, math.Exp(h[2*n+i])/sum
		u := a*x + h[n+i]
		s, c := 1/(1+math.Exp(-u)), 1/(1+math.Exp(u))
		up, down, slope = up+w*s, down+w*c, slope+w*a*s*c
	}
	return math.Log(up / down), math.Log(slope / (up * down))
}

// bernstein is the sum of theta_k binomial(M, k) t^k (1-t)^(M-k), with its tangents outside, and the log of its derivative.
func bernstein(x float64, h []float64, bound float64) (z, logDet float64) {
	m, sum := len(h), 0.0
	for _, r := range h {
		sum += math.Exp(r)
	}
	theta := make([]float64, m+1)
	for k, r := range h {
		theta[k+1] = theta[k] + 1e-3 + (1-1e-3*float64(m))*math.Exp(r)/sum
	}
	inside := max(min(x, bound), -bound)
	t := (inside + bound) / (2 * bound)
	var v, slope float64
	for k := range m + 1 {
		v += theta[k] * binomial(m, k) * math.Pow(t, float64(k)) * math.Pow(1-t, float64(m-k))
		if k < m {
			slope += float64(m) * (theta[k+1] - theta[k]) * binomial(m-1, k) * math.Pow(t, float64(k)) * math.Pow(1-t, float64(m-1-k))
		}
	}
	return bound*(2*v-1) + slope*(x-inside), math.Log(slope)
}

func binomial(n, k int) float64 {
	b := 1.0
	for i := range k {
		b *= float64(n-i) / float64(i+1)
	}
	return b
}

func knots(raw []float64, bound float64) []float64 {
	var sum float64
	for _, r := range raw {
		sum += math.Exp(r)
	}
	out := make([]float64, 1, len(raw)+1)
	out[0] = -bound
	for _, r := range raw {
		size := 1e-3 + (1-1e-3*float64(len(raw)))*math.Exp(r)/sum
		out = append(out, out[len(out)-1]+2*bound*size)
	}
	out[len(raw)] = bound
	return out
}
