package background

import (
	"context"
	"errors"
	"math"
	"slices"
	"sort"

	"github.com/sluice-hep/sluice/stats"
)

// Closed is how well a control region is predicted by what is learned of the others.
type Closed struct {
	Yield
	Predictable bool `json:"predictable"` // by the numbers of the other control regions: of 2 x 2 regions none is
	// Chi2 is Pearson's of the shapes of all features, each in bins of equal content in the prediction, the number of events being that of the data.
	Chi2     float64           `json:"chi2"`
	NDF      int               `json:"ndf"`
	Chi2NDF  float64           `json:"chi2_ndf"`
	P        float64           `json:"p"` // of that, by chance, where the features are independent
	Features map[string]Shaped `json:"features"`
	// Before is chi2/ndf of the simulation as it is; 0 without one.
	Before float64 `json:"chi2_ndf_before,omitempty"`

	Seen, Expected map[string]*stats.Histogram `json:"-"` // in the bins of the templates, each sum being that of the data
}

// Shaped is the chi2 of one feature.
type Shaped struct {
	Chi2 float64 `json:"chi2"`
	NDF  int     `json:"ndf"`
}

// weighted is a column of events; w may be of any unit.
type weighted struct{ x, w []float64 }

func (a weighted) sums() (sum, square float64) {
	for _, w := range a.w {
		sum += w
		square += w * w
	}
	return sum, square
}

// leastExpected is what each bin of a chi2 expects at least.
const leastExpected = 10

// shape is the chi2 of data and what is expected of its shape, in at most so many bins of equal content. The variance of a bin is that of the data, as
// expected, and that of what expects it.
func shape(data, expected weighted, bins int) Shaped {
	sum, square := data.sums()
	total, _ := expected.sums()
	edges := quantiles(expected, min(bins, int(sum*sum/square/leastExpected)))
	n, p, v := make([]float64, len(edges)+1), make([]float64, len(edges)+1), make([]float64, len(edges)+1)
	bin := func(x float64) int { return sort.Search(len(edges), func(k int) bool { return edges[k] > x }) }
	for i, x := range data.x {
		n[bin(x)] += data.w[i]
	}
	for i, x := range expected.x {
		k, w := bin(x), expected.w[i]/total
		p[k] += w
		v[k] += w * w
	}
	s := Shaped{NDF: -1}
	for k := range n {
		if p[k] > 0 {
			off := n[k] - sum*p[k]
			s.Chi2 += off * off / (p[k]*square + sum*sum*v[k])
			s.NDF++
		}
	}
	return s
}

// quantiles are the edges between so many bins of equal content, fewer where values repeat.
func quantiles(of weighted, bins int) (edges []float64) {
	order := make([]int, len(of.x))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int {
		switch {
		case of.x[a] < of.x[b]:
			return -1
		case of.x[a] > of.x[b]:
			return 1
		}
		return a - b
	})
	total, _ := of.sums()
	var below float64
	for k, i := range order {
		if next := total * float64(len(edges)+1) / float64(bins); len(edges)+1 < bins && below >= next && (k == 0 || of.x[i] > of.x[order[k-1]]) {
			edges = append(edges, of.x[i])
			for float64(len(edges)+1)/float64(bins)*total <= below && len(edges)+1 < bins {
				bins-- // a value that repeats fills several
			}
		}
		below += of.w[i]
	}
	return edges
}

// close predicts a control region without it.
func (e *estimate) close(ctx context.Context, region int) (*Closed, error) {
	c := &Closed{Features: map[string]Shaped{}, Seen: map[string]*stats.Histogram{}, Expected: map[string]*stats.Histogram{}, Predictable: true}
	y, _, err := e.yield(e.cells, slices.DeleteFunc(slices.Clone(e.control), func(r int) bool { return r == region }), region)
	switch {
	case errors.Is(err, errUndetermined):
		c.Predictable = false
		y = Yield{Observed: e.cells[region].Sum}
	case err != nil:
		return nil, err
	}
	c.Yield, c.Region = y, e.names[region]
	l, err := e.learn(ctx, region)
	if err != nil {
		return nil, err
	}
	defer l.close()
	like, w, err := l.carried(region)
	if err != nil {
		return nil, err
	}
	rows := e.data.in(region)
	for _, name := range e.data.card.Features {
		data, expected, err := e.both(name, rows, like, w)
		if err != nil {
			return nil, err
		}
		s := shape(data, expected, e.card.Bins)
		c.Features[name] = s
		c.Chi2 += s.Chi2
		c.NDF += s.NDF
		t := e.result.of(name)
		if t == nil {
			continue
		}
		if c.Seen[name], err = stats.NewHistogram(t.Nominal.Edges, data.x, data.w); err != nil {
			return nil, err
		}
		if c.Expected[name], err = scaled(t.Nominal.Edges, expected, e.cells[region].Sum); err != nil {
			return nil, err
		}
	}
	if e.simulation != nil {
		if c.Before, err = e.before(region); err != nil {
			return nil, err
		}
	}
	if c.NDF > 0 {
		c.Chi2NDF, c.P = c.Chi2/float64(c.NDF), stats.Chi2P(c.Chi2, c.NDF)
	}
	return c, nil
}

// before is chi2/ndf of the shapes of a region in the simulation as it is.
func (e *estimate) before(region int) (float64, error) {
	own := e.simulation.in(region)
	like, w := e.simulation.columns(e.data.card.Features, own), e.simulation.weights(own)
	var sum Shaped
	for _, name := range e.data.card.Features {
		data, expected, err := e.both(name, e.data.in(region), like, w)
		if err != nil {
			return 0, err
		}
		s := shape(data, expected, e.card.Bins)
		sum.Chi2, sum.NDF = sum.Chi2+s.Chi2, sum.NDF+s.NDF
	}
	return sum.Chi2 / float64(max(sum.NDF, 1)), nil
}

// Systematic is what the closures say of the estimate.
type Systematic struct {
	// Yield is the relative error of the number of events: the root mean square of what closures miss, each by its statistical error, and at least the
	// precision with which they tell, which is where the pulls have an RMS of 1.
	Yield   float64 `json:"yield"`
	Chi2NDF float64 `json:"chi2_ndf"` // of all shapes
	NDF     int     `json:"ndf"`
	Pulls   int     `json:"pulls"` // of numbers of events, where these are predictable
	PullRMS float64 `json:"pull_rms"`
}

// systematic sums up the closures; nil of none.
func systematic(closures []*Closed) *Systematic {
	if len(closures) == 0 {
		return nil
	}
	s := &Systematic{}
	var chi2, sum, pulls float64
	for _, c := range closures {
		chi2 += c.Chi2
		s.NDF += c.NDF
		if !c.Predictable || !(c.Pull != 0) {
			continue
		}
		off := c.Predicted/c.Observed - 1
		sum += c.Pull * c.Pull / (off * off) // one over the variance of off
		pulls += c.Pull * c.Pull
		s.Pulls++
	}
	if s.NDF > 0 {
		s.Chi2NDF = chi2 / float64(s.NDF)
	}
	if s.Pulls > 0 {
		s.PullRMS = math.Sqrt(pulls / float64(s.Pulls))
		s.Yield = math.Sqrt(float64(s.Pulls)/sum) * max(s.PullRMS, 1)
	}
	return s
}
