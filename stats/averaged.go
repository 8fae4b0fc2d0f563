package stats

import (
	"fmt"
	"math"
	"slices"
)

// Averaged compares the truths of events with the draws of all of them together: the prior of a parameter with its data-averaged posterior, which
// are the same where the draws of each event are of the law of its truth (Geweke 2004; Talts et al., arXiv:1804.06788).
type Averaged struct {
	// Distance is the largest difference between the cumulative distributions, at the quantiles 10, 20 ... 90 % of the truths.
	Distance float64 `json:"distance"`
	// Chi2 is Wald's of the differences of the shares between these quantiles. It takes each event with its draws as one: truth
	// and draws of an event are close to each other, which makes the chance of a difference smaller than for two samples.
	Chi2 Test `json:"chi2"`
}

// averagedBins is the number of bins in which truths and draws are compared.
const averagedBins = 10

// NewAveraged compares truths with draws, of which each event has as many, those of the first event first. w are the
// weights of the events, nil where all are 1; they may depend on the truth. NaN, a cell without a value, is a value below all others.
func NewAveraged(truth, draws, w []float64) (*Averaged, error) {
	n := len(truth)
	if n == 0 || len(draws) == 0 || len(draws)%n != 0 || w != nil && len(w) != n {
		return nil, fmt.Errorf("stats: %d draws and %d weights for %d events", len(draws), len(w), n)
	}
	edges := Thresholds(truth)
	perEvent, width := len(draws)/n, len(edges)
	z := make([]float64, n*width)
	for i, t := range truth {
		Contrast(z[i*width:][:width], edges, t, draws[i*perEvent:][:perEvent])
	}
	return AveragedOf(z, width, w)
}

// Thresholds are the values, ascending, below which truths and draws are counted: at most 9.
func Thresholds(truth []float64) (edges []float64) {
	x := slices.Clone(truth)
	slices.Sort(x) // NaN first
	for k := 1; k < averagedBins; k++ {
		// values up to the quantile against those above: an atom at the lower end is a bin of its own
		if e := x[len(x)*k/averagedBins]; e == e && (len(edges) == 0 || e > edges[len(edges)-1]) {
			edges = append(edges, e)
		}
	}
	return edges
}

// Contrast is, for each threshold, whether the truth is below it, 1 or 0, less the share of the draws below it.
func Contrast(dst, edges []float64, truth float64, draws []float64) {
	for k, e := range edges {
		below := 0
		for _, d := range draws {
			if !(d >= e) {
				below++
			}
		}
		dst[k] = -float64(below) / float64(len(draws))
		if !(truth >= e) {
			dst[k]++
		}
	}
}

// AveragedOf is NewAveraged of contrasts, so many numbers an event.
func AveragedOf(contrasts []float64, width int, w []float64) (*Averaged, error) {
	if width == 0 {
		return &Averaged{Chi2: Test{Cannot: "all truths are the same"}}, nil
	}
	n := len(contrasts) / width
	total, effective := float64(n), float64(n)
	if w != nil {
		c, err := NewCDF(w, w) // of the weights: it checks them
		if err != nil {
			return nil, err
		}
		total, effective = sum(w), c.Effective()
	}
	a, z := &Averaged{}, make([]float64, len(contrasts))
	for k := range width {
		var s float64
		for i := range n {
			z[i*width+k] = weight(w, i) * contrasts[i*width+k]
			s += z[i*width+k]
		}
		a.Distance = max(a.Distance, math.Abs(s/total))
	}
	if effective < 2*leastCalibrated {
		a.Chi2.Cannot = fmt.Sprintf("%.3g events, by their weights; at least %d are needed", effective, 2*leastCalibrated)
		return a, nil
	}
	a.Chi2 = chi2Test(wald(z, width))
	return a, nil
}
