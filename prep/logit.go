package prep

import (
	"fmt"
	"math"
)

// clip is y = x(1-B) + B/2: it keeps values of [0, 1] off the ends, where a logit is infinite. Values outside
// count as the nearer end.
type clip struct {
	B float64 `json:"b"`
}

func (s *clip) Kind() string { return "clip" }

func (s *clip) Fit(x, _ []float64) error {
	for i, v := range x {
		if !(v >= 0 && v <= 1) {
			return &rowError{i, fmt.Sprintf("clip takes values of [0, 1], not %g; put minmax before it", v)}
		}
	}
	return nil
}

func (s *clip) Apply(x, logDet []float64) {
	for i, v := range x {
		x[i] = min(max(v, 0), 1)*(1-s.B) + s.B/2
	}
	addAll(logDet, math.Log1p(-s.B))
}

func (s *clip) Invert(y, logDet []float64) {
	for i, v := range y {
		y[i] = min(max((v-s.B/2)/(1-s.B), 0), 1)
	}
	addAll(logDet, -math.Log1p(-s.B))
}

func (s *clip) check() error {
	return require(s.B > 0 && s.B <= 0.5, "b is not between 0 and 0.5")
}

// logit is y = log(x) - log(1-x). Values outside (0, 1) count as the nearest number inside.
type logit struct{}

// The numbers next to 0 and 1 whose distance to 1 is representable.
const lowest, highest = 0x1p-53, 1 - 0x1p-53

func (s *logit) Kind() string { return "logit" }

func (s *logit) Fit(x, _ []float64) error {
	for i, v := range x {
		if !(v > 0 && v < 1) {
			return &rowError{i, fmt.Sprintf("logit takes values between 0 and 1, not %g; put minmax and clip before it", v)}
		}
	}
	return nil
}

func (s *logit) Apply(x, logDet []float64) {
	for i, v := range x {
		v = min(max(v, lowest), highest)
		a, b := math.Log(v), math.Log1p(-v)
		x[i] = a - b
		if logDet != nil {
			logDet[i] -= a + b
		}
	}
}

func (s *logit) Invert(y, logDet []float64) {
	for i, v := range y {
		// e = exp(-|v|): the smaller of x and 1-x is e/(1+e), without cancellation.
		e := math.Exp(-math.Abs(v))
		if v < 0 {
			y[i] = e / (1 + e)
		} else {
			y[i] = 1 / (1 + e)
		}
		if logDet != nil {
			logDet[i] -= math.Abs(v) + 2*math.Log1p(e)
		}
	}
}

func (s *logit) check() error { return nil }
