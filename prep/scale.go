package prep

import (
	"errors"
	"math"
)

var errConstant = errors.New("all values (of positive weight) are equal")

// minmax is y = (x - Min)/(Max - Min): the training values fill [0, 1].
type minmax struct {
	Min float64 `json:"min"`
	Max float64 `json:"max"`
}

func (s *minmax) Kind() string { return "minmax" }

func (s *minmax) Fit(x, _ []float64) error {
	s.Min, s.Max = math.Inf(1), math.Inf(-1)
	for _, v := range x {
		s.Min, s.Max = min(s.Min, v), max(s.Max, v)
	}
	if !(s.Min < s.Max) {
		return errConstant
	}
	return nil
}

func (s *minmax) Apply(x, logDet []float64) {
	d := s.Max - s.Min
	for i, v := range x {
		x[i] = (v - s.Min) / d
	}
	addAll(logDet, -math.Log(d))
}

func (s *minmax) Invert(y, logDet []float64) {
	d := s.Max - s.Min
	for i, v := range y {
		y[i] = v*d + s.Min
	}
	addAll(logDet, math.Log(d))
}

func (s *minmax) check() error {
	if !finite(s.Min, s.Max, s.Max-s.Min) || s.Min >= s.Max {
		return errors.New("minimum and maximum are not two finite numbers in order")
	}
	return nil
}

// standardise is y = (x - Mean)/Std with the weighted mean and population standard deviation.
type standardise struct {
	Mean float64 `json:"mean"`
	Std  float64 `json:"std"`
}

func (s *standardise) Kind() string { return "standardise" }

func (s *standardise) Fit(x, w []float64) error {
	var sum, sw float64
	for i, v := range x {
		sum += weight(w, i) * v
		sw += weight(w, i)
	}
	s.Mean = sum / sw
	var far, sq float64
	for _, v := range x {
		far = max(far, math.Abs(v-s.Mean))
	}
	_, unit := math.Frexp(far) // in which squares stay numbers: of cross sections of 1e-200 too
	for i, v := range x {
		d := math.Ldexp(v-s.Mean, -unit)
		sq += weight(w, i) * d * d
	}
	s.Std = math.Ldexp(math.Sqrt(sq/sw), unit)
	if !(s.Std > 0) {
		return errConstant
	}
	return s.check()
}

func (s *standardise) Apply(x, logDet []float64) {
	for i, v := range x {
		x[i] = (v - s.Mean) / s.Std
	}
	addAll(logDet, -math.Log(s.Std))
}

func (s *standardise) Invert(y, logDet []float64) {
	for i, v := range y {
		y[i] = v*s.Std + s.Mean
	}
	addAll(logDet, math.Log(s.Std))
}

func (s *standardise) check() error {
	if !finite(s.Mean, s.Std) || s.Std <= 0 {
		return errors.New("mean and standard deviation are not finite, or the latter is not positive")
	}
	return nil
}

func addAll(dst []float64, v float64) {
	for i := range dst {
		dst[i] += v
	}
}
