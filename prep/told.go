package prep

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/events/column"
	"github.com/sluice-hep/sluice/events/profile"
)

// Told says that a column holds its mark exactly in the events in which another holds one of some values: jet momenta are -999 where
// the number of jets is 0. Such an event has no value there, and the flow gets noise z from a standard normal q in its place,
//
//	log p(event) = log p(.., z) - log q(z),
//
// whose mean over z is the probability of the others, as p integrated over z is their density: an augmentation of the event (Huang,
// Dinh, Courville, arXiv:2002.07101; a stochastic inverse of Nielsen et al., arXiv:2007.02731). What comes back is the mark
// where the other column says so, and never elsewhere.
type Told struct {
	Mark float64   `json:"mark"`
	By   string    `json:"by"`
	When []float64 `json:"when"`
	Else float64   `json:"else"` // a value that is none of the marks, which passes through the steps in its place
}

const (
	leastTold = 64           // events with and without the mark
	mostTells = fewLevels    // values of a column that tells
	toldNoise = maxSteps - 1 // in place of a step
)

// Together finds the columns whose marks another column tells, or which are tied to those of others, among the events of t, and fits them
// anew on their other values. It says so, a line each. What is told in t and not in an event of others is not told.
func (p *Pipeline) Together(t *events.Table, others ...*events.Table) (said []string, err error) {
	w, err := weights(t)
	if err != nil {
		return nil, err
	}
	values, rest, err := p.valuesOf(t, others)
	if err != nil {
		return nil, err
	}
	if said, err = p.findMarks(values, rest, w); err != nil {
		return nil, err
	}
	for i := range p.Columns {
		c := &p.Columns[i]
		if c.lacks() == nil {
			continue
		}
		if c.fewValues() != nil {
			c.Steps = nil
			c.Why += "; part of the hidden feature, with marks of other columns"
			c.Chose = c.Why
			continue
		}
		if p.Mixed {
			c.settle()
		} else if err := p.refit(c, values[i], w, uint32(i)); err != nil {
			return nil, err
		}
		text := fmt.Sprintf("; %s where the combination of marks has it", c.list(c.lacks()))
		switch {
		case c.Own != nil:
			continue
		case c.Told != nil:
			text = "; " + p.toldText(c)
		}
		c.Why += text
		c.Chose += text + ", and put there whatever the steps"
	}
	return said, nil
}

// findMarks finds what Together does, and says so.
func (p *Pipeline) findMarks(values [][]float64, rest [][][]float64, w []float64) (said []string, err error) {
	for i := range p.Columns {
		p.Columns[i].Told = p.told(i, values, rest)
	}
	marks, err := p.combine(values, w)
	var texts []string
	names := map[string][]string{}
	for i := range p.Columns {
		c := &p.Columns[i]
		if c.Told == nil {
			continue
		}
		text := p.toldText(c)
		if names[text] == nil {
			texts = append(texts, text)
		}
		names[text] = append(names[text], c.Name)
	}
	for _, text := range texts {
		said = append(said, fmt.Sprintf("always %s, and only there: %s; so it is in what is generated", text, strings.Join(names[text], ", ")))
	}
	return append(said, marks...), err
}

func (p *Pipeline) toldText(c *Column) string {
	d := c.Told
	return fmt.Sprintf("%s where %s is %s", c.spelled(d.Mark), d.By, p.column(d.By).list(d.When))
}

// valuesOf are those in t, and in the others that have events, of the columns that the flow sees as they are; nil for another.
func (p *Pipeline) valuesOf(t *events.Table, others []*events.Table) (values [][]float64, rest [][][]float64, err error) {
	for _, one := range append([]*events.Table{t}, others...) {
		if one == nil || one.Len() == 0 {
			continue
		}
		values := make([][]float64, len(p.Columns))
		for i := range p.Columns {
			if c := &p.Columns[i]; c.InFlow() && c.Share == nil && c.Origin == (column.Exact{}) {
				if values[i], err = c.values(one); err != nil {
					return nil, nil, err
				}
			}
		}
		rest = append(rest, values)
	}
	return rest[0], rest[1:], nil
}

// refit fits a column on its values x other than marks: with the steps that auto has for these, where it chose those of all.
func (p *Pipeline) refit(c *Column, x, w []float64, i uint32) error {
	marks := c.lacks()
	rest, weight := without(x, w, marks, c.rounding())
	c.Min, c.Max = slices.Min(rest), slices.Max(rest)
	if c.Told != nil {
		c.Told.Else = median(rest)
	} else {
		c.Marked.Else = median(rest)
	}
	steps := c.Spec
	if p.asAuto(c) {
		s, err := c.ofRest(rest, marks, 0)
		if err != nil {
			return err
		}
		steps, c.Why = p.auto(s)
		c.seen = s
	}
	if err := p.fitSteps(c, rest, weight, steps, i); err != nil {
		return fmt.Errorf("prep: column %q without %s: %w", c.Name, c.list(marks), err)
	}
	return nil
}

// asAuto says whether the steps of a column are those that auto chose for all its values.
func (p *Pipeline) asAuto(c *Column) bool {
	chosen, _ := p.auto(c.seen)
	return slices.EqualFunc(c.Spec, chosen, func(a, b StepSpec) bool { return a.String() == b.String() })
}

