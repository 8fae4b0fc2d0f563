package prep

import (
	"errors"
	"maps"
	"math"
	"slices"
	"strings"
)

// periodic takes an angle from Low to High to a turn, y = (x - Cut)/(High - Low) modulo 1, cut where the fewest events lie.
// Low and High are one place.
//
// Where the cut would lie in a gap, as of a dead sector, it lies at the end of the gap instead, and 0 to 1 is what the events
// fill of the turn: y/Filled. So a step that follows has its edges where the events end. The gap itself is
// half below 0 and half above 1.
//
// As a Circle it is y = 2 pi ((x - Low)/(High - Low) - 1/2), from -pi to pi, for a flow that closes around the circle.
type periodic struct {
	Low    float64 `json:"low"`
	High   float64 `json:"high"`
	Cut    float64 `json:"cut"`              // from Low to High
	Filled float64 `json:"filled,omitempty"` // of the turn, from Cut on; 0 is all of it
	Circle bool    `json:"circle,omitempty"`
}

// cutBins are places to cut at, each judged by the events within one of them on either side.
const cutBins = 64

func (s *periodic) Kind() string { return "periodic" }

func (s *periodic) Fit(x, w []float64) error {
	rounding := 1e-12 * (s.High - s.Low) // of the ends of the cells of a grid
	if err := inside("periodic", x, s.Low-rounding, s.High+rounding); err != nil {
		return err
	}
	if s.Circle {
		s.Cut, s.Filled = s.Low, 0
		return nil
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

// scale is what 1 is of a turn, and from what counts as 0.
func (s *periodic) scale() (unit, from float64) {
	switch {
	case s.Circle:
		return 1 / (2 * math.Pi), 0.5
	case s.Filled > 0:
		return s.Filled, 0
	}
	return 1, 0
}

func (s *periodic) Apply(x, logDet []float64) {
	unit, from := s.scale()
	for i, v := range x {
		y := s.turns(v)
		switch {
		case s.Filled == 0:
			y = min(y, highest)
		case y > (1+s.Filled)/2: // nearer to the first events
			y--
		}
		x[i] = (y - from) / unit
	}
	addAll(logDet, -math.Log((s.High-s.Low)*unit))
}

func (s *periodic) Invert(y, logDet []float64) {
	turn := s.High - s.Low
	unit, from := s.scale()
	for i, v := range y {
		_, v = math.Modf(v*unit + from)
		if v < 0 {
			v++
		}
		x := s.Cut + v*turn
		if x >= s.High {
			x -= turn
		}
		y[i] = min(max(x, s.Low), s.High)
	}
	addAll(logDet, math.Log(turn*unit))
}

// even says whether the events fill the circle evenly enough, as a map of quantiles of a turn has it, that a flow which closes around it learns
// them: nowhere is their density further from the mean than by a factor of 4, and no gap is left.
func (s *periodic) even(q *quantile) bool {
	if s.Filled > 0 {
		return false
	}
	for i := range len(q.X) - 1 {
		if density := (normalCDF(q.Y[i+1]) - normalCDF(q.Y[i])) / (q.X[i+1] - q.X[i]); !(density > 0.25 && density < 4) {
			return false
		}
	}
	return true
}

// close takes an angle whose quantiles were fitted, by the steps of fitted, as a circle instead, where the events fill it evenly.
func (c *Column) close(fitted []StepSpec) {
	n := len(c.Steps)
	if n < 2 {
		return
	}
	turn, ok := c.Steps[n-2].(*periodic)
	q, quantiles := c.Steps[n-1].(*quantile)
	if !ok || !quantiles || !turn.even(q) {
		return
	}
	c.Steps = append(c.Steps[:n-2:n-2], &periodic{Low: turn.Low, High: turn.High, Cut: turn.Low, Circle: true})
	circle := StepSpec{"periodic", maps.Clone(fitted[n-2].Options)}
	circle.Options["circle"] = 1
	var marks []StepSpec
	if len(c.Spec) > 0 && c.Spec[0].Kind == "atoms" {
		marks = c.Spec[:1]
	}
	c.Spec = slices.Concat(marks, fitted[:n-2], []StepSpec{circle})
	c.Why = strings.Replace(c.Why, ": a turn cut where the fewest events lie, then quantiles to a normal", ": a circle, around which the density closes", 1)
	c.Chose = c.Why
}

// Circle says whether the flow sees the column as an angle on [-pi, pi], whose ends are one point.
func (c *Column) Circle() bool {
	if len(c.Steps) == 0 {
		return false
	}
	s, ok := c.Steps[len(c.Steps)-1].(*periodic)
	return ok && s.Circle
}

func (s *periodic) limits() (low, high float64) { return s.Low, s.High }

func (s *periodic) check() error {
	if s.Filled != 0 && !(s.Filled > 1e-15 && s.Filled <= 1) {
		return errors.New("the part of the turn that is filled is not between 0 and 1")
	}
	return require(finite(s.Low, s.High, s.Cut, s.High-s.Low) && s.Low < s.High && s.Cut >= s.Low && s.Cut <= s.High,
		"low, cut and high are not finite numbers in order")
}
