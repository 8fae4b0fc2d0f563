// Package mix holds the exact density of mixed tables: of features that are categorical (codes) and continuous ones, some of whose
// cells may be absent,
//
//	log p(event) = log P(codes) + log p(continuous cells that are present | codes),
//
// both given the context. The first is an autoregressive network with a softmax for each categorical feature (MADE, Germain et al.,
// arXiv:1502.03509), the second a flow that leaves absent cells out (flow.Partial). Columns are prepared ones, float32: a code is a
// number from 0 on, an absent cell NaN. Whether a cell is absent follows from the codes of its event.
package mix

import (
	"fmt"
	"slices"

	"github.com/sluice-hep/sluice/flow"
	"github.com/sluice-hep/sluice/nn"
)

// Spec describes a Table: enough, with the context columns and a seed, to build it again.
type Spec struct {
	// Features are the columns, in their order; at least one is categorical.
	Features []Feature `json:"features"`
	// Flow is that of the continuous features, which have the numbers 0, 1, ... in it; unused where there are none.
	Flow flow.Spec `json:"flow"`
	// Hidden are the widths of the hidden layers of the categorical network, default [128, 128].
	Hidden []int `json:"hidden,omitempty"`
	// Dropout is the fraction of its hidden units left out in training, to 1/256.
	Dropout float64 `json:"dropout,omitempty"`
}

// Feature is a column.
type Feature struct {
	// Categories is the number of codes of a categorical feature; 0 makes it continuous.
	Categories int `json:"categories,omitempty"`
	// Where says in which events a continuous feature has a cell; nil for all.
	Where *Where `json:"where,omitempty"`
}

// Where is the events in which the categorical feature of this number has one of the codes.
type Where struct {
	Feature int   `json:"feature"`
	Codes   []int `json:"codes"`
}

// maxCategories bounds the codes of a feature.
const maxCategories = 1 << 16

// Categorical are the numbers of the categorical features, Continuous those of the others.
func (s Spec) Categorical() []int { return s.where(func(f Feature) bool { return f.Categories > 0 }) }

// Continuous are the numbers of the continuous features: number i of them is feature i of the flow.
func (s Spec) Continuous() []int { return s.where(func(f Feature) bool { return f.Categories <= 0 }) }

// Vectors is the number of parameters of the vectors by which codes are seen.
func (s Spec) Vectors() (n int) {
	for _, f := range s.Features {
		if f.Categories > mostHot {
			n += f.Categories * embedded
		}
	}
	return n
}

func (s Spec) where(is func(f Feature) bool) (numbers []int) {
	for i, f := range s.Features {
		if is(f) {
			numbers = append(numbers, i)
		}
	}
	return numbers
}

// Validate reports the first thing that cannot be. own are kinds besides those of package flow.
func (s Spec) Validate(own ...flow.Kind) error {
	_, err := s.full(own)
	return err
}

// full is the spec with its defaults.
func (s Spec) full(own []flow.Kind) (Spec, error) {
	if len(s.Categorical()) == 0 {
		return s, fmt.Errorf("mix: no feature is categorical: take a flow alone")
	}
	for i, f := range s.Features {
		if err := s.check(f); err != nil {
			return s, fmt.Errorf("mix: feature %d: %w", i, err)
		}
	}
	s.Hidden = slices.Clone(s.Hidden)
	if len(s.Hidden) == 0 {
		s.Hidden = []int{128, 128}
	}
	for _, n := range s.Hidden {
		if n < 1 || n > 65536 {
			return s, fmt.Errorf("mix: a hidden layer of %d units: give 1 to 65536", n)
		}
	}
	if !(s.Dropout >= 0 && s.Dropout <= 0.999) {
		return s, fmt.Errorf("mix: dropout %v is not between 0 and 0.999", s.Dropout)
	}
	if len(s.Continuous()) == 0 {
		s.Flow = flow.Spec{}
		return s, nil
	}
	var err error
	s.Flow, err = s.Flow.Full(own...)
	return s, err
}

func (s Spec) check(f Feature) error {
	switch {
	case f.Categories < 0 || f.Categories == 1 || f.Categories > maxCategories:
		return fmt.Errorf("%d categories: a categorical feature has 2 to %d", f.Categories, maxCategories)
	case f.Where == nil:
		return nil
	case f.Categories > 0:
		return fmt.Errorf("a categorical feature has a code in every event: leave out where, or give what is absent a code")
	case f.Where.Feature < 0 || f.Where.Feature >= len(s.Features) || s.Features[f.Where.Feature].Categories == 0:
		return fmt.Errorf("where names feature %d, which is not a categorical one", f.Where.Feature)
	}
	for _, c := range f.Where.Codes {
		if k := s.Features[f.Where.Feature].Categories; c < 0 || c >= k {
			return fmt.Errorf("where names code %d of feature %d, which has %d", c, f.Where.Feature, k)
		}
	}
	return nil
}

