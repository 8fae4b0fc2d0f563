package anomaly

import (
	"context"
	"errors"
	"math"
	"slices"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/sluice-hep/sluice/internal/rng"
)

// Hunt is a scan of the mass for an excess over a smooth function, after a selection.
type Hunt struct {
	Method   string     `json:"method"`   // by whose score events are selected
	Share    float64    `json:"share"`    // of the data in the signal region that are
	Window   [2]float64 `json:"window"`   // with the largest excess
	Observed float64    `json:"observed"` // events in it
	Expected float64    `json:"expected"`
	Error    float64    `json:"error"`   // of that, by the fit
	LocalP   float64    `json:"local_p"` // in that window
	// GlobalP is the probability of such a window anywhere, without signal, by pseudo-experiments drawn from the function fitted to all bins; where Tail
	// is set, beyond them, by an exponential fitted to minus the logarithm of the local p of their most extreme tenth.
	GlobalP     float64 `json:"global_p"`
	GlobalSigma float64 `json:"global_sigma"` // 0 where that is 0.5 or more
	Tail        bool    `json:"tail_fit"`
	Pseudo      int     `json:"pseudo_experiments"`
}

const (
	pseudoExperiments = 1000
	leastBeside       = 3      // bins that stay on either side of a window
	leastP            = 1e-300 // whose logarithm is still a number
)

// widths of windows, in bins.
var widths = []int{2, 4, 6, regionBins}

// excess is the window with the smallest local p.
type excess struct {
	from, to                      int
	observed, expected, deviation float64
	p                             float64
}

// scan looks at all windows. A window beside which nothing can be fitted is left out.
func (s *spectrum) scan() excess {
	best := excess{p: 2}
	whole, err := s.fit(0, 0)
	if err != nil {
		return best
	}
	for _, width := range widths {
		for from := leastBeside; from+width+leastBeside <= len(s.count); from += max(width/2, 1) {
			f, err := s.fitFrom(whole, from, from+width)
			if err != nil {
				continue
			}
			e := excess{from: from, to: from + width}
			e.expected, e.deviation = f.within(from, e.to)
			for _, n := range s.count[from:e.to] {
				e.observed += n
			}
			if e.p = max(excessP(e.observed, e.expected, e.deviation), leastP); e.p < best.p {
				best = e
			}
		}
	}
	return best
}

// hunt scans a spectrum and so many pseudo-experiments of it.
func (s *spectrum) hunt(ctx context.Context, seed uint64, pseudo int) (*Hunt, error) {
	all, err := s.fit(0, 0)
	if err != nil {
		return nil, err
	}
	found := s.scan()
	if found.p > 1 {
		return nil, errors.New("there is no window beside which a smooth function can be fitted")
	}
	h := &Hunt{
		Window: [2]float64{s.edges[found.from], s.edges[found.to]}, Observed: found.observed, Expected: found.expected, Error: found.deviation,
		LocalP: found.p, Pseudo: pseudo,
	}
	var least []float64 // -ln p of each pseudo-experiment
	r := rng.New(seed, rng.StreamSearch, 3)
	for range pseudo {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		least = append(least, -math.Log(min(s.draw(all, r).scan().p, 1)))
	}
	h.GlobalP, h.Tail = beyond(least, -math.Log(found.p))
	if h.GlobalP < 0.5 {
		h.GlobalSigma = -distuv.UnitNormal.Quantile(max(h.GlobalP, leastP))
	}
	return h, nil
}

// draw is a spectrum drawn from a function.
func (s *spectrum) draw(f *smooth, r *rng.Source) *spectrum {
	own := *s
	own.count = make([]float64, len(s.count))
	for k, mean := range f.expected {
		own.count[k] = distuv.Poisson{Lambda: mean, Src: r}.Rand()
	}
	return &own
}

// beyond is the share of x that is t or more, counting t; where that is none of x, by an exponential beyond the largest tenth.
func beyond(x []float64, t float64) (p float64, tail bool) {
	slices.Sort(x)
	below, _ := slices.BinarySearch(x, t)
	if n := len(x) - below; n > 0 {
		return float64(n+1) / float64(len(x)+1), false
	}
	first := len(x) * 9 / 10
	var mean float64
	for _, v := range x[first:] {
		mean += (v - x[first]) / float64(len(x)-first)
	}
	return 0.1 * math.Exp(-(t-x[first])/mean), true
}
