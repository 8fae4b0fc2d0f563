package infer

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/sluice-hep/sluice/apply"
	"github.com/sluice-hep/sluice/card"
	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/events/column"
	"github.com/sluice-hep/sluice/internal/await"
	"github.com/sluice-hep/sluice/internal/fault"
	"github.com/sluice-hep/sluice/internal/rng"
	"github.com/sluice-hep/sluice/query"
	"github.com/sluice-hep/sluice/toy"
)

// Predictive says what the simulation makes of draws of a posterior, beside what was observed.
type Predictive struct {
	From  string `json:"from"`
	Draws int    `json:"draws"`
	// P is the least of the observables, times their number.
	P           float64     `json:"p"`
	Observables []Predicted `json:"observables"`
	// Distance is the median one of a draw to the simulated pair that stands for it, in widths of the posterior; nil where a simulator ran.
	Distance *float64      `json:"distance,omitempty"`
	Table    *events.Table `json:"-"`
}

// Predicted is one observable: its quantiles among the predicted events, and the chance of one so far out on either side.
type Predicted struct {
	Name string `json:"name"`
	Parameter
	Observed float64 `json:"observed"`
	P        float64 `json:"p"`
}

const (
	predictions = 4000
	surprising  = 0.01 / 4 // as of validate's tests
	tooFar      = 0.5      // widths of a posterior, from which on pairs do not stand for its draws
)

// predict looks what is simulated with draws of the first posteriors: by the simulator of the model's card, or else the simulated pairs of the nearest parameters.
func (q *Observed) predict(ctx context.Context, c *card.Card, r *Inferred, o apply.Options) error {
	s := simulator(c)
	if s != nil && s.Simulate == nil {
		s = nil
	}
	if s == nil && r.Simulated == nil {
		return nil
	}
	for i, draws := range r.Shown {
		p, err := await.Do(ctx, "the posterior predictive", func() (*Predictive, error) {
			some, err := chosen(draws, rng.New(q.Seed, rng.StreamPredict, uint32(i)+1))
			if err != nil {
				return nil, err
			}
			if s != nil {
				return r.simulate(ctx, s, c, some, q.Seed)
			}
			return r.nearest(some)
		})
		if err != nil {
			return fault.Of(fmt.Errorf("the posterior predictive: %w", err))
		}
		if err := p.compare(r.Given.Slice(i, i+1)); err != nil {
			return fault.Of(err)
		}
		r.Each[i].Predictive = p
		if p.P < surprising {
			o.Warn(fmt.Sprintf("observation %d is not what the posterior predicts (p = %.2g): %s", i+1, p.P, p.worst()))
		}
		if p.Distance != nil && *p.Distance > tooFar {
			o.Notice(fmt.Sprintf("posterior predictive of observation %d: the nearest simulated pairs lie %.2g widths of the posterior off its draws: what is predicted is too wide (more pairs would tell more)", i+1, *p.Distance))
		}
	}
	return nil
}

// chosen are some of the draws, each as often as its weight asks for: those at even steps of the sum of weights.
func chosen(t *events.Table, random *rng.Source) (*events.Table, error) {
	w, err := t.Weights()
	if err != nil {
		return nil, err
	}
	n := min(predictions, t.Len())
	sum := float64(t.Len())
	if w != nil {
		sum = 0
		for _, v := range w {
			sum += v
		}
	}
	rows, reached, next := make([]int32, 0, n), 0., random.Float64()
	for i := range t.Len() {
		if w == nil {
			reached++
		} else {
			reached += w[i]
		}
		for ; len(rows) < n && next*sum/float64(n) < reached; next++ {
			rows = append(rows, int32(i))
		}
	}
	some := t.Take(rows)
	some.Weight = ""
	return some, nil
}

