package infer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/sluice-hep/sluice/apply"
	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/internal/fault"
	"github.com/sluice-hep/sluice/internal/rng"
	"github.com/sluice-hep/sluice/internal/say"
	"github.com/sluice-hep/sluice/mcmc"
	"github.com/sluice-hep/sluice/model"
)

// Combined is the posterior given all observations together, p(theta)^(1-N) prod p(theta|x_i), by a Markov chain.
type Combined struct {
	Parameters map[string]Parameter `json:"posterior"`
	Prior      string               `json:"prior"`
	Draws      int                  `json:"draws"`
	Chain      mcmc.Diagnostics     `json:"chain"`
	Table      *events.Table        `json:"-"` // the draws
}

const (
	walkers    = 16 // at least; and four a parameter
	firstSteps = 600
	mostSteps  = 100_000
	pooled     = 500 // draws of each posterior, among which walkers start
)

// together is the density of the combined posterior.
type together struct {
	r     *Inferred
	m     *model.Model
	known *law
}

// combine draws given all observations together.
func (q *Observed) combine(ctx context.Context, m *model.Model, known *law, r *Inferred, write func(*events.Table) error, o apply.Options) error {
	if !q.Combine {
		return nil
	}
	if err := continuous(r.Shown[0], r.Parameters); err != nil {
		return fault.Of(err)
	}
	d := &together{r, m, known}
	r.Combined = &Combined{Prior: cmp.Or(known.said, "even over the trained range of each parameter")}
	if known.prior == nil {
		r.Combined.Prior = "even over the trained range of each parameter"
	}
	start, err := d.start(q.Seed)
	if err != nil {
		return err
	}
	chain, err := d.run(ctx, start, q.Seed, &r.Combined.Chain)
	if err != nil {
		return err
	}
	n := min(r.Draws, len(chain))
	r.Combined.Draws, r.Combined.Table = n, d.table(n, func(i int) []float64 { return chain[i*len(chain)/n] })
	if r.Combined.Parameters, err = r.summary(r.Combined.Table, r.row(0)); err != nil {
		return err
	}
	o.Notice(fmt.Sprintf("%s together, with the prior %s: %d steps of %d walkers, worth %.0f independent draws",
		say.Count(r.Observations, "observation"), strings.TrimPrefix(r.Combined.Prior, "the prior "), r.Combined.Chain.Steps, r.Combined.Chain.Walkers, slices.Min(r.Combined.Chain.ESS)))
	if write == nil {
		return nil
	}
	return write(r.Combined.Table)
}

// continuous refuses parameters that a chain cannot move.
func continuous(draws *events.Table, parameters []string) error {
	for _, name := range parameters {
		c, err := draws.Column(name)
		if err != nil {
			return err
		}
		if c.Type != events.Float32 && c.Type != events.Float64 {
			return fmt.Errorf("--combine takes parameters of continuous values: %q has others", name)
		}
		x, err := c.Floats(nil)
		if err != nil {
			return err
		}
		slices.Sort(x)
		if n := len(x); len(slices.Compact(x)) < n*9/10 {
			return fmt.Errorf("--combine takes parameters of continuous values: %q repeats its own", name)
		}
	}
	return nil
}

// run takes as many steps as its autocorrelation times ask for.
func (d *together) run(ctx context.Context, start [][]float64, seed uint64, told *mcmc.Diagnostics) (draws [][]float64, err error) {
	density := func(theta []float64) float64 {
		l, err := d.logDensity(d.table(1, func(int) []float64 { return theta }))
		if err != nil {
			return math.NaN()
		}
		return l[0]
	}
	return settle(ctx, "all observations together", density, start, 0, seed, 1, told)
}

// start puts the walkers at draws of the single posteriors, each as likely as its density in the combined one is above that in all of them.
func (d *together) start(seed uint64) ([][]float64, error) {
	var pool [][]float64
	for _, t := range d.r.Shown {
		for i := range min(pooled, t.Len()) {
			row := make([]float64, len(d.r.Parameters))
			for k, name := range d.r.Parameters {
				c, err := t.Column(name)
				if err != nil {
					return nil, err
				}
				row[k] = c.Float(i)
			}
			pool = append(pool, row)
		}
	}
	l, err := d.logDensity(d.table(len(pool), func(i int) []float64 { return pool[i] }))
	if err != nil {
		return nil, err
	}
	random := rng.New(seed, rng.StreamPredict, 0)
	order := make([]int, len(pool))
	for i := range order { // the largest of log w - log(-log u) are drawn without replacement, in proportion to w
		order[i] = i
		l[i] -= math.Log(-math.Log(random.Float64()))
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(l[b], l[a]) })
	n := max(walkers, 4*len(d.r.Parameters))
	if n > len(pool) {
		return nil, fault.Of(fmt.Errorf("--combine takes %d draws or more (-n)", n))
	}
	start := make([][]float64, n)
	for w := range start {
		start[w] = pool[order[w]]
	}
	if math.IsInf(l[order[n-1]], -1) {
		return nil, fault.Of(errors.New("all observations together: the single posteriors have no draws in common with the prior: do the observations have the same parameters?"))
	}
	return start, nil
}

// table has a row of parameters for each of n draws.
func (d *together) table(n int, row func(i int) []float64) *events.Table {
	t := &events.Table{}
	for k, name := range d.r.Parameters {
		c := events.Column{Name: name, Unit: d.m.Features.Columns[k].Unit, Type: events.Float64, F64: make([]float64, n)}
		for i := range n {
			c.F64[i] = row(i)[k]
		}
		t.Columns = append(t.Columns, c)
	}
	return t
}

// logDensity is that of each row of parameters given all observations, up to a constant.
func (d *together) logDensity(theta *events.Table) ([]float64, error) {
	prior, err := d.known.logPrior(d.m, theta)
	if err != nil {
		return nil, err
	}
	n := theta.Len()
	sum := make([]float64, n)
	for i := range sum {
		sum[i] = float64(1-d.r.Observations) * prior[i]
	}
	rows := make([]int32, 0, n*d.r.Observations)
	for i := range d.r.Observations {
		rows = append(rows, slices.Repeat([]int32{int32(i)}, n)...)
	}
	given := d.r.Given.Take(rows)
	for k := range rows {
		rows[k] = int32(k % n)
	}
	all := theta.Take(rows)
	all.Columns = append(all.Columns, given.Columns...)
	l, err := d.m.LogProb(all, 0)
	if err != nil {
		return nil, err
	}
	for k, v := range l {
		sum[k%n] += v
	}
	for i, v := range prior {
		if math.IsInf(v, -1) || math.IsNaN(sum[i]) {
			sum[i] = math.Inf(-1)
		}
	}
	return sum, nil
}
