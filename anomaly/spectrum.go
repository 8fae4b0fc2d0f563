package anomaly

import (
	"errors"
	"fmt"
	"math"

	"gonum.org/v1/gonum/mathext"
)

// spectrum is a histogram of the mass, with the smooth function that dijet searches fit to it,
//
//	f(x) = p1 (1-x)^p2 / x^(p3 + p4 ln x),   x = m/M,
//
// M being twice the upper end of the spectrum, where theirs is the centre-of-mass energy. Its logarithm is linear in ln p1, p2, p3 and p4, so that the
// likelihood has one maximum, which Newton's method finds. p4 is 0 where fewer than 1000 events are fitted, and p2 too
// where fewer than 100 are; to fewer than 20 no function is fitted.
type spectrum struct {
	edges []float64
	count []float64
	basis [][]float64 // of log f in each bin, orthonormal over the bins
}

// parameters are those of a function that is fitted to so many events; 0 for none.
func parameters(events float64) int {
	switch {
	case events >= 1000:
		return 4
	case events >= 100:
		return 3
	case events >= 20:
		return 2
	}
	return 0
}

// newSpectrum has bins of an eighth of the signal region, as many as fit between the ends of the sidebands.
func (t *trial) newSpectrum() *spectrum {
	low, high := t.mass[t.rows[0]], t.mass[t.rows[0]]
	for _, i := range t.rows {
		low, high = min(low, t.mass[i]), max(high, t.mass[i])
	}
	if s := t.search.Sidebands; s.Low < s.High {
		low, high = max(low, s.Low), min(high, s.High)
	}
	r := t.search.SignalRegion
	width := (r.High - r.Low) / regionBins
	below, above := int((r.Low-low)/width+1e-6), int((high-r.High)/width+1e-6)
	s := &spectrum{count: make([]float64, below+regionBins+above)}
	for k := range len(s.count) + 1 {
		s.edges = append(s.edges, math.Round((r.Low+float64(k-below)*width)*1e9)/1e9)
	}
	s.makeBasis()
	return s
}

const regionBins = 8

// makeBasis orthonormalises 1, ln x, ln(1-x) and ln^2 x.
func (s *spectrum) makeBasis() {
	top := 2 * s.edges[len(s.edges)-1]
	powers := make([][]float64, 4)
	for k := range s.count {
		x := (s.edges[k] + s.edges[k+1]) / 2 / top
		log := math.Log(x)
		for p, v := range []float64{1, log, math.Log1p(-x), log * log} {
			powers[p] = append(powers[p], v)
		}
	}
	s.basis = make([][]float64, len(s.count))
	for p, v := range powers {
		for range 2 { // twice is enough
			for q := range p {
				dot := inner(v, powers[q])
				for k := range v {
					v[k] -= dot * powers[q][k]
				}
			}
		}
		norm := math.Sqrt(inner(v, v))
		for k := range v {
			v[k] /= norm
			s.basis[k] = append(s.basis[k], v[k])
		}
	}
}

func inner(a, b []float64) (sum float64) {
	for i := range a {
		sum += a[i] * b[i]
	}
	return sum
}

// of is the spectrum, with the same bins, of masses.
func (s *spectrum) of(mass []float64) *spectrum {
	own := *s
	own.count = make([]float64, len(s.count))
	width := s.edges[1] - s.edges[0]
	for _, m := range mass {
		if k := int(math.Floor((m-s.edges[0])/width + 1e-9)); k >= 0 && k < len(own.count) {
			own.count[k]++
		}
	}
	return &own
}

// bins are the first of those from low on, and the first from high on.
func (s *spectrum) bins(low, high float64) (from, to int) {
	width := s.edges[1] - s.edges[0]
	return int(math.Round((low - s.edges[0]) / width)), int(math.Round((high - s.edges[0]) / width))
}

// smooth is the function fitted to all bins but those of a window: the events expected in each bin, and how well the coefficients are known.
type smooth struct {
	theta    []float64 // of basis
	expected []float64
	basis    [][]float64

	information square  // of theta, whose inverse is their covariance
	chi2        float64 // Pearson's, of the bins fitted that expect 5 events or more
	ndf         int
}

// fit is the likeliest function for the bins before from and those from to on.
func (s *spectrum) fit(from, to int) (*smooth, error) { return s.fitFrom(nil, from, to) }

