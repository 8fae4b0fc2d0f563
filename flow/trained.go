package flow

import (
	"github.com/sluice-hep/sluice/flow/base"
	"github.com/sluice-hep/sluice/internal/kernel"
	"github.com/sluice-hep/sluice/nn"
)

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

// trained is a base whose tile goes through a flow of its own, in memory of its own.
type trained struct {
	f *Flow
	// Rows of mem: the features, their log-det, the context that f sees where it embeds it, then what its ends need, and each transform.
	logDet, context, ends int
	at                    []int
	rows, scratch         int
}

// place checks that the flow can be a base there, and shares out the memory.
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
	b.logDet = f.Features
	b.context = b.logDet + 1
	b.ends = b.context
	if f.embedding != nil {
		b.ends += f.seen
	}
	rows, scratch := f.endsMemory()
	b.rows, b.scratch = b.ends+rows, scratch
	for _, l := range f.layers {
		if _, ok := l.Transform.(Independent); !ok {
			return fault("", "its layer %s takes a batch as a whole, and a base goes tile by tile: train it with networks of kind mlp, and act-norm for a norm", l.Part.Kind)
		}
		rows, scratch := l.Transform.Memory()
		b.at = append(b.at, b.rows)
		b.rows, b.scratch = b.rows+rows, max(b.scratch, scratch)
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

// GivesDContext implements Contextual: the context that it sees is the events', which nobody trains.
func (*trained) GivesDContext() {}

// Layout implements Base: nothing is trained.
func (*trained) Layout(*nn.Layout, string) {}

// Memory implements Base. The gradient of the flow's parameters, which nobody wants, goes to scratch, as that of its log-det does.
func (b *trained) Memory() (rows, scratch int) { return b.rows, b.scratch + 1 + b.gradient() }

func (b *trained) gradient() int { return (b.f.Size() + kernel.Tile - 1) / kernel.Tile }

// outer is what a tile was before the flow took it up.
type outer struct {
	pass               nn.Pass
	x, context, logDet []float32
	noDet              bool
}

// enter has the flow see a tile without its dropout, in columns of its own; leave is the way out.
func (b *trained) enter(t *Tile, mem []float32) outer {
	was := outer{t.Pass, t.X, t.Context, t.LogDet, t.NoDet}
	t.Noise, t.DContext, t.SkipDX, t.First, t.NoDet = nil, nil, false, true, false
	t.X, t.LogDet, t.Context = rows(mem, 0, b.f.Features), row(mem, b.logDet), t.Given
	if b.f.embedding != nil {
		t.Context = rows(mem, b.context, b.f.seen)
	}
	return was
}

func (o *outer) leave(t *Tile) {
	t.Pass, t.X, t.Context, t.LogDet, t.NoDet = o.pass, o.x, o.context, o.logDet, o.noDet
}

func (b *trained) memory(mem []float32, i int) []float32 { return mem[b.at[i]*kernel.Tile:] }

// LogProb implements Base.
func (b *trained) LogProb(t *Tile, _, mem []float32, logProb []float64) {
	ends := mem[b.ends*kernel.Tile:]
	was := b.enter(t, mem)
	copy(t.X, was.x)
	clear(t.LogDet)
	b.f.embed(t, ends)
	for i, tr := range b.f.transforms {
		tr.ToLatent(t, b.f.params, b.memory(mem, i))
	}
	b.f.base.LogProb(t, b.f.params, ends, logProb)
	for e := range logProb {
		logProb[e] += float64(t.LogDet[e])
	}
	was.leave(t)
}

// Backward implements Base.
func (b *trained) Backward(t *Tile, _, _, mem, scratch, slope []float32) {
	dLogDet, unwanted := row(scratch, 0), scratch[kernel.Tile:][:b.f.Size()]
	scratch = scratch[(1+b.gradient())*kernel.Tile:]
	was, of := b.enter(t, mem), t.DLogDet
	b.f.base.Backward(t, b.f.params, unwanted, mem[b.ends*kernel.Tile:], scratch, slope)
	copy(dLogDet, slope)
	kernel.Scale(dLogDet[:len(slope)], -1)
	t.DLogDet = dLogDet
	for i := len(b.f.transforms) - 1; i >= 0; i-- {
		b.f.transforms[i].(Independent).Backward(t, b.f.params, unwanted, b.memory(mem, i), scratch)
	}
	t.DLogDet = of
	was.leave(t)
}

// Draw implements Base.
func (b *trained) Draw(t *Tile, _, mem []float32, seed, first uint64) {
	ends := mem[b.ends*kernel.Tile:]
	was := b.enter(t, mem)
	t.X, t.NoDet = was.x, true
	b.f.embed(t, ends)
	b.f.drawTile(t, ends, seed, first)
	for i := len(b.f.transforms) - 1; i >= 0; i-- {
		b.f.transforms[i].ToData(t, b.f.params, b.memory(mem, i))
	}
	was.leave(t)
}

// boxes are the bases that end somewhere, those of a trained flow among them.
func (f *Flow) boxes() (all []*base.Box) {
	parts := []Base{f.base}
	if p, ok := f.base.(*product); ok {
		parts = p.parts
	}
	for _, part := range parts {
		switch part := part.(type) {
		case *base.Box:
			all = append(all, part)
		case *trained:
			all = append(all, part.f.boxes()...)
		}
	}
	return all
}
