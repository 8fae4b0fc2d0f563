package batch

import (
	"slices"
	"sync"
	"testing"

	"github.com/sluice-hep/sluice/internal/kernel"
	"github.com/sluice-hep/sluice/internal/mpi"
	"github.com/sluice-hep/sluice/nn"
)

// sum is what a test has of a batch: how often each event came, and the gradient. The gradient of a tile has numbers of all sizes, so that another order of
// the sum has other bits.
type sum struct {
	seen []int32
	grad []float32
	mean float64
	each []float64
}

// steps takes two gradients of events and a loss.
func steps(b *Batch, events, params int) *sum {
	rows := make([]int32, events)
	for i := range rows {
		rows[i] = int32(i)
	}
	s := &sum{seen: make([]int32, events), grad: make([]float32, params), each: make([]float64, events)}
	for step := range 2 {
		s.mean = b.Gradient(rows, s.grad, func(_ int, tile *Tile) {
			if tile.Noise != (nn.Noise{Seed: 5, Step: uint32(step), Tile: uint32(tile.Number)}) {
				panic("the noise is of another step")
			}
			var sum float64
			for _, r := range tile.Rows {
				s.seen[r]++
				sum += float64(r)
			}
			for i := range tile.Grad {
				if tile.First {
					tile.Grad[i] = 0
				}
				tile.Grad[i] += float32(len(tile.Rows)) * float32(1+(tile.Number*7919+i)%1013) / 997
			}
			b.SetSum(tile.Number, sum)
		})
	}
	mean := b.Loss(rows, 3, func(_, first, end int) {
		for t := first; t < end; t++ {
			var sum float64
			for i, r := range b.Rows(t) {
				s.each[t*kernel.Tile+i] = float64(r)
				sum += float64(r)
			}
			b.SetSum(t, sum)
		}
	})
	b.Complete(s.each)
	if mean != s.mean {
		panic("the loss is another than that of the gradient")
	}
	return s
}

// Every event comes once a step, and the gradient is the same sum, for any number of threads, processes and rounds.
func TestPartsAddUp(t *testing.T) {
	for _, events := range []int{1, 64, 65, 64 * 8, 64*17 + 3, 64 * 300} {
		for _, bound := range []int{0, maxPartFloats} { // the latter: a round has a part a thread
			const params = 2*block + 3
			var want *sum
			for _, threads := range []int{1, 3, 9} {
				b := New(threads, params, 5)
				b.bound = max(bound, params)
				got := steps(b, events, params)
				b.Close()
				if want == nil {
					want = got
				}
				if slices.ContainsFunc(got.seen, func(n int32) bool { return n != 2 }) {
					t.Errorf("%d events, %d threads: not every event came once a step", events, threads)
				}
				if !slices.Equal(got.grad, want.grad) || got.mean != float64(events-1)/2 {
					t.Errorf("%d events, %d threads: another sum than on one thread, or the mean %v", events, threads, got.mean)
				}
			}
			for _, size := range []int{2, 3, 8, 11} {
				together(size, func(w *mpi.World) {
					b := New(1+w.Rank()%3, params, 5)
					defer b.Close()
					b.bound = max(bound, params)
					b.Share(w)
					got := steps(b, events, params)
					if !slices.Equal(got.grad, want.grad) || got.mean != want.mean || !slices.Equal(got.each, want.each) {
						t.Errorf("%d events, rank %d of %d: another sum than of one process", events, w.Rank(), size)
					}
				})
			}
		}
	}
}

// together runs fn for every rank of a world.
func together(size int, fn func(w *mpi.World)) {
	var all sync.WaitGroup
	for _, w := range mpi.Goroutines(size) {
		all.Go(func() { fn(w) })
	}
	all.Wait()
}

// Where tiles come more than once a gradient, the sum comes at the end, and each process has all of it.
func TestKeptParts(t *testing.T) {
	rows := make([]int32, 64*100)
	together(2, func(w *mpi.World) {
		b := New(2, 3, 0)
		defer b.Close()
		b.KeepParts()
		b.Share(w)
		grad := make([]float32, 3)
		b.BeginGradient(rows, grad)
		for i := range grad {
			b.Each(func(_ int, tile *Tile) {
				if tile.First {
					tile.Grad[i] = 0
				}
				tile.Grad[i]++
			})
		}
		b.Reduce()
		if !slices.Equal(grad, []float32{100, 100, 100}) {
			t.Errorf("rank %d: %v", w.Rank(), grad)
		}
	})
}

// A tile that is not full repeats its last event.
func TestGather(t *testing.T) {
	dst := make([]float32, 2*kernel.Tile)
	Gather(dst, [][]float32{{1, 2, 3}, {4, 5, 6}}, []int32{2, 0}, kernel.Lanes)
	if dst[0] != 3 || dst[1] != 1 || dst[kernel.Lanes-1] != 1 || dst[kernel.Lanes] != 0 || dst[kernel.Tile] != 6 || dst[kernel.Tile+5] != 4 {
		t.Errorf("%v", dst)
	}
}
