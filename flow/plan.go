package flow

import (
	"fmt"
	"strings"

	"github.com/sluice-hep/sluice/internal/kernel"
	"github.com/sluice-hep/sluice/internal/machine"
	"github.com/sluice-hep/sluice/internal/rng"
	"github.com/sluice-hep/sluice/nn"
)

// Plan is a flow whose parts and parameters have their places, and nothing else: it is small, however large the flow.
type Plan struct {
	Features, Context int
	Spec              Spec // in full

	layers      []Layer // in the direction to latent
	base        Base
	embedding   Embedding // of the context; nil for none
	seen        int       // context columns that layers and base see
	layout      nn.Layout
	trainedBase bool // it has parameters
	independent int  // parameters of Independent transforms, the embedding and the base, which come first
	seed        uint64
	oneWay      string  // why there is no inverse
	gaps        []int32 // features that may be absent
}

// Layer is a transform in its place.
type Layer struct {
	Part      Part   // in full
	Scope     string // before the names of its parameters
	Transform Transform

	span   [2]int // of its parameters in the flat vector
	stream uint32 // of the random numbers of its start
}

// maxParameters is what a flow may have: 8 GB, of which a training needs five times as much.
const maxParameters = 1 << 31

// NewPlan places the parts of a flow. own are kinds besides those of this package. Permutations follow from the seed.
func NewPlan(features, context int, spec Spec, seed uint64, own ...Kind) (*Plan, error) {
	return PlanWithin(maxParameters, features, context, spec, seed, own...)
}

// PlanWithin is NewPlan of a flow that may have at most so many parameters, for a description that nobody vouches for: it
// ends soon after it is known to have more.
func PlanWithin(most, features, context int, spec Spec, seed uint64, own ...Kind) (*Plan, error) {
	c, err := spec.expand(own)
	if err != nil {
		return nil, err
	}
	if features < 1 || context < 0 {
		return nil, fmt.Errorf("flow: %d features and %d context columns: a flow needs at least one feature", features, context)
	}
	p := &Plan{Features: features, Context: context, Spec: c.Spec, seed: seed}
	if err := p.embed(c); err != nil {
		return nil, err
	}
	hidden, err := p.place(c, most)
	if err != nil {
		return nil, spec.ofPreset(err)
	}
	if err := p.placeBase(c, hidden); err != nil {
		return nil, err
	}
	if err := p.lay(most); err != nil {
		return nil, err
	}
	return p, p.checkContext(own)
}

// place makes the layers, each for the order that the features have there, and counts the hidden ones with dropout.
func (p *Plan) place(c composition, most int) (hidden int, err error) {
	s := &Site{Context: p.seen, random: rng.New(p.seed, rng.StreamPermute, 0)}
	for i := range p.Features {
		s.order = append(s.order, int32(i))
	}
	for i := range p.Spec.Repeat {
		repeated := c.layers
		if i+1 < p.Spec.Repeat {
			repeated = append(repeated[:len(repeated):len(repeated)], c.between...)
		}
		for _, k := range repeated {
			l := Layer{Part: k.part, Scope: strings.TrimSuffix(fmt.Sprintf("transforms.%d.%s", i, k.scope), "."), stream: 1<<31 | uint32(len(p.layers))}
			before := s.conditionals
			if l.Transform, err = k.place(s); err != nil {
				return 0, within(k.path, err)
			}
			if s.conditionals > before {
				l.stream = uint32(before)
			}
			if err := check(l); err != nil {
				return 0, within(k.path, err)
			}
			if way, ok := l.Transform.(OneWay); ok && way.OneWay() != "" {
				p.oneWay = fmt.Sprintf("layer %d (%s) %s", len(p.layers), k.part.Kind, way.OneWay())
			}
			p.layers = append(p.layers, l)
		}
		if len(p.layers) > most {
			return 0, tooMany(len(p.layers), most)
		}
	}
	return s.hidden, nil
}

// check refuses what no training can take, rather than to leave it out.
func check(l Layer) error {
	_, single := l.Transform.(Independent)
	_, batched := l.Transform.(Batched)
	if single == batched {
		return fault("", "%T cannot be trained: a transform is Independent or Batched, and not both", l.Transform)
	}
	return nil
}

