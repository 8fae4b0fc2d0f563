package prep

import (
	"errors"
	"fmt"
	"math"
)

// dequantise is y = x + u Step for the values x = Offset + k Step of a grid, integers at first, and noise u in (0, 1), so
// that the density of y, integrated over a cell, is the probability of the value (Uria, Murray, Larochelle,
// arXiv:1306.0186). It is per unit of x: times Step, it is that probability. Scaled divides by the number of values: y = (k - Min + u)/(Max - Min + 1), where Min is 0
// unless a training value is negative. The inverse takes the floor; it never gives a negative number where training had
// none, stays within [Min, Max] if scaled, and spells decimals as a file does.
type dequantise struct {
	Scaled bool    `json:"scaled"`
	Min    float64 `json:"min"` // k of values
	Max    float64 `json:"max"`
	Step   float64 `json:"step,omitempty"` // 0 is 1
	Offset float64 `json:"offset,omitempty"`
}

// Beyond 2^43 a float64 has fewer than ten bits left for the noise.
const maxInteger = 1 << 43

// offGrid is how far from place k of a grid a value may lie, in steps: decimals of a float32 do, the farther the larger they are.
func offGrid(k float64) float64 { return 0.01 + min(math.Abs(k)*0x1p-23, 0.1) }

func (s *dequantise) Kind() string { return "dequantise" }

func (s *dequantise) Fit(x, _ []float64) error {
	s.Min, s.Max = 0, 0
	off, first := 0, 0
	for i, v := range x {
		k := (v - s.Offset) / s.unit()
		n := math.Round(k)
		if math.Abs(n) > maxInteger {
			return &rowError{i, fmt.Sprintf("dequantise takes up to 2^43 steps, not %g", v)}
		}
		if k != n && (s.Step == 0 || math.Abs(k-n) > offGrid(n)) {
			if off++; off == 1 {
				first = i
			}
		}
		s.Min, s.Max = min(s.Min, n), max(s.Max, n)
	}
	if off == 0 {
		return nil
	}
	return &rowError{first, fmt.Sprintf("dequantise takes %s, not %g; %d of %d are none", s.takes(), x[first], off, len(x))}
}

func (s *dequantise) takes() string {
	switch {
	case s.Step == 0:
		return "integers"
	case s.Offset == 0:
		return fmt.Sprintf("multiples of %g", s.Step)
	}
	return fmt.Sprintf("%g plus multiples of %g", s.Offset, s.Step)
}

func (s *dequantise) unit() float64 {
	if s.Step == 0 {
		return 1
	}
	return s.Step
}

func (s *dequantise) Apply(x, logDet []float64) { s.ApplyNoise(x, nil, logDet) }

func (s *dequantise) ApplyNoise(x, u, logDet []float64) {
	low, from, width := s.cells()
	unit := s.unit()
	for i, v := range x {
		k := (v - s.Offset) / unit
		if s.Step != 0 {
			k += offGrid(k)
		}
		k = math.Floor(k)
		x[i] = from + (k-low+place(u, i))*width
	}
	addAll(logDet, math.Log(width/unit))
}

func (s *dequantise) places(_ []float64, marked []bool) { markAll(marked) }

func (s *dequantise) Invert(y, logDet []float64) {
	low, from, width := s.cells()
	value := decimals(s.unit(), s.Offset)
	for i, v := range y {
		n := math.Floor((v-from)/width) + low
		if s.Scaled {
			n = min(n, s.Max)
		}
		if s.Scaled || s.Min == 0 {
			n = max(n, s.Min)
		}
		y[i] = value(n)
	}
	addAll(logDet, -math.Log(width/s.unit()))
}

// has tells whether an event that is drawn can have the value.
func (s *dequantise) has(v float64) bool {
	k := (v - s.Offset) / s.unit()
	if whole := math.Round(k); s.Step == 0 && k != whole || math.Abs(k-whole) > offGrid(k) {
		return false
	} else {
		k = whole
	}
	return (k >= s.Min || s.Min < 0 && !s.Scaled) && (k <= s.Max || !s.Scaled)
}

func (s *dequantise) taken() string {
	if s.Step != 0 {
		return "the value of the grid at or below it"
	}
	return "the whole number at or below it"
}

// cells is the first cell, where it begins, and the width of a cell.
func (s *dequantise) cells() (low, from, width float64) {
	if s.Scaled {
		return s.Min, 0, 1 / (s.Max - s.Min + 1)
	}
	return 0, s.Offset, s.unit()
}

// decimals gives the k-th value of a grid, rounded once where step and offset are decimals of a few digits: 0.3, not 3 times
// 0.1.
func decimals(step, offset float64) func(k float64) float64 {
	for unit := 1.0; unit <= 1e12; unit *= 10 {
		a, b := math.Round(step*unit), math.Round(offset*unit)
		if a/unit == step && b/unit == offset {
			return func(k float64) float64 { return (k*a + b) / unit }
		}
	}
	return func(k float64) float64 { return k*step + offset }
}

func (s *dequantise) check() error {
	if !finite(s.Step, s.Offset) || s.Step < 0 {
		return errors.New("the step is not positive, or the offset not finite")
	}
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
