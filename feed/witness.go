package feed

import (
	"math"

	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/events/column"
)

// mostLevels is up to how many different values of a column each is witnessed: above those that the preparation would
// take one by one.
const mostLevels = 1001

// witness follows a column over all training events for what a sample of them would miss: the exact range and moments,
// whether all values are whole numbers, and the values of a column of a few. It keeps events that show them.
type witness struct {
	j           int          // of the columns
	from        column.Exact // of integers the first, that values are counted from; 0 of others
	x           []float64    // values so counted, of the events at hand
	min, max    float64
	least, most batch                // events that have these values
	fractional  batch                // the event of the first fraction
	others      batch                // events that show levels
	fraction    bool                 // a value was not a whole number
	levels      map[float64]struct{} // nil once there are too many
	n           float64              // sum of weights, and
	mean        float64              // weighted mean, and
	squares     float64              // weighted squares about it
}

func newWitness(j int) *witness {
	return &witness{j: j, min: math.Inf(1), max: math.Inf(-1), levels: map[float64]struct{}{}}
}

// add looks at events, of which there are some, with weights w (nil: 1).
func (s *witness) add(b batch, w []float64) error {
	c := &b.columns[s.j]
	if s.least.columns == nil && (c.Type == events.Int64 || c.Type == events.Uint64) {
		s.from = c.Exact(0)
	}
	s.x = append(s.x[:0], make([]float64, b.len())...)
	c.Distances(s.x, 0, s.from)
	for i, text := range c.Str { // each stands for itself, by a whole number
		s.x[i] = float64(bitsOf(text) >> 12)
	}
	least, most := int32(-1), int32(-1)
	for i, v := range s.x {
		if v < s.min {
			s.min, least = v, int32(i)
		}
		if v > s.max {
			s.max, most = v, int32(i)
		}
		if s.levels != nil || !s.fraction && v != math.Floor(v) {
			if err := s.look(v, &b, int32(i)); err != nil {
				return err
			}
		}
	}
	if least >= 0 {
		s.least = b.take([]int32{least})
	}
	if most >= 0 {
		s.most = b.take([]int32{most})
	}
	s.moments(s.x, w)
	return nil
}

// look keeps the event of a level that is new, and of the first fraction.
func (s *witness) look(v float64, b *batch, i int32) error {
	if !s.fraction && v != math.Floor(v) {
		s.fraction, s.fractional = true, b.take([]int32{i})
	}
	if s.levels == nil {
		return nil
	}
	if _, seen := s.levels[v]; seen {
		return nil
	}
	if s.levels[v] = struct{}{}; len(s.levels) == mostLevels { // then they need not be shown
		s.levels, s.others = nil, batch{}
		return nil
	}
	return s.others.append(b.take([]int32{i}))
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

// rescale takes the weights of before in a unit 2^by times theirs.
func (s *witness) rescale(by int) {
	s.n, s.squares = math.Ldexp(s.n, by), math.Ldexp(s.squares, by)
}

// positive is a weight as a fit takes it.
func positive(w []float64, i int) float64 {
	if w == nil {
		return 1
	}
	return max(w[i], 0)
}

// named are columns of a table in the order of names.
func named(t *events.Table, names []string) ([]events.Column, error) {
	columns := make([]events.Column, len(names))
	for j, name := range names {
		c, err := t.Column(name)
		if err != nil {
			return nil, err
		}
		columns[j] = *c
	}
	return columns, nil
}
