package flow

import (
	"fmt"
	"math"
	"runtime"

	"github.com/sluice-hep/sluice/internal/kernel"
	"github.com/sluice-hep/sluice/internal/rng"
)

// workspace is what one worker needs to take a tile through the transforms.
type workspace struct {
	tile Tile
	mem  []float32
}

// ToLatent maps events (columns of equal length) to the latent z and returns log|det dz/dx| for each.
func (f *Flow) ToLatent(x, context [][]float32) (z [][]float32, logDet []float32, err error) {
	return f.mapEvents(x, context, func(w *workspace) {
		for _, t := range f.transforms {
			t.ToLatent(&w.tile, f.params, w.mem)
		}
	})
}

// ToData maps latent events to data and returns log|det dx/dz| for each.
func (f *Flow) ToData(z, context [][]float32) (x [][]float32, logDet []float32, err error) {
	return f.mapEvents(z, context, func(w *workspace) {
		for i := len(f.transforms) - 1; i >= 0; i-- {
			f.transforms[i].ToData(&w.tile, f.params, w.mem)
		}
	})
}

// LogProb returns the log-density of each event in nats, per unit of the columns given.
func (f *Flow) LogProb(x, context [][]float32) ([]float64, error) {
	z, logDet, err := f.ToLatent(x, context)
	if err != nil {
		return nil, err
	}
	logProb := make([]float64, len(logDet))
	for i := range logProb {
		logProb[i] = standardNormal(z, i) + float64(logDet[i])
	}
	return logProb, nil
}

// standardNormal is the log-density of event i under N(0, 1).
func standardNormal(z [][]float32, i int) float64 {
	var s float64
	for _, c := range z {
		s += float64(c[i]) * float64(c[i])
	}
	return -0.5*s - float64(len(z))*logSqrt2Pi
}

var logSqrt2Pi = 0.5 * math.Log(2*math.Pi)

// Sample draws n events, those that follow the first ones of an endless sample: event i depends on the seed and i alone, so
// that parts of a sample can be drawn apart. context has n events, or is nil for a flow without.
func (f *Flow) Sample(n int, context [][]float32, seed, first uint64) ([][]float32, error) {
	x, _, err := f.ToData(f.Latent(n, seed, first), context)
	return x, err
}

// Latent draws n standard normal events; see Sample.
func (f *Flow) Latent(n int, seed, first uint64) [][]float32 {
	z := columns(f.Features, n)
	pool := kernel.NewPool(f.threads())
	defer pool.Close()
	pool.Run(tiles(n), func(_, t int) {
		lo, hi := t*kernel.Tile, min((t+1)*kernel.Tile, n)
		for c := range z {
			rng.Normal(z[c][lo:hi], seed, rng.StreamSample, uint32(c), first+uint64(lo))
		}
	})
	return z
}

// Steps maps latent events to data and returns the events after each transform: the latent first, the data last.
func (f *Flow) Steps(z, context [][]float32) ([][][]float32, error) {
	steps := [][][]float32{z}
	for i := len(f.transforms) - 1; i >= 0; i-- {
		x, _, err := f.mapEvents(steps[len(steps)-1], context, func(w *workspace) {
			f.transforms[i].ToData(&w.tile, f.params, w.mem)
		})
		if err != nil {
			return nil, err
		}
		steps = append(steps, x)
	}
	return steps, nil
}

// mapEvents takes all events through fn.
func (f *Flow) mapEvents(x, context [][]float32, fn func(*workspace)) (y [][]float32, logDet []float32, err error) {
	n, err := f.check(x, context)
	if err != nil {
		return nil, nil, err
	}
	y, logDet = columns(f.Features, n), make([]float32, n)
	pool := kernel.NewPool(min(f.threads(), tiles(n)))
	defer pool.Close()
	work := make([]workspace, pool.Threads())
	for i := range work {
		work[i] = f.workspace()
	}
	pool.Run(tiles(n), func(worker, t int) {
		w := &work[worker]
		lo, hi := t*kernel.Tile, min((t+1)*kernel.Tile, n)
		w.load(x, context, lo, hi)
		fn(w)
		for c := range y {
			copy(y[c][lo:hi], row(w.tile.X, c))
		}
		copy(logDet[lo:hi], w.tile.LogDet)
	})
	return y, logDet, nil
}

// workspace allocates for evaluation: one memory serves one transform after the other.
func (f *Flow) workspace() workspace {
	rows := 0
	for _, t := range f.transforms {
		rows = max(rows, t.Rows())
	}
	return workspace{tile: f.newTile(), mem: kernel.Aligned(rows * kernel.Tile)}
}

func (f *Flow) newTile() Tile {
	return Tile{
		X: kernel.Aligned(f.Features * kernel.Tile), Context: kernel.Aligned(f.Context * kernel.Tile),
		LogDet: kernel.Aligned(kernel.Tile),
	}
}

// load fills the tile with events [lo, hi); the last event is repeated up to a multiple of kernel.Lanes.
func (w *workspace) load(x, context [][]float32, lo, hi int) {
	t := &w.tile
	t.N = kernel.RoundLanes(hi - lo)
	fill := func(dst []float32, src [][]float32) {
		for c, col := range src {
			d := row(dst, c)[:t.N]
			k := copy(d, col[lo:hi])
			for i := k; i < len(d); i++ {
				d[i] = d[k-1]
			}
		}
	}
	fill(t.X, x)
	fill(t.Context, context)
	clear(t.LogDet)
}

// check returns the number of events.
func (f *Flow) check(x, context [][]float32) (int, error) {
	if len(x) != f.Features || len(context) != f.Context {
		return 0, fmt.Errorf("flow: %d columns and %d context columns given to a flow of %d and %d", len(x), len(context), f.Features, f.Context)
	}
	n := len(x[0])
	for _, c := range append(append([][]float32(nil), x...), context...) {
		if len(c) != n {
			return 0, fmt.Errorf("flow: columns of %d and %d events", n, len(c))
		}
	}
	return n, nil
}

func (f *Flow) threads() int {
	if f.Threads > 0 {
		return f.Threads
	}
	return runtime.GOMAXPROCS(0)
}

func tiles(n int) int { return (n + kernel.Tile - 1) / kernel.Tile }

func columns(c, n int) [][]float32 {
	flat := make([]float32, c*n)
	x := make([][]float32, c)
	for i := range x {
		x[i] = flat[i*n : (i+1)*n : (i+1)*n]
	}
	return x
}
