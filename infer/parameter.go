package infer

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/stats"
)

// Parameter is what the draws of one say, in its unit: the median and the central intervals of 68 and 95 %. Of names it is the share of each.
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
}

func newParameter(c *events.Column) (p Parameter, err error) {
	p.Unit = c.Unit
	n := float64(c.Len())
	if c.Type == events.Text {
		p.Shares = map[string]float64{}
		for _, s := range c.Str {
			p.Shares[s] += 1 / n
		}
		return p, nil
	}
	x, err := c.Floats(nil)
	if err != nil {
		return p, err
	}
	there := slices.DeleteFunc(x, func(v float64) bool { return v-v != 0 })
	if p.Missing = 1 - float64(len(there))/n; len(there) == 0 {
		return p, nil
	}
	cdf, err := stats.NewCDF(there, nil)
	if err != nil {
		return p, err
	}
	for _, q := range []struct {
		at float64
		to **float64
	}{{0.5, &p.Median}, {0.16, &p.Lo68}, {0.84, &p.Hi68}, {0.025, &p.Lo95}, {0.975, &p.Hi95}} {
		v := cdf.Quantile(q.at)
		*q.to = &v
	}
	return p, nil
}

// Cells are the median and the intervals as text, or the shares.
func (p Parameter) Cells() (median, of68, of95 string) {
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
