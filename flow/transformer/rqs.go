package transformer

import (
	"math"

	"github.com/sluice-hep/sluice/flow/tile"
	"github.com/sluice-hep/sluice/internal/kernel"
)

// RationalQuadraticSpline is the monotone spline of Durkan et al. (arXiv:1906.04032) with K bins on [-Bound, Bound]
// and the identity outside. The rows of h are K raw widths, K raw heights and the K-1 raw derivatives at the inner knots:
// widths and heights are softmax with a minimum of 1e-3, derivatives softplus + 1e-3, and 1 at the ends.
type RationalQuadraticSpline struct{ spline kernel.Spline }

// NewRationalQuadraticSpline returns a spline transformer. The raw widths and heights are multiplied by scale first.
func NewRationalQuadraticSpline(bins int, bound, scale float64) *RationalQuadraticSpline {
	return &RationalQuadraticSpline{kernel.Spline{Bins: bins, Bound: float32(bound), Scale: float32(scale)}}
}

// Saved implements Transformer.
func (r *RationalQuadraticSpline) Saved() int { return r.spline.SavedRows() }

// Identity implements Transformer: equal bins and derivatives of 1 are the identity.
func (r *RationalQuadraticSpline) Identity() []float32 { return unitSlopes(r.spline) }

// unitSlopes are the raw parameters of equal bins and derivatives of 1.
func unitSlopes(s kernel.Spline) []float32 {
	h := make([]float32, s.ParamRows())
	for i := 2 * s.Bins; i < len(h); i++ {
		h[i] = float32(math.Log(math.Expm1(1 - 1e-3)))
	}
	return h
}

// Interval implements Bounded.
func (r *RationalQuadraticSpline) Interval() tile.Interval {
	return tile.Interval{Bound: r.spline.Bound, Wider: true}
}

// ToLatent implements Transformer.
func (r *RationalQuadraticSpline) ToLatent(f *tile.Feature) {
	r.spline.ToLatent(f.Z, f.LogDet, f.X, f.H, f.Saved, f.N)
}

// Backward implements Transformer.
func (r *RationalQuadraticSpline) Backward(f *tile.Feature) {
	r.spline.Backward(f.D, f.DH, f.D, f.DLogDet, f.X, f.H, f.Saved, f.N)
}

// ToData implements Transformer.
func (r *RationalQuadraticSpline) ToData(f *tile.Feature) {
	r.spline.ToData(f.X, f.LogDet, f.Z, f.H, f.N)
}
