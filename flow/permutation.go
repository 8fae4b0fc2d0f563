package flow

import "github.com/sluice-hep/sluice/nn"

// Permutation renames the features for what follows, by its Site: it computes nothing.
type Permutation struct{}

// Partial implements Partial.
func (Permutation) Partial() {}

// Layout implements Transform.
func (Permutation) Layout(*nn.Layout, string) {}

// Memory implements Transform.
func (Permutation) Memory() (rows, scratch int) { return 0, 0 }

// ToLatent implements Transform.
func (Permutation) ToLatent(*Tile, []float32, []float32) {}

// ToData implements Transform.
func (Permutation) ToData(*Tile, []float32, []float32) {}

// Backward implements Independent.
func (Permutation) Backward(*Tile, []float32, []float32, []float32, []float32) {}