// lay places the parameters of the independent transforms in front: so much of the vector is kept once a part of
// a batch; see package batch.
func (p *Plan) lay(most int) error {
	for _, batched := range []bool{false, true} {
		for i, l := range p.layers {
			if _, ok := l.Transform.(Batched); ok != batched {
				continue
			}
			before := p.layout.Size
			l.Transform.Layout(&p.layout, l.Scope)
			p.layers[i].span = [2]int{before, p.layout.Size}
			if p.layout.Size > most {
				return tooMany(p.layout.Size, most)
			}
		}
		if !batched {
			if p.embedding != nil {
				p.embedding.Layout(&p.layout, contextNet)
			}
			before := p.layout.Size
			p.base.Layout(&p.layout, "base")
			p.independent, p.trainedBase = p.layout.Size, p.layout.Size > before
		}
	}
	return nil
}

func tooMany(n, most int) error {
	if most < maxParameters {
		return fmt.Errorf("flow: its description asks for at least %d parameters, more than %d", n, most)
	}
	return fmt.Errorf("flow: it would have %d parameters or more, %.3g GB and five times that to train: take fewer transforms, narrower networks or fewer bins", n, 4e-9*float64(n))
}

// CheckMemory is an error where the machine has not the memory for so many vectors as long as the parameters, which a
// training holds; see train.Config.Vectors.
func (p *Plan) CheckMemory(vectors int) error { return CheckMemory(p.Size(), vectors) }

// CheckMemory is that of a plan of so many parameters.
func CheckMemory(size, vectors int) error {
	takes, free := 4*float64(vectors)*float64(size), machine.Memory()
	if takes <= free {
		return nil
	}
	return fmt.Errorf("flow: training its %d parameters takes %.3g GB, and %.3g GB are free: take fewer transforms, narrower networks or fewer bins",
		size, takes/1e9, free/1e9)
}

// Seed is what the random parts of the flow follow from.
func (p *Plan) Seed() uint64 { return p.seed }

// OneWay says why there is no inverse; empty where there is one.
func (p *Plan) OneWay() string { return p.oneWay }

// Views names the parts of the parameter vector.
func (p *Plan) Views() []nn.View { return p.layout.Views }

// Size is the number of parameters.
func (p *Plan) Size() int { return p.layout.Size }

// Draw builds the flow of a plan near the identity. All that is random in its parameters follows from the seed.
func Draw(p *Plan) *Flow {
	f := Blank(p)
	f.Start()
	return f
}

// Start draws the parameters as Draw does.
func (f *Flow) Start() {
	for _, l := range f.layers {
		if s, ok := l.Transform.(Starter); ok {
			s.Start(f.params, rng.New(f.seed, rng.StreamInit, l.stream))
		}
	}
	if s, ok := f.base.(Starter); ok {
		s.Start(f.params, rng.New(f.seed, rng.StreamInit, 1<<30))
	}
	if f.embedding != nil {
		f.embedding.Start(f.params, rng.New(f.seed, rng.StreamInit, 1<<30|1))
	}
	f.derive(manyRounds)
}

// Blank builds the flow of a plan with parameters of 0, for those of a flow that was kept. A plan makes one flow.
func Blank(p *Plan) *Flow { return BlankOn(p, kernel.Aligned(p.layout.Size)) }

// BlankOn is Blank on a vector of p.Size() parameters, as a part of a longer one.
func BlankOn(p *Plan, params []float32) *Flow {
	f := &Flow{Plan: p, params: params[:p.layout.Size:p.layout.Size]}
	for _, l := range p.layers {
		f.transforms = append(f.transforms, l.Transform)
		if m, ok := l.Transform.(Masked); ok {
			m.Mask()
			f.masked = append(f.masked, m)
		}
		if d, ok := l.Transform.(Derived); ok {
			f.derived = append(f.derived, d)
		}
	}
	for _, v := range p.layout.Views {
		f.statistics = f.statistics || v.Role == nn.Statistic
	}
	f.fold()
	return f
}
