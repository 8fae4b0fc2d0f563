package plain

import (
	"encoding/json"
	"fmt"
	"math"

	"github.com/sluice-hep/sluice/prep"
)

// columns are those of a preparation. p may be nil.
func columns(p *prep.Pipeline) (all []Column, err error) {
	if p == nil {
		return nil, nil
	}
	if len(p.Sets) > 0 {
		return nil, noClosedForm("the context holds sets of objects (%s)", p.Sets[0].Name)
	}
	if p.Marks != nil {
		return nil, noClosedForm("the marks of several columns go together")
	}
	at := map[string]int{}
	for i := range p.Columns {
		c := &p.Columns[i]
		at[c.Name] = i
		of, err := column(c)
		if err != nil {
			return nil, err
		}
		all = append(all, of)
	}
	for i := range p.Columns {
		r := p.Columns[i].Follows
		if r == nil {
			continue
		}
		follows := &Relation{Constant: r.Constant}
		for _, t := range r.Terms {
			follows.Columns, follows.Factors = append(follows.Columns, at[t.Column]), append(follows.Factors, t.Factor)
		}
		all[i].Follows = follows
	}
	return all, nil
}

func column(c *prep.Column) (of Column, err error) {
	for _, part := range []struct {
		there bool
		what  string
	}{
		{c.Names != nil, "holds names"},
		{c.Missing || c.Told != nil, "has no value in some events"},
		{c.Marked != nil || c.Own != nil, "holds single values of many events"},
		{c.Share != nil, "is one of fractions that sum to 1"},
		{c.Origin.Float() != 0, "holds integers too large for a float"},
		{c.Follows != nil && c.Follows.Table != nil, "follows from another by a table"},
	} {
		if part.there {
			return of, noClosedForm("column %q %s", c.Name, part.what)
		}
	}
	of = Column{Name: c.Name, Unit: c.Unit, Type: c.Type, Min: c.Min, Max: c.Max}
	of.Low, of.Least, of.High, of.Most = c.Ends()
	text, err := json.Marshal(c.Steps)
	if err != nil {
		return of, err
	}
	var steps []struct {
		Kind  string          `json:"kind"`
		State json.RawMessage `json:"state"`
	}
	if err := json.Unmarshal(text, &steps); err != nil {
		return of, err
	}
	for _, s := range steps {
		build, ok := stepKinds[s.Kind]
		if !ok {
			return of, noClosedForm("column %q is prepared by %s, which gives its few values or their repetitions a probability", c.Name, s.Kind)
		}
		step, err := build(s.State)
		if err != nil {
			return of, fmt.Errorf("column %q: step %s: %w", c.Name, s.Kind, err)
		}
		of.Steps = append(of.Steps, step)
	}
	return of, nil
}

// stepKinds take the steps as a model file has them.
var stepKinds = map[string]func(state []byte) (Step, error){
	"minmax": func(state []byte) (Step, error) {
		s, err := read[struct{ Min, Max float64 }](state)
		return &Linear{s.Min, s.Max - s.Min}, err
	},
	"standardise": func(state []byte) (Step, error) {
		s, err := read[struct{ Mean, Std float64 }](state)
		return &Linear{s.Mean, s.Std}, err
	},
	"clip":  func(state []byte) (Step, error) { s, err := read[Clip](state); return &s, err },
	"logit": func([]byte) (Step, error) { return &Logit{}, nil },
	"log":   func(state []byte) (Step, error) { s, err := read[Log](state); return &s, err },
	"asinh": func(state []byte) (Step, error) { s, err := read[Asinh](state); return &s, err },
	"round": func(state []byte) (Step, error) {
		s, err := read[struct{ Step, Offset float64 }](state)
		return &Round{s.Step, s.Offset}, err
	},
	"periodic": periodic,
	"quantile": quantile,
}

// read takes numbers by the names of fields, whatever their case.
func read[T any](state []byte) (s T, err error) { return s, json.Unmarshal(state, &s) }

func periodic(state []byte) (Step, error) {
	s, err := read[struct {
		Low, High, Cut, Filled float64
		Circle                 bool
	}](state)
	p := &Periodic{Low: s.Low, Turn: s.High - s.Low, Cut: s.Cut, Filled: s.Filled, Unit: 1}
	switch {
	case s.Circle:
		p.Unit, p.Start = 1/(2*math.Pi), 0.5
	case s.Filled > 0:
		p.Unit = s.Filled
	}
	return p, err
}

// edge is how far inside the last knot what comes back from beyond an upper edge lies, of the width of all knots.
const edge = 1e-9

func quantile(state []byte) (Step, error) {
	s, err := read[struct {
		X, Y, Slope  []float64
		Lower, Upper float64
		EdgeLow      bool `json:"edge_low"`
		EdgeHigh     bool `json:"edge_high"`
	}](state)
	if err != nil {
		return nil, err
	}
	low, high := s.X[0], s.X[len(s.X)-1]
	return &Quantile{s.X, s.Y, s.Slope, s.Lower, s.Upper, s.EdgeLow, s.EdgeHigh, low, high - edge*(high-low)}, nil
}
