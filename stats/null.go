package stats

import (
	"math"
	"slices"

	"github.com/sluice-hep/sluice/internal/rng"
)

// steps is what chance makes of F_a - F_b from each of consecutive cells of a column to the next, in the limit of many events: independent
// normal numbers of some variance, less the part of their sum that falls to the cell. It is the multiplier bootstrap (van der Vaart and
// Wellner 1996, section 2.9), summed within cells: the law of the weights may be any, and another in either sample.
type steps struct {
	share    []float64 // of both samples together, by their effective numbers of events
	variance []float64
}

// add takes the sums of weights and of squares of a cell as shares of the sample's sum, and of its square.
func (s *steps) add(a, b, a2, b2, na, nb float64, counts bool) {
	common := (na*a + nb*b) / (na + nb)
	s.share = append(s.share, common)
	if counts { // under the hypothesis
		a2, b2 = common/na, common/nb
	}
	s.variance = append(s.variance, a2+b2)
}

// stepsOf are those between the bins of two histograms that hold all events.
func stepsOf(a, b *Histogram) (s steps) {
	p, q := sum(a.SumW), sum(b.SumW)
	na, nb, counts := effective(p, sum(a.SumW2)), effective(q, sum(b.SumW2)), a.counts() && b.counts()
	for i := range a.SumW {
		s.add(a.SumW[i]/p, b.SumW[i]/q, a.SumW2[i]/(p*p), b.SumW2[i]/(q*q), na, nb, counts)
	}
	return s
}

// deviation is the standard deviation of the difference in the cells from to to.
func (s steps) deviation(from, to int) float64 {
	part, v := sum(s.share[from:to]), sum(s.variance[from:to])
	return math.Sqrt(max(v*(1-2*part)+part*part*sum(s.variance), 0))
}

// draw fills d, one longer than cells, with F_a - F_b before each cell and after the last.
func (s steps) draw(d []float64, normal []float32) {
	var total, part float64
	for i, v := range s.variance {
		total += math.Sqrt(v) * float64(normal[i])
		d[i+1] = total
	}
	for i, f := range s.share {
		part += f
		d[i+1] -= part * total
	}
}

// nulls are how many draws are made from each null distribution, and their seed.
type nulls struct {
	draws int
	seed  uint64
}

// usual are those of all that asks for no others: p depends on the data alone.
var usual = nulls{draws: 999, seed: 1}

// null draws numbers that statistic makes of F_a - F_b, by the draw and, for random numbers of its own, that draw's source.
func (s steps) null(o nulls, statistic func(d []float64, src *rng.Source)) {
	n := len(s.share)
	d := make([]float64, n+1)
	normal := [2][]float32{make([]float32, n), make([]float32, n)}
	for i := range o.draws {
		if i%2 == 0 {
			rng.NormalPair(normal[0], normal[1], o.seed, rng.StreamTest, uint32(i/2), 0)
		}
		s.draw(d, normal[i%2])
		statistic(d, rng.New(o.seed, rng.StreamTest, 1<<31+uint32(i)))
	}
}

// process is the steps of the pooled values, in some 600 cells.
type process struct {
	steps
	low, high []float64 // the smallest and largest value of each cell
	// tied is by how much the typical step of F, the root of the sum of squared steps, is larger than it were without equal values.
	tied float64
}

const (
	finestCell  = 512 // no cell has more events than one in so many, but for those of one value
	towardsTail = 8   // nor more than one in so many of those beyond it
)

func newProcess(a, b *CDF) (p process) {
	na, nb, n := a.Effective(), b.Effective(), len(a.x)+len(b.x)
	counts := a.cum == nil && b.cum == nil
	var i0, j0, i, j int // the cell's events are those from i0 to i and from j0 to j
	var low, high float64
	flush := func() {
		if i == i0 && j == j0 {
			return
		}
		wa, va := a.between(i0, i)
		wb, vb := b.between(j0, j)
		p.add(wa, wb, va, vb, na, nb, counts)
		p.low, p.high = append(p.low, low), append(p.high, high)
		i0, j0 = i, j
	}
	for i < len(a.x) || j < len(b.x) {
		x := math.Inf(1)
		if i < len(a.x) {
			x = a.x[i]
		}
		if j < len(b.x) {
			x = min(x, b.x[j])
		}
		k, l := i, j
		for k < len(a.x) && a.x[k] == x {
			k++
		}
		for l < len(b.x) && b.x[l] == x {
			l++
		}
		most, many := max(1, min(n/finestCell, min(i+j, n-i-j)/towardsTail)), k-i+l-j
		p.tied += float64(many) / float64(n) * float64(many) / float64(n)
		if many+i-i0+j-j0 > most {
			flush()
			low = x
		} else if i == i0 && j == j0 {
			low = x
		}
		i, j, high = k, l, x
	}
	flush()
	p.tied = math.Sqrt(p.tied) - 1/math.Sqrt(float64(n))
	return p
}

