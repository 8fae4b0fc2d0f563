// Package batch takes the events of a training step, tile by tile, through a loss and its gradient. It knows rows of
// events, workers and sums; what the loss is, and of which parameters, is its caller's.
//
// The gradient of a batch is the sum, in a fixed order, of those of at most MaxParts runs of tiles, its parts, whatever the
// number of threads. For very large models there are fewer, to bound the memory.
package batch

import (
	"runtime"

	"github.com/sluice-hep/sluice/internal/kernel"
	"github.com/sluice-hep/sluice/nn"
)

const (
	MaxParts      = 8
	maxPartFloats = 1 << 26 // of the gradients of all parts
)

// Batch is the events of one step, and the workers and memory that go from step to step. It is not for concurrent use.
type Batch struct {
	*nn.Crew
	seed   uint64 // of the noise
	step   uint32
	summed int         // the first parameters, whose gradient is summed over the parts
	parts  [][]float32 // gradients of the parts
	tiles  []Tile      // one a worker

	rows   []int32 // of the batch under way
	sums   []float64
	count  int // of its parts
	each   func(worker int, t *Tile)
	groups func(worker, first, end int)
	per    int
	loops  struct{ part, group, reduce func(worker, item int) }
}

// Tile is a tile of the batch as a worker has it.
type Tile struct {
	Number int       // in the batch
	Rows   []int32   // its events, at most kernel.Tile
	First  bool      // of its part: its gradient is put, not added
	Grad   []float32 // of its part
	Noise  nn.Noise  // that names its random numbers in this step
}

// New starts so many workers, 0 for one a core. Gradients of the first summed parameters are taken part by part; whoever
// computes the others takes the whole batch at once. seed is that of all noise. Close it after use.
func New(threads, summed int, seed uint64) *Batch {
	if threads <= 0 {
		threads = runtime.GOMAXPROCS(0)
	}
	return On(nn.NewCrew(kernel.NewPool(threads)), summed, seed)
}

// On is New with workers that another batch has too, one at a time: closing one closes both.
func On(crew *nn.Crew, summed int, seed uint64) *Batch {
	b := &Batch{Crew: crew, summed: summed, seed: seed, tiles: make([]Tile, crew.Threads()), parts: make([][]float32, 1)}
	b.loops.part, b.loops.group, b.loops.reduce = b.part, b.group, b.reduce
	return b
}

// SetStep says which step of a training comes next: its noise depends on it. Every Reduce counts on from there.
func (b *Batch) SetStep(step int) { b.step = uint32(step) }

// Begin takes up the events in rows.
func (b *Batch) Begin(rows []int32) {
	b.rows = rows
	if n := Tiles(len(rows)); cap(b.sums) < n {
		b.sums = make([]float64, n)
	} else {
		b.sums = b.sums[:n]
	}
}

// BeginGradient is Begin, with the place of the gradient, which Reduce completes. It allocates only where no batch before
// was as large.
func (b *Batch) BeginGradient(rows []int32, grad []float32) {
	b.Begin(rows)
	b.count = max(1, min(b.Tiles(), MaxParts, maxPartFloats/(b.summed+1)))
	if missing := b.count - len(b.parts); missing > 0 {
		size := kernel.RoundLanes(b.summed)
		mem := kernel.Aligned(missing * size)
		for i := range missing {
			b.parts = append(b.parts, mem[i*size:][:b.summed])
		}
	}
	b.parts[0] = grad // in place
}

// Tiles is the number of tiles that n events take.
func Tiles(n int) int { return (n + kernel.Tile - 1) / kernel.Tile }

// Tiles is the number of tiles of the batch.
func (b *Batch) Tiles() int { return len(b.sums) }

// Rows are the events of tile t.
func (b *Batch) Rows(t int) []int32 {
	return b.rows[t*kernel.Tile : min((t+1)*kernel.Tile, len(b.rows))]
}

// Parts are the gradients of the batch's parts. Their sum in this order is the gradient.
func (b *Batch) Parts() [][]float32 { return b.parts[:b.count] }

// Each calls fn for every tile; the tiles of a part come one after the other, to one worker.
func (b *Batch) Each(fn func(worker int, t *Tile)) {
	b.each = fn
	b.Run(b.count, b.loops.part)
}

func (b *Batch) part(worker, part int) {
	n := b.Tiles()
	lo, hi := part*n/b.count, (part+1)*n/b.count
	t := &b.tiles[worker]
	for i := lo; i < hi; i++ {
		*t = Tile{Number: i, Rows: b.Rows(i), First: i == lo, Grad: b.parts[part], Noise: nn.Noise{Seed: b.seed, Step: b.step, Tile: uint32(i)}}
		b.each(worker, t)
	}
}

// Groups calls fn for every run of at most per tiles, [first, end), without gradients.
func (b *Batch) Groups(per int, fn func(worker, first, end int)) {
	b.groups, b.per = fn, per
	b.Run((b.Tiles()+per-1)/per, b.loops.group)
}

func (b *Batch) group(worker, group int) {
	b.groups(worker, group*b.per, min((group+1)*b.per, b.Tiles()))
}

// Gradient is BeginGradient, Each and Reduce, and gives the Mean.
func (b *Batch) Gradient(rows []int32, grad []float32, fn func(worker int, t *Tile)) float64 {
	b.BeginGradient(rows, grad)
	b.Each(fn)
	b.Reduce()
	return b.Mean()
}

// Loss is Begin and Groups, and gives the Mean.
func (b *Batch) Loss(rows []int32, per int, fn func(worker, first, end int)) float64 {
	b.Begin(rows)
	b.Groups(per, fn)
	return b.Mean()
}

// block is a multiple of the cache line, so that no two workers write to one.
const block = 1 << 14

// Reduce adds up the parts and ends the step.
func (b *Batch) Reduce() {
	if b.count > 1 {
		b.Run((b.summed+block-1)/block, b.loops.reduce)
	}
	b.step++
}

func (b *Batch) reduce(_, item int) {
	lo := item * block
	hi := min(lo+block, b.summed)
	var parts [MaxParts][]float32
	for i, p := range b.Parts() {
		parts[i] = p[lo:hi]
	}
	kernel.AddParts(parts[0], parts[1:b.count])
}

// SetSum keeps the loss of a tile, summed over its events.
func (b *Batch) SetSum(tile int, sum float64) { b.sums[tile] = sum }

// Mean is that of the losses over the events of the batch.
func (b *Batch) Mean() float64 {
	var s float64
	for _, v := range b.sums {
		s += v
	}
	return s / float64(len(b.rows))
}

// Gather sets rows of a tile to the values of columns for the events in rows; the last event is repeated up to n.
func Gather(dst []float32, columns [][]float32, rows []int32, n int) {
	for c, col := range columns {
		d := dst[c*kernel.Tile:][:n]
		for e, r := range rows {
			d[e] = col[r]
		}
		Pad(d, len(rows))
	}
}

// Pad repeats the last of the first k values.
func Pad(d []float32, k int) {
	for e := k; e < len(d); e++ {
		d[e] = d[k-1]
	}
}
