package prep

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/internal/rng"
)

// Pipeline is the fitted preparation of a set of columns. It is safe for concurrent use.
type Pipeline struct {
	Columns []Column `json:"columns"`
	Seed    uint64   `json:"seed"` // of the noise on repeated values
	// Noiseless places every repeated value in the middle of its cell: right for a context, whose density
	// nobody asks for.
	Noiseless bool `json:"noiseless,omitempty"`
}

// Column is the preparation of one column.
type Column struct {
	Name string      `json:"name"`
	Unit string      `json:"unit,omitempty"`
	Type string      `json:"type"` // how tables hold it: float32, float64 or int64
	Kind events.Kind `json:"kind"`
	// Min and Max are the trained range.
	Min float64 `json:"min"`
	Max float64 `json:"max"`
	// Steps is empty for a constant column, which the flow does not see and Invert puts back.
	Steps Steps  `json:"steps,omitempty"`
	Why   string `json:"why"` // one sentence on the choice of steps
}

// Constant reports whether the column held one value, Min, throughout.
func (c *Column) Constant() bool { return c.Kind == events.KindConstant }

// Fit prepares the named columns of training events t for use as features: weights are those of t, seed draws
// the noise on repeated values. Notices say in a sentence each what a user should know, such as a constant
// column. A missing column, text, and values that are not finite are errors.
func Fit(t *events.Table, names []string, spec Spec, seed uint64) (*Pipeline, []string, error) {
	return Moments(nil).Fit(t, names, spec, seed)
}

// FitContext is Fit for columns that a flow is conditioned on: they get no noise. With no names
// it gives a pipeline of dimension 0.
func FitContext(t *events.Table, names []string, spec Spec) (*Pipeline, []string, error) {
	return Moments(nil).FitContext(t, names, spec)
}

// Moments are the exact mean and standard deviation of columns of which a table holds only a sample; nil where it
// holds all training events. A column that is standardised as it is gets these.
type Moments map[string]MeanStd

// MeanStd is a weighted mean and population standard deviation.
type MeanStd struct{ Mean, Std float64 }

// Fit is the function Fit on a sample.
func (m Moments) Fit(t *events.Table, names []string, spec Spec, seed uint64) (*Pipeline, []string, error) {
	return m.fit(t, names, spec, &Pipeline{Seed: seed})
}

// FitContext is the function FitContext on a sample.
func (m Moments) FitContext(t *events.Table, names []string, spec Spec) (*Pipeline, []string, error) {
	return m.fit(t, names, spec, &Pipeline{Noiseless: true})
}

func (m Moments) fit(t *events.Table, names []string, spec Spec, p *Pipeline) (*Pipeline, []string, error) {
	if err := checkNames(names, spec); err != nil {
		return nil, nil, err
	}
	if len(names) > 0 && t.Len() == 0 {
		return nil, nil, errors.New("prep: no events to fit the preparation on")
	}
	w, err := weights(t)
	if err != nil {
		return nil, nil, err
	}
	var notices []string
	for i, name := range names {
		col, x, err := column(t, name)
		if err != nil {
			return nil, nil, err
		}
		s := events.Summarise(&events.Table{Columns: []events.Column{*col}})[0]
		specs, why := Auto(s)
		if given := spec.of(name); given != nil && s.Kind != events.KindConstant {
			specs, why = given, "as the card says"
		}
		c := Column{Name: name, Unit: s.Unit, Type: s.Type, Kind: s.Kind, Min: s.Min, Max: s.Max, Why: why}
		if err := p.fitColumn(&c, x, w, specs, uint32(i)); err != nil {
			return nil, nil, fmt.Errorf("prep: column %q: %w", name, err)
		}
		if exact, ok := m[name]; ok && len(c.Steps) > 0 {
			if s, ok := c.Steps[0].(*standardise); ok {
				s.Mean, s.Std = exact.Mean, exact.Std
			}
		}
		if c.Constant() {
			notices = append(notices, fmt.Sprintf("column %q is %g in every event: dropped, and put back in what is generated", name, c.Min))
		}
		p.Columns = append(p.Columns, c)
	}
	if len(names) > 0 && p.Dim() == 0 && !p.Noiseless {
		return nil, nil, fmt.Errorf("prep: every feature is constant (%s): there is nothing to model", strings.Join(names, ", "))
	}
	return p, notices, nil
}

// fitColumn fits the steps of column i, and prepares x on the way.
func (p *Pipeline) fitColumn(c *Column, x, w []float64, specs []StepSpec, i uint32) error {
	steps, err := build(specs)
	if err != nil {
		return err
	}
	var u []float64
	for k, step := range steps {
		if err := step.Fit(x, w); err != nil {
			return fmt.Errorf("step %q: %w", step.Kind(), err)
		}
		if r, ok := step.(Randomised); ok && !p.Noiseless {
			u = slices.Grow(u[:0], len(x))[:len(x)]
			rng.Uniform(u, p.Seed, rng.StreamDequantise, noiseColumn(i, k), 0)
			r.ApplyNoise(x, u, nil)
		} else {
			step.Apply(x, nil)
		}
		if j := slices.IndexFunc(x, func(v float64) bool { return !finite(v) }); j >= 0 {
			return fmt.Errorf("step %q: row %d becomes %g", step.Kind(), j+1, x[j])
		}
	}
	c.Steps = steps
	return nil
}

// noiseColumn keeps the noise of every step of every column apart.
func noiseColumn(column uint32, step int) uint32 { return column*maxSteps + uint32(step) }