// between is the share of the values from i to j in the sum of weights, and that of their squares in its square.
func (c *CDF) between(i, j int) (share, square float64) {
	total, _ := c.sums(len(c.x))
	w0, v0 := c.sums(i)
	w1, v1 := c.sums(j)
	return (w1 - w0) / total, (v1 - v0) / (total * total)
}

// ks is the largest |F_a - F_b| of a draw. Within a cell of several values it goes as a Brownian bridge, whose extremes are drawn.
func (p process) ks(d []float64, src *rng.Source) (most float64) {
	for _, v := range d {
		most = max(most, math.Abs(v))
	}
	for i, v := range p.variance {
		if p.high[i] == p.low[i] || max(math.Abs(d[i]), math.Abs(d[i+1]))+4*math.Sqrt(v) < most {
			continue
		}
		for _, sign := range []float64{1, -1} {
			from, to := sign*d[i], sign*d[i+1]
			most = max(most, (from+to+math.Sqrt((to-from)*(to-from)-2*v*math.Log(src.Float64())))/2)
		}
	}
	return most
}

// w1 is the integral of |F_a - F_b| of a draw.
func (p process) w1(d []float64) (w float64) {
	for i := range p.share {
		w += (p.high[i] - p.low[i]) * math.Abs(d[i]+d[i+1]) / 2
		if i+1 < len(p.share) {
			w += (p.low[i+1] - p.high[i]) * math.Abs(d[i+1])
		}
	}
	return w
}

// fewTies is the typical step of F, for ties, below which Kolmogorov's distribution holds to some 3 % of p: of all steps of size s, the largest
// |F_a - F_b| is about 0.6 s standard deviations smaller than that of a continuous column.
const fewTies = 0.01

// distances are the Kolmogorov-Smirnov statistic, the largest |F_a - F_b|, and the Wasserstein-1 distance, with what chance makes of them.
//
// The p of the former is asymptotic with Stephens' correction for small samples (J. R. Stat. Soc. B 32 (1970) 115) where every event weighs 1 and
// few values are equal, or events are few: equal values then make it too large. Otherwise it is by draws from the null process, and beyond all but
// ten of these by the tail exp(-d^2 / 2 s^2) that the largest of a normal process has, with s its largest standard deviation: no draws tell a p below
// their number. A p is 1 where there are too few effective events to tell it.
func distances(a, b *CDF, o nulls) (ks, w1 Test) {
	var d float64
	walk(a, b, func(_, diff float64) { d = max(d, math.Abs(diff)) })
	p := newProcess(a, b)
	ksNull, w1Null := make([]float64, 0, o.draws), make([]float64, 0, o.draws)
	p.null(o, func(d []float64, src *rng.Source) {
		ksNull, w1Null = append(ksNull, p.ks(d, src)), append(w1Null, p.w1(d))
	})
	ks, w1 = newTest(d, ksNull), newTest(Wasserstein1(a, b), w1Null)
	na, nb := a.Effective(), b.Effective()
	few := min(na, nb) < fewest
	switch n := math.Sqrt(na / (na + nb) * nb); {
	case a.cum == nil && b.cum == nil && (p.tied < fewTies || few) && n >= 1:
		ks.P, ks.Draws = kolmogorov((n+0.12+0.11/n)*d), 0
	case few:
		ks.P = 1
	default:
		ks.P = p.tail(d, ks.P, ksNull)
	}
	if few {
		w1.P = 1
	}
	return ks, w1
}

const tailDraws = 10 // begin the tail

// tail is the probability of at least d, given that by the draws.
func (p process) tail(d, byDraws float64, null []float64) float64 {
	slices.Sort(null)
	beyond := min(tailDraws, len(null))
	from := null[len(null)-beyond]
	if d <= from {
		return byDraws
	}
	s := 0.0
	for i := range p.share {
		s = max(s, p.deviation(0, i+1))
	}
	return float64(beyond) / float64(len(null)) * math.Exp(-(d*d-from*from)/(2*s*s))
}
