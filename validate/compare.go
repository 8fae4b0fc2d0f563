package validate

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/sluice-hep/sluice/classify"
	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/stats"
)

// Options say what Compare looks at. The zero value is every test of every column of numbers that both tables have.
type Options struct {
	Columns []string // none: every column of numbers that both tables have
	Cuts    []string // selections, after each of which the events are compared again
	Alone   bool     // columns one by one, and their correlations: no test of all of them together
	// Training are the events that a model was trained on, of which the generated ones should hold no copies; nil where that is not to be tested.
	Training *events.Table
	Given    []string // columns that were given to the model, not generated

	Seed    uint64 // of permutations, of projections and of classifiers
	Threads int    // 0: all; results do not depend on it

	cut bool // of what passes a cut
}

// Result is what a comparison of two tables finds.
type Result struct {
	*stats.Comparison
	// Tests of all columns together, nil where they are not asked for; C2ST, NPLM and Joint alone after a cut. JetNet's distances, PRDC and
	// Ratio are of sizes, and of where they come from.
	C2ST         *C2STResult   `json:"c2st,omitempty"`
	NPLM         *NPLMTest     `json:"nplm,omitempty"`
	*stats.Joint               // sliced_w1, sliced_ks, energy, mmd
	FPD          *stats.Test   `json:"fpd,omitempty"`
	KPD          *stats.Test   `json:"kpd,omitempty"`
	PRDC         *stats.PRDC   `json:"prdc,omitempty"`
	Ratio        *RatioResult  `json:"ratio,omitempty"`
	Copies       *stats.Copies `json:"copies,omitempty"`

	Cuts []Cut `json:"cuts,omitempty"`

	// JointNames are the columns of those tests, as the tails of Ratio have them.
	JointNames []string `json:"-"`
	// Notes tell what was done to columns for them, a line each.
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
	o.Columns, o.Cuts, o.cut = c.Names, nil, true
	for _, cut := range cuts {
		if err := ctx.Err(); err != nil {
			return nil, fmt.Errorf("interrupted at the cut %s: %w", cut.expr, err)
		}
		found, err := cut.compare(ctx, ref, gen, o)
		if err != nil {
			return nil, fmt.Errorf("the cut %q: %w", cut.expr, err)
		}
		if r.Cuts = append(r.Cuts, found); found.Result != nil {
			r.Notes = append(r.Notes, found.Notes...)
		}
	}
	return r, nil
}

// joint says how much the distances take: after a cut less, so that several cuts do not take several times as long.
func (o Options) joint() stats.JointOptions {
	j := stats.JointOptions{Seed: o.Seed, Threads: o.Threads, Draws: 199, Pairwise: 1500}
	if o.cut {
		j.Draws, j.Pairwise, j.Sliced = 99, 1000, 5000
	}
	return j
}

// together runs the tests of all columns at once.
func (r *Result) together(ctx context.Context, ref, gen *events.Table, o Options) (err error) {
	j, err := newJoint(r.Names, ref, gen)
	if err != nil {
		return err
	}
	x, y, classifier := j.samples[0], j.samples[1], classify.Options{Seed: o.Seed, Threads: o.Threads}
	r.JointNames, r.Notes = j.names, j.notes()
	if len(j.names) == 0 {
		r.C2ST = &C2STResult{Cannot: "every column has one value only, the same in both samples"}
		return nil
	}
	for _, test := range []func() error{
		func() (err error) { r.C2ST, err = C2ST(ctx, x, y, classifier); return err },
		func() error { return r.likelihoods(ctx, x, y, o) },
		func() (err error) {
			r.Joint, err = stats.CompareJointly(x, y, o.joint())
			return err
		},
		func() error { return r.sizes(ctx, x, y, o) },
		func() error { return r.copies(ref, gen, o) },
	} {
		if err := test(); err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("interrupted at the tests of all columns: %w", err)
		}
	}
	return nil
}

// NPLMTest is the test of NPLM with its statistic called t, as the papers do.
type NPLMTest stats.Test

