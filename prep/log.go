package prep

import (
	"fmt"
	"math"
	"slices"
)

// logarithm is y = log(x + Offset). Below Floor, a thousandth of the smallest training value, it goes on
// as the straight line that touches it there, so that any value has a place.
type logarithm struct {
	Offset float64 `json:"offset"`
	Floor  float64 `json:"floor"`
}

func (s *logarithm) Kind() string { return "log" }

func (s *logarithm) Fit(x, _ []float64) error {
	lo := math.Inf(1)
	for i, v := range x {
		if v+s.Offset <= 0 {
			return &rowError{i, fmt.Sprintf("log takes positive values, not %g with offset %g; give an offset above %g", v, s.Offset, -v)}
		}
		lo = min(lo, v+s.Offset)
	}
	s.Floor = lo / 1000
	return s.check()
}

func (s *logarithm) Apply(x, logDet []float64) {
	lf := math.Log(s.Floor)
	for i, v := range x {
		v += s.Offset
		l := math.Log(max(v, s.Floor))
		x[i] = l
		if v < s.Floor {
			x[i] = lf + (v/s.Floor - 1)
		}
		if logDet != nil {
			logDet[i] -= l
		}
	}
}

func (s *logarithm) Invert(y, logDet []float64) {
	lf := math.Log(s.Floor)
	for i, v := range y {
		l := min(max(v, lf), maxExp)
		y[i] = math.Exp(l) - s.Offset
		if v < lf {
			y[i] = s.Floor*(1+v-lf) - s.Offset
		}
		if logDet != nil {
			logDet[i] += l
		}
	}
}

// maxExp keeps exponentials within the numbers that float32 holds.
const maxExp = 88

func (s *logarithm) check() error {
	return require(finite(s.Offset, s.Floor) && s.Floor > 0, "offset and floor are not finite, or the floor is not positive")
}

// asinh is y = asinh((x - Centre)/Scale), with the median and the half-width of the central 68 %: linear
// in the bulk and logarithmic on both sides.
type asinh struct {
	Centre float64 `json:"centre"`
	Scale  float64 `json:"scale"`
}

func (s *asinh) Kind() string { return "asinh" }

func (s *asinh) Fit(x, w []float64) error {
	e := newEmpirical(x, w)
	s.Centre = e.at(0.5)
	s.Scale = (e.at(0.84) - e.at(0.16)) / 2
	if !(s.Scale > 0) { // more than 68 % of the values are equal
		s.Scale = (slices.Max(x) - slices.Min(x)) / 2
	}
	if !(s.Scale > 0) {
		return errConstant
	}
	return s.check()
}

func (s *asinh) Apply(x, logDet []float64) {
	ls := math.Log(s.Scale)
	for i, v := range x {
		t := (v - s.Centre) / s.Scale
		x[i] = math.Asinh(t)
		if logDet != nil {
			logDet[i] -= ls + math.Log(math.Hypot(1, t))
		}
	}
}

func (s *asinh) Invert(y, logDet []float64) {
	ls := math.Log(s.Scale)
	for i, v := range y {
		v = min(max(v, -maxExp), maxExp)
		y[i] = s.Centre + s.Scale*math.Sinh(v)
		if logDet != nil {
			logDet[i] += ls + math.Log(math.Cosh(v))
		}
	}
}

func (s *asinh) check() error {
	return require(finite(s.Centre, s.Scale) && s.Scale > 0, "centre and scale are not finite, or the scale is not positive")
}
