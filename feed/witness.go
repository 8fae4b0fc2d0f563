package feed

import (
	"math"

	"github.com/sluice-hep/sluice/events"
)

// mostLevels is up to how many different values of a column each is witnessed: above those that the preparation would
// take one by one.
const mostLevels = 65

// witness follows a column over all training events for what a sample of them would miss: the exact range and moments,
// whether all values are whole numbers, and the values of a column of a few. It keeps events that show them.
type witness struct {
	min, max    float64
	least, most []float64            // events that have these values
	others      []float64            // events, one after the other, that show levels and the first fraction
	fraction    bool                 // a value was not a whole number
	levels      map[float64]struct{} // nil once there are too many
	n           float64              // sum of weights, and
	mean        float64              // weighted mean, and
	squares     float64              // weighted squares about it
}

func newWitness() *witness {
	return &witness{min: math.Inf(1), max: math.Inf(-1), levels: map[float64]struct{}{}}
}

// add looks at values x with weights w (nil: 1); event gives the whole of one of these events.
func (s *witness) add(x, w []float64, event func(i int) []float64) {
	least, most := -1, -1
	for i, v := range x {
		if v < s.min {
			s.min, least = v, i
		}
		if v > s.max {
			s.max, most = v, i
		}
		if s.levels != nil || !s.fraction && v != math.Floor(v) {
			s.look(v, func() []float64 { return event(i) })
		}
	}
	if least >= 0 {
		s.least = event(least)
	}
	if most >= 0 {
		s.most = event(most)
	}
	s.moments(x, w)
}

// look keeps the event of a level that is new, and of the first fraction.
func (s *witness) look(v float64, event func() []float64) {
	first := !s.fraction && v != math.Floor(v)
	s.fraction = s.fraction || first
	if s.levels != nil {
		if _, seen := s.levels[v]; !seen {
			s.levels[v], first = struct{}{}, true
		}
		if len(s.levels) == mostLevels {
			s.levels = nil
		}
	}
	if first {
		s.others = append(s.others, event()...)
	}
}

// events are those that are kept, one after the other.
func (s *witness) events() []float64 {
	return append(append(s.others, s.least...), s.most...)
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

func (s *witness) std() float64 { return math.Sqrt(s.squares / s.n) }

func weight(w []float64, i int) float64 {
	if w == nil {
		return 1
	}
	return w[i]
}

func positive(w []float64, i int) float64 { return max(weight(w, i), 0) }

// named are columns of a table in the order of names.
func named(t *events.Table, names []string) ([]*events.Column, error) {
	columns := make([]*events.Column, len(names))
	for j, name := range names {
		var err error
		if columns[j], err = t.Column(name); err != nil {
			return nil, err
		}
	}
	return columns, nil
}
