package bump

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/mathext"

	"github.com/sluice-hep/sluice/internal/rng"
)

// parameters are those of a function that is fitted to so many events; 0 for none. What is left out should not show, and does with a selection of events, whose
// spectrum is not that of all: without p4, of 650 dijet events those in a window of 131 were expected to be 6 % fewer, by more than half of the error.
func parameters(events float64) int {
	switch {
	case events >= 100:
		return 4
	case events >= 20:
		return 3
	}
	return 0
}

// makeBasis orthonormalises 1, ln x, ln(1-x) and ln^2 x.
func (s *Spectrum) makeBasis() {
	top := 2 * s.Edges[len(s.Edges)-1]
	powers := make([][]float64, 4)
	for k := range s.Counts {
		x := (s.Edges[k] + s.Edges[k+1]) / 2 / top
		log := math.Log(x)
		for p, v := range []float64{1, log, math.Log1p(-x), log * log} {
			powers[p] = append(powers[p], v)
		}
	}
	s.basis = make([][]float64, len(s.Counts))
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

// Smooth is the function that dijet searches fit to a spectrum, here to all bins but those of a window:
//
//	f(x) = p1 (1-x)^p2 / x^(p3 + p4 ln x),   x = m/M,
//
// M being twice the upper end of the spectrum, where theirs is the centre-of-mass energy. Its logarithm is linear in ln p1, p2, p3 and p4, so that the
// likelihood has one maximum, which Newton's method finds. p4 is 0 where the spectrum has fewer than 100 events; to fewer than 20 no
// function is fitted.
type Smooth struct {
	Expected []float64 // events in each bin of the spectrum, those of the window among them
	Chi2     float64   // Pearson's, of the bins fitted that expect 5 events or more
	NDF      int

	theta       []float64 // of basis
	basis       [][]float64
	information square // of theta, whose inverse is their covariance
}

// Smoothed is the spectrum without a bump if the smooth function describes it: what is expected in a window is fitted to what lies beside it.
type Smoothed struct {
	s     *Spectrum
	whole *Smooth // fitted to all bins
}

// Smoothed is that of the spectrum; an error where it has too few events, or bins.
func (s *Spectrum) Smoothed() (*Smoothed, error) {
	return s.smoothed(parameters(s.Sum(0, len(s.Counts))))
}

func (s *Spectrum) smoothed(parameters int) (*Smoothed, error) {
	total := s.Sum(0, len(s.Counts))
	if parameters == 0 || total == 0 || len(s.Counts) <= parameters {
		return nil, fmt.Errorf("%g events in %d bins are too few to fit a smooth function to", total, len(s.Counts))
	}
	flat := make([]float64, parameters)
	flat[0] = math.Log(total/float64(len(s.Counts))) / s.basis[0][0]
	whole, err := s.fit(flat, 0, 0)
	return &Smoothed{s, whole}, err
}

// Beside implements Null.
func (n *Smoothed) Beside(from, to int) (events, deviation float64, err error) {
	f, err := n.Without(from, to)
	if err != nil {
		return 0, 0, err
	}
	events, deviation = f.Within(from, to)
	return events, deviation, nil
}

// Without is fitted to the bins beside a window, but for half its width on either side, as far as leastBeside bins stay at each end: a bump is wider than
// the window that fits it best, and what of it were fitted would be expected in the window.
func (n *Smoothed) Without(from, to int) (*Smooth, error) {
	guard := (to - from) / 2
	return n.s.fit(n.whole.theta, max(from-guard, min(from, leastBeside)), min(to+guard, max(to, len(n.s.Counts)-leastBeside)))
}

// Draw implements Null: the function fitted to all bins, and its own fit, of as many parameters.
func (n *Smoothed) Draw(r *rng.Source) (*Spectrum, Null, error) {
	drawn := n.s.poisson(n.whole.Expected, r)
	own, err := drawn.smoothed(len(n.whole.theta))
	return drawn, own, err
}

// fit is the likeliest function for the bins before from and those from to on; it begins at coefficients, and has as many.
func (s *Spectrum) fit(start []float64, from, to int) (*Smooth, error) {
	parameters := len(start)
	var total float64
	bins := len(s.Counts) - (to - from)
	if total = s.Sum(0, from) + s.Sum(to, len(s.Counts)); total == 0 || bins <= parameters {
		return nil, fmt.Errorf("%g events in %d bins beside the window are too few to fit a smooth function to", total, bins)
	}
	f := &Smooth{Expected: make([]float64, len(s.Counts)), basis: make([][]float64, len(s.Counts)), NDF: -parameters, theta: slices.Clone(start)}
	for k := range s.basis {
		f.basis[k] = s.basis[k][:parameters]
	}
	if err := f.climb(s.Counts, from, to); err != nil {
		return nil, err
	}
	for k, n := range s.Counts {
		if (k < from || k >= to) && f.Expected[k] >= 5 {
			f.Chi2 += (n - f.Expected[k]) * (n - f.Expected[k]) / f.Expected[k]
			f.NDF++
		}
	}
	return f, nil
}

// climb goes up by Newton's steps, each halved until the likelihood rises.
func (f *Smooth) climb(count []float64, from, to int) error {
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
		done := now-last < 1e-5
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
func (f *Smooth) likelihood(theta, count []float64, from, to int) (sum float64) {
	for k, b := range f.basis {
		log := inner(theta, b)
		if f.Expected[k] = math.Exp(log); k < from || k >= to {
			sum += count[k]*log - f.Expected[k]
		}
	}
	return sum
}

func (f *Smooth) derivatives(count []float64, from, to int) (information square, gradient vector) {
	for k, b := range f.basis {
		if k >= from && k < to {
			continue
		}
		for i, bi := range b {
			gradient[i] += bi * (count[k] - f.Expected[k])
			for j, bj := range b {
				information[i][j] += bi * bj * f.Expected[k]
			}
		}
	}
	return information, gradient
}

// Within is what is expected in a window, and its standard error by that of the coefficients.
func (f *Smooth) Within(from, to int) (events, deviation float64) {
	var slope vector
	for k := from; k < to; k++ {
		events += f.Expected[k]
		for i, b := range f.basis[k] {
			slope[i] += f.Expected[k] * b
		}
	}
	turned, _ := f.information.solve(slope)
	return events, math.Sqrt(max(inner(slope[:], turned[:]), 0))
}

// P is the probability of n events or more where the number expected is known to a standard error: a Poisson number whose mean has a gamma
// distribution of that mean and width. It is never 0.
func P(n, expected, deviation float64) float64 {
	switch {
	case n <= 0:
		return 1
	case !(expected > 0):
		return leastP
	case deviation < 1e-6*expected:
		return max(mathext.GammaIncReg(n, expected), leastP)
	}
	shape, rate := expected*expected/(deviation*deviation), expected/(deviation*deviation)
	return max(mathext.RegIncBeta(n, shape, 1/(1+rate)), leastP)
}
