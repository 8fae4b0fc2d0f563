package linear

import (
	"math"

	"github.com/sluice-hep/sluice/flow/tile"
	"github.com/sluice-hep/sluice/internal/kernel"
	"github.com/sluice-hep/sluice/nn"
)

// ActNorm is z = exp(log_scale) x + shift of each feature (Kingma and Dhariwal, arXiv:1807.03039), whose parameters start so that
// the first batch of a training comes out with mean 0 and width 1, and are trained from there. What is beyond e^60 counts as that.
type ActNorm struct {
	LogScale, Shift nn.View
	features        int
}

// NewActNorm returns one of so many features.
func NewActNorm(features int) *ActNorm { return &ActNorm{features: features} }

// Partial implements Partial.
func (*ActNorm) Partial() {}

// Layout implements Transform.
func (a *ActNorm) Layout(l *nn.Layout, scope string) {
	a.LogScale, a.Shift = l.Add(scope+".log_scale", a.features, 1, nn.Scale), l.Add(scope+".shift", a.features, 1, nn.Bias)
}

// Memory implements Transform: x.
func (a *ActNorm) Memory() (rows, scratch int) { return a.features, 0 }

// logScale is that of feature f, and free says that it is not held at a bound.
func (a *ActNorm) logScale(p []float32, f int) (s float64, free bool) {
	s = float64(a.LogScale.Of(p)[f])
	bounded := max(min(s, 60), -60)
	return bounded, s == bounded
}

// StartFrom implements DataStarter.
func (a *ActNorm) StartFrom(tiles []*tile.Tile, p []float32) {
	for f := range a.features {
		var events, sum, square float64
		for _, t := range tiles {
			events += float64(t.Present(f))
			sum += float64(kernel.Sum(tile.Row(t.X, f)[:t.Events]))
		}
		mean := sum / max(events, 1)
		for _, t := range tiles {
			for e, x := range tile.Row(t.X, f)[:t.Events] {
				if t.Absent(int32(f))>>e&1 != 0 {
					continue
				}
				square += (float64(x) - mean) * (float64(x) - mean)
			}
		}
		width := max(math.Sqrt(square/max(events-1, 1)), 1e-6)
		a.LogScale.Of(p)[f], a.Shift.Of(p)[f] = float32(-math.Log(width)), float32(-mean/width)
	}
}

// ToLatent implements Transform.
func (a *ActNorm) ToLatent(t *tile.Tile, p, mem []float32) {
	copy(mem, t.X)
	var logDet float64
	for f := range a.features {
		s, _ := a.logScale(p, f)
		logDet += s
		shiftScale(tile.Row(t.X, f)[:t.N], tile.Row(t.X, f), 0, float32(math.Exp(s)), a.Shift.Of(p)[f])
		t.Forget(f, s)
	}
	tile.AddTo(t.LogDet[:t.N], float32(logDet))
}

// ToData implements Transform.
func (a *ActNorm) ToData(t *tile.Tile, p, _ []float32) {
	var logDet float64
	for f := range a.features {
		s, _ := a.logScale(p, f)
		logDet += s
		shiftScale(tile.Row(t.X, f)[:t.N], tile.Row(t.X, f), a.Shift.Of(p)[f], float32(math.Exp(-s)), 0)
		t.Forget(f, -s)
	}
	tile.AddTo(t.LogDet[:t.N], -float32(logDet))
}

// Work implements Map.
func (a *ActNorm) Work() int { return a.features }

// Follow implements Map.
func (a *ActNorm) Follow(to *Affine, p []float32) {
	for f := range a.features {
		s, _ := a.logScale(p, f)
		to.scale(f, 0, s, float64(a.Shift.Of(p)[f]))
	}
}

// Backward implements Independent.
func (a *ActNorm) Backward(t *tile.Tile, p, g, mem, _ []float32) {
	var product [kernel.Tile]float32
	dScale, dShift := a.LogScale.Of(g), a.Shift.Of(g)
	if t.First {
		clear(dScale)
		clear(dShift)
	}
	for f := range a.features {
		d := tile.Row(t.DX, f)[:t.N]
		s, free := a.logScale(p, f)
		scale := float32(math.Exp(s))
		dShift[f] += kernel.Sum(d)
		kernel.Scale(d, scale)
		if free {
			kernel.Mul(product[:t.N], d, tile.Row(mem, f))
			dScale[f] += kernel.Sum(product[:t.N]) + kernel.Sum(t.Slopes(int32(f))[:t.N])
		}
	}
}
