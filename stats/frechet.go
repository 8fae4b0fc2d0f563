package stats

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/mat"
)

// Frechet is the square of the Frechet distance of two normal densities, |m - n|^2 + Tr(S + T - 2 (S T)^(1/2)), with means m, n and
// covariances S, T. The trace of the root is the sum of the singular values of S^(1/2) T^(1/2), roots by symmetric eigenvalues: it is
// real, and a matrix without full rank loses no digits. Negative eigenvalues, which negative weights or rounding make, count as 0.
func Frechet(m []float64, s *mat.SymDense, n []float64, t *mat.SymDense) float64 {
	var square float64
	for k, v := range m {
		square += (v - n[k]) * (v - n[k])
	}
	rs, traceS := root(s)
	rt, traceT := root(t)
	if rs == nil || rt == nil {
		return math.NaN()
	}
	var product mat.Dense
	var svd mat.SVD
	if product.Mul(rs, rt); !svd.Factorize(&product, mat.SVDNone) {
		return math.NaN()
	}
	return max(0, square+traceS+traceT-2*sum(svd.Values(nil)))
}

// root is V sqrt(L) V' of V L V', and the trace of L; nil where it has no eigenvalues because a number is not finite.
func root(s *mat.SymDense) (r *mat.Dense, trace float64) {
	n := s.SymmetricDim()
	for i := range n {
		for j := range n {
			if !finite(s.At(i, j)) {
				return nil, 0
			}
		}
	}
	var eigen mat.EigenSym
	if !eigen.Factorize(s, true) {
		return nil, 0
	}
	var v, scaled mat.Dense
	eigen.VectorsTo(&v)
	l := eigen.Values(nil)
	for k := range l {
		l[k] = max(l[k], 0)
		trace += l[k]
		l[k] = math.Sqrt(l[k])
	}
	scaled.Mul(&v, mat.NewDiagDense(n, l))
	r = &mat.Dense{}
	r.Mul(&scaled, v.T())
	return r, trace
}

// frechet is the distance of samples of which sums of degree 2 are known: covariances with n-1, or what that is with weights.
func frechet(a []float64, w2a float64, b []float64, w2b float64, d int) float64 {
	m, s := normal(a, w2a, d)
	n, t := normal(b, w2b, d)
	if m == nil || n == nil {
		return math.Inf(1)
	}
	return Frechet(m, s, n, t)
}

// normal gives mean and covariance by sums of degree 2; nil where weights of both signs leave none.
func normal(sums []float64, w2 float64, d int) (mean []float64, s *mat.SymDense) {
	at := func(i, j int) float64 { return sums[i*(i+1)/2+j] }
	w := at(0, 0)
	bias := 1 - w2/(w*w)
	if !(w > 0) || !(bias > 0) {
		return nil, nil
	}
	mean, s = make([]float64, d), mat.NewSymDense(d, nil)
	for i := range d {
		mean[i] = at(i+1, 0) / w
		for j := range i + 1 {
			s.SetSym(i, j, (at(i+1, j+1)/w-mean[i]*mean[j])/bias)
		}
	}
	return mean, s
}

// JetNet's numbers for FPD: sizes of batches, evenly spaced in 1/size, and batches of each.
const (
	smallestBatch = 20000
	largestBatch  = 50000
	batchSizes    = 10
	batchesEach   = 20
	mostFrechet   = 100 // columns: the time of a root is that of their number cubed
)

