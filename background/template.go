package background

import (
	"fmt"
	"math"
	"slices"

	"github.com/sluice-hep/sluice/card"
	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/prep"
	"github.com/sluice-hep/sluice/stats"
)

// Template is the histogram of a feature in the region of interest, with what it may be otherwise. No bin of it is 0.
type Template struct {
	Feature string
	Unit    string
	Nominal *stats.Histogram // its sums are the events expected, the variances those of the events that it is made of
	Data    *stats.Histogram // what is observed
	Shape   []float64        // by the closures, what each bin of the nominal is to be multiplied by less 1; nil without
	filled  int              // bins that had no event
}

// scaled is a histogram whose sum, with what is outside of its edges, is that given.
func scaled(edges []float64, of weighted, sum float64) (*stats.Histogram, error) {
	total, _ := of.sums()
	w := make([]float64, len(of.w))
	for i := range w {
		w[i] = of.w[i] * sum / total
	}
	return stats.NewHistogram(edges, of.x, w)
}

// both are a feature of the data in rows, and of what is carried there.
func (e *estimate) both(name string, rows []int32, like *events.Table, w []float64) (data, expected weighted, err error) {
	c, err := e.data.Column(name)
	if err != nil {
		return data, expected, err
	}
	own := c.Take(rows)
	if data.x, err = own.Floats(nil); err != nil {
		return data, expected, err
	}
	data.w = e.data.weights(rows)
	if c, err = like.Column(name); err != nil {
		return data, expected, err
	}
	expected.x, err = c.Floats(nil)
	expected.w = w
	return data, expected, err
}

// newTemplate bins a feature in the region of interest.
func (e *estimate) newTemplate(name string, b card.Binning, like *events.Table, w []float64) (*Template, error) {
	data, expected, err := e.both(name, e.data.in(e.signal), like, w)
	if err != nil {
		return nil, err
	}
	t := &Template{Feature: name, Unit: e.data.card.Units[name]}
	low, high := b.Range.Low, b.Range.High
	if (b.Range == prep.Limits{}) {
		edges := quantiles(expected, 1000)
		if len(edges) == 0 {
			return nil, fmt.Errorf("background.templates: %s is the same in all events of the estimate: leave it out", name)
		}
		low, high = round(edges[0], edges[len(edges)-1])
	}
	edges := make([]float64, b.Bins+1)
	for k := range edges {
		edges[k] = low + (high-low)*float64(k)/float64(b.Bins)
	}
	if t.Nominal, err = scaled(edges, expected, e.result.Yield); err != nil {
		return nil, err
	}
	if t.Data, err = stats.NewHistogram(edges, data.x, data.w); err != nil {
		return nil, err
	}
	t.fill(e.result.Yield / float64(len(w)))
	return t, nil
}

// fill gives bins without an event the weight of one, which is taken from all, so that the template adds up to what is expected, with what is outside of it.
func (t *Template) fill(one float64) {
	h := t.Nominal
	before := h.Under + h.Over
	for _, v := range h.SumW {
		before += v
	}
	after := before
	for k, v := range h.SumW {
		if !(v > 0) {
			h.SumW[k], h.SumW2[k] = one, one*one
			after += one - v
			t.filled++
		}
	}
	t.Nominal = t.times(before / after)
}

// round widens an interval to numbers of two digits of its width.
func round(low, high float64) (float64, float64) {
	if !(high > low) {
		return low - 0.5, low + 0.5
	}
	step := math.Pow(10, math.Floor(math.Log10(high-low))-1)
	return math.Floor(low/step) * step, math.Ceil(high/step) * step
}

// of is the template of a feature; nil for none.
func (r *Result) of(name string) *Template {
	for _, t := range r.templates {
		if t.Feature == name {
			return t
		}
	}
	return nil
}

// vary takes over what the closures say of the shape: in each bin the data less what is expected, over that, all regions together, but at least its
// statistical error, with the sum of the nominal kept.
func (t *Template) vary(closures []*Closed) {
	n := len(t.Nominal.SumW)
	off, expected, variance := make([]float64, n), make([]float64, n), make([]float64, n)
	for _, c := range closures {
		seen, like := c.Seen[t.Feature], c.Expected[t.Feature]
		for k := range n {
			off[k] += seen.SumW[k] - like.SumW[k]
			expected[k] += like.SumW[k]
			variance[k] += like.SumW2[k] + math.Max(seen.SumW2[k], like.SumW[k])
		}
	}
	t.Shape = make([]float64, n)
	var sum, total float64
	for k := range n {
		if expected[k] > 0 {
			v := math.Copysign(math.Max(math.Abs(off[k]), math.Sqrt(variance[k])), off[k]) / expected[k]
			t.Shape[k] = min(max(v, -0.9), 0.9)
		}
		sum += t.Shape[k] * t.Nominal.SumW[k]
		total += t.Nominal.SumW[k]
	}
	for k := range n {
		t.Shape[k] -= sum / total
	}
}

// varied is the nominal with the shape in a direction, 1 or -1; no bin falls to 0.
func (t *Template) varied(direction float64) *stats.Histogram {
	return t.scaled(func(bin int) float64 { return max(1+direction*t.Shape[bin], 0.01) })
}

// times is the nominal, of another number of events.
func (t *Template) times(factor float64) *stats.Histogram {
	h := t.scaled(func(int) float64 { return factor })
	h.Under, h.Over, h.Under2, h.Over2 = h.Under*factor, h.Over*factor, h.Under2*factor*factor, h.Over2*factor*factor
	return h
}

func (t *Template) scaled(factor func(bin int) float64) *stats.Histogram {
	h := *t.Nominal
	h.SumW, h.SumW2 = slices.Clone(h.SumW), slices.Clone(h.SumW2)
	for k := range h.SumW {
		f := factor(k)
		h.SumW[k] *= f
		h.SumW2[k] *= f * f
	}
	return &h
}