// ofRest describes the values of a column other than marks, counted from an origin.
func (c *Column) ofRest(rest, marks []float64, from float64) (profile.Summary, error) {
	s := summarise(&events.Column{Name: c.Name, Type: events.Float64, F64: rest})
	s.Keep(slices.DeleteFunc(slices.Clone(c.seen.Atoms), func(a profile.Atom) bool { return slices.Contains(marks, a.Value) }))
	if c.stated == nil {
		return s, nil
	}
	return s, c.stated.bound(&s, from, rest)
}

// told is what tells the mark of column i, nil for nothing: a column of few values.
func (p *Pipeline) told(i int, values [][]float64, others [][][]float64) *Told {
	if values[i] == nil {
		return nil
	}
	for _, mark := range p.Columns[i].single() {
		marked, n := make([]bool, len(values[i])), 0
		for k, v := range values[i] {
			if marked[k] = v == mark; marked[k] {
				n++
			}
		}
		if min(n, len(marked)-n) < leastTold {
			continue
		}
		for j := range p.Columns {
			if j == i || values[j] == nil || !p.mayTell(&p.Columns[j]) {
				continue
			}
			told := &Told{Mark: mark, By: p.Columns[j].Name, When: tells(values[j], marked)}
			if told.When != nil && !slices.ContainsFunc(others, func(v [][]float64) bool { return told.broken(v[i], v[j]) }) {
				return told
			}
		}
	}
	return nil
}

// tells are the values at which events are marked, where at all others none is.
func tells(x []float64, marked []bool) (when []float64) {
	at := map[float64]bool{}
	for k, v := range x {
		if m, ok := at[v]; ok && m != marked[k] {
			return nil
		}
		if at[v] = marked[k]; len(at) > mostTells {
			return nil
		}
	}
	for v, m := range at {
		if m {
			when = append(when, v)
		}
	}
	slices.Sort(when)
	return when
}

// broken says that an event of values x is marked where another column has not told it, or the other way round.
func (d *Told) broken(x, by []float64) bool {
	for k, v := range x {
		if (v == d.Mark) != slices.Contains(d.When, by[k]) {
			return true
		}
	}
	return false
}

// noValue marks the events of a block that have none, by the values of the column that tells.
func (d *Told) noValue(dst []bool, by []float64) {
	for k, v := range by {
		dst[k] = slices.Contains(d.When, v)
	}
}

// fill gives a normal value to the events without one, at the places in b.noise.
func (b *buffers) fill(logDet []float64) {
	for k, none := range b.none {
		if none {
			z := normalQuantile(b.noise[k], 1-b.noise[k])
			b.x[k], b.slope[k], logDet[k] = z, b.was[0][k], b.was[1][k]-logNormal(z)
		}
	}
}

// mark is the inverse of fill, of the values in b.noise.
func (b *buffers) mark(logDet []float64) {
	for k, none := range b.none {
		if none {
			b.x[k], b.slope[k], logDet[k] = b.marks[k], b.was[0][k], b.was[1][k]+logNormal(b.noise[k])
		}
	}
}

// set gives x to the events without a value, and keeps what their other columns add to the log-determinant.
func (b *buffers) set(x float64, logDet []float64) {
	for k, none := range b.none {
		if none {
			b.x[k] = x
		}
	}
	b.keep(logDet)
}

// keep remembers what the columns so far add to the log-determinant.
func (b *buffers) keep(logDet []float64) {
	b.was[0], b.was[1] = append(b.was[0][:0], b.slope...), append(b.was[1][:0], logDet...)
}

// strangers counts the events whose mark is not as told, and marks them.
func (p *Pipeline) strangers(c *Column, t *events.Table, r *Range, out []bool) error {
	x, err := c.values(t)
	if err != nil {
		return err
	}
	by, err := p.column(c.Told.By).values(t)
	if err != nil {
		return err
	}
	none := make([]bool, len(x))
	c.Told.noValue(none, by)
	within := c.rounding()
	for i, v := range x {
		if none[i] != (among(c.lacks(), v, within) >= 0) {
			if r.Unseen++; r.Unseen == 1 || i < r.First {
				r.First, r.Value, r.Taken = i, c.spelled(v), "what "+c.Told.By+" tells"
			}
			out[i] = true
		}
	}
	return nil
}

// checkTold refuses a column that is told by what the flow does not see.
func (p *Pipeline) checkTold() error {
	for i := range p.Columns {
		c := &p.Columns[i]
		if c.Told == nil {
			continue
		}
		by := p.column(c.Told.By)
		if p.Mixed && by != nil && by.category() == nil && !by.absorbed() {
			by = nil
		}
		if by == nil || by == c || by.Told != nil || !by.InFlow() && !by.absorbed() || !c.InFlow() || p.Noiseless || len(c.Told.When) == 0 ||
			!finite(c.Told.When...) || !finite(c.Told.Mark, c.Told.Else) {
			return fmt.Errorf("prep: column %q: %q cannot tell where it has a value", c.Name, c.Told.By)
		}
	}
	return nil
}
