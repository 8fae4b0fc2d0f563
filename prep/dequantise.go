package prep

import (
	"fmt"
	"math"
)

// dequantise is y = x + u for integers x and noise u in (0, 1), so that the density of y, integrated over a
// cell, is the probability of the integer (Uria, Murray, Larochelle, arXiv:1306.0186). Scaled divides by the
// number of values: y = (x - Min + u)/(Max - Min + 1), where Min is 0 unless a training value is negative.
// The inverse takes the floor; it never gives a negative number where training had none, and stays within
// [Min, Max] if scaled.
type dequantise struct {
	Scaled bool    `json:"scaled"`
	Min    float64 `json:"min"`
	Max    float64 `json:"max"`
}

// Beyond 2^43 a float64 has fewer than ten bits left for the noise.
const maxInteger = 1 << 43

func (s *dequantise) Kind() string { return "dequantise" }

func (s *dequantise) Fit(x, _ []float64) error {
	s.Min, s.Max = 0, 0
	for i, v := range x {
		if v != math.Trunc(v) {
			return &rowError{i, fmt.Sprintf("dequantise takes integers, not %g", v)}
		}
		if math.Abs(v) > maxInteger {
			return &rowError{i, fmt.Sprintf("dequantise takes integers up to 2^43, not %g", v)}
		}
		s.Min, s.Max = min(s.Min, v), max(s.Max, v)
	}
	return nil
}

func (s *dequantise) Apply(x, logDet []float64) { s.ApplyNoise(x, nil, logDet) }

func (s *dequantise) ApplyNoise(x, u, logDet []float64) {
	low, width := s.cells()
	for i, v := range x {
		x[i] = (math.Floor(v) - low + place(u, i)) / width
	}
	addAll(logDet, -math.Log(width))
}

func (s *dequantise) places(_ []float64, marked []bool) { markAll(marked) }

func (s *dequantise) Invert(y, logDet []float64) {
	low, width := s.cells()
	for i, v := range y {
		n := math.Floor(v*width) + low
		if s.Scaled {
			n = min(n, s.Max)
		}
		if s.Scaled || s.Min == 0 {
			n = max(n, s.Min)
		}
		y[i] = n
	}
	addAll(logDet, math.Log(width))
}

// has tells whether an event that is drawn can have the value.
func (s *dequantise) has(v float64) bool {
	return v == math.Trunc(v) && (v >= s.Min || s.Min < 0 && !s.Scaled) && (v <= s.Max || !s.Scaled)
}

func (s *dequantise) taken() string { return "the whole number at or below it" }

func (s *dequantise) cells() (low, width float64) {
	if s.Scaled {
		return s.Min, s.Max - s.Min + 1
	}
	return 0, 1
}

func (s *dequantise) check() error {
	return require(s.Min >= -maxInteger && s.Min <= 0 && s.Max >= 0 && s.Max <= maxInteger,
		"minimum and maximum are not two integers around 0 below 2^43")
}

func markAll(marked []bool) {
	for i := range marked {
		marked[i] = true
	}
}

// place is where in its cell event i goes: the middle without noise.
func place(u []float64, i int) float64 {
	if u == nil {
		return 0.5
	}
	return u[i]
}
