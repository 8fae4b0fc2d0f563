package unfold

import (
	"context"
	"fmt"
	"slices"

	"github.com/sluice-hep/sluice/card"
	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/fit"
	"github.com/sluice-hep/sluice/flow"
	"github.com/sluice-hep/sluice/internal/rng"
	"github.com/sluice-hep/sluice/model"
	"github.com/sluice-hep/sluice/validate"
)

// posterior is the flow of p(x|y), and the simulated events that it learns from: those that pass both selections.
type posterior struct {
	*fit.Data
	row  []int32 // in the simulation, of each of Held
	card *card.Card
}

// eventColumn numbers the events that a flow is given, from 1 on: it stands for their weights, which each training has of its own.
const eventColumn = "unfold.event"

func (j *job) newPosterior(ctx context.Context, s *sample, o fit.Options) (*posterior, error) {
	c := *j.card
	c.Unfold, c.Weight = card.Unfold{}, eventColumn
	c.Files, c.Toy, c.Define, c.Where, c.DropNaN, c.Flatten = nil, card.Toy{}, nil, "", false, ""
	if c.Flow.Base.IsZero() && len(c.Flow.Bases) == 0 {
		c.Flow.Base = flow.Part{Kind: "normal"} // which a training leaves as it is, so that another goes on with its parameters
	}
	t := table(c.Features, pickAll(s.truth, s.both), j.card.Units)
	number := make([]float64, len(s.both))
	for k := range number {
		number[k] = float64(k + 1)
	}
	for _, column := range slices.Concat(table(c.Context, pickAll(s.reco, s.both), j.card.Units).Columns, table([]string{eventColumn}, [][]float64{number}, nil).Columns) {
		t.Set(column)
	}
	c.Table = t
	d, err := fit.Load(ctx, &c, o)
	if err != nil {
		return nil, err
	}
	p := &posterior{Data: d, card: &c}
	held, err := d.Held.Column(eventColumn)
	for k := range d.Held.Len() {
		if err == nil {
			p.row = append(p.row, s.both[int(held.Float(k))-1])
		}
	}
	return p, err
}

// table makes one of columns.
func table(names []string, columns [][]float64, units map[string]string) *events.Table {
	t := &events.Table{}
	for c, name := range names {
		t.Columns = append(t.Columns, events.Column{Name: name, Unit: units[name], Type: events.Float64, F64: columns[c]})
	}
	return t
}

// train fits the flow to the simulation with the weights and factors of w, from the parameters of an earlier one, if any.
func (p *posterior) train(ctx context.Context, w *weighing, from []float32) (*model.Model, error) {
	epochs := 0
	if from != nil {
		epochs = w.plan.FineTune
	}
	m, err := p.TrainWeighted(ctx, fit.Options{Threads: w.threads}, w.weights(p.row, true), from, epochs)
	if err != nil {
		return nil, fmt.Errorf("the flow: %w", err)
	}
	return m, nil
}

// params are those of a flow that a training goes on from.
func params(m *model.Model) []float32 {
	f, _ := m.Flow()
	return slices.Clone(f.Params())
}

// draws are so many of each event of the data that is measured, one event after the other.
func (r *replica) draws(m *model.Model, seed uint64) (x [][]float64, err error) {
	var given [][]float64
	for _, y := range r.measured {
		var each []float64
		for _, v := range y {
			for range r.plan.Draws {
				each = append(each, v)
			}
		}
		given = append(given, each)
	}
	context := table(r.card.Context, given, nil)
	t, _, err := m.SampleWithin(context.Len(), context, seed, 0, float64(r.card.Sample.Within))
	if err != nil {
		return nil, err
	}
	return t.Floats(r.card.Features)
}

// genuine is the probability of each measured event of the data to be no fake, in the weighed simulation.
func (w *weighing) genuine(ctx context.Context) ([]float64, error) {
	s := w.sim
	return w.share(ctx, points{"the simulated events that pass both selections", w.bothReco, w.weights(s.both, true)},
		points{"the fakes of the simulation", pickAll(s.reco, s.fakes), w.weights(s.fakes, true)}, w.measured)
}

// efficiency is the probability of events at x to be measured. It depends on the detector alone.
func (w *weighing) efficiency(ctx context.Context, x [][]float64) ([]float64, error) {
	s := w.sim
	return w.share(ctx, points{"the simulated events that pass both selections", w.bothTruth, w.weights(s.both, false)},
		points{"the lost events of the simulation", pickAll(s.truth, s.lost), w.weights(s.lost, false)}, x)
}

// iterated is arXiv:2212.08674. After each iteration the events unfolded are draws. first is the flow to start from; nil trains one.
func (r *replica) iterated(ctx context.Context) (all []step, err error) {
	w := r.newWeighing()
	from, p := r.first, r.posterior
	for k := range r.plan.Iterations {
		m, err := p.train(ctx, w, from)
		if err != nil {
			return nil, err
		}
		defer m.Density.Close()
		from = params(m)
		var calibration *validate.Calibration
		if last := r.plan.Iterations - 1; r.number == 0 && (k == 0 || k == last) && len(p.Rows.Test) > 0 {
			if calibration, err = p.calibrate(ctx, w, m); err != nil {
				return nil, err
			}
		}
		x, err := r.draws(m, rng.New(r.seed, rng.StreamUnfold, 1<<20+uint32(k)).Uint64()>>1)
		if err != nil {
			return nil, err
		}
		genuine, err := w.genuine(ctx)
		if err != nil {
			return nil, err
		}
		a := points{name: "the draws for the data", columns: x}
		for e, i := range r.data.isReco {
			for range r.plan.Draws {
				a.weight = append(a.weight, r.dataWeight[i]*genuine[e]/float64(r.plan.Draws))
			}
		}
		efficiency, err := w.efficiency(ctx, x)
		if err != nil {
			return nil, err
		}
		c := Cloud{Columns: x, Weight: slices.Clone(a.weight), Params: from}
		for i, e := range efficiency {
			if e < leastEfficiency {
				c.Inefficient++
			}
			c.Weight[i] /= max(e, leastEfficiency)
		}
		if k < r.plan.Iterations-1 || r.number == 0 {
			if err := w.carry(ctx, a); err != nil {
				return nil, err
			}
		}
		s := w.step(c)
		s.Calibration = calibration
		all = append(all, s)
	}
	return all, nil
}

// leastEfficiency bounds the weight of a draw.
const leastEfficiency = 0.01

// calibrate tells whether a flow gives held-out simulated events their probabilities, where the simulation has the weights and factors of w.
func (p *posterior) calibrate(ctx context.Context, w *weighing, m *model.Model) (*validate.Calibration, error) {
	held := p.Held.Take(p.Rows.Test)
	held.Set(events.Column{Name: eventColumn, Type: events.Float64, F64: w.weights(pick32(p.row, p.Rows.Test), true)})
	held.Weight = eventColumn
	return validate.Calibrate(ctx, m, held, validate.CalibrationOptions{Events: calibrated, Seed: w.seed, Within: float64(w.card.Sample.Within), Threads: w.threads})
}

// calibrated is how many held-out events the calibration looks at, at most.
const calibrated = 4000

func pick32(x, rows []int32) []int32 {
	y := make([]int32, len(rows))
	for k, i := range rows {
		y[k] = x[i]
	}
	return y
}
