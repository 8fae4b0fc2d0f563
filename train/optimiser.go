package train

import "github.com/sluice-hep/sluice/internal/kernel"

// optimiser turns a gradient into a step.
type optimiser interface {
	// step moves p, the parameters from number first on, against the gradient scale*g at learning rate lr. decays are the
	// ranges of p that the weight decay is for; nil for all. t counts the steps, from 1. Steps of different parameters may be
	// taken at the same time. It may overwrite g.
	step(first int, p, g []float32, decays [][2]int, lr, scale float64, t int)
	// state is what a step reads of the steps before it.
	state() [][]float32
}

func (c Config) optimiser(n int) optimiser {
	if c.Optimiser == "sgd" {
		s := &sgd{momentum: float32(max(c.Momentum, 0)), nesterov: c.Nesterov, decay: float32(max(c.WeightDecay, 0))}
		if s.momentum > 0 {
			s.velocity = kernel.Aligned(n)
		}
		return s
	}
	return &adam{m: kernel.Aligned(n), v: kernel.Aligned(n), AdamStep: kernel.AdamStep{
		Beta1: c.Betas[0], Beta2: c.Betas[1], Epsilon: c.Epsilon,
		WeightDecay: max(c.WeightDecay, 0), Decoupled: c.Optimiser == "adamw",
	}}
}

// Vectors is how many vectors as long as the parameters a training holds at least, the parameters and the gradient among them.
func (c Config) Vectors() int {
	c = c.WithDefaults()
	n := 4 // with Adam's two
	if c.Optimiser == "sgd" {
		n = 2
	}
	for _, has := range []bool{c.Optimiser == "sgd" && c.Momentum > 0, c.EMA >= 0, c.Valid > 0} { // velocity, average, best
		if has {
			n++
		}
	}
	return n
}

// adam is Adam with L2 regularisation, or AdamW (arXiv:1711.05101, algorithm 2) where the decay is decoupled from
// the gradient.
type adam struct {
	kernel.AdamStep
	m, v []float32
}

func (o *adam) state() [][]float32 { return [][]float32{o.m, o.v} }

func (o *adam) step(first int, p, g []float32, decays [][2]int, lr, scale float64, t int) {
	h := o.AdamStep
	h.Rate, h.GradScale, h.Step = lr, scale, t
	if decays != nil && h.WeightDecay > 0 {
		for _, r := range decays {
			if h.Decoupled {
				kernel.Scale(p[r[0]:r[1]], float32(1-lr*h.WeightDecay))
			} else {
				kernel.Axpy(g[r[0]:r[1]], float32(h.WeightDecay/scale), p[r[0]:r[1]])
			}
		}
		h.WeightDecay = 0
	}
	kernel.Adam(p, g, o.m[first:], o.v[first:], h)
}

// sgd is gradient descent with L2 regularisation and momentum: v = mu v + g, p -= lr v, or with Nesterov's
// look-ahead p -= lr (g + mu v).
type sgd struct {
	momentum, decay float32
	nesterov        bool
	velocity        []float32 // nil without momentum
}

func (o *sgd) state() [][]float32 {
	if o.velocity == nil {
		return nil
	}
	return [][]float32{o.velocity}
}

func (o *sgd) step(first int, p, g []float32, decays [][2]int, lr, scale float64, _ int) {
	rate, by := float32(lr), float32(scale)
	for i, x := range p {
		for len(decays) > 0 && i >= decays[0][1] {
			decays = decays[1:]
		}
		d := by * g[i]
		if decays == nil || len(decays) > 0 && i >= decays[0][0] {
			d += o.decay * x
		}
		if o.velocity != nil {
			v := o.momentum*o.velocity[first+i] + d
			o.velocity[first+i] = v
			if o.nesterov {
				d += o.momentum * v
			} else {
				d = v
			}
		}
		p[i] = x - rate*d
	}
}

// clipScale is the factor that brings a gradient of the given norm to at most limit; 1 without a limit.
func clipScale(norm, limit float64) float64 {
	if limit <= 0 {
		return 1
	}
	return min(1, limit/(norm+1e-6))
}
