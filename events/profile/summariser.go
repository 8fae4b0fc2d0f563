package profile

import (
	"fmt"
	"math"
	"slices"

	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/events/column"
)

// Summariser describes columns that come a block at a time, in memory that does not grow with them. What it finds
// does not depend on where the blocks end. The zero value is ready.
type Summariser struct{ columns []*columnSummary }

// Add takes the next events, which are those rows, from 0, of a file; nil stands for those that follow. All tables have the columns
// of the first.
func (s *Summariser) Add(t *events.Table, file string, rows []int64) error {
	if s.columns == nil {
		for i := range t.Columns {
			s.columns = append(s.columns, newColumnSummary(&t.Columns[i]))
		}
	}
	if len(t.Columns) != len(s.columns) {
		return fmt.Errorf("profile: a table of %d columns after one of %d", len(t.Columns), len(s.columns))
	}
	for i, c := range s.columns {
		if d := &t.Columns[i]; d.Name != c.Name || d.Type.String() != c.Type {
			return fmt.Errorf("profile: column %d is %q (%s) after %q (%s)", i+1, d.Name, d.Type, c.Name, c.Type)
		}
	}
	return s.each(t, func(s *columnSummary, c *events.Column) {
		count := int64(s.Count)
		s.add(c, func(i int) Far {
			if rows == nil {
				return Far{File: file, Row: count + int64(i) + 1}
			}
			return Far{File: file, Row: rows[i] + 1}
		})
	})
}

// each calls f with every column.
func (s *Summariser) each(t *events.Table, f func(s *columnSummary, c *events.Column)) error {
	return column.Each(len(s.columns), func(i int) error {
		f(s.columns[i], &t.Columns[i])
		return nil
	})
}

// Unsure says that there may be atoms, late in the events, of which the first were not counted. Recount makes sure;
// without it their fractions are lower bounds.
func (s *Summariser) Unsure() bool {
	for _, c := range s.columns {
		if c.unsure() != nil {
			return true
		}
	}
	return false
}

// Recount counts in a second pass over the same events, all of them, what Unsure is about.
func (s *Summariser) Recount(t *events.Table) error { return s.each(t, (*columnSummary).recount) }

// Summaries describes the columns as they are up to now.
func (s *Summariser) Summaries() []Summary {
	all := make([]Summary, len(s.columns))
	for i, c := range s.columns {
		all[i] = c.summary()
	}
	return all
}

// columnSummary is what is known of a column after some of its blocks.
type columnSummary struct {
	Summary
	whole      bool    // all values are whole numbers
	origin     uint64  // from which range and mean are taken until the end
	at         float64 // the same
	low, high  float64 // of integers, which their distances from the origin need not hold
	n, squares float64 // finite values, and their squared distances from the mean
	values     frequent
	grid       grid
	eps        float64 // relative precision of the values
	some       few
	words      map[string]*word  // at most one more than MaxDistinct
	again      map[float64]int64 // values counted in a second pass
	least      ends
	most       ends
}

func newColumnSummary(c *events.Column) *columnSummary {
	s := &columnSummary{Summary: Summary{Name: c.Name, Unit: c.Unit, Type: c.Type.String()}, whole: true}
	s.Min, s.Max, s.least, s.most = math.Inf(1), math.Inf(-1), newEnds(-1), newEnds(1)
	s.low, s.high = s.Min, s.Max
	switch c.Type {
	case events.Text:
		s.words = make(map[string]*word)
	case events.Float32:
		s.eps = 0x1p-23
	case events.Float64:
		s.eps = 0x1p-51 // decimals that were computed are off by a step or two
	}
	return s
}

// add takes the next values and says where they are.
func (s *columnSummary) add(c *events.Column, at func(i int) Far) {
	if c.Type == events.Text {
		s.text(c.Str, at)
		return
	}
	if s.Count == 0 && c.Len() > 0 {
		s.origin, s.at = originOf(c)
	}
	if c.Type == events.Int64 || c.Type == events.Uint64 {
		for i := range c.Len() {
			v := c.Float(i)
			s.low, s.high = min(s.low, v), max(s.high, v)
		}
	}
	var keys [partLen]uint64
	parts(c, s.origin, func(first int, x []float64) {
		s.moments(x)
		s.some.add(x)
		there := func(i int) Far { return at(first + i) }
		s.least.add(x, there)
		s.most.add(x, there)
		s.values.add(keysOf(c, first, x, keys[:0]))
		s.Count += len(x)
	})
}

// originOf is what the values of a column are taken relative to: of integers, whose differences a float64 holds better
// than themselves, the first; of others 0.
func originOf(c *events.Column) (exact uint64, at float64) {
	switch c.Type {
	case events.Int64:
		return uint64(c.I64[0]), c.Float(0)
	case events.Uint64:
		return c.U64[0], c.Float(0)
	}
	return 0, 0
}

// keysOf tells integers apart that are one float64. NaN has no key.
func keysOf(c *events.Column, first int, x []float64, keys []uint64) []uint64 {
	switch c.Type {
	case events.Int64:
		for _, v := range c.I64[first : first+len(x)] {
			keys = append(keys, uint64(v))
		}
		return keys
	case events.Uint64:
		return c.U64[first : first+len(x)]
	}
	for _, v := range x {
		if v == v {
			keys = append(keys, math.Float64bits(v+0)) // -0 + 0 is 0
		}
	}
	return keys
}

const partLen = 1024

