package stats

import "math"

// Moments are those of the distribution that the sample is (population form, divided by the sum of weights).
type Moments struct {
	Mean     float64 `json:"mean"`
	Std      float64 `json:"std"`
	Skew     float64 `json:"skew"`     // third standardised moment; 0 for a constant
	Kurtosis float64 `json:"kurtosis"` // fourth standardised moment less 3; 0 for a constant
}

// NewMoments computes the moments of x; w is nil where all weights are 1. With negative weights a variance
// may come out negative: Std, Skew and Kurtosis are then 0. An empty sample, or one whose weights do not sum
// to a positive number, gives zeros.
func NewMoments(x, w []float64) (m Moments) {
	if len(x) == 0 {
		return m
	}
	var total, shift float64
	for i, v := range x {
		total += weight(w, i)
		shift += weight(w, i) * (v - x[0]) // from x[0]: exact for a constant
	}
	if !(total > 0) {
		return m
	}
	m.Mean = x[0] + shift/total
	var s [5]float64
	for i, v := range x {
		d, p := v-m.Mean, weight(w, i)/total
		s[2] += p * d * d
		s[3] += p * d * d * d
		s[4] += p * d * d * d * d
	}
	if s[2] > 0 {
		m.Std = math.Sqrt(s[2])
		m.Skew = s[3] / (s[2] * m.Std)
		m.Kurtosis = s[4]/(s[2]*s[2]) - 3
	}
	return m
}

// MeanError is the weighted mean of x and its standard error, sqrt(sum w^2 (x - mean)^2) / |sum w|, in the unit of x; w is nil where
// all weights are 1.
func MeanError(x, w []float64) (mean, err float64) {
	var total, sum, squares float64
	for i, v := range x {
		total += weight(w, i)
		sum += weight(w, i) * v
	}
	mean = sum / total
	for i, v := range x {
		d := weight(w, i) * (v - mean)
		squares += d * d
	}
	return mean, math.Sqrt(squares) / math.Abs(total)
}

// weight is that of event i: 1 without weights.
func weight(w []float64, i int) float64 {
	if w == nil {
		return 1
	}
	return w[i]
}