// FPD is the Frechet physics distance as JetNet defines it (arXiv:2211.10295): columns divided by the largest |x| of the reference, the
// Frechet distance of batches of 10 sizes from 20,000 to 50,000, 20 of each, drawn with replacement, and a straight line through their
// means over 1/size, to size infinity; Error is that of the line. With weights, events are drawn evenly, and means and covariances weighted.
//
// As events are drawn anew from the samples at hand, Value estimates the distance of these, which is not 0 for samples of one
// distribution: NullMean is that distance by chance, NullStd its scatter and that of the batches, and P the probability of the distance of
// the whole samples, from permutations between them.
func FPD(ref, gen Sample, o QualityOptions) Test {
	if cannot := unfit(ref, gen); cannot != "" {
		return Test{Cannot: cannot}
	}
	d := len(ref.Columns)
	if d > mostFrechet {
		return Test{Cannot: fmt.Sprintf("the Frechet distance of %d columns takes minutes; name at most %d", d, mostFrechet)}
	}
	r, g := byLargest(ref, gen)
	r.shift = make([]float64, d)
	for k, c := range ref.Columns { // no distance depends on it, but a narrow peak far from 0 keeps its digits
		r.shift[k] = NewMoments(c, ref.Weights).Mean
	}
	g.shift = r.shift
	value, scatter := extrapolate(frechetBatches(r, g, o))
	if !finite(value) || !finite(scatter) {
		return Test{Cannot: "the generated sample is so far out, or its weights are so negative, that its covariance overflows or is none"}
	}
	draws := permutations
	if d > 20 {
		draws = 199
	}
	t := frechetTest(r, g, draws, o)
	if t.Cannot != "" {
		return t
	}
	t.Value, t.Error, t.NullStd = value, scatter, math.Hypot(t.NullStd, scatter)
	return t
}

// frechetTest is the distance of the whole samples.
func frechetTest(ref, gen affine, draws int, o QualityOptions) Test {
	b := newBlocks(ref, gen, 2, mostBlocks, o)
	return b.test(draws, o, func(order []int32) float64 {
		r, w2r := b.total(order[:b.each])
		g, w2g := b.total(order[b.each:])
		return frechet(r, w2r, g, w2g, len(ref.Columns))
	})
}

// total is the sums over blocks.
func (b *blocks) total(which []int32) (sums []float64, w2 float64) {
	sums = make([]float64, len(b.of[0].sum))
	for _, i := range which {
		for k, v := range b.of[i].sum {
			sums[k] += v
		}
		w2 += b.of[i].w2
	}
	return sums, w2
}

// frechetBatches are the sizes, inverted, and the mean distance of the batches of each.
func frechetBatches(ref, gen affine, o QualityOptions) (inverse, mean []float64) {
	first, last := 1/float64(smallestBatch), 1/float64(largestBatch)
	var size []int
	for i := range batchSizes {
		v := first + float64(i)*(last-first)/(batchSizes-1)
		size = append(size, int(1/v))
		inverse = append(inverse, 1/float64(size[i]))
	}
	d := len(ref.Columns)
	values := make([]float64, batchSizes*batchesEach)
	o.spread(len(values), func(i int) {
		src := o.source(partBatch + uint32(i))
		events := make([]int32, size[i/batchesEach])
		var sums [2]*powers
		for s, from := range []affine{ref, gen} {
			sums[s] = newPowers(from, 2)
			sums[s].add(draw(events, from.len(), src))
		}
		values[i] = frechet(sums[0].sum, sums[0].w2, sums[1].sum, sums[1].w2, d)
	})
	for i := range batchSizes {
		mean = append(mean, sum(values[i*batchesEach:][:batchesEach])/batchesEach)
	}
	return inverse, mean
}

// extrapolate fits y = a + b x with a, b >= 0 by least squares, and gives a with its error by the scatter about the line.
func extrapolate(x, y []float64) (a, err float64) {
	n := float64(len(x))
	mx, my := sum(x)/n, sum(y)/n
	var xx, xy float64
	for i, v := range x {
		xx += (v - mx) * (v - mx)
		xy += (v - mx) * (y[i] - my)
	}
	b := max(xy/xx, 0)
	if a = my - b*mx; a < 0 {
		a, b = 0, (xy+n*mx*my)/(xx+n*mx*mx)
	}
	var left float64
	for i, v := range x {
		r := y[i] - a - b*v
		left += r * r
	}
	return a, math.Sqrt(left / (n - 2) * (1/n + mx*mx/xx))
}
