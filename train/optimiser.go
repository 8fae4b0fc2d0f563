package train

import "math"

// optimiser turns a gradient into a step.
type optimiser interface {
	// step moves p against the gradient scale*g at learning rate lr. t counts the steps, from 1.
	step(p, g []float32, lr, scale float64, t int)
	// state is what a step reads of the steps before it.
	state() [][]float32
}

func (c Config) optimiser(n int) optimiser {
	if c.Optimiser == "sgd" {
		s := &sgd{momentum: float32(max(c.Momentum, 0)), nesterov: c.Nesterov, decay: float32(c.WeightDecay)}
		if s.momentum > 0 {
			s.velocity = make([]float32, n)
		}
		return s
	}
	return &adam{
		beta1: c.Betas[0], beta2: c.Betas[1], epsilon: c.Epsilon,
		decay: c.WeightDecay, decoupled: c.Optimiser == "adamw",
		m: make([]float32, n), v: make([]float32, n),
	}
}

// adam is Adam (arXiv:1412.6980, algorithm 1) with L2 regularisation, or AdamW (arXiv:1711.05101, algorithm 2)
// where the decay is decoupled from the gradient.
type adam struct {
	beta1, beta2, epsilon, decay float64
	decoupled                    bool
	m, v                         []float32
}

func (o *adam) state() [][]float32 { return [][]float32{o.m, o.v} }

func (o *adam) step(p, g []float32, lr, scale float64, t int) {
	b1, b2 := float32(o.beta1), float32(o.beta2)
	c1, c2 := float32(1-o.beta1), float32(1-o.beta2)
	rate := float32(lr / (1 - math.Pow(o.beta1, float64(t))))
	root := float32(1 / math.Sqrt(1-math.Pow(o.beta2, float64(t))))
	eps, by := float32(o.epsilon), float32(scale)
	keep, l2 := float32(1), float32(o.decay)
	if o.decoupled {
		keep, l2 = float32(1-lr*o.decay), 0
	}
	m, v := o.m[:len(p)], o.v[:len(p)]
	for i, x := range p {
		d := by*g[i] + l2*x
		m[i] = b1*m[i] + c1*d
		v[i] = b2*v[i] + c2*d*d
		p[i] = keep*x - rate*m[i]/(float32(math.Sqrt(float64(v[i])))*root+eps)
	}
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

func (o *sgd) step(p, g []float32, lr, scale float64, _ int) {
	rate, by := float32(lr), float32(scale)
	for i, x := range p {
		d := by*g[i] + o.decay*x
		if o.velocity != nil {
			v := o.momentum*o.velocity[i] + d
			o.velocity[i] = v
			if o.nesterov {
				d += o.momentum * v
			} else {
				d = v
			}
		}
		p[i] = x - rate*d
	}
}

// squaredNorm sums in float64 and in a fixed order, so that a clipped training is reproducible. It is finite
// exactly when every value is.
func squaredNorm(g []float32) float64 {
	var a, b, c, d float64
	i := 0
	for ; i+4 <= len(g); i += 4 {
		q := g[i : i+4 : i+4]
		a += float64(q[0]) * float64(q[0])
		b += float64(q[1]) * float64(q[1])
		c += float64(q[2]) * float64(q[2])
		d += float64(q[3]) * float64(q[3])
	}
	for ; i < len(g); i++ {
		a += float64(g[i]) * float64(g[i])
	}
	return (a + b) + (c + d)
}

// clipScale is the factor that brings a gradient of the given norm to at most limit; 1 without a limit.
func clipScale(norm, limit float64) float64 {
	if limit <= 0 {
		return 1
	}
	return min(1, limit/(norm+1e-6))
}
