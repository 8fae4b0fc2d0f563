package batch

import (
	"slices"
	"testing"

	"github.com/sluice-hep/sluice/internal/kernel"
)

// Every event comes once, in a tile of its part, and the gradient is the sum of the parts, for any number of threads.
func TestPartsAddUp(t *testing.T) {
	for _, events := range []int{1, 64, 65, 64 * 8, 64*17 + 3} {
		rows := make([]int32, events)
		for i := range rows {
			rows[i] = int32(i)
		}
		for _, threads := range []int{1, 3, 8} {
			const params = block + 3
			b := New(threads, params, 5)
			seen, grad := make([]int32, events), make([]float32, params)
			for step := range 2 {
				b.BeginGradient(rows, grad)
				if want := min(MaxParts, Tiles(events)); len(b.Parts()) != want {
					t.Fatalf("%d events in %d parts, want %d", events, len(b.Parts()), want)
				}
				b.Each(func(_ int, tile *Tile) {
					if tile.Noise.Step != uint32(step) || tile.Noise.Tile != uint32(tile.Number) || tile.Noise.Seed != 5 {
						t.Errorf("noise %+v in step %d", tile.Noise, step)
					}
					var sum float64
					for _, r := range tile.Rows {
						seen[r]++
						sum += float64(r)
					}
					for i := range tile.Grad {
						if tile.First {
							tile.Grad[i] = 0
						}
						tile.Grad[i] += float32(len(tile.Rows))
					}
					b.SetSum(tile.Number, sum)
				})
				b.Reduce()
			}
			if slices.ContainsFunc(seen, func(n int32) bool { return n != 2 }) {
				t.Errorf("%d events, %d threads: not every event came once a step", events, threads)
			}
			if grad[0] != float32(events) || grad[params-1] != float32(events) {
				t.Errorf("%d events, %d threads: a gradient of %v and %v", events, threads, grad[0], grad[params-1])
			}
			if got, want := b.Mean(), float64(events-1)/2; got != want {
				t.Errorf("mean %v, want %v", got, want)
			}
			b.Close()
		}
	}
}

// A tile that is not full repeats its last event.
func TestGather(t *testing.T) {
	dst := make([]float32, 2*kernel.Tile)
	Gather(dst, [][]float32{{1, 2, 3}, {4, 5, 6}}, []int32{2, 0}, kernel.Lanes)
	if dst[0] != 3 || dst[1] != 1 || dst[kernel.Lanes-1] != 1 || dst[kernel.Lanes] != 0 || dst[kernel.Tile] != 6 || dst[kernel.Tile+5] != 4 {
		t.Errorf("%v", dst)
	}
}
