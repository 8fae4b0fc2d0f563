package flow

import (
	"fmt"

	"github.com/sluice-hep/sluice/internal/batch"
	"github.com/sluice-hep/sluice/internal/floats"
	"github.com/sluice-hep/sluice/internal/kernel"
)

// SampleAt draws the events of the numbers given, in rising order, as Sample does those of consecutive ones; context has a row for
// each. It is for whoever draws each event from one of several flows.
func (f *Flow) SampleAt(numbers []uint64, context [][]float32, seed uint64) ([][]float32, error) {
	if err := f.twoWay(noSample); err != nil {
		return nil, err
	}
	n := len(numbers)
	if given, err := equallyLong(context); err != nil || len(context) != f.Context || given != n && len(context) > 0 {
		return nil, fmt.Errorf("flow: %d context columns of %d events given to a flow of %d for %d events", len(context), given, f.Context, n)
	}
	x := floats.Columns(f.Features, n)
	f.each(n, func(w *workspace, t *Tile, lo, hi int) {
		f.load(w, t, nil, context, lo, hi)
		t.NoDet = true
		f.drawAt(w, t, seed, numbers[lo:hi])
	}, f.toData, func(_ *workspace, t *Tile, lo int) { store(t, x, lo) })
	return x, nil
}

// drawAt sets the features of a tile to events of the base: of a run of numbers as wide as a tile it takes those wanted.
func (f *Flow) drawAt(w *workspace, t *Tile, seed uint64, numbers []uint64) {
	if w.aside == nil {
		a := f.newTile()
		w.aside = &a
	}
	a := w.aside
	for lo, hi := 0, 0; lo < len(numbers); lo = hi {
		first := numbers[lo]
		for hi = lo; hi < len(numbers) && numbers[hi]-first < kernel.Tile; hi++ {
			for c := range f.Context {
				row(a.Given, c)[numbers[hi]-first] = row(t.Given, c)[hi]
			}
		}
		a.Events = int(numbers[hi-1]-first) + 1
		a.N, a.NoDet = kernel.RoundLanes(a.Events), true
		for c := range f.Context {
			batch.Pad(row(a.Given, c)[:a.N], a.Events)
		}
		f.embed(a, w.mems[0])
		f.drawTile(a, w.mems[0], seed, first)
		for c := range f.Features {
			for e := lo; e < hi; e++ {
				row(t.X, c)[e] = row(a.X, c)[numbers[e]-first]
			}
		}
	}
	for c := range f.Features {
		batch.Pad(row(t.X, c)[:t.N], t.Events)
	}
}
