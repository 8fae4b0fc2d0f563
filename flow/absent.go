package flow

import (
	"fmt"
	"math"
	"math/bits"

	"github.com/sluice-hep/sluice/internal/batch"
	"github.com/sluice-hep/sluice/internal/kernel"
)

// Partial is a Transform or a Base that takes events of which cells are absent (Tile.Absent). A Transform leaves these at 0, counts
// nothing for them in LogDet, and hides them from what the present cells depend on, so that it is, of each set of present cells, an
// invertible map of them alone; its Backward leaves their DX at 0. A Base gives the density of the present cells.
type Partial interface{ Partial() }

// AllowAbsent adds features of which cells may be absent, before the plan is made a flow: NaN stands for one, in columns of data and
// of the latent. The density is then that of the cells present. It is an error where a layer or a base is not Partial.
func (p *Plan) AllowAbsent(features ...int32) error {
	if len(features) == 0 {
		return nil
	}
	for i, l := range p.layers {
		if _, ok := l.Transform.(Partial); !ok {
			return fmt.Errorf("flow: layer %d (%s) mixes all features, and some of them may be absent: take layers that go feature by "+
				"feature or in order (autoregressive, coupling, permutation, act-norm, batch-norm)", i, l.Part.Kind)
		}
	}
	parts := []Base{p.base}
	if all, ok := p.base.(*product); ok {
		parts = all.parts
	}
	for i, part := range parts {
		if _, ok := part.(Partial); !ok {
			return fmt.Errorf("flow: base %d (%T) has no density of events with absent cells: take normal, student-t, box, truncated, "+
				"mixture or conditional-normal", i, part)
		}
	}
	p.gaps = append(p.gaps, features...)
	return nil
}

// Absent says where feature f is absent: bit e is that of event e.
func (t *Tile) Absent(f int32) uint64 {
	if t.absent == nil {
		return 0
	}
	return t.absent[f]
}

// lack finds the absent cells, which are NaN, and sets them to 0.
func (t *Tile) lack() {
	for _, f := range t.gaps {
		var at uint64
		for e, v := range row(t.X, int(f))[:t.N] {
			if v != v {
				at |= 1 << e
			}
		}
		t.absent[f] = at
		clearAt(row(t.X, int(f)), at)
	}
}

// lackAs is lack by the columns of other events from number lo on.
func (t *Tile) lackAs(x [][]float32, lo int) {
	for _, f := range t.gaps {
		r := row(t.X, int(f))[:t.N]
		batch.Pad(r, copy(r, x[f][lo:lo+t.Events]))
	}
	t.lack()
}

// leaveOut sets absent cells to 0.
func (t *Tile) leaveOut() {
	for _, f := range t.gaps {
		clearAt(row(t.X, int(f)), t.absent[f])
	}
}

// keep and putBack stand around a map of feature f: they leave absent cells and their LogDet as they were.
func (t *Tile) keep(f int32) {
	if t.Absent(f) != 0 {
		copy(t.kept[:t.N], t.LogDet)
	}
}

func (t *Tile) putBack(f int32) {
	at := t.Absent(f)
	clearAt(row(t.X, int(f)), at)
	for ; at != 0; at &= at - 1 {
		e := bits.TrailingZeros64(at)
		t.LogDet[e] = t.kept[e]
	}
}

// forget is putBack after s was added to LogDet.
func (t *Tile) forget(f int, s float64) {
	at := t.Absent(int32(f))
	clearAt(row(t.X, f), at)
	for ; at != 0; at &= at - 1 {
		t.LogDet[bits.TrailingZeros64(at)] -= float32(s)
	}
}

// slopes is DLogDet of feature f: 0 where that is absent.
func (t *Tile) slopes(f int32) []float32 {
	at := t.Absent(f)
	if at == 0 {
		return t.DLogDet
	}
	copy(t.kept[:t.N], t.DLogDet)
	clearAt(t.kept[:], at)
	return t.kept[:t.N]
}

// still sets the gradients that a transformer gave for absent cells of feature f to 0, whatever it came to there.
func (t *Tile) still(f int32) {
	at := t.Absent(f)
	if at == 0 {
		return
	}
	clearAt(t.feature.D, at)
	for k := 0; k < len(t.feature.DH); k += kernel.Tile {
		clearAt(t.feature.DH[k:], at)
	}
}

// present is the number of events of the tile that have feature f, padding left out.
func (t *Tile) present(f int) int {
	return t.Events - bits.OnesCount64(t.Absent(int32(f))&(1<<t.Events-1))
}

func clearAt(x []float32, at uint64) {
	for ; at != 0; at &= at - 1 {
		x[bits.TrailingZeros64(at)] = 0
	}
}

// nowhere sets what was absent in the tile to NaN in its features y from event lo on.
func (t *Tile) nowhere(y [][]float32, lo int) {
	if len(y) == 0 {
		return
	}
	for _, f := range t.gaps {
		for at := t.absent[f] & (1<<t.Events - 1); at != 0; at &= at - 1 {
			y[f][lo+bits.TrailingZeros64(at)] = float32(math.NaN())
		}
	}
}
