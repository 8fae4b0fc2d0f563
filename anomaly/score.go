package anomaly

import (
	"math"
	"slices"

	"github.com/sluice-hep/sluice/stats"
)

// scored is what a method found in one trial.
type scored struct {
	// surprise of the rows of the trial is minus the logarithm, to base 10, of the share of the data in the signal region, of the same fold, that score
	// at least as high, so that trainings of different folds can be compared; NaN where the method has no score.
	surprise  []float64
	sidebands bool // have scores too
	seconds   float64
	roc       *stats.ROC // of the signal region; nil without labels or signal
}

// judge turns scores into shares of the data, and compares them with the labels: signal that was thinned away counts too, which no method has
// seen but supervised, whose folds leave it out in turn.
func (t *trial) judge(score []float64) (*scored, error) {
	s := &scored{surprise: make([]float64, len(score))}
	s.sidebands = !slices.ContainsFunc(score[t.region:], math.IsNaN)
	data := make([][]float64, t.search.Folds)
	for k, i := range t.rows[:t.region] {
		if t.kept[i] {
			data[t.fold[i]] = append(data[t.fold[i]], score[k])
		}
	}
	for _, d := range data {
		slices.Sort(d)
	}
	for k, i := range t.rows {
		if s.surprise[k] = math.NaN(); score[k] == score[k] {
			d := data[t.fold[i]]
			below, _ := slices.BinarySearch(d, score[k])
			s.surprise[k] = -math.Log10((float64(len(d)-below) + 0.5) / (float64(len(d)) + 1))
		}
	}
	if t.signal == nil || t.search.BackgroundOnly {
		return s, nil
	}
	signal := make([]bool, t.region)
	for k, i := range t.rows[:t.region] {
		signal[k] = t.signal[i]
	}
	if !slices.Contains(signal, true) || !slices.Contains(signal, false) {
		return s, nil
	}
	var err error
	s.roc, err = stats.NewROC(s.surprise[:t.region], signal, nil)
	return s, err
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

// middle is the median of values, and half the width of their middle 68 %.
func middle(x []float64) (median, half float64) {
	low, high := ends(x)
	x = slices.Sorted(slices.Values(x))
	return stats.Quantile(x, 0.5), (high - low) / 2
}

// ends are those of the middle 68 % of values.
func ends(x []float64) (low, high float64) {
	x = slices.Sorted(slices.Values(x))
	return stats.Quantile(x, 0.16), stats.Quantile(x, 0.84)
}