// there is by the codes of its Where whether a feature is; nil for always.
func (s Spec) there(f Feature) (by []bool) {
	if f.Where == nil {
		return nil
	}
	by = make([]bool, s.Features[f.Where.Feature].Categories)
	for _, c := range f.Where.Codes {
		by[c] = true
	}
	return by
}

// Plan is a Table whose parts and parameters have their places, and nothing else.
type Plan struct {
	Context int  // columns
	Spec    Spec // in full

	seed                            uint64
	categorical, continuousFeatures []int
	flow                            *flow.Plan // nil where no feature is continuous
	codes                           *network
	there                           [][]bool  // of each feature, by the codes of its Where, whether it is; nil for always
	layout                          nn.Layout // of the network's parameters, which come after the flow's
}

// Seed is what all that is random follows from.
func (p *Plan) Seed() uint64 { return p.seed }

// maxParameters is what a table may have, as a flow.
const maxParameters = 1 << 31

// NewPlan places the parts of a table. own are kinds besides those of package flow.
func NewPlan(context int, spec Spec, seed uint64, own ...flow.Kind) (*Plan, error) {
	return PlanWithin(maxParameters, context, spec, seed, own...)
}

// PlanWithin is NewPlan of a table that may have at most so many parameters, for a description that nobody vouches for.
func PlanWithin(most, context int, spec Spec, seed uint64, own ...flow.Kind) (*Plan, error) {
	full, err := spec.full(own)
	if err != nil {
		return nil, err
	}
	if context < 0 {
		return nil, fmt.Errorf("mix: %d context columns", context)
	}
	p := &Plan{Context: context, Spec: full, seed: seed, categorical: full.Categorical(), continuousFeatures: full.Continuous(), codes: newNetwork(full, context)}
	if n := p.codes.size() + full.Vectors(); n > most {
		return nil, fmt.Errorf("mix: its categorical network would have %d parameters, more than %d: take narrower layers or fewer codes", n, most)
	}
	p.codes.layOut(&p.layout)
	for _, f := range full.Features {
		p.there = append(p.there, full.there(f))
	}
	if continuous := p.continuousFeatures; len(continuous) > 0 {
		if p.flow, err = flow.PlanWithin(most, len(continuous), context+p.codes.seen(), full.Flow, seed, own...); err != nil {
			return nil, err
		}
		var gaps []int32
		for i, f := range continuous {
			if full.Features[f].Where != nil {
				gaps = append(gaps, int32(i))
			}
		}
		if err := p.flow.AllowAbsent(gaps...); err != nil {
			return nil, err
		}
	}
	if p.Size() > most {
		return nil, fmt.Errorf("mix: it would have %d parameters, more than %d: take narrower layers or fewer codes", p.Size(), most)
	}
	return p, nil
}

// Size is the number of parameters.
func (p *Plan) Size() int { return p.flowSize() + p.layout.Size }

// CodesSize is the number of those of the categorical network.
func (p *Plan) CodesSize() int { return p.layout.Size }

func (p *Plan) flowSize() int {
	if p.flow == nil {
		return 0
	}
	return p.flow.Size()
}

// Views names the parts of the parameter vector: those of the flow by its names, then those of the categorical network.
func (p *Plan) Views() (views []nn.View) {
	if p.flow != nil {
		views = slices.Clone(p.flow.Views())
	}
	for _, v := range p.layout.Views {
		v.Offset += p.flowSize()
		views = append(views, v)
	}
	return views
}

// OneWay says why no events can be drawn; empty where they can.
func (p *Plan) OneWay() string {
	if p.flow == nil {
		return ""
	}
	return p.flow.OneWay()
}

// Numerical says which layers of the flow are computed by numerical steps, and how: a line each.
func (p *Plan) Numerical() []string {
	if p.flow == nil {
		return nil
	}
	return p.flow.Numerical()
}

// CheckMemory is an error where the machine has not the memory for so many vectors as long as the parameters, which a training holds.
func (p *Plan) CheckMemory(vectors int) error { return flow.CheckMemory(p.Size(), vectors) }

// Dims are the numbers of features and of context columns.
func (p *Plan) Dims() (features, context int) { return len(p.Spec.Features), p.Context }
