package whole

import (
	"github.com/sluice-hep/sluice/flow/tile"
	"github.com/sluice-hep/sluice/internal/kernel"
	"github.com/sluice-hep/sluice/nn"
)

// shift is a linear map of the context, which moves columns of a layer that has no network.
type shift struct{ nn.View }

func newShift(l *nn.Layout, scope string, columns, context int) shift {
	if context == 0 {
		return shift{}
	}
	return shift{l.Add(scope+".context", columns, context, nn.Weight)}
}

// add adds so many times the shift to columns.
func (s shift) add(columns []float32, times float32, t *tile.Tile, p []float32) {
	for i, v := range s.Of(p) {
		kernel.Axpy(tile.Row(columns, i/s.Cols)[:t.N], times*v, tile.Row(t.Context, i%s.Cols))
	}
}

// gradient adds that of its parameters, and of the context where it is wanted, from d of the columns.
func (s shift) gradient(p, g, d []float32, t *tile.Tile) {
	var product [kernel.Tile]float32
	dst := s.Of(g)
	for i := range dst {
		kernel.Mul(product[:t.N], tile.Row(d, i/s.Cols), tile.Row(t.Context, i%s.Cols))
		dst[i] += kernel.Sum(product[:t.N])
	}
	for i, v := range s.Of(p) {
		if t.DContext != nil {
			kernel.Axpy(tile.Row(t.DContext, i%s.Cols)[:t.N], v, tile.Row(d, i/s.Cols))
		}
	}
}
