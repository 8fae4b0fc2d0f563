package train

import "fmt"

// NegativeWeights returns a notice when more than a tenth of the given events, or of their absolute weight, is
// negative, and "" otherwise. With nil rows it looks at every event.
func NegativeWeights(weights []float32, rows []int32) string {
	var events, sum, n, total float64
	add := func(w float64) {
		n++
		if w < 0 {
			events++
			sum -= w
			w = -w
		}
		total += w
	}
	if rows == nil {
		for _, w := range weights {
			add(float64(w))
		}
	} else if weights != nil {
		for _, r := range rows {
			add(float64(weights[r]))
		}
	}
	if events <= 0.1*n && sum <= 0.1*total {
		return ""
	}
	return fmt.Sprintf("%.1f %% of the events, with %.1f %% of the absolute weight, have negative weights: "+
		"they count negatively, and the fit needs correspondingly more events", 100*events/n, 100*sum/total)
}
