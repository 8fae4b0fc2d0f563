package prep

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/events/column"
	"github.com/sluice-hep/sluice/events/profile"
	"github.com/sluice-hep/sluice/internal/rng"
)

// Pipeline is the fitted preparation of a set of columns. It is safe for concurrent use.
type Pipeline struct {
	Columns []Column `json:"columns"`
	Seed    uint64   `json:"seed"` // of the noise on repeated values
	// Noiseless places every repeated value in the middle of its cell: right for a context, whose density
	// nobody asks for.
	Noiseless bool `json:"noiseless,omitempty"`
	// Marks is a hidden feature, which the flow sees before the columns; nil for none.
	Marks *Marks `json:"marks,omitempty"`
	// Mixed is a preparation for the density of mixed tables: see Layout.
	Mixed bool `json:"mixed,omitempty"`
	// Sets are objects of a context, which the flow sees after the columns.
	Sets []Set `json:"sets,omitempty"`
}

// Column is the preparation of one column.
type Column struct {
	Name string       `json:"name"`
	Unit string       `json:"unit,omitempty"`
	Type string       `json:"type"` // how tables hold it: float32, float64, int64, uint64 or text
	Kind profile.Kind `json:"kind"`
	// Min and Max are the trained range, to the nearest float64.
	Min float64 `json:"min"`
	Max float64 `json:"max"`
	// Names are those of a column of text, which the steps see by their places among these.
	Names []string `json:"names,omitempty"`
	// Origin is what the steps count the values from, exactly, where these are integers beyond 2^43: the middle of the
	// trained range. 0 elsewhere.
	Origin column.Exact `json:"origin,omitzero"`
	// Steps is empty for a constant column, which the flow does not see and Invert puts back.
	Steps Steps `json:"steps,omitempty"`
	// Follows is what the column follows from, where it was left out of the flow for that.
	Follows *Relation `json:"follows,omitempty"`
	// Share is its place among fractions that sum to 1.
	Share *Share `json:"share,omitempty"`
	// Told is where the column has no value, where another tells.
	Told *Told `json:"told,omitempty"`
	// Marked are its marks, where the combination of those of several columns tells.
	Marked *Marked `json:"marked,omitempty"`
	// Own are its marks where it tells them itself, by a feature in front of it: a code, 0 where it has a value, or, of a context, 1 where it has none.
	Own *Marked `json:"own,omitempty"`
	// Missing says that NaN is a cell without a value, one of the marks.
	Missing bool   `json:"missing,omitempty"`
	Why     string `json:"why"` // one sentence on the choice of steps
	// Spec is what was chosen for all values of the column, marks among them, and Chose the reason; not kept in a model.
	Spec  []StepSpec `json:"-"`
	Chose string     `json:"-"`

	seen   profile.Summary    // what auto went by
	codes  map[string]float64 // of the names
	stated *Limits            // the range
}

// InFlow are the names of the features that the flow sees, of the density of mixed tables those that are continuous.
func (p *Pipeline) InFlow() (names []string) {
	for _, f := range p.Layout() {
		if f.Categories == 0 {
			names = append(names, f.Name)
		}
	}
	return names
}

// InFlow reports whether the flow sees the column: not one that is constant, follows from others, or is part of the hidden feature.
func (c *Column) InFlow() bool { return c.width() > 0 }

// Whole says that the column holds integers alone, in whatever type.
func (c *Column) Whole() bool {
	return c.Kind == profile.KindInteger || c.trained() == events.Int64 || c.trained() == events.Uint64
}

// Constant reports whether the column held one value, Min, throughout.
func (c *Column) Constant() bool { return c.Kind == profile.KindConstant }

// Fit prepares the named columns of training events t for use as features: weights are those of t, seed draws
// the noise on repeated values. Warnings say in a sentence each what of the events is not learned as it is. A missing column,
// text that is no names, and values that are not finite are errors.
func Fit(t *events.Table, names []string, spec Spec, seed uint64) (*Pipeline, []string, error) {
	return Moments(nil).Fit(t, names, spec, seed)
}

// FitContext is Fit for columns that a flow is conditioned on: they get no noise. With no names
// it gives a pipeline of dimension 0.
func FitContext(t *events.Table, names []string, spec Spec, sets ...events.Set) (*Pipeline, []string, error) {
	return Moments(nil).FitContext(t, names, spec, sets...)
}

// Moments are the exact mean and standard deviation of columns of which a table holds only a sample; nil where it
// holds all training events. A column that is standardised as it is gets these.
type Moments map[string]MeanStd

// MeanStd is a weighted mean, counted from From, and population standard deviation.
type MeanStd struct {
	From      column.Exact
	Mean, Std float64
}

// Fit is the function Fit on a sample.
func (m Moments) Fit(t *events.Table, names []string, spec Spec, seed uint64) (*Pipeline, []string, error) {
	return m.fit(t, names, spec, &Pipeline{Seed: seed, Mixed: spec.Mixed})
}

