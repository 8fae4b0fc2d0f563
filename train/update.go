package train

import (
	"math"

	"github.com/sluice-hep/sluice/internal/kernel"
)

// Parallel is an Objective that lends its threads between gradients: it calls fn for every item in [0, items), and returns when all
// calls have.
type Parallel interface {
	Parallel(items int, fn func(worker, item int))
}

// Decaying is an Objective that says which of its parameters a weight decay is for: ranges [begin, end) of their numbers, one
// after the other. Where it does not say, it is for all.
type Decaying interface{ Decays() [][2]int }

// update takes a gradient over to the parameters and their average, block by block, so that threads can share it out; the result
// does not depend on their number.
type update struct {
	opt                optimiser
	params, grad, mean []float32  // mean is nil without an average
	decays             [][][2]int // of each block, counted from its start; nil where all decay
	parallel           Parallel   // nil without threads
	squares            []float64  // of the gradient, of each block

	// of the step under way
	lr, scale, rate float64
	step            int
	fn              struct{ square, apply func(worker, block int) }
}

const (
	updateBlock = 1 << 13 // parameters; with gradient, moments and average about 160 KB
	fewBlocks   = 8       // fewer are done before another thread is awake
)

func newUpdate(obj Objective, opt optimiser, params, grad, mean []float32) *update {
	u := &update{opt: opt, params: params, grad: grad, mean: mean, squares: make([]float64, (len(params)+updateBlock-1)/updateBlock)}
	if len(u.squares) >= fewBlocks {
		u.parallel, _ = obj.(Parallel)
	}
	if d, ok := obj.(Decaying); ok {
		u.share(d.Decays())
	}
	u.fn.square, u.fn.apply = u.square, u.apply
	return u
}

// share gives each block its part of the ranges that decay.
func (u *update) share(ranges [][2]int) {
	for b := range u.squares {
		first, end := u.block(b)
		mine := [][2]int{}
		for _, r := range ranges {
			if lo, hi := max(r[0], first), min(r[1], end); lo < hi {
				mine = append(mine, [2]int{lo - first, hi - first})
			}
		}
		u.decays = append(u.decays, mine)
	}
}

// norm is the length of the gradient.
func (u *update) norm() float64 {
	u.run(u.fn.square)
	var sum float64
	for _, s := range u.squares {
		sum += s
	}
	return math.Sqrt(sum)
}

// take moves the parameters by one step of the optimiser, and their average by the given rate towards them.
func (u *update) take(lr, scale, rate float64, step int) {
	u.lr, u.scale, u.rate, u.step = lr, scale, rate, step
	u.run(u.fn.apply)
}

func (u *update) run(fn func(worker, block int)) {
	if u.parallel != nil {
		u.parallel.Parallel(len(u.squares), fn)
		return
	}
	for b := range u.squares {
		fn(0, b)
	}
}

func (u *update) block(b int) (first, end int) {
	return b * updateBlock, min((b+1)*updateBlock, len(u.params))
}

func (u *update) square(_, b int) {
	first, end := u.block(b)
	u.squares[b] = kernel.SquaredNorm(u.grad[first:end])
}

func (u *update) apply(_, b int) {
	first, end := u.block(b)
	p := u.params[first:end]
	var decays [][2]int
	if u.decays != nil {
		decays = u.decays[b]
	}
	u.opt.step(first, p, u.grad[first:end], decays, u.lr, u.scale, u.step)
	if u.mean != nil {
		moveAverage(u.mean[first:end], p, u.rate)
	}
}
