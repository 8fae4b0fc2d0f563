package validate

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/events/column"
	"github.com/sluice-hep/sluice/events/formula"
)

// Cut is the comparison of the events that pass a selection.
type Cut struct {
	Cut string `json:"cut"`
	// The shares of the sums of weights that pass, the difference's error, and the probability of so large a difference by chance.
	Reference float64 `json:"reference_share"`
	Generated float64 `json:"generated_share"`
	Error     float64 `json:"share_error"`
	P         float64 `json:"share_p"`
	// Cannot says why what passes is not compared; Result is nil then.
	Cannot string `json:"cannot,omitempty"`
	*Result
}

// fewest is how many events must pass a cut on either side, by their weights too, for a comparison of columns to tell anything.
const fewest = 20

// condition is a cut compiled for both tables.
type condition struct {
	expr     string
	ref, gen *formula.Formula
}

func compileCuts(ref, gen *events.Table, cuts []string) (all []condition, err error) {
	for _, expr := range cuts {
		c := condition{expr: expr}
		var other error
		c.ref, err = formula.CompileCondition(ref.Columns, expr)
		c.gen, other = formula.CompileCondition(gen.Columns, expr)
		if err != nil {
			return nil, fmt.Errorf("the cut on the reference table: %w", err)
		}
		if other != nil {
			return nil, fmt.Errorf("the cut on the generated table: %w", other)
		}
		all = append(all, c)
	}
	return all, nil
}

// compare compares what passes on both sides.
func (c condition) compare(ctx context.Context, ref, gen *events.Table, o Options) (found Cut, err error) {
	found.Cut = c.expr
	r, rErr := passing(c.ref, ref)
	g, gErr := passing(c.gen, gen)
	if err := cmp.Or(rErr, gErr); err != nil {
		return found, err
	}
	found.Reference, found.Generated = r.share, g.share
	found.Error = math.Hypot(r.deviation, g.deviation)
	found.P = 1
	if d := math.Abs(r.share - g.share); d > 0 {
		found.P = math.Erfc(d / found.Error / math.Sqrt2)
	}
	for _, side := range []struct {
		name string
		passed
	}{{"reference", r}, {"generated", g}} {
		if side.effective < fewest && found.Cannot == "" {
			found.Cannot = fmt.Sprintf("%d of %d %s events pass", len(side.rows), side.of, side.name)
			if side.effective < 0.995*float64(len(side.rows)) {
				found.Cannot += fmt.Sprintf(", worth %.3g by their weights", side.effective)
			}
			found.Cannot += fmt.Sprintf(": fewer than %d are too few to compare", fewest)
		}
	}
	if found.Cannot != "" {
		return found, nil
	}
	ref, gen = narrow(ref, o.Columns).Take(r.rows), narrow(gen, o.Columns).Take(g.rows)
	var empty []string
	if o.Columns, empty = withValues(o.Columns, ref, gen); len(o.Columns) == 0 {
		found.Cannot = "every column is without values on one side"
		return found, nil
	}
	if found.Result, err = Compare(ctx, ref, gen, o); err != nil {
		if ctx.Err() == nil {
			found.Cannot, err = err.Error(), nil
		}
		return found, err
	}
	if found.Notes = nil; len(empty) > 0 { // of what stands in the notes on all events
		found.Notes = []string{fmt.Sprintf("after the cut %s, columns without values on one side are not compared: %s", c.expr, column.List(empty, 10))}
	}
	return found, nil
}

// withValues are the columns that have a finite value in each table, and the others.
func withValues(names []string, tables ...*events.Table) (some, none []string) {
	for _, name := range names {
		lacks := func(t *events.Table) bool {
			c, err := t.Column(name)
			if err != nil {
				return true
			}
			for i := range c.Len() {
				if v := c.Float(i); v-v == 0 {
					return false
				}
			}
			return true
		}
		if slices.ContainsFunc(tables, lacks) {
			none = append(none, name)
		} else {
			some = append(some, name)
		}
	}
	return some, none
}

// passed are the events of a table that pass a cut.
type passed struct {
	rows      []int32
	of        int
	share     float64 // of the sum of weights
	deviation float64
	effective float64
}

// passing finds them. The share p has the variance sum w^2 (passes-p)^2 / (sum w)^2, the binomial one where all weights are 1; where none
// or all pass, that of half an event is taken.
func passing(cut *formula.Formula, t *events.Table) (p passed, err error) {
	if p.rows, err = cut.Rows(t.Columns); err != nil {
		return p, err
	}
	p.of = t.Len()
	w, err := t.Weights()
	if err != nil {
		return p, err
	}
	weight := func(i int) float64 {
		if w == nil {
			return 1
		}
		return w[i]
	}
	var sum, squares, in, inSquares float64
	for i := range p.of {
		sum, squares = sum+weight(i), squares+weight(i)*weight(i)
	}
	for _, i := range p.rows {
		in, inSquares = in+weight(int(i)), inSquares+weight(int(i))*weight(int(i))
	}
	if !(sum > 0) {
		return p, fmt.Errorf("the sum of the weights is not a positive number")
	}
	if p.share = in / sum; in > 0 {
		p.effective = in * in / inSquares
	}
	variance := inSquares*(1-p.share)*(1-p.share) + (squares-inSquares)*p.share*p.share
	p.deviation = math.Sqrt(max(variance, 0.25*squares/float64(p.of))) / sum
	return p, nil
}
