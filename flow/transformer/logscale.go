package transformer

import (
	"math"

	"github.com/sluice-hep/sluice/internal/kernel"
)

// LogScale bounds the log-scale s of an affine transformer: without a bound, inf and NaN are frequent in training.
//
//	tanh     s = tanh(raw)
//	soft     s = raw / (1 + |raw|/5), within +-5
//	clamp    s = 1.9 (2/pi) atan(raw/1.9), within +-1.9 (arXiv:1907.02392)
//	sigmoid  exp(s) = sigmoid(raw + 2) + 1e-3
//	none     s = raw
type LogScale string

const (
	softLimit    = 5
	clampLimit   = 1.9
	sigmoidShift = 2
	sigmoidFloor = 1e-3
)

// Zero is the raw value of s = 0.
func (l LogScale) Zero() float32 {
	if l == "sigmoid" {
		p := 1 - sigmoidFloor
		return float32(math.Log(p/(1-p)) - sigmoidShift)
	}
	return 0
}

// Apply sets s from raw; they may be the same.
func (l LogScale) Apply(s, raw []float32) {
	switch l {
	case "tanh":
		kernel.Tanh(s, raw)
	case "soft":
		for i, r := range raw {
			s[i] = r / (1 + max(r, -r)/softLimit)
		}
	case "clamp":
		for i, r := range raw {
			s[i] = float32(clampLimit * 2 / math.Pi * math.Atan(float64(r)/clampLimit))
		}
	case "sigmoid":
		for i, r := range raw {
			s[i] = r + sigmoidShift
		}
		kernel.Sigmoid(s, s)
		for i := range s {
			s[i] += sigmoidFloor
		}
		kernel.Log(s, s)
	default:
		copy(s, raw)
	}
}

// Backward turns ds, the gradient of s, into that of raw.
func (l LogScale) Backward(ds, s, raw []float32) {
	switch l {
	case "tanh":
		kernel.TanhBackward(ds, s)
	case "soft":
		for i, r := range raw {
			q := 1 + max(r, -r)/softLimit
			ds[i] /= q * q
		}
	case "clamp":
		for i, r := range raw {
			ds[i] *= 2 / math.Pi / (1 + r*r/(clampLimit*clampLimit))
		}
	case "sigmoid":
		var scale [kernel.Tile]float32
		kernel.Exp(scale[:len(s)], s)
		for i, v := range scale[:len(s)] {
			sig := v - sigmoidFloor
			ds[i] *= sig * (1 - sig) / v
		}
	}
}
