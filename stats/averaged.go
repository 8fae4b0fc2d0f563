package stats

import (
	"fmt"
	"math"
	"slices"
)

// Averaged compares the truths of events with the draws of all of them together: the prior of a parameter with its data-averaged posterior, which
// are the same where the draws of each event are of the law of its truth (Geweke 2004; Talts et al., arXiv:1804.06788).
type Averaged struct {
	// Distance is the largest difference between the cumulative distributions, at the quantiles 10, 20 ... 90 % of both.
	Distance float64 `json:"distance"`
	// Chi2 is that of these differences with their covariance. It takes each event with its draws as one: truth
	// and draws of an event are close to each other, which makes the chance of a difference smaller than for two samples.
	Chi2 Test `json:"chi2"`
}

// NewAveraged compares truths with draws, of which each event has as many, those of the first event first. w are the
// weights of the events, nil where all are 1; they may depend on the truth. NaN, a cell without a value, is a value below all others.
func NewAveraged(truth, draws, w []float64) (*Averaged, error) {
	a := NewAveraging(slices.Concat(truth, draws))
	if err := a.Add(truth, draws); err != nil {
		return nil, err
	}
	return a.Averaged(w)
}

// Averaging counts what Averaged needs, some events at a time.
type Averaging struct {
	thresholds []float64 // ascending, at which the cumulative distributions are compared
	perEvent   int
	truth      []float64 // 1 or 0 for each event and threshold: whether the truth is below, and
	draws      []float64 // the share of the draws below
}

// averagedBins is the number of bins between the thresholds.
const averagedBins = 10

// NewAveraging takes values of about the distribution of truths and draws, for the thresholds: for a p that is exact, values that do not tell which are
// the truths, such as both together, or other draws.
func NewAveraging(values []float64) *Averaging {
	a := &Averaging{}
	x := slices.Clone(values)
	slices.Sort(x) // NaN first
	for k := 1; k < averagedBins && len(x) > 0; k++ {
		if e := x[len(x)*k/averagedBins]; e == e && (a.thresholds == nil || e > a.thresholds[len(a.thresholds)-1]) {
			a.thresholds = append(a.thresholds, e)
		}
	}
	return a
}

// Add takes events with their draws, as many of each event as in other calls.
func (a *Averaging) Add(truth, draws []float64) error {
	n := len(truth)
	if n == 0 || len(draws) == 0 || len(draws)%n != 0 || a.perEvent != 0 && a.perEvent != len(draws)/n {
		return fmt.Errorf("stats: %d draws for %d events; each event needs as many, and at least one", len(draws), n)
	}
	a.perEvent = len(draws) / n
	for i, t := range truth {
		for _, e := range a.thresholds {
			below := 0
			for _, d := range draws[i*a.perEvent:][:a.perEvent] {
				if !(d >= e) {
					below++
				}
			}
			own := 0.0
			if !(t >= e) {
				own = 1
			}
			a.truth, a.draws = append(a.truth, own), append(a.draws, float64(below)/float64(a.perEvent))
		}
	}
	return nil
}

// Averaged compares all events that were added, with their weights.
func (a *Averaging) Averaged(w []float64) (*Averaged, error) {
	width, out := len(a.thresholds), &Averaged{}
	if width == 0 {
		out.Chi2.Cannot = "all values are the same"
		return out, nil
	}
	n := len(a.truth) / width
	one, err := newWeighing(n, w)
	if err != nil {
		return nil, err
	}
	s, v, mixed := a.sums(n, w)
	for _, d := range s {
		out.Distance = max(out.Distance, math.Abs(d)/one.total)
	}
	if one.effective < 2*leastCalibrated {
		out.Chi2.Cannot = fmt.Sprintf("%.3g events, by their weights; at least %d are needed", one.effective, 2*leastCalibrated)
		return out, nil
	}
	for k, m := range mixed {
		if m >= minEntries {
			continue
		}
		s[k] = 0
		for j := range width {
			v[k*width+j], v[j*width+k] = 0, 0
		}
	}
	if out.Chi2 = chi2Test(quadratic(s, v)); out.Chi2.Cannot != "" {
		out.Chi2.Cannot = fmt.Sprintf("fewer than %d events are expected to lie elsewhere than where their context puts all draws", minEntries)
	}
	return out, nil
}

// leastMixed truths, expected on the other side of a threshold than most draws of their event, tell the variance of their number.
const leastMixed = 40

// sums are those of truth less draws, their covariance, and how many truths are expected on the other side of each threshold than most
// draws of their event. By hypothesis a truth and its draws can be exchanged: the covariance is that of the truth being any of them, which does not
// depend on which it is. Where weights may depend on the truth, it is that of the events found; but where fewer than leastMixed are
// expected on the other side, its variance would often be too small, and is not below the former.
func (a *Averaging) sums(n int, w []float64) (s, v, mixed []float64) {
	width, l := len(a.thresholds), float64(a.perEvent)
	s, v = make([]float64, width), make([]float64, width*width)
	mixed = make([]float64, width)
	found, z, pooled := make([]float64, width*width), make([]float64, width), make([]float64, width)
	for i := range n {
		e, truth, draws := weight(w, i), a.truth[i*width:][:width], a.draws[i*width:][:width]
		for k := range z {
			z[k], pooled[k] = e*(truth[k]-draws[k]), (truth[k]+l*draws[k])/(l+1)
			s[k], mixed[k] = s[k]+z[k], mixed[k]+pooled[k]*(1-pooled[k])
			for j := range k + 1 { // thresholds ascend
				v[k*width+j] += e * e * pooled[j] * (1 - pooled[k]) * (1 + 1/l) * (1 + 1/l)
				found[k*width+j] += z[k] * z[j]
			}
		}
	}
	if w == nil {
		return s, v, mixed
	}
	for k, m := range mixed {
		if m >= leastMixed {
			continue
		}
		found[k*width+k] = max(found[k*width+k], v[k*width+k])
	}
	return s, found, mixed
}

// weighing is the sum of weights and the effective number of events.
type weighing struct{ total, effective float64 }

func newWeighing(n int, w []float64) (one weighing, err error) {
	if w == nil {
		return weighing{float64(n), float64(n)}, nil
	}
	if len(w) != n {
		return one, fmt.Errorf("stats: %d events but %d weights", n, len(w))
	}
	var square float64
	for _, e := range w {
		one.total, square = one.total+e, square+e*e
	}
	if one.effective = effective(one.total, square); !(one.total > 0) || !finite(square) {
		return one, fmt.Errorf("stats: the weights sum to %g; they must sum to a positive number", one.total)
	}
	return one, nil
}
