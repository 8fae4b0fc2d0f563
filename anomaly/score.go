package anomaly

import (
	"context"
	"math"
	"slices"
	"time"

	"github.com/sluice-hep/sluice/bump"
	"github.com/sluice-hep/sluice/fit"
	"github.com/sluice-hep/sluice/stats"
)

// scored is what a method found in one trial; it is kept on disk (internal/stages), so that all of it is exported and no pointer stands for a number.
type scored struct {
	Seconds float64

	Judged bool // by labels, which give what follows
	MaxSIC, MaxSICError,
	AUC, AUCError float64
	Curve []float64 // SIC at each of efficiencies

	Trained             float64 // w of R-ANODE, by its trainings
	Fitted, FittedError float64 // by events that these had not seen

	Selections []Selection
	Hunt       *Hunt
	Hunted     []float64 // the counts of its spectrum
	NoHunt     string    // why there is none

	// surprise of the rows of the trial is minus the logarithm, to base 10, of the share of the data in the signal region, of the same fold and the event
	// with them, that score at least as high, so that trainings of different folds can be compared.
	surprise []float64
}

// found is what all methods found in one trial.
type found struct {
	Methods  map[string]*scored
	Warnings []string
	Seconds  float64
}

// detail is how much of what each method found is looked at.
type detail struct {
	selections  bool
	experiments int // of the hunt; 0 for none
}

// find trains the density of the background and all methods.
func (t *trial) find(ctx context.Context, methods []string, d detail, stage func(name string)) (*found, error) {
	f, began := &found{Methods: map[string]*scored{}}, time.Now()
	stage("background")
	b, err := t.learnBackground(ctx, fit.Options{Threads: t.threads, Warn: func(line string) { f.Warnings = append(f.Warnings, "background: "+line) }})
	if err != nil {
		return nil, err
	}
	defer b.close()
	for _, name := range methods {
		stage(name)
		began := time.Now()
		s := &scored{}
		score, err := t.scores(ctx, name, b, s)
		if err == nil {
			err = t.judge(s, score)
		}
		if err != nil {
			return nil, named(name, err)
		}
		s.Seconds = time.Since(began).Seconds()
		if d.selections {
			if s.Selections, err = t.selections(s); err != nil {
				return nil, err
			}
		}
		if d.experiments > 0 {
			stage(name + ", hunt")
			if err := t.hunt(ctx, s, name, d.experiments); err != nil {
				return nil, err
			}
		}
		f.Methods[name] = s
	}
	f.Seconds = time.Since(began).Seconds()
	return f, nil
}

// judge turns scores into shares of the data, and compares them with the labels: signal that was thinned away counts too, which no method has
// seen but supervised, whose folds leave it out in turn. An event that is not among the data of the signal region has the rank that it would have there. So a
// selection ends at its last event in the region for all, and what is left beside it tells without bias how many to expect: the p of a Poisson number is that
// of stopping there.
func (t *trial) judge(s *scored, score []float64) error {
	s.surprise = make([]float64, len(score))
	data := make([][]float64, t.search.Folds)
	for k, i := range t.rows[:t.inside] {
		if t.kept[i] {
			data[t.fold[i]] = append(data[t.fold[i]], score[k])
		}
	}
	for _, d := range data {
		slices.Sort(d)
	}
	for k, i := range t.rows {
		d := data[t.fold[i]]
		below, _ := slices.BinarySearch(d, score[k])
		rank := len(d) - below
		if !t.kept[i] || k >= t.inside {
			rank++
		}
		s.surprise[k] = -math.Log10((float64(rank) - 0.5) / (float64(len(d)) + 1))
	}
	if t.signal == nil || t.search.BackgroundOnly {
		return nil
	}
	signal := make([]bool, t.inside)
	for k, i := range t.rows[:t.inside] {
		signal[k] = t.signal[i]
	}
	if !slices.Contains(signal, true) || !slices.Contains(signal, false) {
		return nil
	}
	roc, err := stats.NewROC(s.surprise[:t.inside], signal, nil)
	if err != nil {
		return err
	}
	if most, ok := roc.MaxSIC(stats.EnoughBackground); ok {
		s.Judged, s.MaxSIC, s.MaxSICError, s.Curve = true, most.SIC, most.SICError, sic(roc, efficiencies)
		s.AUC, s.AUCError = roc.AUC()
	}
	return nil
}