// Dim is the number of columns that the flow sees.
func (p *Pipeline) Dim() int {
	n := 0
	for i := range p.Columns {
		if !p.Columns[i].Constant() {
			n++
		}
	}
	return n
}

// Names lists all columns, in the order of Fit.
func (p *Pipeline) Names() []string {
	names := make([]string, len(p.Columns))
	for i := range p.Columns {
		names[i] = p.Columns[i].Name
	}
	return names
}

// block is the number of events that pass through a chain together: they stay in the cache.
const block = 2048

// Apply prepares the events of t: Dim() columns for the flow, and log|dy/dx| summed over columns for each
// event. Event i of t is number first+i of its sample: its noise is the same however the sample is sliced.
func (p *Pipeline) Apply(t *events.Table, first uint64) (cols [][]float32, logDet []float64, err error) {
	n := t.Len()
	logDet = make([]float64, n)
	u := make([]float64, min(n, block))
	for i := range p.Columns {
		c := &p.Columns[i]
		_, x, err := column(t, c.Name)
		if err != nil {
			return nil, nil, err
		}
		if c.Constant() {
			continue
		}
		out := make([]float32, n)
		for lo := 0; lo < n; lo += block {
			hi := min(lo+block, n)
			p.applyBlock(i, x[lo:hi], logDet[lo:hi], u[:hi-lo], first+uint64(lo))
			for j, v := range x[lo:hi] {
				out[lo+j] = float32(v)
			}
		}
		cols = append(cols, out)
	}
	return cols, logDet, nil
}

func (p *Pipeline) applyBlock(i int, x, logDet, u []float64, first uint64) {
	for k, step := range p.Columns[i].Steps {
		if r, ok := step.(Randomised); ok && !p.Noiseless {
			rng.Uniform(u, p.Seed, rng.StreamDequantise, noiseColumn(uint32(i), k), first)
			r.ApplyNoise(x, u, logDet)
		} else {
			step.Apply(x, logDet)
		}
	}
}

// Invert takes the flow's columns back to a table in the user's units, constant columns included, and gives
// log|dx/dy| summed over columns for each event. Values are finite if the flow's are.
func (p *Pipeline) Invert(cols [][]float32) (t *events.Table, logDet []float64, err error) {
	if len(cols) != p.Dim() {
		return nil, nil, fmt.Errorf("prep: %d columns to put back; the preparation has %d", len(cols), p.Dim())
	}
	n := 0
	for _, col := range cols {
		if n = len(cols[0]); len(col) != n {
			return nil, nil, fmt.Errorf("prep: columns of %d and %d events to put back", n, len(col))
		}
	}
	logDet = make([]float64, n)
	t = &events.Table{}
	next := 0
	y := make([]float64, n)
	for i := range p.Columns {
		c := &p.Columns[i]
		if c.Constant() {
			for j := range y {
				y[j] = c.Min
			}
		} else {
			for j, v := range cols[next] {
				y[j] = float64(v)
			}
			next++
			for lo := 0; lo < n; lo += block {
				hi := min(lo+block, n)
				for _, step := range slices.Backward(c.Steps) {
					step.Invert(y[lo:hi], logDet[lo:hi])
				}
			}
		}
		t.Columns = append(t.Columns, c.table(y))
	}
	return t, logDet, nil
}

// table is the column of a table with values x.
func (c *Column) table(x []float64) events.Column {
	out := events.Column{Name: c.Name, Unit: c.Unit}
	switch {
	case c.Type == events.Int64.String() && c.integral():
		out.Type, out.I64 = events.Int64, make([]int64, len(x))
		for i, v := range x {
			out.I64[i] = int64(min(max(v, -maxInteger), maxInteger))
		}
	case c.Type == events.Float64.String():
		out.Type, out.F64 = events.Float64, slices.Clone(x)
	default:
		out.F32 = make([]float32, len(x))
		for i, v := range x {
			out.F32[i] = float32(min(max(v, -math.MaxFloat32), math.MaxFloat32))
		}
	}
	return out
}

// integral reports whether Invert gives integers where training had integers.
func (c *Column) integral() bool {
	if c.Constant() {
		return true
	}
	if len(c.Steps) == 0 {
		return false
	}
	switch c.Steps[0].(type) {
	case *dequantise, *levels:
		return true
	}
	return false
}

// UnmarshalJSON restores a pipeline; one that no fit could have given is an error.
func (p *Pipeline) UnmarshalJSON(data []byte) error {
	type plain Pipeline // without this method
	var in plain
	if err := json.Unmarshal(data, &in); err != nil {
		return fmt.Errorf("prep: preparation cannot be read: %w", err)
	}
	seen := map[string]bool{}
	for i := range in.Columns {
		c := &in.Columns[i]
		types := []string{events.Float32.String(), events.Float64.String(), events.Int64.String()}
		switch {
		case seen[c.Name]:
			return fmt.Errorf("prep: column %q is there twice", c.Name)
		case !slices.Contains(types, c.Type):
			return fmt.Errorf("prep: column %q: type %q is not one of %v", c.Name, c.Type, types)
		case !finite(c.Min, c.Max) || c.Min > c.Max:
			return fmt.Errorf("prep: column %q: the range %g to %g cannot be", c.Name, c.Min, c.Max)
		case c.Constant() && (len(c.Steps) > 0 || c.Min != c.Max):
			return fmt.Errorf("prep: column %q: a constant column has one value and no steps", c.Name)
		}
		seen[c.Name] = true
	}
	*p = Pipeline(in)
	return nil
}