// parts gives the numbers of a column from first on, some at a time; of integers, their differences from origin.
func parts(c *events.Column, origin uint64, f func(first int, x []float64)) {
	var buf [partLen]float64
	for first := 0; first < c.Len(); first += len(buf) {
		x := buf[:min(len(buf), c.Len()-first)]
		for i := range x {
			switch c.Type {
			case events.Int64:
				x[i] = difference(c.I64[first+i], int64(origin))
			case events.Uint64:
				x[i] = difference(c.U64[first+i], origin)
			default:
				x[i] = c.Float(first + i)
			}
		}
		f(first, x)
	}
}

// difference is exact before it is rounded.
func difference[I int64 | uint64](a, b I) float64 {
	if a >= b {
		return float64(uint64(a) - uint64(b))
	}
	return -float64(uint64(b) - uint64(a))
}

func (s *columnSummary) missing(row int) {
	if s.NaN == 0 {
		s.FirstNaN = row + 1
	}
	s.NaN++
}

// moments follows range, mean and deviation, the latter as Welford does, which keeps their digits where the mean is
// large beside the deviation.
func (s *columnSummary) moments(x []float64) {
	n, mean, squares, low, high := s.n, s.Mean, s.squares, s.Min, s.Max
	for i, v := range x {
		if v-v != 0 {
			if v != v {
				s.missing(s.Count + i)
			} else {
				s.Inf++
			}
			continue
		}
		if v < low {
			low = v
		}
		if v > high {
			high = v
		}
		if s.whole {
			s.whole = v == math.Floor(v)
		}
		if !s.grid.none {
			s.grid.add(v, s.eps)
		}
		n++
		d := v - mean
		mean += d / n
		squares += d * (v - mean)
	}
	s.n, s.Mean, s.squares, s.Min, s.Max = n, mean, squares, low, high
}

// summary is what all values add up to.
func (s *columnSummary) summary() Summary {
	r := s.Summary
	if s.words != nil {
		r.Kind, r.Min, r.Max = KindText, 0, 0
		r.Distinct, r.DistinctAtLeast = min(len(s.words), MaxDistinct), len(s.words) > MaxDistinct
		r.Names = s.names()
		return r
	}
	r.Distinct, r.DistinctAtLeast = s.values.distinct()
	if s.n > 0 {
		r.Std = min(math.Sqrt(s.squares/s.n), math.MaxFloat64) // squares of huge values overflow
	} else {
		r.Min, r.Max = 0, 0
	}
	r.Min, r.Max, r.Mean = r.Min+s.at, r.Max+s.at, r.Mean+s.at
	if s.low <= s.high {
		r.Min, r.Max = s.low, s.high
	}
	x := s.some.sorted(s.at)
	r.Kind = s.kind(x)
	spacing, offset := s.grid.step(s.at)
	r.Offset = offset
	switch r.Kind {
	case KindConstant, KindDiscrete:
		r.Offset = 0
		return r
	case KindContinuous:
		r.Atoms = s.atoms()
		if room := mostAtoms - len(r.Atoms); room > 0 {
			kept := float64(len(x))
			x = rest(x, r.Atoms, 0)
			ends := clipped(x, kept, s.n)
			r.Atoms = append(r.Atoms, ends[:min(len(ends), room)]...)
		}
		if len(r.Atoms) > 0 {
			r.Kind = KindAtoms
		}
		if s.n >= leastRounded {
			r.Rounded = spacing
		}
	default:
		r.Step = spacing
		r.Codes = s.codes()
	}
	x = rest(x, r.Atoms, spacing)
	r.outline(x, spacing)
	if !r.Codes {
		r.Far = s.far(x)
	}
	return r
}

// codes: integers that repeat, between most of which others are missing, such as the numbers of particles or modules.
func (s *columnSummary) codes() bool {
	n, more := s.values.distinct()
	if !s.whole || more || s.grid.divisor == 0 {
		return false
	}
	at := make([]float64, n)
	once := 0
	for i, c := range s.values.values {
		if at[i] = s.number(c.key); c.seen == 1 {
			once++
		}
	}
	slices.Sort(at)
	neighbours := 0
	for i := 1; i < n; i++ {
		if at[i]-at[i-1] <= float64(s.grid.divisor) {
			neighbours++
		}
	}
	return 10*n <= int(s.n) && 4*once <= n && 2*neighbours <= n && s.Max-s.Min >= 4*float64(n)*float64(s.grid.divisor)
}

// number is the value of a key.
func (s *columnSummary) number(key uint64) float64 {
	switch s.Type {
	case events.Int64.String():
		return float64(int64(key))
	case events.Uint64.String():
		return float64(key)
	}
	return math.Float64frombits(key)
}

// onGrid: the values, of which x are some, in order, are multiples of a step, so coarse that a few events share each.
func (s *columnSummary) onGrid(x []float64) bool {
	step, _ := s.grid.step(s.at)
	if step == 0 || len(x) < 10 {
		return false
	}
	const shared = 3
	return step*0.9*s.n >= shared*(x[len(x)*19/20]-x[len(x)/20])
}

// kind tells nothing of atoms. Of the values x are some, in order.
func (s *columnSummary) kind(x []float64) Kind {
	distinct, _ := s.values.distinct()
	switch {
	case s.n == 0, s.Min == s.Max:
		return KindConstant
	case s.whole:
		return KindInteger
	case distinct <= fewValues && distinct*4 <= int(s.n):
		return KindDiscrete
	case s.onGrid(x):
		return KindGrid
	}
	return KindContinuous
}
