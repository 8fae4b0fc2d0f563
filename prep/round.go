package prep

import (
	"errors"
	"fmt"
	"math"
)

// round is the identity for the values x = Offset + k Step of a grid so fine that events rarely share one: what comes back is the
// nearest such value, spelled as a file does. As for numbers of a type, the density is per unit, and noise within a cell
// would tell nothing.
type round struct {
	Step   float64 `json:"step"`
	Offset float64 `json:"offset,omitempty"`
}

func (s *round) Kind() string { return "round" }

func (s *round) Fit(x, _ []float64) error {
	off, first := 0, 0
	for i, v := range x {
		if k := (v - s.Offset) / s.Step; math.Abs(k-math.Round(k)) > offGrid(k) {
			if off++; off == 1 {
				first = i
			}
		}
	}
	if off == 0 {
		return nil
	}
	grid := dequantise{Step: s.Step, Offset: s.Offset}
	return &rowError{first, fmt.Sprintf("round takes %s, not %g; %d of %d are none", grid.takes(), x[first], off, len(x))}
}

func (s *round) Apply(_, _ []float64) {}

func (s *round) Invert(y, _ []float64) {
	value := decimals(s.Step, s.Offset)
	for i, v := range y {
		if k := math.Round((v - s.Offset) / s.Step); math.Abs(k) <= maxInteger { // else a float64 has no such digits
			y[i] = value(k)
		}
	}
}

// inside are the outermost values between limits, which may be infinite.
func (s *round) inside(low, high float64) (float64, float64) {
	const slack = 1e-6 // of a limit that is a value itself
	value := decimals(s.Step, s.Offset)
	if k := math.Ceil((low-s.Offset)/s.Step - slack); math.Abs(k) <= maxInteger {
		low = value(k)
	}
	if k := math.Floor((high-s.Offset)/s.Step + slack); math.Abs(k) <= maxInteger {
		high = value(k)
	}
	return low, high
}

func (s *round) check() error {
	if !finite(s.Step, s.Offset) || s.Step <= 0 {
		return errors.New("the step is not positive, or the offset not finite")
	}
	return nil
}
