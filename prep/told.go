package prep

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/events/column"
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
	mostTells = fewLevels    // values of a column that tells, unless its own mark does
	toldNoise = maxSteps - 1 // in place of a step
)

// Together finds the columns whose mark another tells among the events of t, and fits them anew on their other values. It says so, a
// line each.
func (p *Pipeline) Together(t *events.Table) ([]string, error) {
	w, err := weights(t)
	if err != nil {
		return nil, err
	}
	values := make([][]float64, len(p.Columns))
	for i := range p.Columns {
		if c := &p.Columns[i]; c.InFlow() && c.Origin == (column.Exact{}) {
			if values[i], err = c.values(t); err != nil {
				return nil, err
			}
		}
	}
	var said, texts []string
	names := map[string][]string{}
	for i := range p.Columns {
		c := &p.Columns[i]
		told := p.told(i, values)
		if told == nil {
			continue
		}
		var x, wx []float64
		for k, v := range values[i] {
			if v != told.Mark {
				x = append(x, v)
				if w != nil {
					wx = append(wx, w[k])
				}
			}
		}
		told.Else = median(x)
		low, high := slices.Min(x), slices.Max(x)
		if err := p.without(c, x, wx, uint32(i)); err != nil {
			return nil, fmt.Errorf("prep: column %q without %g: %w", c.Name, told.Mark, err)
		}
		c.Told, c.Min, c.Max = told, low, high
		text := fmt.Sprintf("%g where %s is %s", told.Mark, told.By, list(told.When))
		c.Why += "; " + text
		if names[text] == nil {
			texts = append(texts, text)
		}
		names[text] = append(names[text], c.Name)
	}
	for _, text := range texts {
		said = append(said, fmt.Sprintf("always %s, and only there: %s; so it is in what is generated", text, strings.Join(names[text], ", ")))
	}
	return said, nil
}

// without fits a column on its values x other than its mark: with the steps that auto has for these, where it chose those of all.
func (p *Pipeline) without(c *Column, x, w []float64, i uint32) error {
	steps := c.Spec
	if chosen, _ := Auto(c.seen); slices.EqualFunc(steps, chosen, func(a, b StepSpec) bool { return a.String() == b.String() }) {
		s := summarise(&events.Column{Name: c.Name, Type: events.Float64, F64: x})
		if c.stated != nil {
			if err := c.stated.bound(&s, 0, x); err != nil {
				return err
			}
		}
		steps, c.Why = Auto(s)
	}
	return p.fitSteps(c, x, w, steps, i)
}

func list(x []float64) string {
	text := ""
	for i, v := range x {
		switch {
		case i > 0 && i == len(x)-1:
			text += " or "
		case i > 0:
			text += ", "
		}
		text += fmt.Sprintf("%g", v)
	}
	return text
}

// told is what tells the mark of column i, nil for nothing: a column of few values, or else the first with a mark in the same events.
func (p *Pipeline) told(i int, values [][]float64) *Told {
	s, _ := p.Columns[i].first().(*spread)
	if s == nil || values[i] == nil {
		return nil
	}
	for _, mark := range s.Atom {
		marked, n := make([]bool, len(values[i])), 0
		for k, v := range values[i] {
			if marked[k] = v == mark; marked[k] {
				n++
			}
		}
		if min(n, len(marked)-n) < leastTold {
			continue
		}
		for _, few := range []bool{true, false} {
			for j := range p.Columns {
				if by := &p.Columns[j]; (j < i || few && j > i) && by.Told == nil && values[j] != nil {
					if when := by.tells(values[j], marked, few); when != nil {
						return &Told{Mark: mark, By: by.Name, When: when}
					}
				}
			}
		}
	}
	return nil
}

// tells are the values at which events are marked, where at all others none is: of few values in all, or one that is a mark itself.
func (c *Column) tells(x []float64, marked []bool, few bool) []float64 {
	s, spread := c.first().(*spread)
	if few == spread {
		return nil
	}
	at := map[float64]bool{}
	for k, v := range x {
		if spread && !slices.Contains(s.Atom, v) {
			v = math.Inf(1) // any other
		}
		if m, ok := at[v]; ok && m != marked[k] {
			return nil
		}
		if at[v] = marked[k]; len(at) > mostTells {
			return nil
		}
	}
	var when []float64
	for v, m := range at {
		if m {
			when = append(when, v)
		}
	}
	slices.Sort(when)
	if len(when) == len(at) || len(when) > 0 && math.IsInf(when[len(when)-1], 1) {
		return nil
	}
	return when
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
func (b *buffers) mark(mark float64, logDet []float64) {
	for k, none := range b.none {
		if none {
			b.x[k], b.slope[k], logDet[k] = mark, b.was[0][k], b.was[1][k]+logNormal(b.noise[k])
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
	for i, v := range x {
		if none[i] != (v == c.Told.Mark) {
			if r.Unseen++; r.Unseen == 1 || i < r.First {
				r.First, r.Value, r.Taken = i, fmt.Sprint(v), "what "+c.Told.By+" tells"
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
		if by == nil || by == c || by.Told != nil || !by.InFlow() || !c.InFlow() || p.Noiseless || len(c.Told.When) == 0 ||
			!finite(c.Told.When...) || !finite(c.Told.Mark, c.Told.Else) {
			return fmt.Errorf("prep: column %q: %q cannot tell where it has a value", c.Name, c.Told.By)
		}
	}
	return nil
}
