// Package validate tells whether generated events can be told from reference events, by all columns at once too, and after selections:
// tests with their null distributions, of events that weigh either sign.
package validate

import (
	"context"
	"fmt"
	"slices"

	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/stats"
)

// Options say what Compare looks at. The zero value is every test of every column of numbers that both tables have.
type Options struct {
	Columns []string // none: every column of numbers that both tables have
	Cuts    []string // selections, after each of which the events are compared again
	Alone   bool     // columns one by one, and their correlations: no test of all of them together

	Seed    uint64 // of permutations, of projections and of classifiers
	Threads int    // 0: all; results do not depend on it
}

// Result is what a comparison of two tables finds.
type Result struct {
	*stats.Comparison
	Cuts []Cut `json:"cuts,omitempty"`

	// Notes tell what was done to columns for the tests of all of them together, a line each.
	Notes []string `json:"-"`
}

// Compare compares two tables as stats.Compare does, whose errors it has, by all columns together, and after each cut. A cut that is no
// condition on the columns of both tables is an error. It ends with ctx.
func Compare(ctx context.Context, ref, gen *events.Table, o Options) (*Result, error) {
	cuts, err := compileCuts(ref, gen, o.Cuts)
	if err != nil {
		return nil, err
	}
	c, err := stats.Compare(ref, gen, o.Columns)
	if err != nil {
		return nil, err
	}
	r := &Result{Comparison: c}
	if !o.Alone {
		if err := r.together(ctx, ref, gen, o); err != nil {
			return nil, err
		}
	}
	o.Columns, o.Cuts = c.Names, nil
	for _, cut := range cuts {
		if err := ctx.Err(); err != nil {
			return nil, fmt.Errorf("interrupted at the cut %s: %w", cut.expr, err)
		}
		found, err := cut.compare(ctx, ref, gen, o)
		if err != nil {
			return nil, fmt.Errorf("the cut %q: %w", cut.expr, err)
		}
		r.Cuts = append(r.Cuts, found)
	}
	return r, nil
}

// together runs the tests of all columns at once.
func (r *Result) together(ctx context.Context, ref, gen *events.Table, o Options) error {
	x, y, notes, err := joint(ref, gen, r.Names)
	if err != nil {
		return err
	}
	r.Notes = slices.Concat(r.Notes, notes)
	_, _ = x, y
	return ctx.Err()
}