// FitContext is the function FitContext on a sample.
func (m Moments) FitContext(t *events.Table, names []string, spec Spec, sets ...events.Set) (*Pipeline, []string, error) {
	own := spec
	if len(sets) > 0 {
		own = spec.only(names)
	}
	p, warnings, err := m.fit(t, names, own, &Pipeline{Noiseless: true})
	if err == nil {
		err = p.fitSets(t, sets, spec)
	}
	return p, warnings, err
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
	var warnings []string
	for _, name := range names {
		p.Columns = append(p.Columns, Column{Name: name})
	}
	if err := p.share(spec, names); err != nil {
		return nil, nil, err
	}
	if err := p.fitShares(t, w); err != nil {
		return nil, nil, err
	}
	for i, name := range names {
		if p.Columns[i].Share != nil {
			continue
		}
		col, err := t.Column(name)
		if err == nil {
			err = missing(col, spec.Missing.Of(name).Model)
		}
		if err != nil {
			return nil, nil, fmt.Errorf("prep: %w", err)
		}
		c, err := p.fitColumn(col, w, spec, uint32(i))
		if err != nil {
			return nil, nil, fmt.Errorf("prep: column %q: %w", name, err)
		}
		if exact, ok := m[name]; ok && len(c.Steps) > 0 {
			if s, ok := c.Steps[0].(*standardise); ok && finite(exact.Std) {
				s.Mean, s.Std = exact.From.Minus(c.Origin)+exact.Mean, exact.Std
			}
		}
		if line := FarNotice(c.seen); line != "" && slices.ContainsFunc(c.Spec, func(s StepSpec) bool { return s.Kind == "quantile" }) {
			warnings = append(warnings, line)
		}
		if line := c.mergedNotice(); line != "" {
			warnings = append(warnings, line)
		}
		p.Columns[i] = *c
	}
	if len(names) > 0 && p.Dim() == 0 && !p.Noiseless {
		return nil, nil, fmt.Errorf("prep: every feature is constant (%s): there is nothing to model", strings.Join(names, ", "))
	}
	return p, warnings, nil
}

// Constants says which columns of the events that were fitted on hold one value, a line for each value.
func (p *Pipeline) Constants(t *events.Table) (lines []string) {
	const most = 4 // names of a line
	var values []string
	names := map[string][]string{}
	for i := range p.Columns {
		if c, err := t.Column(p.Columns[i].Name); err == nil && p.Columns[i].Constant() {
			v := exactText(c, 0)
			if names[v] == nil {
				values = append(values, v)
			}
			names[v] = append(names[v], strconv.Quote(c.Name))
		}
	}
	for _, v := range values {
		of, are, n := "column", "is", names[v]
		if len(n) > 1 {
			of, are = "columns", "are"
		}
		text := strings.Join(n, ", ")
		if len(n) > most+1 {
			text = fmt.Sprintf("%s and %d more", strings.Join(n[:most], ", "), len(n)-most)
		}
		lines = append(lines, fmt.Sprintf("%s %s %s %s in every event: dropped, and put back in what is generated", of, text, are, v))
	}
	return lines
}

// fitColumn fits column i: given steps, or those that suit it where there are none.
func (p *Pipeline) fitColumn(col *events.Column, w []float64, spec Spec, i uint32) (*Column, error) {
	given, gap := spec.Of(col.Name), spec.Missing.Of(col.Name)
	s := spec.seen(col)
	c := &Column{Name: col.Name, Unit: col.Unit, Type: col.Type.String(), Kind: s.Kind, Missing: gap.Model && s.NaN > 0}
	if col.Type == events.Text {
		if err := p.name(c, s, col, w, spec); err != nil {
			return nil, err
		}
		if col = c.coded(col); len(c.Names) == 1 && !c.Missing {
			s.Kind = profile.KindConstant
		}
	}
	there := col
	if c.Missing {
		there = complete(col)
	}
	if there.Len() == 0 {
		return nil, fmt.Errorf("it has no value in the %d events that train: leave it out", col.Len())
	}
	c.Min, c.Max = rangeOf(there)
	if far(s) && !(len(given) > 0 && given[0].Kind == "log") { // log alone depends on where 0 is
		c.Origin = middle(there)
	}
	x := make([]float64, col.Len())
	c.read(x, col, 0)
	if (c.Origin != column.Exact{}) {
		s = summarise(&events.Column{Name: s.Name, Unit: s.Unit, Type: events.Float64, F64: valuesWithout(x, []float64{missingValue})})
	}
	if s.Kind == profile.KindConstant && c.Missing && c.Names == nil {
		s.Kind, s.Distinct = profile.KindDiscrete, 2
	}
	if gap.None && s.Kind == profile.KindAtoms {
		s.Kind, s.Atoms = profile.KindContinuous, nil
	}
	c.Kind = s.Kind
	if r, ok := spec.Ranges[col.Name]; ok {
		if err := r.bound(&s, c.Origin.Float(), valuesWithout(x, c.stands(gap))); err != nil {
			return nil, err
		}
		c.stated = &r
	}
	specs, why := p.auto(s)
	if given != nil && !c.Constant() {
		specs, why = given, "as the card says"
	}
	c.Why, c.Chose, c.Spec, c.seen = why, why, specs, s
	if err := p.checkMixed(specs); err != nil {
		return nil, err
	}
	if err := c.checkExact(there, valuesWithout(x, []float64{missingValue}), specs); err != nil {
		return nil, err
	}
	fitted, err := p.fitApart(c, x, w, gap, i)
	if err != nil {
		return nil, err
	}
	if given == nil && spec.Circles[col.Name] {
		c.close(fitted)
	}
	return c, nil
}

