package stats

import (
	"fmt"
	"math"
	"slices"
	"sort"
)

// CDF is the empirical cumulative distribution of one column: right-continuous, with a step of the
// event's share of the sum of weights at each value.
type CDF struct {
	x []float64 // ascending
	// cum[i] and cum2[i] are the sums of weights and of squared weights of x[:i]; nil where all weights are 1.
	cum, cum2 []float64
}

// NewCDF sorts a copy of x. Values that are not finite, weights that are not finite or do not sum to a
// positive number, and an empty sample are errors.
func NewCDF(x, w []float64) (*CDF, error) {
	c, _, err := newCDF(x, w)
	if err != nil {
		return nil, fmt.Errorf("stats: %w", err)
	}
	return c, nil
}

// newCDF gives the order of the values too.
func newCDF(x, w []float64) (*CDF, []int32, error) {
	if w != nil && len(w) != len(x) {
		return nil, nil, fmt.Errorf("%d values but %d weights", len(x), len(w))
	}
	if len(x) == 0 {
		return nil, nil, fmt.Errorf("no values")
	}
	if i := slices.IndexFunc(x, notFinite); i >= 0 {
		return nil, nil, fmt.Errorf("value %d is %v; drop it first", i, x[i])
	}
	c, o := &CDF{x: make([]float64, len(x))}, order(x)
	for i, at := range o {
		c.x[i] = x[at]
	}
	if w == nil {
		return c, o, nil
	}
	return c, o, c.accumulate(w, o)
}

// accumulate sums the weights in the order of the values. Equal values are ordered by weight, so that the sums do not depend on
// the order of the events.
func (c *CDF) accumulate(w []float64, order []int32) error {
	if i := slices.IndexFunc(w, notFinite); i >= 0 {
		return fmt.Errorf("weight %d is %v", i, w[i])
	}
	sorted := make([]float64, len(w))
	for i, at := range order {
		sorted[i] = w[at]
	}
	for i := 0; i < len(sorted); {
		end := i + 1
		for end < len(sorted) && c.x[end] == c.x[i] {
			end++
		}
		slices.Sort(sorted[i:end])
		i = end
	}
	c.cum, c.cum2 = make([]float64, len(w)+1), make([]float64, len(w)+1)
	for i, e := range sorted {
		c.cum[i+1] = c.cum[i] + e
		c.cum2[i+1] = c.cum2[i] + e*e
	}
	if sum, _ := c.sums(len(w)); !(sum > 0) || !finite(sum) {
		return fmt.Errorf("the sum of the weights is not a positive number; a distribution needs one")
	}
	return nil
}

func finite(v float64) bool { return v-v == 0 }

func notFinite(v float64) bool { return !finite(v) }

// sums gives the sums of weights and of squared weights of the first i values.
func (c *CDF) sums(i int) (w, w2 float64) {
	if c.cum == nil {
		return float64(i), float64(i)
	}
	return c.cum[i], c.cum2[i]
}

// share is the fraction of the sum of weights in the first i values.
func (c *CDF) share(i int) float64 {
	w, _ := c.sums(i)
	total, _ := c.sums(len(c.x))
	return w / total
}

// Effective is the effective number of events, (sum w)^2 / sum w^2: the size of an unweighted sample
// whose mean is known as well.
func (c *CDF) Effective() float64 { return effective(c.sums(len(c.x))) }

func effective(w, w2 float64) float64 {
	if w2 == 0 {
		return 0
	}
	return w * w / w2
}

// Quantile is the smallest value of the sample at which the distribution reaches p; with negative weights it
// is one such value.
func (c *CDF) Quantile(p float64) float64 {
	i := sort.Search(len(c.x), func(i int) bool { return c.share(i+1) >= p })
	return c.x[min(i, len(c.x)-1)]
}

// upTo is the number of values that are not above x.
func (c *CDF) upTo(x float64) int {
	return sort.Search(len(c.x), func(i int) bool { return c.x[i] > x })
}

// outside is the share of b beyond the range of a, and the probability p of as many events of either beyond the range of the
// other, on any side, by chance: that the k outermost of both samples together are all of one is about (n/(n+m))^k.
func outside(a, b *CDF) (share, p float64) {
	p = 1
	for _, s := range [][2]*CDF{{b, a}, {a, b}} {
		in, of := s[0], s[1]
		below := of.share(sort.SearchFloat64s(of.x, in.x[0]))
		above := 1 - of.share(of.upTo(in.x[len(in.x)-1]))
		n, m := of.Effective(), in.Effective()
		share = below + above
		p = min(p, 4*math.Pow(n/(n+m), n*max(below, above)))
	}
	return max(share, 0), p
}

// KS is the two-sample Kolmogorov-Smirnov statistic, the largest |F_a - F_b|, and the probability p of at
// least this under one common distribution: see distances.
func KS(a, b *CDF) (d, p float64) {
	ks, _ := distances(a, b, usual)
	return ks.Value, ks.P
}

// kolmogorov is the chance that Kolmogorov's distribution exceeds l: 2 sum (-1)^(k-1) exp(-2 k^2 l^2), or
// for small l, where this hardly converges, the same by its theta-function identity.
func kolmogorov(l float64) float64 {
	var s float64
	if l < 0.05 { // below 1e-200
		return 1
	}
	if l < 1 {
		for k := 1.0; k < 20; k += 2 {
			s += math.Exp(-k * k * math.Pi * math.Pi / (8 * l * l))
		}
		return 1 - math.Sqrt(2*math.Pi)/l*s
	}
	sign := 2.0
	for k := 1.0; k < 10; k++ {
		s += sign * math.Exp(-2*k*k*l*l)
		sign = -sign
	}
	return s
}

// Wasserstein1 is the earth mover's distance of order 1, the integral of |F_a - F_b|, in the column's unit.
func Wasserstein1(a, b *CDF) (w float64) {
	walk(a, b, func(width, diff float64) { w += width * math.Abs(diff) })
	return w
}

// Energy1D is the square of the energy distance of one column, twice the integral of (F_a - F_b)^2, in the
// column's unit.
func Energy1D(a, b *CDF) (e float64) {
	walk(a, b, func(width, diff float64) { e += 2 * width * diff * diff })
	return e
}

// walk visits the pooled values in order, with F_a - F_b from this value to the next and the width between.
func walk(a, b *CDF, visit func(width, diff float64)) {
	i, j := 0, 0
	for i < len(a.x) || j < len(b.x) {
		x := math.Inf(1)
		if i < len(a.x) {
			x = a.x[i]
		}
		if j < len(b.x) {
			x = min(x, b.x[j])
		}
		for i < len(a.x) && a.x[i] == x {
			i++
		}
		for j < len(b.x) && b.x[j] == x {
			j++
		}
		next := x
		switch {
		case i < len(a.x) && j < len(b.x):
			next = min(a.x[i], b.x[j])
		case i < len(a.x):
			next = a.x[i]
		case j < len(b.x):
			next = b.x[j]
		}
		visit(next-x, a.share(i)-b.share(j))
	}
}
