package feed

import (
	"math"

	"github.com/sluice-hep/sluice/events"
)

// mostLevels is up to how many different values of a column each is witnessed: above those that the preparation would
// take one by one.
const mostLevels = 65

// witness follows a column over all training events for what a sample of them would miss: the exact range and moments,
// whether all values are whole numbers, and the values of a column of a few. It names events that show them.
type witness struct {
	min, max float64
	fraction bool                 // a value was not a whole number
	levels   map[float64]struct{} // nil once there are too many
	n        float64              // sum of weights, and
	mean     float64              // weighted mean, and
	squares  float64              // weighted squares about it
}

func newWitness() *witness {
	return &witness{min: math.Inf(1), max: math.Inf(-1), levels: map[float64]struct{}{}}
}

// add looks at values x with weights w (nil: 1), and calls show with each event that the sample should have.
func (s *witness) add(x, w []float64, show func(i int)) {
	for i, v := range x {
		new := v < s.min || v > s.max
		s.min, s.max = min(s.min, v), max(s.max, v)
		if !s.fraction && v != math.Floor(v) {
			s.fraction, new = true, true
		}
		if s.levels != nil {
			if _, seen := s.levels[v]; !seen {
				s.levels[v], new = struct{}{}, true
			}
			if len(s.levels) == mostLevels {
				s.levels = nil
			}
		}
		if new {
			show(i)
		}
	}
	s.moments(x, w)
}

// moments adds a block by its own mean and squares (Chan, Golub and LeVeque, COMPSTAT 1982), which keeps the digits where
// the mean is large beside the deviation. Negative weights count as 0, as in every fit.
func (s *witness) moments(x, w []float64) {
	var n, sum float64
	for i, v := range x {
		n += positive(w, i)
		sum += positive(w, i) * v
	}
	if n == 0 {
		return
	}
	mean := sum / n
	var squares float64
	for i, v := range x {
		squares += positive(w, i) * (v - mean) * (v - mean)
	}
	d := mean - s.mean
	total := s.n + n
	s.squares += squares + d*d*s.n*n/total
	s.mean += d * n / total
	s.n = total
}

func weight(w []float64, i int) float64 {
	if w == nil {
		return 1
	}
	return w[i]
}

func positive(w []float64, i int) float64 { return max(weight(w, i), 0) }

func (s *witness) std() float64 { return math.Sqrt(s.squares / s.n) }

// row is an event's values in the order of names.
func row(t *events.Table, names []string, i int) ([]float64, error) {
	values := make([]float64, len(names))
	for j, name := range names {
		c, err := t.Column(name)
		if err != nil {
			return nil, err
		}
		values[j] = c.Float(i)
	}
	return values, nil
}
