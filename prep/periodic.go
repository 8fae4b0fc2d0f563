package prep

import (
	"errors"
	"math"
	"slices"
)

// periodic takes an angle from Low to High to a turn, y = (x - Cut)/(High - Low) modulo 1, cut where the fewest events lie.
// Low and High are one place.
//
// Where the cut would lie in a gap, as of a dead sector, it lies at the end of the gap instead, and 0 to 1 is what the events
// fill of the turn: y/Filled. So a step that follows has its edges where the events end. The gap itself is
// half below 0 and half above 1.
type periodic struct {
	Low    float64 `json:"low"`
	High   float64 `json:"high"`
	Cut    float64 `json:"cut"`              // from Low to High
	Filled float64 `json:"filled,omitempty"` // of the turn, from Cut on; 0 is all of it
}

// cutBins are places to cut at, each judged by the events within one of them on either side.
const cutBins = 64

func (s *periodic) Kind() string { return "periodic" }

func (s *periodic) Fit(x, w []float64) error {
	rounding := 1e-12 * (s.High - s.Low) // of the ends of the cells of a grid
	if err := inside("periodic", x, s.Low-rounding, s.High+rounding); err != nil {
		return err
	}
	var in [cutBins]float64
	for i, v := range x {
		in[min(max(int((v-s.Low)/(s.High-s.Low)*cutBins), 0), cutBins-1)] += weight(w, i)
	}
	least := math.Inf(1)
	for k := range in {
		if n := in[k] + in[(k+cutBins-1)%cutBins]; n < least {
			least, s.Cut = n, s.Low+(s.High-s.Low)*float64(k)/cutBins
		}
	}
	s.Filled = 0
	s.leaveGap(x)
	return nil
}

// leaveGap moves a cut that lies in a gap of the values x to the upper end of it.
func (s *periodic) leaveGap(x []float64) {
	if len(x) == 0 {
		return
	}
	y, first := make([]float64, len(x)), 0
	for i, v := range x {
		if y[i] = s.turns(v); y[i] < y[first] || y[i] == y[first] && v < x[first] {
			first = i
		}
	}
	some, _ := every(fitEvents, y, nil)
	some = append(slices.Clone(some), y[first], slices.Max(y)) // the ends are those of all events
	slices.Sort(some)
	some = slices.Compact(some)
	if len(some) <= 2*gapEvents {
		return
	}
	around := slices.Clone(some[len(some)-gapEvents-1:])
	for i := range around {
		around[i]--
	}
	if !gapAfter(append(around, some[:gapEvents+1]...), gapEvents) {
		return
	}
	s.Cut = x[first]
	for _, v := range x {
		s.Filled = max(s.Filled, s.turns(v))
	}
}

// turns is how far from the cut an angle is, in turns.
func (s *periodic) turns(v float64) float64 {
	turn := s.High - s.Low
	y := math.Mod(v-s.Cut, turn) / turn
	if y < 0 {
		y++
	}
	return y
}

// scale is what 0 to 1 is of a turn.
func (s *periodic) scale() float64 {
	if s.Filled > 0 {
		return s.Filled
	}
	return 1
}

func (s *periodic) Apply(x, logDet []float64) {
	for i, v := range x {
		y := s.turns(v)
		switch {
		case s.Filled == 0:
			y = min(y, highest)
		case y > (1+s.Filled)/2: // nearer to the first events
			y--
		}
		x[i] = y / s.scale()
	}
	addAll(logDet, -math.Log((s.High-s.Low)*s.scale()))
}

func (s *periodic) Invert(y, logDet []float64) {
	turn := s.High - s.Low
	for i, v := range y {
		_, v = math.Modf(v * s.scale())
		if v < 0 {
			v++
		}
		x := s.Cut + v*turn
		if x >= s.High {
			x -= turn
		}
		y[i] = min(max(x, s.Low), s.High)
	}
	addAll(logDet, math.Log(turn*s.scale()))
}

func (s *periodic) limits() (low, high float64) { return s.Low, s.High }

func (s *periodic) check() error {
	if s.Filled != 0 && !(s.Filled > 1e-15 && s.Filled <= 1) {
		return errors.New("the part of the turn that is filled is not between 0 and 1")
	}
	return require(finite(s.Low, s.High, s.Cut, s.High-s.Low) && s.Low < s.High && s.Cut >= s.Low && s.Cut <= s.High,
		"low, cut and high are not finite numbers in order")
}
