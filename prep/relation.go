package prep

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/events/column"
)

// Relation says that a column is the sum of multiples of others, within the rounding of all. Values are counted from the
// origin of their column.
type Relation struct {
	Terms    []Term  `json:"terms"`
	Constant float64 `json:"constant"`
	// A value that is off by Rounding, and Relative of the sum of the sizes of all that is added, still agrees.
	Rounding float64 `json:"rounding"`
	Relative float64 `json:"relative"`
	// Table, of a column of few values, gives those of the column for those of the one term, in place of a sum.
	Table *Table `json:"table,omitempty"`
}

// Term is a multiple of a column.
type Term struct {
	Column string  `json:"column"`
	Factor float64 `json:"factor"`
}

// at is what the relation gives for a value of each of its terms, and by how much one may differ from it.
func (r *Relation) at(value []float64) (y, within float64) {
	if r.Table != nil {
		return r.Table.at(value[0]), 0
	}
	y = r.Constant
	size := math.Abs(y)
	for k, t := range r.Terms {
		v := t.Factor * value[k]
		y += v
		size += math.Abs(v)
	}
	return y, r.Rounding + r.Relative*(size+math.Abs(y))
}

// broken lists the events whose value x does not agree with those of the terms.
func (r *Relation) broken(x []float64, terms [][]float64) (events []int) {
	value := make([]float64, len(terms))
	for i := range x {
		for k := range terms {
			value[k] = terms[k][i]
		}
		if y, within := r.at(value); !(math.Abs(x[i]-y) <= within) {
			events = append(events, i)
		}
	}
	return events
}

func (r *Relation) check() error {
	if r.Table != nil && len(r.Terms) == 1 {
		return r.Table.check()
	}
	for _, t := range r.Terms {
		if !finite(t.Factor) {
			return fmt.Errorf("a multiple of %q is not finite", t.Column)
		}
	}
	return require(len(r.Terms) > 0 && finite(r.Constant, r.Rounding, r.Relative) && min(r.Rounding, r.Relative) >= 0, "what it follows from is no sum of multiples")
}

// text writes the sum in the user's units.
func (r *Relation) text(of *Column, columns map[string]*Column) string {
	var b strings.Builder
	constant, from := r.Constant, of.Origin
	for i, t := range r.Terms {
		if origin := columns[t.Column].Origin; t.Factor == 1 { // of large integers, every digit
			constant += from.Minus(origin)
			from = column.Exact{}
		} else {
			constant -= t.Factor * origin.Float()
		}
		writeTerm(&b, i == 0, t.Factor, t.Column)
	}
	constant += from.Float()
	if constant != 0 {
		writeTerm(&b, false, constant, "")
	}
	return b.String()
}

func writeTerm(b *strings.Builder, first bool, factor float64, name string) {
	switch {
	case first && factor < 0:
		b.WriteString("-")
	case factor < 0:
		b.WriteString(" - ")
	case !first:
		b.WriteString(" + ")
	}
	if f := math.Abs(factor); f != 1 || name == "" {
		b.WriteString(strconv.FormatFloat(f, 'g', 8, 64))
		if name != "" {
			b.WriteString(" ")
		}
	}
	b.WriteString(name)
}

// Dependent is a feature that follows from others.
type Dependent struct {
	Column   string
	Relation Relation
	Given    bool // a column of the context is among those that it follows from
	Smooth   bool // not a few values, whose probabilities are at most 1
	Says     string
}

// LeaveOut keeps a feature that follows from others out of the flow: Invert puts it back.
func (p *Pipeline) LeaveOut(d Dependent) {
	c := p.column(d.Column)
	for _, m := range c.lacks() { // which are values like others then
		if m != missingValue {
			c.Min, c.Max = min(c.Min, m), max(c.Max, m)
		}
	}
	c.Steps, c.Own = nil, nil
	c.Follows, c.Why = &d.Relation, d.Says+": left out, and put back in what is generated"
	c.Chose += "; " + c.Why
}

// follow sets the columns of t, in which names are codes, that follow from others: sums first, of which a table may tell others.
func (p *Pipeline) follow(t *events.Table) {
	for _, table := range []bool{false, true} {
		for i := range p.Columns {
			c := &p.Columns[i]
			if c.Follows == nil || (c.Follows.Table != nil) != table {
				continue
			}
			terms := make([][]float64, len(c.Follows.Terms))
			for k, term := range c.Follows.Terms {
				from := p.place(term.Column)
				terms[k] = make([]float64, t.Len())
				p.Columns[from].read(terms[k], &t.Columns[from], 0)
			}
			x, value := make([]float64, t.Len()), make([]float64, len(terms))
			for e := range x {
				for k := range terms {
					value[k] = terms[k][e]
				}
				x[e], _ = c.Follows.at(value)
			}
			c.write(&t.Columns[i], 0, x, nil)
		}
	}
}

// disagree counts the events whose value is not what it follows from, and marks them.
func (p *Pipeline) disagree(c *Column, t *events.Table, out []bool) (Range, error) {
	r := Range{Column: c.Name, Unit: c.Unit, Min: c.Min, Max: c.Max, Taken: "what it follows from"}
	x, err := c.values(t)
	if err != nil {
		return r, err
	}
	terms, err := p.terms(t, c.Follows)
	if err != nil {
		return r, err
	}
	for _, i := range c.Follows.broken(x, terms) {
		if r.Unseen++; r.Unseen == 1 {
			r.First, r.Value = i, c.Origin.Plus(x[i]).String()
		}
		out[i] = true
	}
	return r, nil
}

// terms are the values in t of the columns of a relation.
func (p *Pipeline) terms(t *events.Table, r *Relation) ([][]float64, error) {
	all := make([][]float64, len(r.Terms))
	for k, term := range r.Terms {
		var err error
		if all[k], err = p.column(term.Column).values(t); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// column is the one of that name, nil for none.
func (p *Pipeline) column(name string) *Column {
	if i := p.place(name); i >= 0 {
		return &p.Columns[i]
	}
	return nil
}

func (p *Pipeline) place(name string) int {
	return slices.IndexFunc(p.Columns, func(c Column) bool { return c.Name == name })
}

// checkFollows refuses a column that follows from what the flow does not see, but for a table of what is a sum.
func (p *Pipeline) checkFollows() error {
	for i := range p.Columns {
		c := &p.Columns[i]
		if c.Follows == nil {
			continue
		}
		if err := c.Follows.check(); err != nil {
			return fmt.Errorf("prep: column %q: %w", c.Name, err)
		}
		for _, term := range c.Follows.Terms {
			of := p.column(term.Column)
			sum := of != nil && of.Follows != nil && of.Follows.Table == nil && c.Follows.Table != nil
			if of == nil || of.Follows != nil && !sum || len(c.Steps) > 0 || c.Constant() || p.Noiseless {
				return fmt.Errorf("prep: column %q: it cannot follow from %q", c.Name, term.Column)
			}
		}
	}
	return nil
}
