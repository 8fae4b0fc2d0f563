package flow

import "fmt"

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
