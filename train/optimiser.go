package train

import "github.com/sluice-hep/sluice/internal/kernel"

// optimiser turns a gradient into a step.
type optimiser interface {
	// begin says what holds for all of a step: the learning rate, the scale of the gradient, and the number of the step, from 1.
	begin(lr, scale float64, t int)
	// step moves p, the parameters from number first on, against the gradient g; the weight decay leaves those in keep as they
	// are. Steps of different parameters may be taken at the same time.
	step(first int, p, g []float32, keep kept)
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
	m, v         []float32
	decay, plain kernel.AdamFactors // of the step under way, with the weight decay and without
}

func (o *adam) state() [][]float32 { return [][]float32{o.m, o.v} }

func (o *adam) begin(lr, scale float64, t int) {
	h := o.AdamStep
	h.Rate, h.GradScale, h.Step = lr, scale, t
	o.decay = h.Factors()
	h.WeightDecay = 0
	o.plain = h.Factors()
}

// step takes the parameters without decay aside, and puts them back when all have taken theirs: a pass from the begin of a cache
// line to its end is worth more than one that stops at each of their ranges.
func (o *adam) step(first int, p, g []float32, keep kept) {
	m, v := o.m[first:][:len(p)], o.v[first:][:len(p)]
	if o.WeightDecay == 0 || len(keep.ranges) == 0 {
		kernel.Adam(p, g, m, v, &o.decay)
		return
	}
	aside := keep.take(p, g, m, v)
	kernel.Adam(p, g, m, v, &o.decay)
	kernel.Adam(aside[0], aside[1], aside[2], aside[3], &o.plain)
	keep.put(aside, p, nil, m, v)
}

// sgd is gradient descent with L2 regularisation and momentum: v = mu v + g, p -= lr v, or with Nesterov's
// look-ahead p -= lr (g + mu v).
type sgd struct {
	momentum, decay float32
	nesterov        bool
	velocity        []float32 // nil without momentum
	rate, by        float32   // of the step under way
}

func (o *sgd) state() [][]float32 {
	if o.velocity == nil {
		return nil
	}
	return [][]float32{o.velocity}
}

func (o *sgd) begin(lr, scale float64, _ int) { o.rate, o.by = float32(lr), float32(scale) }

func (o *sgd) step(first int, p, g []float32, keep kept) {
	for i, x := range p {
		for len(keep.ranges) > 0 && i >= keep.ranges[0][1] {
			keep.ranges = keep.ranges[1:]
		}
		d := o.by * g[i]
		if len(keep.ranges) == 0 || i < keep.ranges[0][0] {
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
		p[i] = x - o.rate*d
	}
}

// clipScale is the factor that brings a gradient of the given norm to at most limit; 1 without a limit.
func clipScale(norm, limit float64) float64 {
	if limit <= 0 {
		return 1
	}
	return min(1, limit/(norm+1e-6))
}
