package unfold

import (
	"math"
	"slices"
	"sort"

	"gonum.org/v1/gonum/mat"
)

// Cloud are unfolded events: the columns of the truth, and a weight each.
type Cloud struct {
	Columns [][]float64
	Weight  []float64

	Inefficient int       // draws whose efficiency is below what bounds their weight
	Params      []float32 // of the flow that drew them; nil for none
}

// effective is how many events of one weight tell as much.
func (c *Cloud) effective() float64 {
	var s, square float64
	for _, w := range c.Weight {
		s, square = s+w, square+w*w
	}
	return s * s / square
}

// fill is the sum of weights below the first edge, in each bin, and from the last edge on.
func fill(edges, x, weight []float64) []float64 {
	h := make([]float64, len(edges)+1)
	for i, v := range x {
		h[bin(edges, v)] += weight[i]
	}
	return h
}

// bin is 0 below the first edge.
func bin(edges []float64, v float64) int {
	return sort.Search(len(edges), func(k int) bool { return v < edges[k] })
}

// spectra are those of all columns of a cloud.
func (j *job) spectra(c *Cloud) (all [][]float64) {
	for k, x := range c.Columns {
		all = append(all, fill(j.edges[k], x, c.Weight))
	}
	return all
}

// newEdges are those of so many bins that hold as many of the values each, all but 1 % on either side, to three digits where these keep the bins apart.
func newEdges(x []float64, bins int) []float64 {
	x = slices.Sorted(slices.Values(x))
	edges, short := make([]float64, bins+1), make([]float64, bins+1)
	for k := range edges {
		edges[k] = x[int((0.01+0.98*float64(k)/float64(bins))*float64(len(x)-1))]
		short[k] = edges[k]
		if edges[k] != 0 {
			unit := math.Pow(10, math.Floor(math.Log10(math.Abs(edges[k])))-2)
			short[k] = math.Round(edges[k]/unit) * unit
		}
	}
	if ascending(short) {
		return short
	}
	return slices.Compact(edges) // of a column of few values
}

func ascending(x []float64) bool {
	for k := range x[1:] {
		if !(x[k] < x[k+1]) {
			return false
		}
	}
	return true
}

// covariance is that of replicas, each a list of as many numbers.
func covariance(replicas [][]float64) [][]float64 {
	n, bins := float64(len(replicas)), len(replicas[0])
	mean := make([]float64, bins)
	for _, r := range replicas {
		for b, v := range r {
			mean[b] += v / n
		}
	}
	c := make([][]float64, bins)
	for a := range c {
		c[a] = make([]float64, bins)
		for b := range c[a] {
			for _, r := range replicas {
				c[a][b] += (r[a] - mean[a]) * (r[b] - mean[b]) / (n - 1)
			}
		}
	}
	return c
}

func correlation(c [][]float64) [][]float64 {
	r := make([][]float64, len(c))
	for a := range c {
		for b := range c {
			r[a] = append(r[a], c[a][b]/math.Sqrt(c[a][a]*c[b][b])) // NaN of a bin that never changes
		}
	}
	return r
}

// chi2 is d C^-1 d, C the covariance of so many replicas, whose inverse is too large by (n-1)/(n-bins-2) (astro-ph/0608064), to which known variances are
// added; ok is false where replicas are too few for an inverse.
func chi2(d []float64, c [][]float64, more []float64, replicas int) (v float64, ok bool) {
	n, bins := float64(replicas), float64(len(d))
	if n < bins+3 {
		return 0, false
	}
	m := mat.NewSymDense(len(d), nil)
	for a := range d {
		for b := a; b < len(d); b++ {
			m.SetSym(a, b, c[a][b])
		}
		m.SetSym(a, a, m.At(a, a)+more[a])
	}
	var chol mat.Cholesky
	if !chol.Factorize(m) {
		return 0, false
	}
	x, y := mat.NewVecDense(len(d), d), mat.NewVecDense(len(d), nil)
	if err := chol.SolveVecTo(y, x); err != nil {
		return 0, false
	}
	return mat.Dot(x, y) * (n - bins - 2) / (n - 1), true
}
