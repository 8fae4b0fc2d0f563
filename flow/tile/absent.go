package tile

import (
	"math"
	"math/bits"

	"github.com/sluice-hep/sluice/internal/batch"
	"github.com/sluice-hep/sluice/internal/kernel"
)

// MayLack makes room for features of which cells may be absent, among so many.
func (t *Tile) MayLack(gaps []int32, features int) {
	if t.gaps = gaps; len(gaps) > 0 {
		t.absent = make([]uint64, features)
	}
}

// Absent says where feature f is absent: bit e is that of event e.
func (t *Tile) Absent(f int32) uint64 {
	if t.absent == nil {
		return 0
	}
	return t.absent[f]
}

// Lack finds the absent cells, which are NaN, and sets them to 0.
func (t *Tile) Lack() {
	for _, f := range t.gaps {
		var at uint64
		for e, v := range Row(t.X, int(f))[:t.N] {
			if v != v {
				at |= 1 << e
			}
		}
		t.absent[f] = at
		ClearAt(Row(t.X, int(f)), at)
	}
}

// LackAs is Lack by the columns of other events from number lo on.
func (t *Tile) LackAs(x [][]float32, lo int) {
	for _, f := range t.gaps {
		r := Row(t.X, int(f))[:t.N]
		batch.Pad(r, copy(r, x[f][lo:lo+t.Events]))
	}
	t.Lack()
}

// LeaveOut sets absent cells to 0.
func (t *Tile) LeaveOut() {
	for _, f := range t.gaps {
		ClearAt(Row(t.X, int(f)), t.absent[f])
	}
}

// Keep and PutBack stand around a map of feature f: they leave absent cells and their LogDet as they were.
func (t *Tile) Keep(f int32) {
	if t.Absent(f) != 0 {
		copy(t.kept[:t.N], t.LogDet)
	}
}

// PutBack follows Keep.
func (t *Tile) PutBack(f int32) {
	at := t.Absent(f)
	ClearAt(Row(t.X, int(f)), at)
	for ; at != 0; at &= at - 1 {
		e := bits.TrailingZeros64(at)
		t.LogDet[e] = t.kept[e]
	}
}

// Forget is PutBack after s was added to LogDet.
func (t *Tile) Forget(f int, s float64) {
	at := t.Absent(int32(f))
	ClearAt(Row(t.X, f), at)
	for ; at != 0; at &= at - 1 {
		t.LogDet[bits.TrailingZeros64(at)] -= float32(s)
	}
}

// Slopes is DLogDet of feature f: 0 where that is absent.
func (t *Tile) Slopes(f int32) []float32 {
	at := t.Absent(f)
	if at == 0 {
		return t.DLogDet
	}
	copy(t.kept[:t.N], t.DLogDet)
	ClearAt(t.kept[:], at)
	return t.kept[:t.N]
}

// Still sets the gradients that a transformer gave for absent cells of feature f to 0, whatever it came to there.
func (t *Tile) Still(f int32) {
	at := t.Absent(f)
	if at == 0 {
		return
	}
	ClearAt(t.Feature.D, at)
	for k := 0; k < len(t.Feature.DH); k += kernel.Tile {
		ClearAt(t.Feature.DH[k:], at)
	}
}

// Present is the number of events of the tile that have feature f, padding left out.
func (t *Tile) Present(f int) int {
	return t.Events - bits.OnesCount64(t.Absent(int32(f))&(1<<t.Events-1))
}

// ClearAt sets the values of x to 0 whose bits are set.
func ClearAt(x []float32, at uint64) {
	for ; at != 0; at &= at - 1 {
		x[bits.TrailingZeros64(at)] = 0
	}
}

// Nowhere sets what was absent in the tile to NaN in its features y from event lo on.
func (t *Tile) Nowhere(y [][]float32, lo int) {
	if len(y) == 0 {
		return
	}
	for _, f := range t.gaps {
		for at := t.absent[f] & (1<<t.Events - 1); at != 0; at &= at - 1 {
			y[f][lo+bits.TrailingZeros64(at)] = float32(math.NaN())
		}
	}
}
