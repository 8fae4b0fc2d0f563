package flow

import (
	"fmt"
	"math"
	"runtime"

	"github.com/sluice-hep/sluice/internal/batch"
	"github.com/sluice-hep/sluice/internal/kernel"
	"github.com/sluice-hep/sluice/internal/rng"
)

// workspace is what one worker needs to take a group of tiles through the transforms.
type workspace struct {
	tiles []*Tile
	mems  [][]float32 // one a tile; one transform after the other uses it
}

// grouped is a transform that is faster on several tiles at once.
type grouped interface {
	groupToLatent(tiles []*Tile, p []float32, mem [][]float32)
	groupToData(tiles []*Tile, p []float32, mem [][]float32)
}

// groupTiles is the number of tiles that a worker takes at once: with more, a large network's weights are read more
// seldom, but the tiles leave the cache.
func (f *Flow) groupTiles() int {
	for _, t := range f.transforms {
		if _, ok := t.(grouped); ok {
			return 8
		}
	}
	return 1
}

func (w *workspace) toLatent(t Transform, tiles []*Tile, p []float32) {
	if g, ok := t.(grouped); ok {
		g.groupToLatent(tiles, p, w.mems[:len(tiles)])
		return
	}
	for _, tile := range tiles {
		t.ToLatent(tile, p, w.mems[0])
	}
}

func (w *workspace) toData(t Transform, tiles []*Tile, p []float32) {
	if g, ok := t.(grouped); ok {
		g.groupToData(tiles, p, w.mems[:len(tiles)])
		return
	}
	for _, tile := range tiles {
		t.ToData(tile, p, w.mems[0])
	}
}

// toLatent takes the first n tiles of w through all transforms.
func (f *Flow) toLatent(w *workspace, n int) {
	for _, t := range f.transforms {
		w.toLatent(t, w.tiles[:n], f.params)
	}
}

// ToLatent maps events (columns of equal length) to the latent z and returns log|det dz/dx| for each.
func (f *Flow) ToLatent(x, context [][]float32) (z [][]float32, logDet []float32, err error) {
	return f.mapEvents(x, context, f.toLatent)
}

// ToData maps latent events to data and returns log|det dx/dz| for each.
func (f *Flow) ToData(z, context [][]float32) (x [][]float32, logDet []float32, err error) {
	return f.mapEvents(z, context, func(w *workspace, n int) {
		for i := len(f.transforms) - 1; i >= 0; i-- {
			w.toData(f.transforms[i], w.tiles[:n], f.params)
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
	pool.Run(batch.Tiles(n), func(_, t int) {
		lo, hi := t*kernel.Tile, min((t+1)*kernel.Tile, n)
		for c := 0; c < len(z); c += 2 {
			var odd []float32
			if c+1 < len(z) {
				odd = z[c+1][lo:hi]
			}
			rng.NormalPair(z[c][lo:hi], odd, seed, rng.StreamSample, uint32(c/2), first+uint64(lo))
		}
	})
	return z
}

// Steps maps latent events to data and returns the events after each transform: the latent first, the data last.
func (f *Flow) Steps(z, context [][]float32) ([][][]float32, error) {
	steps := [][][]float32{z}
	for i := len(f.transforms) - 1; i >= 0; i-- {
		x, _, err := f.mapEvents(steps[len(steps)-1], context, func(w *workspace, n int) {
			w.toData(f.transforms[i], w.tiles[:n], f.params)
		})
		if err != nil {
			return nil, err
		}
		steps = append(steps, x)
	}
	return steps, nil
}

// mapEvents takes all events through fn, in groups of tiles.
func (f *Flow) mapEvents(x, context [][]float32, fn func(w *workspace, tiles int)) (y [][]float32, logDet []float32, err error) {
	n, err := f.check(x, context)
	if err != nil {
		return nil, nil, err
	}
	y, logDet = columns(f.Features, n), make([]float32, n)
	events := f.groupTiles() * kernel.Tile
	groups := (n + events - 1) / events
	pool := kernel.NewPool(min(f.threads(), max(groups, 1)))
	defer pool.Close()
	work := f.workspaces(pool.Threads())
	pool.Run(groups, func(worker, group int) {
		w := &work[worker]
		lo, hi := group*events, min((group+1)*events, n)
		k := batch.Tiles(hi - lo)
		for i, t := range w.tiles[:k] {
			t.load(x, context, lo+i*kernel.Tile, min(lo+(i+1)*kernel.Tile, hi))
		}
		fn(w, k)
		for i, t := range w.tiles[:k] {
			t.store(y, logDet, lo+i*kernel.Tile)
		}
	})
	return y, logDet, nil
}

// workspaces allocates for evaluation by so many workers.
func (f *Flow) workspaces(workers int) []workspace {
	rows := 0
	for _, t := range f.transforms {
		rows = max(rows, t.Rows())
	}
	work := make([]workspace, workers)
	for i := range work {
		for range f.groupTiles() {
			t := f.newTile()
			work[i].tiles = append(work[i].tiles, &t)
			work[i].mems = append(work[i].mems, kernel.Aligned(rows*kernel.Tile))
		}
	}
	return work
}

func (f *Flow) newTile() Tile {
	return Tile{
		X: kernel.Aligned(f.Features * kernel.Tile), Context: kernel.Aligned(f.Context * kernel.Tile),
		LogDet: kernel.Aligned(kernel.Tile),
	}
}

// load fills the tile with events [lo, hi); the last event is repeated up to a multiple of kernel.Lanes.
func (t *Tile) load(x, context [][]float32, lo, hi int) {
	t.Events, t.N = hi-lo, kernel.RoundLanes(hi-lo)
	for c, col := range x {
		batch.Pad(row(t.X, c)[:t.N], copy(row(t.X, c), col[lo:hi]))
	}
	for c, col := range context {
		batch.Pad(row(t.Context, c)[:t.N], copy(row(t.Context, c), col[lo:hi]))
	}
	clear(t.LogDet)
}

// store writes the tile's events from lo on.
func (t *Tile) store(y [][]float32, logDet []float32, lo int) {
	for c := range y {
		copy(y[c][lo:lo+t.Events], row(t.X, c))
	}
	copy(logDet[lo:lo+t.Events], t.LogDet)
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

func columns(c, n int) [][]float32 {
	flat := make([]float32, c*n)
	x := make([][]float32, c)
	for i := range x {
		x[i] = flat[i*n : (i+1)*n : (i+1)*n]
	}
	return x
}
