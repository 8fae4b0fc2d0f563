package nn

import (
	"testing"

	"github.com/sluice-hep/sluice/internal/kernel"
)

// BenchmarkDropout is of 128 units of a tile.
func BenchmarkDropout(b *testing.B) {
	d := NewDropout(0.1, 0)
	h := kernel.Aligned(128 * kernel.Tile)
	for b.Loop() {
		d.apply(h, 128, kernel.Tile, &Noise{Seed: 1})
	}
}