// complete is a column without its cells that have no value.
func complete(c *events.Column) *events.Column {
	var rows []int32
	for i := range c.Len() {
		if v := c.Float(i); v == v {
			rows = append(rows, int32(i))
		}
	}
	there := c.Take(rows)
	return &there
}

func summarise(c *events.Column) profile.Summary {
	return profile.Summarise(&events.Table{Columns: []events.Column{*c}})[0]
}

// seen is what is known of a column: from all events, unless those that it is fitted on have one value.
func (s Spec) seen(c *events.Column) profile.Summary {
	if seen, ok := s.Seen[c.Name]; ok {
		if low, high := rangeOf(c); low < high || c.Type == events.Text {
			return seen
		}
	}
	return summarise(c)
}

// rangeOf is the smallest and the largest value, to the nearest float64, of those that are there.
func rangeOf(c *events.Column) (low, high float64) {
	low, high = math.Inf(1), math.Inf(-1)
	for i := range c.Len() {
		if v := c.Float(i); v == v {
			low, high = min(low, v), max(high, v)
		}
	}
	return low, high
}

// FarNotice names the farthest of the values that no map of a column can follow; "" for none.
func FarNotice(s profile.Summary) string {
	if len(s.Far) == 0 {
		return ""
	}
	first, lie := s.Far[0], "lies"
	if len(s.Far) > 1 {
		lie = "lie"
	}
	place := fmt.Sprintf("row %d", first.Row)
	if first.File != "" {
		place = first.File + ": " + place
	}
	return fmt.Sprintf("column %q: %d of %d values %s more than a thousand times further out than all others, the farthest at %.6g (%s): "+
		"nothing can be learned of such; leave them out (where) if they are no measurements", s.Name, len(s.Far), s.Count, lie, first.Value, place)
}

// fitSteps fits the steps of column i, and prepares x on the way.
func (p *Pipeline) fitSteps(c *Column, x, w []float64, specs []StepSpec, i uint32) error {
	steps, err := build(specs)
	for _, step := range steps {
		if s, ok := step.(*spread); ok {
			s.known = c.seen.Atoms
		}
	}
	if err == nil {
		err = p.checkClasses(steps)
	}
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

// trained is the type of the column in training; Text where Type names none of numbers.
func (c *Column) trained() events.Type {
	t, err := column.ParseType(c.Type)
	if err != nil {
		return events.Text
	}
	return t
}

// Dim is the number of columns that the flow sees.
func (p *Pipeline) Dim() int {
	n := p.Marks.width()
	for i := range p.Columns {
		n += p.Columns[i].width()
	}
	for i := range p.Sets {
		n += p.Sets[i].Dim()
	}
	return n
}

// Names lists all columns, in the order of Fit, those of objects behind the others.
func (p *Pipeline) Names() []string {
	names := make([]string, len(p.Columns))
	for i := range p.Columns {
		names[i] = p.Columns[i].Name
	}
	for _, s := range p.Sets {
		names = append(names, s.Columns()...)
	}
	return unique(names)
}

// UnmarshalJSON restores a pipeline; one that no fit could have given is an error.
func (p *Pipeline) UnmarshalJSON(data []byte) error {
	type plain Pipeline // without this method
	var in Pipeline
	if err := json.Unmarshal(data, (*plain)(&in)); err != nil {
		return fmt.Errorf("prep: preparation cannot be read: %w", err)
	}
	seen := map[string]bool{}
	for i := range in.Columns {
		c := &in.Columns[i]
		switch {
		case seen[c.Name]:
			return fmt.Errorf("prep: column %q is there twice", c.Name)
		case c.trained() == events.Text && c.Type != events.Text.String():
			return fmt.Errorf("prep: column %q: there is no type %q", c.Name, c.Type)
		case c.trained() == events.Float32 && c.Origin != column.Exact{}:
			return fmt.Errorf("prep: column %q: a float32 column is counted from 0, not from %v", c.Name, c.Origin)
		case !finite(c.Min, c.Max) || c.Min > c.Max:
			return fmt.Errorf("prep: column %q: the range %g to %g cannot be", c.Name, c.Min, c.Max)
		case c.Constant() && (len(c.Steps) > 0 || c.Min != c.Max):
			return fmt.Errorf("prep: column %q: a constant column has one value and no steps", c.Name)
		}
		seen[c.Name] = true
		if err := c.checkNames(); err != nil {
			return err
		}
		if err := in.checkClasses(c.Steps); err != nil {
			return fmt.Errorf("prep: column %q: %w", c.Name, err)
		}
	}
	if err := cmp.Or(in.checkFollows(), in.checkTold(), in.checkMarks(), in.checkShares(), in.checkSets(), in.checkCodes()); err != nil {
		return err
	}
	*p = in
	return nil
}