// fitFrom begins at the coefficients of another fit, or, where that is nil, at a flat function.
func (s *spectrum) fitFrom(start *smooth, from, to int) (*smooth, error) {
	var total float64
	bins := 0
	for k, n := range s.count {
		if k < from || k >= to {
			total += n
			bins++
		}
	}
	parameters := parameters(total)
	if parameters == 0 || bins <= parameters {
		return nil, fmt.Errorf("%g events in %d bins beside the window are too few to fit a smooth function to", total, bins)
	}
	f := &smooth{expected: make([]float64, len(s.count)), basis: make([][]float64, len(s.count)), ndf: -parameters}
	for k := range s.basis {
		f.basis[k] = s.basis[k][:parameters]
	}
	f.theta = make([]float64, parameters)
	if start != nil && len(start.theta) == parameters {
		copy(f.theta, start.theta)
	} else {
		f.theta[0] = math.Log(total/float64(bins)) / f.basis[0][0]
	}
	if err := f.climb(s.count, from, to); err != nil {
		return nil, err
	}
	for k, n := range s.count {
		if (k < from || k >= to) && f.expected[k] >= 5 {
			f.chi2 += (n - f.expected[k]) * (n - f.expected[k]) / f.expected[k]
			f.ndf++
		}
	}
	return f, nil
}

// climb goes up by Newton's steps, each halved until the likelihood rises.
func (f *smooth) climb(count []float64, from, to int) error {
	theta, trial := f.theta, make([]float64, len(f.theta))
	last := f.likelihood(theta, count, from, to)
	for range 60 {
		information, gradient := f.derivatives(count, from, to)
		step, ok := information.solve(gradient)
		if !ok {
			return errors.New("the smooth function cannot be fitted: its information has no inverse")
		}
		now, scale := math.Inf(-1), 1.0
		for ; scale > 1e-6; scale /= 2 {
			for i := range trial {
				trial[i] = theta[i] + scale*step[i]
			}
			if now = f.likelihood(trial, count, from, to); now >= last {
				break
			}
		}
		if !(now >= last) {
			break
		}
		copy(theta, trial)
		done := now-last < 1e-7
		if last = now; done {
			break
		}
	}
	f.likelihood(theta, count, from, to)
	f.information, _ = f.derivatives(count, from, to)
	return nil
}

// square is a symmetric matrix of as many rows as the function has coefficients, and vector a vector; what is beyond is 0.
type (
	square [4][4]float64
	vector [4]float64
)

// solve is the x of m x = y, by Gauss's elimination; rows of nothing are passed over. It is false where m has no inverse.
func (m square) solve(y vector) (x vector, ok bool) {
	n := len(y)
	for n > 1 && m[n-1][n-1] == 0 {
		n--
	}
	for i := range n {
		if !(m[i][i] > 0) {
			return x, false
		}
		for r := i + 1; r < n; r++ {
			q := m[r][i] / m[i][i]
			for c := i; c < n; c++ {
				m[r][c] -= q * m[i][c]
			}
			y[r] -= q * y[i]
		}
	}
	for i := n - 1; i >= 0; i-- {
		x[i] = y[i]
		for c := i + 1; c < n; c++ {
			x[i] -= m[i][c] * x[c]
		}
		x[i] /= m[i][i]
	}
	return x, finite(x[0])
}

func finite(v float64) bool { return v-v == 0 }

// likelihood also sets what is expected.
func (f *smooth) likelihood(theta, count []float64, from, to int) (sum float64) {
	for k, b := range f.basis {
		log := inner(theta, b)
		if f.expected[k] = math.Exp(log); k < from || k >= to {
			sum += count[k]*log - f.expected[k]
		}
	}
	return sum
}

func (f *smooth) derivatives(count []float64, from, to int) (information square, gradient vector) {
	for k, b := range f.basis {
		if k >= from && k < to {
			continue
		}
		for i, bi := range b {
			gradient[i] += bi * (count[k] - f.expected[k])
			for j, bj := range b {
				information[i][j] += bi * bj * f.expected[k]
			}
		}
	}
	return information, gradient
}

// within is what is expected in a window, and its standard error by that of the coefficients.
func (f *smooth) within(from, to int) (events, deviation float64) {
	var slope vector
	for k := from; k < to; k++ {
		events += f.expected[k]
		for i, b := range f.basis[k] {
			slope[i] += f.expected[k] * b
		}
	}
	turned, _ := f.information.solve(slope)
	return events, math.Sqrt(max(inner(slope[:], turned[:]), 0))
}

// excessP is the probability of n events or more where the number expected is known to a standard error: a Poisson number whose mean has a gamma
// distribution of that mean and width.
func excessP(n, expected, deviation float64) float64 {
	switch {
	case n <= 0:
		return 1
	case !(expected > 0):
		return 0
	case deviation < 1e-6*expected:
		return mathext.GammaIncReg(n, expected)
	}
	shape, rate := expected*expected/(deviation*deviation), expected/(deviation*deviation)
	return mathext.RegIncBeta(n, shape, 1/(1+rate))
}
