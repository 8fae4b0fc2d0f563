package stats

import (
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/sluice-hep/sluice/internal/rng"
)

// Chi2 compares the shapes of two histograms with the same edges; what lies outside the edges does not
// enter. Where every event weighs 1 it is Pearson's test of homogeneity of counts; otherwise
// sum (p/P - q/Q)^2 / (v/P^2 + u/Q^2) with p, q the sums of weights, v, u those of squared weights, P, Q
// the totals (Gagunashvili, arXiv:physics/0605123), which wants at least some ten events a bin. ndf is the
// number of bins that are not empty, less one. ndf is 0 where there is nothing to compare.
func Chi2(a, b *Histogram) (chi2 float64, ndf int, err error) {
	if !slices.Equal(a.Edges, b.Edges) {
		return 0, 0, fmt.Errorf("stats: the histograms have different edges")
	}
	p, q := sum(a.SumW), sum(b.SumW)
	if p == 0 || q == 0 {
		return 0, 0, nil
	}
	counts := a.counts() && b.counts()
	for i := range a.SumW {
		variance := a.SumW2[i]/(p*p) + b.SumW2[i]/(q*q)
		if variance == 0 {
			continue
		}
		if counts { // under the hypothesis: the common share (a+b)/(p+q), times 1/p + 1/q
			variance = (a.SumW[i] + b.SumW[i]) / (p * q)
		}
		d := a.SumW[i]/p - b.SumW[i]/q
		chi2 += d * d / variance
		ndf++
	}
	return chi2, max(ndf-1, 0), nil
}

// Chi2P is the probability of at least this chi2 by chance; 1 where ndf is 0.
func Chi2P(chi2 float64, ndf int) float64 {
	if ndf < 1 {
		return 1
	}
	return distuv.ChiSquared{K: float64(ndf)}.Survival(chi2)
}

// minEntries is the least number of effective entries that is expected of either sample in a bin that
// chi2 is computed from, so that its terms are near to normal.
const minEntries = 10

// join bins two samples for Chi2. The edges are quantiles of a, every 2 % and at 0.1, 0.5 and 1 %
// of either end; the outer bins are open; a value at which several quantiles meet (an atom, an integer)
// has a bin of its own. Bins are then joined, from the left, until each is expected to hold minEntries of
// either sample, by the share of the two samples together: were it by either alone, bins would tend to end
// where that sample fluctuates up, and chi2 be too large.
func join(a, b *CDF) (ma, mb *Histogram) {
	edges := quantileEdges(a)
	return merge(a.histogram(edges), b.histogram(edges))
}

// Window is a range of a column in which two samples differ: the share of either in it, and the probability that any window
// of this width or another differs so much by chance. It sees a peak or a hole that chi2 of all bins dilutes.
type Window struct {
	From      float64 `json:"from"`
	To        float64 `json:"to"`
	Reference float64 `json:"reference"`
	Generated float64 `json:"generated"`
	P         float64 `json:"p"`
}

// window is that of 1, 2, 4 or 8 bins whose difference is least like chance. Bins must hold enough events for normal errors. Its probability
// is by draws, and below what these can tell that of one window times their number.
func window(a, b *Histogram, o nulls) (most Window) {
	p, q, n := sum(a.SumW), sum(b.SumW), len(a.SumW)
	most = Window{From: a.Edges[0], To: a.Edges[n], Reference: 1, Generated: 1, P: 1}
	s := stepsOf(a, b)
	type part struct {
		from, to  int
		deviation float64
	}
	var parts []part
	z := 0.0
	for width := 1; width <= 8 && width < n; width *= 2 {
		for i := 0; i+width <= n; i++ {
			w := part{i, i + width, s.deviation(i, i+width)}
			parts = append(parts, w)
			x, y := sum(a.SumW[i:w.to]), sum(b.SumW[i:w.to])
			if at := math.Abs(x/p-y/q) / w.deviation; at > z {
				z, most = at, Window{From: a.Edges[i], To: a.Edges[w.to], Reference: x / p, Generated: y / q}
			}
		}
	}
	if z == 0 {
		return most
	}
	var null []float64
	s.null(o, func(d []float64, _ *rng.Source) {
		largest := 0.0
		for _, w := range parts {
			largest = max(largest, math.Abs(d[w.to]-d[w.from])/w.deviation)
		}
		null = append(null, largest)
	})
	if most.P = chance(z, null); z > slices.Max(null) {
		most.P = min(most.P, float64(len(parts))*math.Erfc(z/math.Sqrt2))
	}
	return most
}

func quantileEdges(a *CDF) []float64 {
	p := []float64{0.001, 0.005, 0.01}
	for k := 1; k < 50; k++ {
		p = append(p, float64(k)/50)
	}
	edges := []float64{math.Inf(-1)}
	for _, p := range append(p, 0.99, 0.995, 0.999) {
		switch q, last := a.Quantile(p), edges[len(edges)-1]; {
		case q > last:
			edges = append(edges, q)
		case q == last:
			edges = append(edges, math.Nextafter(q, math.Inf(1)))
		}
	}
	return append(edges, math.Inf(1))
}

// merge joins bins of two histograms with the same edges, as chi2Between says.
func merge(a, b *Histogram) (ma, mb *Histogram) {
	na, nb := effective(sum(a.SumW), sum(a.SumW2)), effective(sum(b.SumW), sum(b.SumW2))
	ma, mb = &Histogram{Edges: a.Edges[:1:1]}, &Histogram{Edges: b.Edges[:1:1]}
	var p, v, q, u float64
	flush := func(edge float64) {
		ma.push(edge, p, v)
		mb.push(edge, q, u)
		p, v, q, u = 0, 0, 0, 0
	}
	for i := range a.SumW {
		p, v, q, u = p+a.SumW[i], v+a.SumW2[i], q+b.SumW[i], u+b.SumW2[i]
		share := (effective(p, v) + effective(q, u)) / (na + nb)
		if share*min(na, nb) >= minEntries {
			flush(a.Edges[i+1])
		}
	}
	if last := len(ma.SumW) - 1; last >= 0 { // what is left joins the last bin
		p, v, q, u = p+ma.SumW[last], v+ma.SumW2[last], q+mb.SumW[last], u+mb.SumW2[last]
		ma.pop()
		mb.pop()
	}
	flush(a.Edges[len(a.Edges)-1])
	return ma, mb
}

func (h *Histogram) push(edge, w, w2 float64) {
	h.Edges, h.SumW, h.SumW2 = append(h.Edges, edge), append(h.SumW, w), append(h.SumW2, w2)
}

func (h *Histogram) pop() {
	n := len(h.SumW) - 1
	h.Edges, h.SumW, h.SumW2 = h.Edges[:n+1], h.SumW[:n], h.SumW2[:n]
}
