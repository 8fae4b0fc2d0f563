package stats

import (
	"fmt"
	"math"
	"slices"
)

// Divergences are distances between the shapes a, b of two histograms: the share of each bin in the sum
// over bins. Logarithms are natural.
type Divergences struct {
	KL             float64 `json:"kl"`              // sum a log(a/b); +Inf where b is empty and a is not
	KLReverse      float64 `json:"kl_reverse"`      // sum b log(b/a)
	JS             float64 `json:"js"`              // Jensen-Shannon divergence, not its square root; at most log 2
	Hellinger      float64 `json:"hellinger"`       // sqrt(1 - sum sqrt(ab))
	TotalVariation float64 `json:"total_variation"` // sum |a-b| / 2
	Chi2           float64 `json:"chi2"`            // sum (a-b)^2 / (a+b) / 2, over bins where a+b is not 0
}

// Diverge compares two histograms with the same edges. pseudo is added to the content of every bin first:
// 0 takes them as they are, 0.5 keeps KL finite. Where a bin is negative, all but TotalVariation and Chi2
// are NaN.
func Diverge(x, y *Histogram, pseudo float64) (Divergences, error) {
	var d Divergences
	if !slices.Equal(x.Edges, y.Edges) {
		return d, fmt.Errorf("stats: the histograms have different edges")
	}
	extra := pseudo * float64(len(x.SumW))
	p, q := sum(x.SumW)+extra, sum(y.SumW)+extra
	if !(p > 0 && q > 0) {
		return d, fmt.Errorf("stats: the histograms hold %g and %g events between their edges; both must be positive", p, q)
	}
	overlap := 0.0
	for i := range x.SumW {
		a, b := (x.SumW[i]+pseudo)/p, (y.SumW[i]+pseudo)/q
		d.KL += relative(a, b)
		d.KLReverse += relative(b, a)
		d.JS += (relative(a, (a+b)/2) + relative(b, (a+b)/2)) / 2
		overlap += math.Sqrt(a) * math.Sqrt(b)
		d.TotalVariation += math.Abs(a-b) / 2
		if a+b != 0 {
			d.Chi2 += (a - b) * (a - b) / (a + b) / 2
		}
	}
	d.Hellinger = math.Sqrt(max(1-overlap, 0)) // rounding can pass 1; NaN stays
	return d, nil
}

// relative is a log(a/b), and its limit 0 for a = 0; NaN for a negative share.
func relative(a, b float64) float64 {
	switch {
	case a < 0 || b < 0:
		return math.NaN()
	case a == 0:
		return 0
	}
	return a * math.Log(a/b)
}

// positive joins bins, from the left, until neither sample's sum of weights is negative.
func positive(a, b *Histogram) (pa, pb *Histogram) {
	pa, pb = &Histogram{Edges: a.Edges[:1:1]}, &Histogram{Edges: b.Edges[:1:1]}
	var p, v, q, u float64
	for i := range a.SumW {
		p, v, q, u = p+a.SumW[i], v+a.SumW2[i], q+b.SumW[i], u+b.SumW2[i]
		for last := len(pa.SumW) - 1; i == len(a.SumW)-1 && last >= 0 && (p < 0 || q < 0); last-- {
			p, v, q, u = p+pa.SumW[last], v+pa.SumW2[last], q+pb.SumW[last], u+pb.SumW2[last]
			pa.pop()
			pb.pop()
		}
		if p >= 0 && q >= 0 {
			pa.push(a.Edges[i+1], p, v)
			pb.push(b.Edges[i+1], q, u)
			p, v, q, u = 0, 0, 0, 0
		}
	}
	return pa, pb
}