// chosen says which rows are among a share of the data in the signal region.
func (s *scored) chosen(share float64) func(k int) bool {
	return func(k int) bool { return s.surprise[k] >= -math.Log10(share) }
}

// sic is the significance improvement at each signal efficiency, NaN where fewer than stats.EnoughBackground events of background are left to measure
// it by.
func sic(r *stats.ROC, efficiency []float64) []float64 {
	y := make([]float64, len(efficiency))
	k := 0
	for i, e := range efficiency {
		for k < len(r.TPR)-1 && r.TPR[k] < e {
			k++
		}
		if y[i] = math.NaN(); r.At(k).Background >= stats.EnoughBackground {
			y[i] = r.At(k).SIC
		}
	}
	return y
}

// beside is the function fitted to what lies beside the signal region.
func (t *trial) beside(s *bump.Spectrum) (*bump.Smooth, error) {
	null, err := s.Smoothed()
	if err != nil {
		return nil, err
	}
	return null.Without(s.Bins(t.region.Low, t.region.High))
}

// estimated is what a fit expects in the signal region, beside the true background of the data that a condition holds for.
func (t *trial) estimated(f *bump.Smooth, holds func(k int) bool) Estimate {
	e := Estimate{}
	if f.NDF > 0 {
		e.Chi2NDF = f.Chi2 / float64(f.NDF)
	}
	e.Estimate, e.Error = f.Within(t.spectrum.Bins(t.region.Low, t.region.High))
	if t.signal == nil {
		return e
	}
	e.Truth = &Truth{}
	for k, i := range t.rows[:t.inside] {
		if t.kept[i] && !t.signal[i] && holds(k) {
			e.Truth.Events++
		}
	}
	return e
}

// selections counts what is left at each of shares, and estimates its background from the sidebands.
func (t *trial) selections(s *scored) (list []Selection, err error) {
	for _, share := range shares {
		holds := s.chosen(share)
		own := t.spectrum.Of(t.masses(holds))
		sel := Selection{Share: share, Observed: own.Sum(own.Bins(t.region.Low, t.region.High))}
		if f, err := t.beside(own); err == nil { // else too few are left
			e := t.estimated(f, holds)
			sel.Estimate, sel.LocalP = &e, bump.P(sel.Observed, e.Estimate, e.Error)
		}
		if err := t.sculpting(&sel, holds); err != nil {
			return nil, err
		}
		list = append(list, sel)
	}
	return list, nil
}

// leastSculpted is how few events of background tell nothing of their masses.
const leastSculpted = 20

// sculpting compares the masses of true background that is selected with those of the rest.
func (t *trial) sculpting(s *Selection, holds func(k int) bool) error {
	if t.signal == nil {
		return nil
	}
	background := func(k int) bool { return !t.signal[t.rows[k]] }
	chosen := t.masses(func(k int) bool { return background(k) && holds(k) })
	if len(chosen) < leastSculpted {
		return nil
	}
	a, err := stats.NewCDF(chosen, nil)
	if err != nil {
		return err
	}
	b, err := stats.NewCDF(t.masses(func(k int) bool { return background(k) && !holds(k) }), nil)
	if err != nil {
		return err
	}
	s.Sculpting, s.SculptingP = stats.KS(a, b)
	s.SculptingP = max(s.SculptingP, 1e-300)
	return nil
}

// hunt scans the mass of what a method selects.
func (t *trial) hunt(ctx context.Context, s *scored, method string, experiments int) error {
	selected := t.spectrum.Of(t.masses(s.chosen(huntedShare)))
	s.Hunted = selected.Counts
	h := &bump.Hunt{}
	null, err := selected.Smoothed()
	if err == nil {
		h, err = selected.Hunt(ctx, null, t.seed, experiments)
	}
	switch {
	case ctx.Err() != nil:
		return err
	case err != nil:
		s.NoHunt = err.Error()
		return nil
	}
	s.Hunt = &Hunt{method, huntedShare, *h}
	return nil
}
