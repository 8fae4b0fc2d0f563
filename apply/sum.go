package apply

import "math"

// sum adds numbers without rounding: whatever the order, and in however many parts they are added up, the value is the same. A journal and the
// manifest of a shard keep it with all its bits. The method is that of Shewchuk (Discrete & Computational Geometry 18, 1997), as Python's math.fsum
// has it: numbers of which no two overlap, in rising order.
type sum struct {
	Parts []float64 `json:"parts,omitempty"`
	Odd   total     `json:"odd"` // what is infinite or not a number
}

func (s *sum) add(x float64) {
	if x-x != 0 {
		s.Odd += total(x)
		return
	}
	kept := s.Parts[:0]
	for _, y := range s.Parts {
		if math.Abs(x) < math.Abs(y) {
			x, y = y, x
		}
		high := x + y
		if low := y - (high - x); low != 0 {
			kept = append(kept, low)
		}
		x = high
	}
	s.Parts = append(kept, x)
}

// join adds what another has added up.
func (s *sum) join(o sum) {
	for _, x := range o.Parts {
		s.add(x)
	}
	s.Odd += o.Odd
}

// value is the nearest float64.
func (s *sum) value() float64 {
	n := len(s.Parts) - 1
	if n < 0 || s.Odd != 0 {
		return float64(s.Odd)
	}
	high, low := s.Parts[n], 0.0
	for n--; n >= 0 && low == 0; n-- {
		x := high
		high = x + s.Parts[n]
		low = s.Parts[n] - (high - x)
	}
	// A rest of the sign of what was rounded off decides where that is half a unit.
	if n >= 0 && (low < 0 && s.Parts[n] < 0 || low > 0 && s.Parts[n] > 0) {
		if twice := 2 * low; high+twice-high == twice {
			high += twice
		}
	}
	return high
}
