package bump

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/sluice-hep/sluice/internal/rng"
)

// Null is what a spectrum is without a bump.
type Null interface {
	// Beside is what it expects in the bins of a window, and the standard error of that; an error where it cannot tell.
	Beside(from, to int) (events, deviation float64, err error)
	// Draw is a spectrum of it, and what Null that spectrum has: where it is fitted, that is another.
	Draw(r *rng.Source) (*Spectrum, Null, error)
}

// Hunt is a scan of a spectrum for an excess.
type Hunt struct {
	Window   [2]float64 `json:"window"`   // with the largest excess
	Observed float64    `json:"observed"` // events in it
	Expected float64    `json:"expected"`
	Error    float64    `json:"error"`   // of what is expected
	LocalP   float64    `json:"local_p"` // in that window
	// GlobalP is the probability of such a window anywhere, without a bump, by pseudo-experiments; where Tail is set, beyond them, by an exponential
	// fitted to minus the logarithm of the local p of their most extreme tenth.
	GlobalP     float64 `json:"global_p"`
	GlobalSigma float64 `json:"global_sigma"` // 0 where that is 0.5 or more
	Tail        bool    `json:"tail_fit"`
	Pseudo      int     `json:"pseudo_experiments"`
}

const (
	leastBeside = 3      // bins that stay on either side of a window
	leastP      = 1e-300 // whose logarithm is still a number
)

// widths of windows, in bins.
var widths = []int{2, 4, 6, Widest}

// Widest is how many bins the widest window of a scan has.
const Widest = 8

// excess is the window with the smallest local p.
type excess struct {
	from, to                      int
	observed, expected, deviation float64
	p                             float64
}

// scan looks at all windows. One for which nothing can be expected is left out.
func (s *Spectrum) scan(of Null) excess {
	best := excess{p: 2}
	for _, width := range widths {
		for from := leastBeside; from+width+leastBeside <= len(s.Counts); from += max(width/2, 1) {
			e := excess{from: from, to: from + width, observed: s.Sum(from, from+width)}
			var err error
			if e.expected, e.deviation, err = of.Beside(from, e.to); err != nil {
				continue
			}
			if e.p = P(e.observed, e.expected, e.deviation); e.p < best.p {
				best = e
			}
		}
	}
	return best
}

// Hunt scans the spectrum by windows of 2 to Widest bins over what is expected, and so many pseudo-experiments of that.
func (s *Spectrum) Hunt(ctx context.Context, over Null, seed uint64, pseudo int) (*Hunt, error) {
	found := s.scan(over)
	if found.p > 1 {
		return nil, errors.New("there is no window of which is known what to expect")
	}
	h := &Hunt{
		Window: [2]float64{s.Edges[found.from], s.Edges[found.to]}, Observed: found.observed, Expected: found.expected, Error: found.deviation,
		LocalP: found.p, Pseudo: pseudo,
	}
	var least []float64 // -ln p of each pseudo-experiment
	r := rng.New(seed, rng.StreamSearch, 3)
	for range pseudo {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		p := 1.0
		if drawn, own, err := over.Draw(r); err == nil { // else too few events were drawn to fit anything to: there is no excess
			p = min(drawn.scan(own).p, 1)
		}
		least = append(least, -math.Log(p))
	}
	h.GlobalP, h.Tail = beyond(least, -math.Log(found.p))
	h.GlobalSigma = Sigma(h.GlobalP)
	return h, nil
}

// Sigma is how far out a normal number lies beyond which others have a probability of p; 0 where that is 0.5 or more.
func Sigma(p float64) float64 {
	if p >= 0.5 {
		return 0
	}
	return -distuv.UnitNormal.Quantile(max(p, leastP))
}

// beyond is the share of x that is t or more, counting t; where that is none of x, by an exponential beyond the largest tenth.
func beyond(x []float64, t float64) (p float64, tail bool) {
	slices.Sort(x)
	below, _ := slices.BinarySearch(x, t)
	if n := len(x) - below; n > 0 || len(x) < 10 {
		return float64(n+1) / float64(len(x)+1), false
	}
	first := len(x) * 9 / 10
	var mean float64
	for _, v := range x[first:] {
		mean += (v - x[first]) / float64(len(x)-first)
	}
	return 0.1 * math.Exp(-(t-x[first])/mean), true
}

func (s *Spectrum) poisson(mean []float64, r *rng.Source) *Spectrum {
	drawn := s.Empty()
	for k, m := range mean {
		drawn.Counts[k] = distuv.Poisson{Lambda: max(m, 0), Src: r}.Rand()
	}
	return drawn
}

// Estimate is a background that is known in each bin, with its standard errors: of each bin alone, and of all together, up or down.
type Estimate struct {
	bins                    *Spectrum
	expected                []float64
	independent, correlated []float64
}

// NewEstimate is that of the bins of a spectrum, a value a bin; errors that are nil are 0.
func NewEstimate(bins *Spectrum, expected, independent, correlated []float64) (*Estimate, error) {
	n := len(bins.Counts)
	for _, x := range []*[]float64{&independent, &correlated} {
		if *x == nil {
			*x = make([]float64, n)
		}
	}
	for k, x := range [][]float64{expected, independent, correlated} {
		if len(x) != n {
			return nil, fmt.Errorf("bump: an estimate has %d values for %d bins", len(x), n)
		}
		for _, v := range x {
			if !finite(v) || v < 0 && k < 2 {
				return nil, fmt.Errorf("bump: %g events, or an error of these, cannot be expected", v)
			}
		}
	}
	return &Estimate{bins, expected, independent, correlated}, nil
}

// Beside implements Null.
func (e *Estimate) Beside(from, to int) (events, deviation float64, err error) {
	var variance, together float64
	for k := from; k < to; k++ {
		events += e.expected[k]
		variance += e.independent[k] * e.independent[k]
		together += e.correlated[k]
	}
	return events, math.Sqrt(variance + together*together), nil
}

// Draw implements Null: what is expected is another by its errors, and known as well as before.
func (e *Estimate) Draw(r *rng.Source) (*Spectrum, Null, error) {
	mean, together := make([]float64, len(e.expected)), r.NormFloat64()
	for k, m := range e.expected {
		mean[k] = m + e.independent[k]*r.NormFloat64() + e.correlated[k]*together
	}
	return e.bins.poisson(mean, r), e, nil
}