// simulate draws the observables of each row of parameters, and what the card defines of them.
func (r *Inferred) simulate(ctx context.Context, s *toy.Simulator, c *card.Card, draws *events.Table, seed uint64) (*Predictive, error) {
	t := &events.Table{}
	for _, name := range column.Names(s.Parameters) {
		p, err := draws.Column(name)
		if err != nil {
			return nil, err
		}
		t.Columns = append(t.Columns, *p)
	}
	for _, x := range s.Observables {
		t.Columns = append(t.Columns, column.New(x.Name, x.Unit, events.Float64, draws.Len()))
	}
	theta, x := make([]float64, len(s.Parameters)), make([]float64, len(s.Observables))
	for i := range draws.Len() {
		for k := range theta {
			theta[k] = t.Columns[k].Float(i)
		}
		s.Simulate(theta, x, rng.New(seed, rng.StreamPredict, 1<<16+uint32(i)))
		for k, v := range x {
			t.Columns[len(theta)+k].F64[i] = v
		}
	}
	rows, err := query.Query{Table: t, Define: c.Define, Columns: r.Given.Names()}.Open(ctx, draws.Len())
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	made, err := rows.All()
	return &Predictive{From: "the simulator " + s.Name, Draws: draws.Len(), Table: made}, err
}

// nearest takes the simulated pair whose parameters are nearest to those of each draw, in units of their widths among the draws.
func (r *Inferred) nearest(draws *events.Table) (*Predictive, error) {
	var at, pairs [][]float64
	for _, name := range r.Parameters {
		a, err := draws.Column(name)
		if err != nil {
			return nil, err
		}
		b, err := r.Simulated.Column(name)
		if err != nil {
			return nil, err
		}
		if a.Type == events.Text {
			return nil, fmt.Errorf("parameter %q is a name, to which no pair is nearest", name)
		}
		x, err := a.Floats(nil)
		if err != nil {
			return nil, err
		}
		y, err := b.Floats(nil)
		if err != nil {
			return nil, err
		}
		unit := deviation(x)
		if unit == 0 {
			continue
		}
		for _, v := range [][]float64{x, y} {
			for i := range v {
				v[i] /= unit
			}
		}
		at, pairs = append(at, x), append(pairs, y)
	}
	rows, far := make([]int32, draws.Len()), make([]float64, draws.Len())
	for i := range rows {
		best := math.Inf(1)
		for j := range r.Simulated.Len() {
			d := 0.
			for k := range at {
				d += (at[k][i] - pairs[k][j]) * (at[k][i] - pairs[k][j])
			}
			if d < best {
				best, rows[i] = d, int32(j)
			}
		}
		far[i] = math.Sqrt(best / float64(max(len(at), 1)))
	}
	slices.Sort(far)
	median := far[len(far)/2]
	return &Predictive{From: "the simulated pairs of the nearest parameters", Draws: draws.Len(), Table: r.Simulated.Take(rows), Distance: &median}, nil
}

func deviation(x []float64) float64 {
	var sum, squares float64
	for _, v := range x {
		sum += v
	}
	mean := sum / float64(len(x))
	for _, v := range x {
		squares += (v - mean) * (v - mean)
	}
	return math.Sqrt(squares / float64(len(x)))
}

// compare ranks what was observed among the predicted events, by each observable that is a number.
func (p *Predictive) compare(seen *events.Table) error {
	p.P = 1
	for k := range seen.Columns {
		c := &seen.Columns[k]
		made, err := p.Table.Column(c.Name)
		if err != nil {
			return err
		}
		if c.Type == events.Text || made.Type == events.Text || c.Float(0)-c.Float(0) != 0 {
			continue
		}
		o := Predicted{Name: c.Name, Observed: c.Float(0)}
		if o.Parameter, err = newParameter(made, nil, nil); err != nil {
			return err
		}
		below, above := 1., 1.
		for i := range made.Len() {
			if v := made.Float(i); v <= o.Observed {
				below++
				if v == o.Observed {
					above++
				}
			} else {
				above++
			}
		}
		o.P = min(1, 2*min(below, above)/float64(made.Len()+1))
		p.Observables = append(p.Observables, o)
	}
	for _, o := range p.Observables {
		p.P = min(p.P, o.P*float64(len(p.Observables)))
	}
	return nil
}

// worst says which observable lies farthest out.
func (p *Predictive) worst() string {
	w := slices.MinFunc(p.Observables, func(a, b Predicted) int {
		if a.P < b.P {
			return -1
		}
		return 1
	})
	return fmt.Sprintf("%s is %.6g, where 95 %% of the predictions lie between %.6g and %.6g", w.Name, w.Observed, *w.Lo95, *w.Hi95)
}
