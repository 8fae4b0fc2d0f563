package stats

import (
	"encoding/json"
	"math"
)

// Test is a statistic beside what chance alone makes of it, where both samples are of one distribution.
type Test struct {
	Value    float64 `json:"value"`
	Error    float64 `json:"error,omitempty"`     // of Value, by the number of events; 0 where it is not estimated
	NullMean float64 `json:"null_mean,omitempty"` // of Value by chance alone
	NullStd  float64 `json:"null_std,omitempty"`
	P        float64 `json:"p"`                // of at least Value by chance
	Draws    int     `json:"draws,omitempty"`  // from the null distribution, such as permutations; 0 where P is by formula
	Events   int     `json:"events,omitempty"` // taken of each sample, where not all are
	// Cannot says why there is no number; the others are then 0, and left out of the JSON.
	Cannot string `json:"cannot,omitempty"`
}

// Unreached tells whether no draw reaches the value: P is a bound then.
func (t Test) Unreached() bool { return t.Draws > 0 && math.Abs(t.P*float64(t.Draws+1)-1) < 1e-9 }

// MarshalJSON writes the numbers, or the reason why there are none.
func (t Test) MarshalJSON() ([]byte, error) {
	if t.Cannot != "" {
		return json.Marshal(map[string]string{"cannot": t.Cannot})
	}
	type numbers Test
	return json.Marshal(numbers(t))
}
