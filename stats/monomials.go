package stats

// affine shows the columns of a sample as (x-shift) scale, without a copy of them.
type affine struct {
	Sample
	shift, scale []float64
}

// powers sums over events products of the columns: w z_i z_j ... of degree factors, i >= j >= ..., z_0 being 1. Of degree 2 that is the
// lower triangle of sum w z z', and so every moment up to the second. The sums that a kernel (x.y/d + 1)^4 makes over all pairs of two
// samples are scalar products of their sums of degree 4, C(d+4, 4) numbers: no pair is ever looked at.
type powers struct {
	degree    int
	z         [][]float64 // 1 and the columns, of the events of a tile
	partial   [][]float64 // w z_i z_j ... of 0, 1, ... factors
	sum       []float64
	w2, self  float64 // sum of w^2, and of w^2 (z.z)^degree: that of pairs of an event with itself
	squares   []float64
	fromTable affine
}

const tile = 128 // events whose columns lie in the nearest cache

func newPowers(from affine, degree int) *powers {
	d := len(from.Columns) + 1
	p := &powers{degree: degree, fromTable: from, sum: make([]float64, monomials(d, degree)), squares: make([]float64, tile)}
	for range d {
		p.z = append(p.z, make([]float64, tile))
	}
	for range degree {
		p.partial = append(p.partial, make([]float64, tile))
	}
	for i := range p.z[0] {
		p.z[0][i] = 1
	}
	return p
}

// monomials is the number of those of a degree in d variables, C(d+degree-1, degree).
func monomials(d, degree int) int {
	n := 1
	for k := range degree {
		n = n * (d + k) / (k + 1)
	}
	return n
}

// add sums over the events of these numbers; one that is there twice counts twice.
func (p *powers) add(events []int32) {
	for len(events) > 0 {
		n := min(len(events), tile)
		p.take(events[:n])
		p.products(p.sum, 0, len(p.z)-1, n)
		events = events[n:]
	}
}

func (p *powers) take(events []int32) {
	w, squares := p.partial[0][:len(events)], p.squares[:len(events)]
	for i, e := range events {
		w[i], squares[i] = weight(p.fromTable.Weights, int(e)), 1
	}
	for k, c := range p.fromTable.Columns {
		z, shift, scale := p.z[k+1], p.fromTable.shift[k], p.fromTable.scale[k]
		for i, e := range events {
			v := (c[e] - shift) * scale
			z[i] = v
			squares[i] += v * v
		}
	}
	for i, v := range w {
		p.w2 += v * v
		self := v * v
		for range p.degree {
			self *= squares[i]
		}
		p.self += self
	}
}

// products adds to the sums those that go on from a partial product with factors up to number last, and returns the sums left.
func (p *powers) products(sum []float64, factors, last, n int) []float64 {
	t := p.partial[factors][:n]
	if factors == p.degree-1 {
		k := 0
		for ; k+3 <= last; k += 4 {
			a, b, c, d := dot4(t, p.z[k], p.z[k+1], p.z[k+2], p.z[k+3])
			sum[k] += a
			sum[k+1] += b
			sum[k+2] += c
			sum[k+3] += d
		}
		for ; k <= last; k++ {
			sum[k] += dot(t, p.z[k])
		}
		return sum[last+1:]
	}
	next := p.partial[factors+1][:n]
	for k := range last + 1 {
		z := p.z[k][:n]
		for i, v := range t {
			next[i] = v * z[i]
		}
		sum = p.products(sum, factors+1, k, n)
	}
	return sum
}

func dot(t, x []float64) (s float64) {
	x = x[:len(t)]
	for i, v := range t {
		s += v * x[i]
	}
	return s
}

func dot4(t, x0, x1, x2, x3 []float64) (s0, s1, s2, s3 float64) {
	x0, x1, x2, x3 = x0[:len(t)], x1[:len(t)], x2[:len(t)], x3[:len(t)]
	for i, v := range t {
		s0 += v * x0[i]
		s1 += v * x1[i]
		s2 += v * x2[i]
		s3 += v * x3[i]
	}
	return s0, s1, s2, s3
}

// multinomial is how often each monomial stands in (z.y)^degree, in the order of the sums.
func multinomial(d, degree int) []float64 {
	var all []float64
	factorial := 1.0
	for k := range degree {
		factorial *= float64(k + 1)
	}
	// run is the number of times that the factor before, of number last, was chosen in a row
	var choose func(factors, last, run int, ways float64)
	choose = func(factors, last, run int, ways float64) {
		if factors == 0 {
			all = append(all, ways)
			return
		}
		for k := range last + 1 {
			again := 1
			if k == last && factors < degree {
				again = run + 1
			}
			choose(factors-1, k, again, ways/float64(again))
		}
	}
	choose(degree, d-1, 0, factorial)
	return all
}
