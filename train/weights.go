package train

import "fmt"

// negativeWeights returns a notice when more than a tenth of the given events, or of their absolute weight, is
// negative, and "" otherwise.
func negativeWeights(weights []float32, rows []int32) string {
	if weights == nil {
		return ""
	}
	var negative, sum, total float64
	for _, r := range rows {
		w := float64(weights[r])
		if w < 0 {
			negative++
			sum -= w
			w = -w
		}
		total += w
	}
	n := float64(len(rows))
	if negative <= 0.1*n && sum <= 0.1*total {
		return ""
	}
	return fmt.Sprintf("%.1f %% of the events, with %.1f %% of the absolute weight, have negative weights: "+
		"they count negatively, and the fit needs correspondingly more events", 100*negative/n, 100*sum/total)
}
