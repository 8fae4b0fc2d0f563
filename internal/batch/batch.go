// Package batch takes the events of a training step, tile by tile, through a loss and its gradient. It knows rows of
// events, workers and sums; what the loss is, and of which parameters, is its caller's.
//
// The gradient of a batch is the sum, in a fixed order, of those of runs of tiles, its parts, whatever the number of threads: 8 of them, and up to
// MaxParts of large batches. They are computed in rounds, so that few are in memory at a time. Peers, other processes that make the same calls, take
// parts of their own, and each of them the sum of all parts for a slice of the parameters, so that the bits do not depend on them either.
package batch

import (
	"runtime"

	"github.com/sluice-hep/sluice/internal/kernel"
	"github.com/sluice-hep/sluice/nn"
)

const (
	MaxParts      = 256
	fewParts      = 8       // of a batch of as many tiles or more
	partTiles     = 8       // of a part, where there are more parts
	maxPartFloats = 1 << 26 // of the gradients of parts in memory, unless that leaves threads without work
)

// Batch is the events of one step, and the workers and memory that go from step to step. It is not for concurrent use.
type Batch struct {
	*nn.Crew
	seed   uint64 // of the noise
	step   uint32
	summed int    // the first parameters, whose gradient is summed over the parts
	bound  int    // that number, or another: by it the memory of a round is bounded
	tiles  []Tile // one a worker
	peers  *peers // nil of none
	kept   bool   // see KeepParts

	rows   []int32 // of the batch under way
	sums   []float64
	count  int         // of its parts
	rounds int         // in which they are computed
	round  run         // of the parts under way
	own    run         // those of this process among them
	grad   []float32   // the place of the sum, and of the first part
	memory [][]float32 // of the other parts of this process
	terms  [][]float32 // what is added to the sum
	each   func(worker int, t *Tile)
	groups func(worker, first, end int)
	per    int
	mine   run // of the groups
	loops  struct{ part, group, add func(worker, item int) }
}

// run is items from first to end-1.
type run struct{ first, end int }

func (r run) len() int       { return r.end - r.first }
func (r run) has(i int) bool { return i >= r.first && i < r.end }

// split is the share of number i of n in a run.
func (r run) split(i, n int) run {
	return run{r.first + i*r.len()/n, r.first + (i+1)*r.len()/n}
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
	return on(nn.NewCrew(kernel.NewPool(threads)), summed, seed)
}

// Beside is a batch of the same events for other parameters, with the same workers, one at a time, and the same tiles for each process. Closing one closes both.
func (b *Batch) Beside(summed int, seed uint64) *Batch {
	other := on(b.Crew, summed, seed)
	other.bound = b.bound
	return other
}

func on(crew *nn.Crew, summed int, seed uint64) *Batch {
	b := &Batch{Crew: crew, summed: summed, bound: summed, seed: seed, tiles: make([]Tile, crew.Threads())}
	b.loops.part, b.loops.group, b.loops.add = b.part, b.group, b.add
	return b
}

// KeepParts says that Each comes more than once a gradient: all parts are kept until Reduce, and of very large models there are fewer. Peers take none of
// them.
func (b *Batch) KeepParts() { b.kept = true }

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
	b.grad, b.count, b.rounds = grad[:b.summed], partsOf(b.Tiles()), 1
	if b.kept {
		b.count = max(1, min(b.Tiles(), fewParts, maxPartFloats/(b.summed+1)))
	} else {
		atOnce := b.size() * max(b.leastThreads(), min(fewParts, maxPartFloats/(b.bound+1)))
		b.rounds = (b.count + atOnce - 1) / atOnce
	}
	need := 0
	for round := range b.rounds {
		b.begin(round)
		need = max(need, b.own.end-max(b.own.first, 1))
	}
	b.begin(0)
	if missing := need - len(b.memory); missing > 0 {
		size := kernel.RoundLanes(b.summed)
		mem := kernel.Aligned(missing * size)
		for i := range missing {
			b.memory = append(b.memory, mem[i*size:][:b.summed])
		}
	}
}

// Parts is the number of parts of a batch of so many events, which is the most processes that can share out its gradient.
func Parts(events int) int { return partsOf(Tiles(events)) }

// partsOf is the number of parts of so many tiles.
func partsOf(tiles int) int {
	return min(tiles, max(fewParts, min(tiles/partTiles, MaxParts)))
}

// begin takes up the parts of a round.
func (b *Batch) begin(round int) {
	b.round = run{0, b.count}.split(round, b.rounds)
	b.own = b.round.split(b.rank(), b.size())
}

