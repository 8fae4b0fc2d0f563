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

func (s *minmax) Apply(x, logDet []float64)  { inUnits(x, logDet, s.Min, s.Max-s.Min) }
func (s *minmax) Invert(y, logDet []float64) { fromUnits(y, logDet, s.Min, s.Max-s.Min) }

func (s *minmax) check() error {
	return require(finite(s.Min, s.Max, s.Max-s.Min) && s.Min < s.Max, "minimum and maximum are not two finite numbers in order")
}

// inUnits is y = (x - from)/unit, and fromUnits its inverse.
func inUnits(x, logDet []float64, from, unit float64) {
	for i, v := range x {
		x[i] = (v - from) / unit
	}
	addAll(logDet, -math.Log(unit))
}

func fromUnits(y, logDet []float64, from, unit float64) {
	for i, v := range y {
		y[i] = v*unit + from
	}
	addAll(logDet, math.Log(unit))
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

func (s *standardise) Apply(x, logDet []float64)  { inUnits(x, logDet, s.Mean, s.Std) }
func (s *standardise) Invert(y, logDet []float64) { fromUnits(y, logDet, s.Mean, s.Std) }

func (s *standardise) check() error {
	return require(finite(s.Mean, s.Std) && s.Std > 0, "mean and standard deviation are not finite, or the latter is not positive")
}

func addAll(dst []float64, v float64) {
	for i := range dst {
		dst[i] += v
	}
}
