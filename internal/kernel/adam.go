package kernel

import "math"

// AdamStep holds the settings of one step of Adam (arXiv:1412.6980).
type AdamStep struct {
	Rate, Beta1, Beta2, Epsilon float64
	Step                        int     // 1 for the first step
	WeightDecay                 float64 // times the parameter, added to the gradient
	Decoupled                   bool    // the decay acts on the parameter instead: p *= 1 - Rate*WeightDecay (AdamW, arXiv:1711.05101)
	GradScale                   float64 // multiplies the gradient first; 0 means 1
}

// AdamFactors are the factors of a step, in the order and the precision in which the kernels use them.
type AdamFactors struct {
	gradScale, l2, keep  float32 // g' = gradScale*g + l2*p; p is first multiplied by keep
	beta1, beta2, c1, c2 float32 // c = 1 - beta
	rate, root, eps      float32 // p -= rate*m / (root*sqrt(v) + eps)
}

// Factors are what a step needs of its settings.
func (h AdamStep) Factors() AdamFactors {
	f := AdamFactors{gradScale: 1, keep: 1}
	if h.GradScale != 0 {
		f.gradScale = float32(h.GradScale)
	}
	if h.Decoupled {
		f.keep = float32(1 - h.Rate*h.WeightDecay)
	} else {
		f.l2 = float32(h.WeightDecay)
	}
	t := float64(h.Step)
	f.beta1, f.beta2 = float32(h.Beta1), float32(h.Beta2)
	f.c1, f.c2 = float32(1-h.Beta1), float32(1-h.Beta2)
	f.rate = float32(h.Rate / (1 - math.Pow(h.Beta1, t)))
	f.root = float32(1 / math.Sqrt(1-math.Pow(h.Beta2, t)))
	f.eps = float32(h.Epsilon)
	return f
}

// Adam updates the parameters p and the moments m and v from the gradient g, in one pass.
func Adam(p, g, m, v []float32, f *AdamFactors) {
	for len(p) > 0 {
		n := min(len(p), chunk)
		adam(p[:n], g[:n], m[:n], v[:n], f)
		p, g, m, v = p[n:], g[n:], m[n:], v[n:]
	}
}

func adamGeneric(p, g, m, v []float32, f *AdamFactors) {
	for i, gi := range g {
		gi = gi*f.gradScale + p[i]*f.l2
		m[i] = f.beta1*m[i] + f.c1*gi
		v[i] = f.beta2*v[i] + f.c2*gi*gi
		root := float32(math.Sqrt(float64(v[i])))
		p[i] = p[i]*f.keep - f.rate*m[i]/(root*f.root+f.eps)
	}
}
