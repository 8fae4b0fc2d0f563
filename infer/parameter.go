package infer

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/stats"
)

// Parameter is what the draws of one say, by their weights and in its unit: the median and the central intervals of 68 and 95 %. Of names it is
// the share of each.
type Parameter struct {
	Unit   string             `json:"unit,omitempty"`
	Median *float64           `json:"median,omitempty"`
	Lo68   *float64           `json:"lo68,omitempty"`
	Hi68   *float64           `json:"hi68,omitempty"`
	Lo95   *float64           `json:"lo95,omitempty"`
	Hi95   *float64           `json:"hi95,omitempty"`
	Shares map[string]float64 `json:"shares,omitempty"`
	// Missing is the share of draws without a value, which the intervals leave out.
	Missing float64 `json:"missing,omitempty"`
	// Worth is how many draws those with weights are worth, where these are fewer than leastWorth: then there is no median, interval or share.
	Worth float64 `json:"worth,omitempty"`
	// Truth is the true value, and Below the share of the draws below it; nil where that is not known.
	Truth *float64 `json:"truth,omitempty"`
	Below *float64 `json:"truth_above,omitempty"`
}

// leastWorth is how few draws have no quantiles: of 20 the outermost is the end of a 95 % interval.
const leastWorth = 20

// worth is what weighted draws are worth, where that is too little to say anything of a parameter; 0 otherwise.
func worth(w []float64) float64 {
	var sum, squares float64
	for _, v := range w {
		sum, squares = sum+v, squares+v*v
	}
	if w == nil || !(sum*sum < leastWorth*squares) {
		return 0
	}
	return sum * sum / squares
}

func newParameter(c *events.Column, w []float64, truth *events.Column) (p Parameter, err error) {
	p.Unit = c.Unit
	if p.Worth = worth(w); p.Worth > 0 {
		return p, nil
	}
	if w == nil {
		w = slices.Repeat([]float64{1}, c.Len())
	}
	sum := 0.
	for _, v := range w {
		sum += v
	}
	if c.Type == events.Text {
		p.Shares = map[string]float64{}
		for i, s := range c.Str {
			p.Shares[s] += w[i] / sum
		}
		return p, nil
	}
	x, err := c.Floats(nil)
	if err != nil {
		return p, err
	}
	var there, weights []float64
	for i, v := range x {
		if v-v == 0 {
			there, weights = append(there, v), append(weights, w[i])
		} else {
			p.Missing += w[i] / sum
		}
	}
	if len(there) == 0 {
		return p, nil
	}
	cdf, err := stats.NewCDF(there, weights)
	if err != nil {
		return p, err
	}
	p.quantiles(cdf)
	if truth == nil || truth.Type == events.Text || truth.Float(0)-truth.Float(0) != 0 {
		return p, nil
	}
	at, below := truth.Float(0), 0.
	for i, v := range there {
		if v < at {
			below += weights[i] / sum
		}
	}
	p.Truth, p.Below = &at, &below
	return p, nil
}

func (p *Parameter) quantiles(cdf *stats.CDF) {
	for _, q := range []struct {
		at float64
		to **float64
	}{{0.5, &p.Median}, {0.16, &p.Lo68}, {0.84, &p.Hi68}, {0.025, &p.Lo95}, {0.975, &p.Hi95}} {
		v := cdf.Quantile(q.at)
		*q.to = &v
	}
}

// HasTruth tells whether the true value of any parameter is known.
func HasTruth(all map[string]Parameter) bool {
	for _, p := range all {
		if p.Truth != nil {
			return true
		}
	}
	return false
}

// TruthCell is the true value, and the share of the draws below it, as text.
func (p Parameter) TruthCell() string {
	if p.Truth == nil {
		return ""
	}
	return fmt.Sprintf("%.5g (above %.1f %%)", *p.Truth, 100**p.Below)
}

// Cells are the median and the intervals as text, or the shares.
func (p Parameter) Cells() (median, of68, of95 string) {
	if p.Worth > 0 {
		return fmt.Sprintf("not known: the draws are worth %.0f", p.Worth), "", ""
	}
	if p.Shares != nil {
		for _, name := range slices.SortedFunc(maps.Keys(p.Shares), func(a, b string) int { return cmp.Or(cmp.Compare(p.Shares[b], p.Shares[a]), cmp.Compare(a, b)) }) {
			if median != "" {
				median += ", "
			}
			median += fmt.Sprintf("%s %.1f %%", name, 100*p.Shares[name])
		}
		return median, "", ""
	}
	if p.Median == nil {
		return "no value", "", ""
	}
	if median = fmt.Sprintf("%.5g", *p.Median); p.Missing > 0 {
		median += fmt.Sprintf(" (no value in %.1f %%)", 100*p.Missing)
	}
	return median, fmt.Sprintf("%.5g to %.5g", *p.Lo68, *p.Hi68), fmt.Sprintf("%.5g to %.5g", *p.Lo95, *p.Hi95)
}
