package train

import (
	"math"
	"slices"

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

// Parted is an Objective that is a sum of two, of parameters of their own: of those below number Apart, and of the others. The gradient of each is
// clipped by itself: scaled with that of the other, whose norm varies with the events of a batch, it would be biased towards events of small ones.
type Parted interface{ Apart() int }

// update takes a gradient over to the parameters and their average, block by block, so that threads can share it out; the result
// does not depend on their number.
type update struct {
	opt                optimiser
	params, grad, mean []float32    // mean is nil without an average
	keep               []kept       // of each block
	parallel           Parallel     // nil without threads
	squares            [2][]float64 // of the gradient of each part, of each block
	apart              int          // see Parted; 0 for one part, the second

	// of the step under way
	rate  float64    // of the average
	scale [2]float32 // of the gradient of each part, beside what the optimiser scales it by
	fn    struct{ square, apply func(worker, block int) }
}

const (
	updateBlock = 1 << 13 // parameters; with gradient, moments and average about 160 KB
	fewBlocks   = 8       // fewer are done before another thread is awake
)

func newUpdate(obj Objective, opt optimiser, params, grad, mean []float32) *update {
	blocks := (len(params) + updateBlock - 1) / updateBlock
	u := &update{opt: opt, params: params, grad: grad, mean: mean, keep: make([]kept, blocks), scale: [2]float32{1, 1}}
	for p := range u.squares {
		u.squares[p] = make([]float64, blocks)
	}
	if blocks >= fewBlocks {
		u.parallel, _ = obj.(Parallel)
	}
	if d, ok := obj.(Decaying); ok {
		u.share(d.Decays())
	}
	if p, ok := obj.(Parted); ok {
		u.apart = p.Apart()
	}
	u.fn.square, u.fn.apply = u.square, u.apply
	return u
}

// share gives each block what lies between the ranges that decay.
func (u *update) share(decays [][2]int) {
	end := 0
	for _, r := range append(slices.Clip(decays), [2]int{len(u.params), len(u.params)}) {
		for at := end; at < r[0]; {
			b := at / updateBlock
			first, next := u.block(b)
			to := min(r[0], next)
			k := &u.keep[b]
			k.ranges, k.n = append(k.ranges, [2]int{at - first, to - first}), k.n+to-at
			at = to
		}
		end = r[1]
	}
	for b := range u.keep {
		u.keep[b].aside = kernel.Aligned(4 * kernel.RoundLanes(u.keep[b].n))
	}
}

// kept are the parameters of a block that do not decay, in ranges [begin, end) counted from its start.
type kept struct {
	ranges [][2]int
	n      int       // their number
	aside  []float32 // room for four vectors of them
}

// take returns theirs of each vector, one after the other.
func (k *kept) take(vectors ...[]float32) (aside [4][]float32) {
	for i, v := range vectors {
		a := k.aside[i*kernel.RoundLanes(k.n):][:k.n]
		aside[i] = a
		for _, r := range k.ranges {
			a = a[copy(a, v[r[0]:r[1]]):]
		}
	}
	return aside
}

// put gives back what take took, of all vectors but nil.
func (k *kept) put(aside [4][]float32, vectors ...[]float32) {
	for i, v := range vectors {
		for _, r := range k.ranges {
			if v != nil {
				aside[i] = aside[i][copy(v[r[0]:r[1]], aside[i]):]
			}
		}
	}
}

// clip bounds the norm of the gradient, or of each of its parts. It returns the norm, and what the gradient is still to be scaled by where it
// is one; that of parts is done by take.
func (u *update) clip(limit float64) (norm, scale float64) {
	u.run(u.fn.square)
	if u.apart == 0 {
		norm = u.norm(1)
		return norm, clipScale(norm, limit)
	}
	for p := range u.scale {
		n := u.norm(p)
		s := clipScale(n, limit)
		u.scale[p] = float32(s)
		norm = math.Hypot(norm, n*s)
	}
	return norm, 1
}

// norm is the length of the gradient of a part.
func (u *update) norm(part int) float64 {
	var sum float64
	for _, s := range u.squares[part] {
		sum += s
	}
	return math.Sqrt(sum)
}

// take moves the parameters by one step of the optimiser, and their average by the given rate towards them.
func (u *update) take(lr, scale, rate float64, step int) {
	u.rate = rate
	u.opt.begin(lr, scale, step)
	u.run(u.fn.apply)
}

func (u *update) run(fn func(worker, block int)) {
	if u.parallel != nil {
		u.parallel.Parallel(len(u.keep), fn)
		return
	}
	for b := range u.keep {
		fn(0, b)
	}
}

func (u *update) block(b int) (first, end int) {
	return b * updateBlock, min((b+1)*updateBlock, len(u.params))
}

// parts are those of a block's gradient, either of which may be empty.
func (u *update) parts(b int) [2][]float32 {
	first, end := u.block(b)
	at := min(max(first, u.apart), end)
	return [2][]float32{u.grad[first:at], u.grad[at:end]}
}

func (u *update) square(_, b int) {
	for p, grad := range u.parts(b) {
		u.squares[p][b] = kernel.SquaredNorm(grad)
	}
}

func (u *update) apply(_, b int) {
	first, end := u.block(b)
	for p, grad := range u.parts(b) {
		if u.scale[p] != 1 {
			kernel.Scale(grad, u.scale[p])
		}
	}
	p := u.params[first:end]
	u.opt.step(first, p, u.grad[first:end], u.keep[b])
	if u.mean != nil {
		moveAverage(u.mean[first:end], p, u.rate)
	}
}