// MarshalJSON writes the numbers, or the reason why there are none.
func (t NPLMTest) MarshalJSON() ([]byte, error) {
	type numbers stats.Test
	if t.Cannot != "" {
		return json.Marshal(stats.Test(t))
	}
	return json.Marshal(struct {
		T float64 `json:"t"`
		numbers
		None *float64 `json:"value,omitempty"`
	}{T: t.Value, numbers: numbers(t)})
}

func (r *Result) likelihoods(ctx context.Context, x, y stats.Sample, o Options) error {
	n := NPLMOptions{Seed: o.Seed, Threads: o.Threads}
	if o.cut {
		n.Most = 5000
	}
	t, err := NPLM(ctx, x, y, n)
	if err == nil {
		r.NPLM = (*NPLMTest)(&t)
	}
	return err
}

// sizes are the numbers that published samples are compared by, and where the samples differ; not after cuts.
func (r *Result) sizes(ctx context.Context, x, y stats.Sample, o Options) (err error) {
	if o.cut {
		return nil
	}
	q := stats.QualityOptions{Seed: o.Seed, Threads: o.Threads}
	fpd, kpd, prdc := stats.FPD(x, y, q), stats.KPD(x, y, q), stats.NewPRDC(x, y, q)
	r.FPD, r.KPD, r.PRDC = &fpd, &kpd, &prdc
	r.Ratio, err = Ratio(ctx, x, y, RatioOptions{Options: classify.Options{Seed: o.Seed, Threads: o.Threads}})
	return err
}

// copies looks for training events among the generated ones, by the features alone where others were given.
func (r *Result) copies(ref, gen *events.Table, o Options) error {
	if o.Training == nil || o.cut {
		return nil
	}
	names := slices.DeleteFunc(slices.Clone(r.Names), func(name string) bool { return slices.Contains(o.Given, name) })
	j, err := newJoint(names, ref, gen, o.Training)
	if err != nil {
		return fmt.Errorf("the training events: %w", err)
	}
	c := stats.NewCopies(j.samples[2], j.samples[0], j.samples[1], stats.QualityOptions{Seed: o.Seed, Threads: o.Threads})
	r.Copies = &c
	return nil
}

// Chance is the probability of a test's value by chance: P, or, where no draw from the null distribution reaches as far, the tail of the gamma
// distribution that has its mean and variance.
func Chance(t stats.Test) float64 {
	if t.Draws == 0 || t.P*float64(t.Draws+1) > 1.5 || !(t.NullMean > 0 && t.NullStd > 0) {
		return t.P
	}
	return min(t.P, gammaTail(t))
}

// Named is a test by its name.
type Named struct {
	Name string
	stats.Test
}

// Together are the tests of whether the samples are of one distribution, in all columns at once: the classifier's is the first.
func (r *Result) Together() (tests []Named) {
	if r.C2ST != nil {
		tests = append(tests, Named{"a classifier", r.C2ST.Test()})
	}
	if r.NPLM != nil {
		tests = append(tests, Named{"the likelihood ratio (NPLM)", stats.Test(*r.NPLM)})
	}
	if j := r.Joint; j != nil {
		tests = append(tests, Named{"the energy distance", j.Energy}, Named{"the maximum mean discrepancy", j.MMD}, Named{"the sliced Kolmogorov–Smirnov distance", j.SlicedKS}, Named{"the sliced Wasserstein distance", j.SlicedW1})
	}
	return tests
}

// Tests are those of Together, and the numbers that published samples are compared by.
func (r *Result) Tests() []Named {
	tests := r.Together()
	if r.FPD != nil {
		tests = append(tests, Named{"FPD", *r.FPD}, Named{"KPD", *r.KPD})
	}
	if p := r.PRDC; p != nil {
		for _, name := range []string{"precision", "recall", "density", "coverage"} {
			t := p.ByChance[name]
			t.Cannot = p.Cannot
			tests = append(tests, Named{name + " (k = 5)", t})
		}
	}
	if c := r.Copies; c != nil {
		t := c.Nearer
		t.Cannot = cmp.Or(c.Cannot, t.Cannot)
		tests = append(tests, Named{"nearest is a training event", t})
	}
	return tests
}
