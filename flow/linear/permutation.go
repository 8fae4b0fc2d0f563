package linear

import (
	"github.com/sluice-hep/sluice/flow/tile"
	"github.com/sluice-hep/sluice/nn"
)

// Permutation renames the features for what follows, by its flow.Site: it computes nothing.
type Permutation struct{}

// Partial implements flow.Partial.
func (Permutation) Partial() {}

// Layout implements Transform.
func (Permutation) Layout(*nn.Layout, string) {}

// Memory implements Transform.
func (Permutation) Memory() (rows, scratch int) { return 0, 0 }

// ToLatent implements Transform.
func (Permutation) ToLatent(*tile.Tile, []float32, []float32) {}

// ToData implements Transform.
func (Permutation) ToData(*tile.Tile, []float32, []float32) {}

// Work implements Map.
func (Permutation) Work() int { return 0 }

// Follow implements Map.
func (Permutation) Follow(*Affine, []float32) {}

// Keeps implements flow.Keeper.
func (Permutation) Keeps(int32) tile.Interval { return tile.Interval{Wider: true} }

// Backward implements Independent.
func (Permutation) Backward(*tile.Tile, []float32, []float32, []float32, []float32) {}
