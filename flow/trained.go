package flow

import "github.com/sluice-hep/sluice/flow/base"

// TrainedBase is the name of the kind that Trained makes.
const TrainedBase = "model"

// Trained is the kind of a base that is the density of a trained flow, which stays as it is and must not change meanwhile: a flow on it
// learns the transport to that density from another one (arXiv:2211.02487). It is for all features, and sees the context as it is
// given. Event i of a seed is drawn as event i of f is, and transported.
func Trained(f *Flow) Kind {
	return Kind{TrainedBase, RoleBase, func(*Options) any {
		return func(s *Site) (Base, error) {
			b := &trained{f: f}
			return b, b.place(s)
		}
	}}
}

// On is the trained flow whose density is the base; nil for none.
func (p *Plan) On() *Flow {
	if b, ok := p.base.(*trained); ok {
		return b.f
	}
	return nil
}

// trained is the base of a flow of its own.
type trained struct {
	*base.Trained
	f *Flow
}

// place checks that the flow can be a base there.
func (b *trained) place(s *Site) error {
	f := b.f
	switch {
	case len(s.order) != f.Features:
		return fault("", "is a flow of %d features, and there are %d", f.Features, len(s.order))
	case s.given != f.Context:
		return fault("", "is a flow of %d context columns, and there are %d", f.Context, s.given)
	case f.oneWay != "":
		return fault("", "%s: %s", noSample, f.oneWay)
	}
	b.Trained = &base.Trained{Features: f.Features, Params: f.params, Latent: f.base, Embed: f.embed, Draws: f.drawTile}
	b.Ends, b.Scratch = f.endsMemory()
	if f.embedding != nil {
		b.Seen = f.seen
	}
	for _, l := range f.layers {
		tr, ok := l.Transform.(Independent)
		if !ok {
			return fault("", "its layer %s takes a batch as a whole, and a base goes tile by tile: train it with networks of kind mlp, and act-norm for a norm", l.Part.Kind)
		}
		b.Layers = append(b.Layers, tr)
	}
	return b.meets(s)
}

// meets is an error where the layers at the site would leave an interval outside of which the flow has no density.
func (b *trained) meets(s *Site) error {
	for _, box := range b.f.boxes() {
		for i, feature := range box.Features {
			kept, bound := s.kept(feature), box.Bounds[i]
			switch {
			case kept.Why != "":
				return fault("", "has no density outside of an interval, which feature %d must not leave, but %s: take spline, "+
					"circular-spline or bernstein and no linear map or norm", feature, kept.Why)
			case kept.Bound > bound || kept.Bound < bound && !kept.Wider:
				return fault("", "has no density beyond %g of feature %d, and the transformers keep it within %g: give them that bound", bound, feature, kept.Bound)
			}
		}
	}
	return nil
}

// boxes are the bases that end somewhere, those of a trained flow among them.
func (f *Flow) boxes() (all []*base.Box) {
	for _, part := range f.Bases() {
		switch part := part.(type) {
		case *base.Box:
			all = append(all, part)
		case *trained:
			all = append(all, part.f.boxes()...)
		}
	}
	return all
}
