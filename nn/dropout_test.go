package nn

import (
	"math"
	"slices"
	"testing"

	"github.com/sluice-hep/sluice/internal/kernel"
)

// A mask leaves out the fraction asked for, keeps the mean, and changes with the layer, the unit, the step, the tile and
// the seed.
func TestDropoutMask(t *testing.T) {
	const fraction, units = 0.25, 500
	d := NewDropout(fraction, 3)
	seen := map[[kernel.Tile]float32]bool{}
	var zeros, sum float64
	count := func(d *Dropout, s Noise, unit int) {
		var m [kernel.Tile]float32
		d.Mask(m[:], &s, unit)
		for _, v := range m {
			if v == 0 {
				zeros++
			}
			sum += float64(v)
		}
		if seen[m] {
			t.Errorf("%+v, unit %d: a mask that came before", s, unit)
		}
		seen[m] = true
	}
	for u := range units {
		count(d, Noise{1, 2, 3}, u)
		count(d, Noise{1, 2, 4}, u)
		count(d, Noise{1, 3, 3}, u)
		count(d, Noise{2, 2, 3}, u)
		count(NewDropout(fraction, 4), Noise{1, 2, 3}, u)
	}
	n := float64(len(seen) * kernel.Tile)
	// four standard deviations of a binomial fraction
	if got := zeros / n; math.Abs(got-fraction) > 4*math.Sqrt(fraction*(1-fraction)/n) {
		t.Errorf("%v left out, want %v", got, fraction)
	}
	if got := sum / n; math.Abs(got-1) > 4*math.Sqrt(fraction/(1-fraction)/n) {
		t.Errorf("the mean factor is %v", got)
	}
}

// An event's mask does not depend on how many events there are.
func TestDropoutMaskOfFewerEvents(t *testing.T) {
	d := NewDropout(0.5, 0)
	whole, part := make([]float32, kernel.Tile), make([]float32, kernel.Lanes)
	d.Mask(whole, &Noise{}, 7)
	d.Mask(part, &Noise{}, 7)
	if !slices.Equal(whole[:kernel.Lanes], part) {
		t.Error("the first events have other masks without the others")
	}
}

func TestNoDropout(t *testing.T) {
	if NewDropout(0, 0) != nil {
		t.Error("dropout of nothing")
	}
	if d := NewDropout(1e-4, 0); d.scale() != 256./255 {
		t.Errorf("a small fraction became %v, not 1/256", d.scale())
	}
}
