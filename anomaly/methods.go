package anomaly

import (
	"context"
	"fmt"
	"math"

	"github.com/sluice-hep/sluice/card"
	"github.com/sluice-hep/sluice/classify"
	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/fit"
	"github.com/sluice-hep/sluice/internal/rng"
	"github.com/sluice-hep/sluice/model"
)

// backgrounds are p_B(x|m) as learned in the sidebands, one for each fold, which has not seen the events of that fold: the sidebands are scored, and counted,
// as well. One density of all of them would have taken their chance for background, of which what looks unlike it, and is selected, has less: the
// sidebands would expect too little, and each p of the signal region be too small.
type backgrounds []*model.Model

func (b backgrounds) close() {
	for _, m := range b {
		m.Density.Close()
	}
}

// densityCard is the card of a density of some events.
func (t *trial) densityCard(rows []int32, seed uint64) *card.Card {
	c := *t.card
	c.Anomaly, c.Table, c.Seed = card.Anomaly{}, t.table(rows), seed
	c.Files, c.Toy, c.Define, c.Where, c.DropNaN, c.Flatten = nil, card.Toy{}, nil, "", false, ""
	c.Train.Test = -1
	return &c
}

// learnBackground fits p_B to the sidebands, without each fold in turn.
func (t *trial) learnBackground(ctx context.Context, o fit.Options) (b backgrounds, err error) {
	for fold := range t.search.Folds {
		m, err := t.learnWithout(ctx, fold, o)
		if err != nil {
			b.close()
			return nil, err
		}
		b, o.Warn = append(b, m), nil // one says what all would
	}
	return b, nil
}

func (t *trial) learnWithout(ctx context.Context, fold int, o fit.Options) (*model.Model, error) {
	c := t.densityCard(t.where(func(i int) bool { return !t.inRegion(i) && t.fold[i] != fold }), t.foldSeed(fold))
	d, err := fit.Load(ctx, c, o)
	if err != nil {
		return nil, err
	}
	for _, line := range d.Warnings {
		o.Filled().Warn(line)
	}
	m, _, err := d.Train(ctx, o)
	return m, err
}

// latents are the latent coordinates of events, a column a feature.
func latents(m *model.Model, t *events.Table) (z [][]float64, err error) {
	_, latent, err := m.Evaluate(t, 0)
	for _, c := range latent {
		wide := make([]float64, len(c))
		for i, v := range c {
			wide[i] = float64(v)
		}
		z = append(z, wide)
	}
	return z, err
}

// draws are so many events of background for each of the data in the signal region, their masses from a kernel density of those of the data, by
// Silverman's rule, mirrored at the ends.
func (t *trial) draws(b *model.Model) (*events.Table, error) {
	var mass, mean, square float64
	data := t.where(func(i int) bool { return t.inRegion(i) && t.kept[i] })
	for _, i := range data {
		mean += t.mass[i] / float64(len(data))
		square += t.mass[i] * t.mass[i] / float64(len(data))
	}
	width := 0.9 * math.Sqrt(max(square-mean*mean, 0)) * math.Pow(float64(len(data)), -0.2)
	r := rng.New(t.seed, rng.StreamSearch, 1)
	region := t.region
	given := events.Column{Name: t.card.Context[0], Type: events.Float64, F64: make([]float64, t.search.Samples*len(data))}
	for i := range given.F64 {
		for mass = math.Inf(1); mass < region.Low || mass >= region.High; {
			mass = t.mass[data[r.IntN(len(data))]] + width*r.NormFloat64()
			if mass < region.Low {
				mass = 2*region.Low - mass
			} else if mass >= region.High {
				mass = 2*region.High - mass
			}
		}
		given.F64[i] = mass
	}
	drawn, _, err := b.SampleWithin(len(given.F64), &events.Table{Columns: []events.Column{given}}, t.seed, 0, float64(t.card.Sample.Within))
	return drawn, err
}