// gradOf is where the gradient of a part of this process is.
func (b *Batch) gradOf(part int) []float32 {
	if part == 0 {
		return b.grad // in place
	}
	return b.memory[part-max(b.own.first, 1)]
}

// Tiles is the number of tiles that n events take.
func Tiles(n int) int { return (n + kernel.Tile - 1) / kernel.Tile }

// Tiles is the number of tiles of the batch.
func (b *Batch) Tiles() int { return len(b.sums) }

// Rows are the events of tile t.
func (b *Batch) Rows(t int) []int32 {
	return b.rows[t*kernel.Tile : min((t+1)*kernel.Tile, len(b.rows))]
}

// Each calls fn for every tile of the parts of this process; the tiles of a part come one after the other, to one worker.
func (b *Batch) Each(fn func(worker int, t *Tile)) {
	b.each = fn
	for round := range b.rounds {
		if round > 0 {
			b.addUp()
			b.begin(round)
		}
		b.Run(b.own.len(), b.loops.part)
	}
}

func (b *Batch) part(worker, item int) {
	part := b.own.first + item
	tiles := run{0, b.Tiles()}.split(part, b.count)
	t := &b.tiles[worker]
	for i := tiles.first; i < tiles.end; i++ {
		*t = Tile{Number: i, Rows: b.Rows(i), First: i == tiles.first, Grad: b.gradOf(part), Noise: nn.Noise{Seed: b.seed, Step: b.step, Tile: uint32(i)}}
		b.each(worker, t)
	}
}

// Groups calls fn for every run of at most per tiles, [first, end), without gradients.
func (b *Batch) Groups(per int, fn func(worker, first, end int)) {
	b.groupsOf(per, 0, 1, fn)
}

// groupsOf is Groups for the share of one of n processes.
func (b *Batch) groupsOf(per, rank, n int, fn func(worker, first, end int)) {
	b.groups, b.per = fn, per
	b.mine = run{0, (b.Tiles() + per - 1) / per}.split(rank, n)
	b.Run(b.mine.len(), b.loops.group)
}

func (b *Batch) group(worker, item int) {
	first := (b.mine.first + item) * b.per
	b.groups(worker, first, min(first+b.per, b.Tiles()))
}

// Gradient is BeginGradient, Each and Reduce, and gives the Mean.
func (b *Batch) Gradient(rows []int32, grad []float32, fn func(worker int, t *Tile)) float64 {
	b.BeginGradient(rows, grad)
	b.Each(fn)
	b.Reduce()
	return b.Mean()
}

// Loss is Begin and Groups, shared out among all processes, and gives the Mean.
func (b *Batch) Loss(rows []int32, per int, fn func(worker, first, end int)) float64 {
	b.Begin(rows)
	b.groupsOf(per, b.lossRank(), b.lossSize(), fn)
	b.shareLosses(b.sums, 1)
	return b.Mean()
}

// Complete brings what other processes have of each, a value an event, in the Loss before it.
func (b *Batch) Complete(each []float64) { b.shareLosses(each, kernel.Tile) }

// block is a multiple of the cache line, so that no two workers write to one.
const block = 1 << 14

// Reduce completes the sum of the parts and ends the step.
func (b *Batch) Reduce() {
	b.addUp()
	b.finish()
	b.step++
}

// addUp adds the parts of the round to the sum, for the slice of the parameters of this process.
func (b *Batch) addUp() {
	slice := b.slice(b.rank())
	sum := b.grad[slice.first:slice.end]
	b.terms = b.terms[:0]
	others := b.receive()
	for part := b.round.first; part < b.round.end; part++ {
		switch {
		case !b.own.has(part):
			b.terms, others = append(b.terms, others[0]), others[1:]
		case part > 0:
			b.terms = append(b.terms, b.gradOf(part)[slice.first:slice.end])
		}
	}
	if b.round.first == 0 && !b.own.has(0) {
		copy(sum, b.terms[0])
		b.terms = b.terms[1:]
	}
	if len(b.terms) > 0 {
		b.Run((len(sum)+block-1)/block, b.loops.add)
	}
}

func (b *Batch) add(_, item int) {
	slice := b.slice(b.rank())
	lo := item * block
	hi := min(lo+block, slice.len())
	var terms [MaxParts][]float32
	for i, p := range b.terms {
		terms[i] = p[lo:hi]
	}
	kernel.AddParts(b.grad[slice.first+lo:slice.first+hi], terms[:len(b.terms)])
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
