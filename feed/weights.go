package feed

import "math"

// WeightSum adds up the weights of the training events, of which a training needs the mean: it counts an event by its
// weight in units of that, so that weights may have any unit.
type WeightSum struct {
	Events, Negative float64
	Below, Absolute  float64 // sums of |w| over 2^unit: of the negative weights, of all
	unit             int     // 2^unit is more than any |w| and close to the largest, so that the sums stay numbers
}

// Add counts an event of weight w.
func (s *WeightSum) Add(w float64) {
	if _, unit := math.Frexp(w); w != 0 && (unit > s.unit || s.Absolute == 0) {
		s.Below = math.Ldexp(s.Below, s.unit-unit)
		s.Absolute = math.Ldexp(s.Absolute, s.unit-unit)
		s.unit = unit
	}
	w = math.Ldexp(w, -s.unit)
	s.Events++
	if w < 0 {
		s.Negative++
		s.Below -= w
		w = -w
	}
	s.Absolute += w
}

// Sum is that of all weights, with their signs; infinite beyond the numbers.
func (s *WeightSum) Sum() float64 { return math.Ldexp(s.Absolute-2*s.Below, s.unit) }

// Relative is a weight in units of the mean, of weights whose sum is positive.
func (s *WeightSum) Relative(w float64) float32 {
	return float32(math.Ldexp(w, -s.unit) * s.Events / (s.Absolute - 2*s.Below))
}