// scores are those of a method for the rows of the trial.
func (t *trial) scores(ctx context.Context, method string, b backgrounds, s *scored) ([]float64, error) {
	inData := func(i int) int {
		if t.inRegion(i) && t.kept[i] {
			return 1
		}
		return -1
	}
	own := func(int) (columns, reference [][]float64, err error) { return t.pick(t.features), nil, nil }
	switch method {
	case "anode":
		return t.anode(ctx, b)
	case "r-anode":
		return t.residual(ctx, b, s)
	case "cathode", "lacathode":
		return t.drawn(ctx, b, method == "lacathode", inData)
	case "cwola":
		return t.crossFit(ctx, own, func(i int) int {
			if t.nearby(i) {
				return 0
			}
			return inData(i)
		})
	case "idealised":
		half := rng.New(t.seed, rng.StreamSearch, 2).Perm(t.Len())
		return t.crossFit(ctx, own, func(i int) int {
			if inData(i) == 1 && !t.signal[i] {
				return int(half[i] & 1)
			}
			return inData(i)
		})
	case "supervised":
		return t.crossFit(ctx, own, func(i int) int {
			switch {
			case !t.inRegion(i):
				return -1
			case t.signal[i]:
				return 1
			}
			return 0
		})
	}
	return nil, fmt.Errorf("anomaly: no method %q", method)
}

// drawn tells the data from draws of background, by the features or in the latent space.
func (t *trial) drawn(ctx context.Context, b backgrounds, latent bool, inData func(i int) int) ([]float64, error) {
	return t.crossFit(ctx, func(fold int) (columns, reference [][]float64, err error) {
		drawn, err := t.draws(b[fold])
		if err != nil {
			return nil, nil, err
		}
		if !latent {
			reference, err = drawn.Floats(t.card.Features)
			return t.pick(t.features), reference, err
		}
		if columns, err = latents(b[fold], t.table(t.rows)); err == nil {
			reference, err = latents(b[fold], drawn)
		}
		return columns, reference, err
	}, inData)
}

// pick are the values of columns in the rows of the trial.
func (t *trial) pick(columns [][]float64) [][]float64 {
	some := make([][]float64, len(columns))
	for c, x := range columns {
		for _, r := range t.rows {
			some[c] = append(some[c], x[r])
		}
	}
	return some
}

// crossFit scores the rows of each fold by a classifier trained on the others, of the class that is not negative, and on events of class 0 beside them
// (reference). Either are given by columns, which may differ from fold to fold.
func (t *trial) crossFit(ctx context.Context, given func(fold int) (columns, reference [][]float64, err error), class func(i int) int) ([]float64, error) {
	return t.byFold(func(fold int, out []int32) ([]float64, error) {
		columns, reference, err := given(fold)
		if err != nil {
			return nil, err
		}
		all := classify.Events{Columns: columns}
		for c := range reference {
			all.Columns[c] = append(all.Columns[c], reference[c]...)
		}
		all.Label = make([]int, len(all.Columns[0]))
		var rows []int32
		for k := range all.Label {
			switch {
			case k >= len(t.rows):
				rows = append(rows, int32(k))
			case t.fold[t.rows[k]] != fold && class(int(t.rows[k])) >= 0:
				all.Label[k] = class(int(t.rows[k]))
				rows = append(rows, int32(k))
			}
		}
		c, err := classify.Train(ctx, all, rows, classify.Options{Ensemble: t.search.Networks, Seed: t.foldSeed(fold), Threads: t.threads})
		if err != nil {
			return nil, err
		}
		return c.Logits(ctx, all.Columns, out)
	})
}

func (t *trial) foldSeed(fold int) uint64 {
	return rng.New(t.seed, rng.StreamSearch, 16+uint32(fold)).Uint64() >> 1
}

