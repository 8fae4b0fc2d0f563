package flow

import (
	"fmt"
	"runtime"

	"github.com/sluice-hep/sluice/internal/batch"
	"github.com/sluice-hep/sluice/internal/floats"
	"github.com/sluice-hep/sluice/internal/kernel"
)

// workspace is what one worker needs to take a group of tiles through the transforms.
type workspace struct {
	tiles []*Tile
	mems  [][]float32 // one a tile; one transform after the other uses it
	aside *Tile       // see drawAt

	transforms []Transform // see Flow.folded
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

// through takes tiles through a transform.
func (w *workspace) through(t Transform, tiles []*Tile, p []float32, toData bool) {
	if g, ok := t.(grouped); ok {
		g.group(tiles, p, w.mems[:len(tiles)], toData)
		return
	}
	for _, tile := range tiles {
		if toData {
			t.ToData(tile, p, w.mems[0])
		} else {
			t.ToLatent(tile, p, w.mems[0])
		}
	}
}

// toLatent takes the first n tiles of w through all transforms, toData those back.
func (f *Flow) toLatent(w *workspace, n int) {
	for _, t := range w.transforms {
		w.through(t, w.tiles[:n], f.params, false)
	}
}

func (f *Flow) toData(w *workspace, n int) {
	for i := len(w.transforms) - 1; i >= 0; i-- {
		w.through(w.transforms[i], w.tiles[:n], f.params, true)
	}
}

// ToLatent maps events (columns of equal length) to the latent z and returns log|det dz/dx| for each.
func (f *Flow) ToLatent(x, context [][]float32) (z [][]float32, logDet []float32, err error) {
	return f.mapEvents(x, context, f.toLatent)
}

// ToData maps latent events to data and returns log|det dx/dz| for each.
func (f *Flow) ToData(z, context [][]float32) (x [][]float32, logDet []float32, err error) {
	if err := f.twoWay(noSample); err != nil {
		return nil, nil, err
	}
	return f.mapEvents(z, context, f.toData)
}

const noSample = "no events can be drawn"

// twoWay says what cannot be done without an inverse.
func (f *Flow) twoWay(not string) error {
	if f.oneWay != "" {
		return fmt.Errorf("flow: %s: %s", not, f.oneWay)
	}
	return nil
}

// LogProb returns the log-density of each event in nats, per unit of the columns given.
func (f *Flow) LogProb(x, context [][]float32) ([]float64, error) {
	logProb, _, err := f.density(x, context, f.toLatent, false)
	return logProb, err
}

// Evaluate is LogProb and ToLatent in one pass.
func (f *Flow) Evaluate(x, context [][]float32) (logProb []float64, z [][]float32, err error) {
	return f.density(x, context, f.toLatent, true)
}

// density is that of events whose latent fn computes.
func (f *Flow) density(x, context [][]float32, fn func(w *workspace, tiles int), latent bool) (logProb []float64, z [][]float32, err error) {
	n, err := f.check(x, context)
	if err != nil {
		return nil, nil, err
	}
	logProb = make([]float64, n)
	if latent {
		z = floats.Columns(f.Features, n)
	}
	f.each(n, func(w *workspace, t *Tile, lo, hi int) { f.load(w, t, x, context, lo, hi) }, fn, func(w *workspace, t *Tile, lo int) {
		store(t, z, lo)
		lp := logProb[lo:][:t.Events]
		f.logDensity(t, w.mems[0], lp)
		for e := range lp {
			lp[e] += float64(t.LogDet[e])
		}
	})
	return logProb, z, nil
}

// Sample draws n events, those that follow the first ones of an endless sample: event i depends on the seed and i alone, so
// that parts of a sample can be drawn apart. context has n events, or is nil for a flow without.
func (f *Flow) Sample(n int, context [][]float32, seed, first uint64) ([][]float32, error) {
	if err := f.twoWay(noSample); err != nil {
		return nil, err
	}
	x := floats.Columns(f.Features, n)
	return x, f.draw(x, n, context, seed, first, f.toData)
}

// Fill is Sample into the columns x, but for cells that are NaN there of features that may be absent: these are.
func (f *Flow) Fill(x, context [][]float32, seed, first uint64) error {
	if err := f.twoWay(noSample); err != nil {
		return err
	}
	n, err := f.check(x, context)
	if err != nil {
		return err
	}
	return f.draw(x, n, context, seed, first, f.toData)
}

// Latent draws n events of the base; see Sample.
func (f *Flow) Latent(n int, context [][]float32, seed, first uint64) ([][]float32, error) {
	x := floats.Columns(f.Features, n)
	return x, f.draw(x, n, context, seed, first, func(*workspace, int) {})
}

// draw fills x, but for absent cells.
func (f *Flow) draw(x [][]float32, n int, context [][]float32, seed, first uint64, fn func(w *workspace, tiles int)) error {
	if len(context) != f.Context {
		return fmt.Errorf("flow: %d context columns given to a flow of %d", len(context), f.Context)
	}
	for _, c := range context {
		if len(c) != n {
			return fmt.Errorf("flow: a context of %d events for %d", len(c), n)
		}
	}
	f.each(n, func(w *workspace, t *Tile, lo, hi int) {
		f.load(w, t, nil, context, lo, hi)
		t.LackAs(x, lo)
		t.NoDet = true
		f.drawTile(t, w.mems[0], seed, first+uint64(lo))
	}, fn, func(_ *workspace, t *Tile, lo int) { store(t, x, lo) })
	return nil
}

// drawTile sets the features of a tile to events of the base from number first on.
func (f *Flow) drawTile(t *Tile, mem []float32, seed, first uint64) {
	f.base.Draw(t, f.params, mem, seed, first)
	for c := range f.Features {
		batch.Pad(row(t.X, c)[:t.N], t.Events)
	}
	t.LeaveOut()
}

// Steps maps latent events to data and returns the events after each transform: the latent first, the data last.
func (f *Flow) Steps(z, context [][]float32) ([][][]float32, error) {
	if err := f.twoWay(noSample); err != nil {
		return nil, err
	}
	return f.steps(z, context, true)
}

// steps goes through one transform after the other, from the last one to data or from the first one to the latent.
func (f *Flow) steps(z, context [][]float32, toData bool) ([][][]float32, error) {
	steps := [][][]float32{z}
	for k := range f.transforms {
		if toData {
			k = len(f.transforms) - 1 - k
		}
		x, _, err := f.mapEvents(steps[len(steps)-1], context, func(w *workspace, n int) {
			w.through(f.transforms[k], w.tiles[:n], f.params, toData)
		})
		if err != nil {
			return nil, err
		}
		steps = append(steps, x)
	}
	return steps, nil
}

// mapEvents takes all events through fn.
func (f *Flow) mapEvents(x, context [][]float32, fn func(w *workspace, tiles int)) (y [][]float32, logDet []float32, err error) {
	n, err := f.check(x, context)
	if err != nil {
		return nil, nil, err
	}
	y, logDet = floats.Columns(f.Features, n), make([]float32, n)
	f.each(n, func(w *workspace, t *Tile, lo, hi int) { f.load(w, t, x, context, lo, hi) }, fn, func(_ *workspace, t *Tile, lo int) {
		store(t, y, lo)
		copy(logDet[lo:lo+t.Events], t.LogDet)
	})
	return y, logDet, nil
}

// each takes n events through fn, in groups of tiles; load fills a tile with events [lo, hi), store takes it from lo on.
func (f *Flow) each(n int, load func(w *workspace, t *Tile, lo, hi int), fn func(w *workspace, tiles int), store func(w *workspace, t *Tile, lo int)) {
	events, transforms := f.groupTiles()*kernel.Tile, f.folded()
	c := f.crews.Take(f.threads())
	defer f.crews.Return(c)
	c.Pool.Run((n+events-1)/events, func(worker, group int) {
		if c.Work[worker].tiles == nil {
			c.Work[worker] = f.workspace()
		}
		w := &c.Work[worker]
		w.transforms = transforms
		lo, hi := group*events, min((group+1)*events, n)
		k := batch.Tiles(hi - lo)
		for i, t := range w.tiles[:k] {
			load(w, t, lo+i*kernel.Tile, min(lo+(i+1)*kernel.Tile, hi))
		}
		fn(w, k)
		for i, t := range w.tiles[:k] {
			store(w, t, lo+i*kernel.Tile)
		}
	})
}

// workspace allocates for evaluation by one worker.
func (f *Flow) workspace() (w workspace) {
	w.transforms = f.transforms
	most, _ := f.endsMemory()
	for _, t := range f.transforms {
		rows, _ := t.Memory()
		most = max(most, rows)
	}
	for range f.groupTiles() {
		t := f.newTile()
		w.tiles = append(w.tiles, &t)
		w.mems = append(w.mems, kernel.Aligned(most*kernel.Tile))
	}
	return w
}

func (f *Flow) newTile() Tile {
	t := Tile{
		X: kernel.Aligned(f.Features * kernel.Tile), Given: kernel.Aligned(f.Context * kernel.Tile),
		LogDet: kernel.Aligned(kernel.Tile),
	}
	if t.Context = t.Given; f.embedding != nil {
		t.Context = kernel.Aligned(f.seen * kernel.Tile)
	}
	t.MayLack(f.gaps, f.Features)
	return t
}

// load takes up events [lo, hi) with their context.
func (f *Flow) load(w *workspace, t *Tile, x, context [][]float32, lo, hi int) {
	load(t, x, context, lo, hi)
	f.embed(t, w.mems[0])
}

// load fills the tile with events [lo, hi); the last event is repeated up to a multiple of kernel.Lanes.
func load(t *Tile, x, context [][]float32, lo, hi int) {
	t.Events, t.N = hi-lo, kernel.RoundLanes(hi-lo)
	for c, col := range x {
		batch.Pad(row(t.X, c)[:t.N], copy(row(t.X, c), col[lo:hi]))
	}
	for c, col := range context {
		batch.Pad(row(t.Given, c)[:t.N], copy(row(t.Given, c), col[lo:hi]))
	}
	if x != nil {
		t.Lack()
	}
	clear(t.LogDet)
	t.NoDet = false
}

// store writes the tile's events from lo on.
func store(t *Tile, y [][]float32, lo int) {
	for c := range y {
		copy(y[c][lo:lo+t.Events], row(t.X, c))
	}
	t.Nowhere(y, lo)
}

// check returns the number of events.
func (f *Flow) check(x, context [][]float32) (int, error) {
	if len(x) != f.Features || len(context) != f.Context {
		return 0, fmt.Errorf("flow: %d columns and %d context columns given to a flow of %d and %d", len(x), len(context), f.Features, f.Context)
	}
	return equallyLong(append(append([][]float32(nil), x...), context...))
}

// equallyLong gives the length of columns, 0 of none.
func equallyLong(columns [][]float32) (n int, err error) {
	for i, c := range columns {
		if i == 0 {
			n = len(c)
		}
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
