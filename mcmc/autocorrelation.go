package mcmc

import (
	"slices"

	"gonum.org/v1/gonum/dsp/fourier"
)

const window = 5 // autocorrelation times, of Sokal's window

// judge sets what the draws say of themselves.
func (d *Diagnostics) judge(draws [][]float64) error {
	for k := range draws[0] {
		tau := autocorrelationTime(draws, k, d.Walkers)
		d.Tau = append(d.Tau, tau)
		d.ESS = append(d.ESS, float64(len(draws))/tau)
	}
	if tau := slices.Max(d.Tau); float64(d.Steps) < leastTau*tau {
		return &ShortError{Steps: d.Steps, Burned: d.Burned, Tau: tau}
	}
	return nil
}

// autocorrelationTime is 1 + 2 sum rho(t) up to the first t that is at least 5 times as long (A. Sokal, Monte Carlo Methods in Statistical Mechanics, 1996),
// where rho is the mean autocorrelation of the walkers, about the mean of all: one that is stuck far from the others shows.
func autocorrelationTime(draws [][]float64, k, walkers int) float64 {
	steps := len(draws) / walkers
	mean := 0.0
	for _, x := range draws {
		mean += x[k] / float64(len(draws))
	}
	fft := fourier.NewFFT(2 * steps) // padded with as many zeros: sums do not wrap round
	x, power := make([]float64, 2*steps), make([]complex128, steps+1)
	sum := make([]complex128, steps+1)
	for w := range walkers {
		for t := range steps {
			x[t] = draws[t*walkers+w][k] - mean
		}
		for i, c := range fft.Coefficients(power, x) {
			sum[i] += complex(real(c)*real(c)+imag(c)*imag(c), 0)
		}
	}
	rho := fft.Sequence(nil, sum)
	if !(rho[0] > 0) { // nothing moved
		return float64(steps)
	}
	tau := 1.0
	for t := 1; t < steps; t++ {
		tau += 2 * rho[t] / rho[0]
		if float64(t) >= window*tau {
			break
		}
	}
	return max(tau, 1/float64(walkers))
}