// byFold joins what scores the rows of each fold: out counts in t.rows.
func (t *trial) byFold(score func(fold int, out []int32) ([]float64, error)) ([]float64, error) {
	all := make([]float64, len(t.rows))
	for fold := range t.search.Folds {
		var out []int32
		for k, r := range t.rows {
			if t.fold[r] == fold {
				out = append(out, int32(k))
			}
		}
		s, err := score(fold, out)
		if err != nil {
			return nil, err
		}
		for i, k := range out {
			all[k] = s[i]
		}
	}
	return all, nil
}

// inner reads the data of the signal region of all folds but one, as a density of the card takes them.
func (t *trial) inner(ctx context.Context, fold int) (*fit.Data, error) {
	c := t.densityCard(t.where(func(i int) bool { return t.inRegion(i) && t.kept[i] && t.fold[i] != fold }), t.foldSeed(fold))
	c.Train.Epochs = t.search.SignalEpochs
	return fit.Load(ctx, c, fit.Options{Threads: t.threads})
}

// startShare is the share of the events that the training of an excess begins with.
const startShare = 0.05

// excesses are log p(x|m) - log p_B(x|m), p being what train learns of the data of the signal region; see atRegion for the mass m of other events.
func (t *trial) excesses(ctx context.Context, b backgrounds, train func(fold int, d *fit.Data) (*model.Model, error)) ([]float64, error) {
	return t.byFold(func(fold int, out []int32) ([]float64, error) {
		d, err := t.inner(ctx, fold)
		if err != nil {
			return nil, err
		}
		m, err := train(fold, d)
		if err != nil {
			return nil, err
		}
		defer m.Density.Close()
		rows := make([]int32, len(out))
		for i, k := range out {
			rows[i] = t.rows[k]
		}
		score, err := m.LogProb(t.atRegion(rows), 0)
		if err != nil {
			return nil, err
		}
		of, err := b[fold].LogProb(t.atRegion(rows), 0)
		for i := range of {
			score[i] -= of[i]
		}
		return score, err
	})
}

func (t *trial) anode(ctx context.Context, b backgrounds) ([]float64, error) {
	return t.excesses(ctx, b, func(_ int, d *fit.Data) (*model.Model, error) {
		m, _, err := d.Train(ctx, fit.Options{Threads: t.threads})
		return m, err
	})
}

// residual also finds the share of the signal: the mean of what the trainings of all folds found, and the likeliest of the events that each had not seen.
func (t *trial) residual(ctx context.Context, b backgrounds, s *scored) ([]float64, error) {
	score, err := t.excesses(ctx, b, func(fold int, d *fit.Data) (*model.Model, error) {
		of, err := b[fold].LogProb(d.Held, 0)
		if err != nil {
			return nil, err
		}
		e, err := d.TrainExcess(ctx, fit.Options{Threads: t.threads}, startShare, of)
		if err != nil {
			return nil, err
		}
		s.Trained += e.Share / float64(t.search.Folds)
		return e.Model, nil
	})
	if err != nil {
		return nil, err
	}
	var ratio []float64
	for k, i := range t.rows[:t.inside] {
		if t.kept[i] {
			ratio = append(ratio, score[k])
		}
	}
	s.Fitted, s.FittedError = likeliestShare(ratio)
	return score, nil
}

// likeliestShare is the w of w p_S + (1-w) p_B, given log p_S - log p_B of events, and its standard error by the curvature of the likelihood: steps of the EM
// algorithm, which always rises, from half.
func likeliestShare(ratio []float64) (w, deviation float64) {
	w = 0.5
	var information float64
	for range 2000 {
		var sum float64
		information = 0
		for _, r := range ratio {
			// ps/p and pb/p, p = w ps + (1-w) pb
			signal := 1 / (w + (1-w)*math.Exp(-r))
			background := 1 / (w*math.Exp(r) + 1 - w)
			sum += w * signal
			information += (signal - background) * (signal - background)
		}
		last := w
		if w = sum / float64(len(ratio)); math.Abs(w-last) < 1e-7 {
			break
		}
	}
	return w, 1 / math.Sqrt(information)
}
