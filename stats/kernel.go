package stats

import (
	"fmt"
	"math"
	"slices"
)

// JetNet's numbers for KPD.
const (
	kernelDegree  = 4
	kernelBatches = 10
	kernelBatch   = 5000
	medianScatter = 0.4   // of 10 batches, in those of one: sqrt(pi/2/10)
	mostKernel    = 50    // columns: the time goes with the fourth power of their number
	mostSums      = 2.1e9 // products summed over events for the permutations, some seconds
	mostKept      = 8e6   // numbers kept of the blocks
)

// KPD is the kernel physics distance as JetNet defines it (arXiv:2211.10295): columns divided by the largest |x| of the reference, the
// unbiased square of the maximum mean discrepancy with the kernel (x.y/d + 1)^4 of 10 batches of 5,000 events, drawn with
// replacement. Value is their median, Error half of the range from 16.275 to 83.725 % of them. With weights, events are drawn evenly, and pairs weighted.
//
// As with FPD, Value estimates the distance of the samples at hand, pairs of an event with itself included: NullMean is that distance
// by chance, NullStd its scatter and that of the median, and P the probability of the distance of the whole samples, from permutations between them.
func KPD(ref, gen Sample, o QualityOptions) Test {
	if cannot := unfit(ref, gen); cannot != "" {
		return Test{Cannot: cannot}
	}
	d := len(ref.Columns)
	if d > mostKernel {
		return Test{Cannot: fmt.Sprintf("the kernel distance of %d columns takes minutes; name at most %d", d, mostKernel)}
	}
	r, g := kernelScale(ref, gen)
	ways := multinomial(d+1, kernelDegree)
	values := kernelDistances(r, g, ways, o)
	slices.Sort(values)
	value, scatter := Quantile(values, 0.5), (Quantile(values, 0.83725)-Quantile(values, 0.16275))/2
	if !finite(value) || !finite(scatter) {
		return Test{Cannot: "the generated sample is so far out, or its weights are so negative, that the kernel overflows or has no mean"}
	}
	most, events := int(mostSums/float64(len(ways))/2), 0
	if max(r.len(), g.len()) > most {
		events = most
		r.Sample, g.Sample = r.pick(most, o.source(partChoose)), g.pick(most, o.source(partChoose+1))
	}
	t := kernelTest(r, g, ways, permutations, o)
	if t.Cannot != "" {
		return t
	}
	t.Value, t.Error, t.NullStd, t.Events = value, scatter, math.Hypot(t.NullStd, medianScatter*scatter), events
	return t
}

// kernelTest is the distance of the whole samples.
func kernelTest(ref, gen affine, ways []float64, draws int, o QualityOptions) Test {
	b := newBlocks(ref, gen, kernelDegree, min(mostBlocks, int(mostKept)/len(ways)/2), o)
	products := b.products(ways, o)
	return b.test(draws, o, func(order []int32) float64 { return b.discrepancy(order, products) })
}

// kernelScale has x.y of scaled events be x.y/d of JetNet's.
func kernelScale(ref, gen Sample) (r, g affine) {
	r, g = byLargest(ref, gen)
	for k := range r.scale {
		r.scale[k] /= math.Sqrt(float64(len(r.scale)))
	}
	return r, g
}

func kernelDistances(ref, gen affine, ways []float64, o QualityOptions) []float64 {
	var sums [2 * kernelBatches]*powers
	o.spread(len(sums), func(i int) {
		from := ref
		if i%2 == 1 {
			from = gen
		}
		sums[i] = newPowers(from, kernelDegree)
		sums[i].add(draw(make([]int32, kernelBatch), from.len(), o.source(partBatch+uint32(i))))
	})
	var values []float64
	for i := 0; i < len(sums); i += 2 {
		values = append(values, unbiased(sums[i], sums[i+1], ways))
	}
	return values
}

// unbiased is the square of the discrepancy without pairs of an event with itself.
func unbiased(a, b *powers, ways []float64) float64 {
	within := func(p *powers) float64 {
		return (kernelSum(p, p, ways) - p.self) / (p.sum[0]*p.sum[0] - p.w2)
	}
	return within(a) + within(b) - 2*kernelSum(a, b, ways)/(a.sum[0]*b.sum[0])
}

// kernelSum is the kernel summed over all pairs of events.
func kernelSum(a, b *powers, ways []float64) (s float64) {
	for k, v := range ways {
		s += v * a.sum[k] * b.sum[k]
	}
	return s
}

// products are the kernel's sums over the pairs of each two blocks.
func (b *blocks) products(ways []float64, o QualityOptions) []float64 {
	n := len(b.of)
	p := make([]float64, n*n)
	o.spread(n, func(i int) {
		for j := range i + 1 {
			p[i*n+j] = kernelSum(b.of[i], b.of[j], ways)
		}
	})
	for i := range n {
		for j := range i {
			p[j*n+i] = p[i*n+j]
		}
	}
	return p
}

// discrepancy is its square, pairs of an event with itself included, between the blocks of the first half of the order and the others.
func (b *blocks) discrepancy(order []int32, products []float64) (s float64) {
	n := len(b.of)
	var total [2]float64
	for i, k := range order {
		total[i/b.each] += b.of[k].sum[0]
	}
	if !(min(total[0], total[1]) > 0) {
		return math.Inf(1)
	}
	sign := make([]float64, n)
	for i, k := range order {
		sign[k] = 1 / total[i/b.each]
		if i >= b.each {
			sign[k] = -sign[k]
		}
	}
	for i, v := range sign {
		s += v * dot(sign, products[i*n:][:n])
	}
	return s
}

// Quantile of ascending values, between them by a straight line; NaN of none.
func Quantile(x []float64, p float64) float64 {
	if len(x) == 0 {
		return math.NaN()
	}
	at := p * float64(len(x)-1)
	i := int(at)
	if i == len(x)-1 {
		return x[i]
	}
	return x[i] + (at-float64(i))*(x[i+1]-x[i])
}
