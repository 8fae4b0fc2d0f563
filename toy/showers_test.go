package toy

import (
	"math"
	"testing"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/sluice-hep/sluice/internal/rng"
)

// The mean counts are those of showers drawn one by one: an energy of the spectrum, a depth of Gumbel's distribution by a gamma number, an error of
// each, and its bins.
func TestShowersFoldAsTheyAreDrawn(t *testing.T) {
	theta := []float64{1.2, 18.6, 0.1, 0.3, 0.35, 0.2, 0.05}
	mean := make([]float64, len(showers.Observables))
	showerMeans(theta, mean)
	random := rng.New(2, rng.StreamTest, 0)
	const low, high = 18.3, 20.9
	got := make([]float64, len(mean))
	n := 0.0
	for n < 60_000 {
		k, lg := random.IntN(len(nuclei)), low+(high-low)*random.Float64()
		energy, cut := math.Pow(10, lg-18), nuclei[k].z*math.Pow(10, theta[1]-18)
		flux := theta[2+k] * math.Pow(energy, 1-theta[0]) * math.Exp(-max(energy/cut-1, 0))
		if random.Float64() > flux*2 { // at most 0.31, for nitrogen at the lowest energy
			continue
		}
		g := newGumbel(nuclei[k].mass, lg)
		depth := g.mu - g.sigma*math.Log(distuv.Gamma{Alpha: g.lambda, Beta: g.lambda, Src: random}.Rand())
		depth += depthError * random.NormFloat64()
		lg += energyError / math.Ln10 * random.NormFloat64()
		bin := int(math.Floor((lg - firstBin) / binWidth))
		if bin < 0 || bin >= spectrumBins {
			continue
		}
		n++
		got[bin]++
		got[spectrumBins+bin*depthBins+min(max(int(math.Floor((depth-shallowest)/depthWidth)), 0), depthBins-1)]++
	}
	chi2, bins := 0.0, 0.0
	for k, m := range mean {
		if m *= n / meanEnergies; k >= spectrumBins {
			m *= meanEnergies / meanDepths
		}
		if m < 20 {
			continue
		}
		chi2, bins = chi2+(got[k]-m)*(got[k]-m)/m, bins+1
	}
	if bins < 100 || math.Abs(chi2-bins) > 4*math.Sqrt(2*bins) {
		t.Errorf("chi2 %.1f of %.0f bins", chi2, bins)
	}
}

// As many are counted as the doc says, and the likelihood is largest where the parameters are, on the mean.
func TestShowersLikelihood(t *testing.T) {
	theta := []float64{1.2, 18.6, 0.1, 0.3, 0.35, 0.2, 0.05}
	x, random := make([]float64, len(showers.Observables)), rng.New(3, rng.StreamToy, 0)
	if len(x) != 420 {
		t.Errorf("%d observables", len(x))
	}
	near := [][]float64{
		{1.23, 18.6, 0.1, 0.3, 0.35, 0.2, 0.05}, {1.17, 18.6, 0.1, 0.3, 0.35, 0.2, 0.05}, {1.2, 18.62, 0.1, 0.3, 0.35, 0.2, 0.05}, {1.2, 18.58, 0.1, 0.3, 0.35, 0.2, 0.05},
		{1.2, 18.6, 0.15, 0.25, 0.35, 0.2, 0.05}, {1.2, 18.6, 0.1, 0.35, 0.3, 0.2, 0.05}, {1.2, 18.6, 0.1, 0.3, 0.35, 0.22, 0.03},
	}
	const n = 100
	energies, depths := 0.0, 0.0
	better := make([]float64, len(near))
	for range n {
		showers.Simulate(theta, x, random)
		for _, c := range x[:spectrumBins] {
			energies += c
		}
		for _, c := range x[spectrumBins:] {
			depths += c
		}
		for k := range near {
			better[k] += showers.LogLikelihood(theta, x) - showers.LogLikelihood(near[k], x)
		}
	}
	if math.Abs(energies-n*meanEnergies) > 4*math.Sqrt(n*meanEnergies) || math.Abs(depths-n*meanDepths) > 4*math.Sqrt(n*meanDepths) {
		t.Errorf("means of %.0f energies and %.0f depths", energies/n, depths/n)
	}
	for k, b := range better {
		if b <= 0 {
			t.Errorf("%g is likelier than the truth, by %.1f nats on the mean", near[k], -b/n)
		}
	}
}

// Prior: draws are even in gamma and lg Rcut, the fractions sum to 1, and nothing has a density elsewhere.
func TestShowersPrior(t *testing.T) {
	// the volume of the simplex is 1/4! per unit of four fractions
	if got, want := showers.LogPrior([]float64{1, 19, 0.2, 0.2, 0.2, 0.2, 0.2}), math.Log(24./3/2); math.Abs(got-want) > 1e-12 {
		t.Errorf("a log-density of %g, not %g", got, want)
	}
	for _, theta := range [][]float64{{-1, 19, 0.2, 0.2, 0.2, 0.2, 0.2}, {1, 17, 0.2, 0.2, 0.2, 0.2, 0.2}, {1, 19, 0.2, 0.2, 0.2, 0.2, 0.3}, {1, 19, 0.5, 0.5, 0.2, -0.4, 0.2}} {
		if p := showers.LogPrior(theta); !math.IsInf(p, -1) {
			t.Errorf("%g has a log-density of %g", theta, p)
		}
	}
	tab := generate(t, "showers", 4000, Options{})
	for k, want := range []float64{1.5, 19, 0.2, 0.2, 0.2, 0.2, 0.2} {
		width := []float64{3 / math.Sqrt(12), 2 / math.Sqrt(12), 0.163, 0.163, 0.163, 0.163, 0.163}[k]
		mean := 0.0
		for _, v := range tab.Columns[k].F32 {
			mean += float64(v) / 4000
		}
		if math.Abs(mean-want) > 4*width/math.Sqrt(4000) {
			t.Errorf("%s has a mean of %g", tab.Columns[k].Name, mean)
		}
	}
}

// Means of Xmax at 10^19 eV from the same table, by the moments of the distribution: <Xmax> = mu - sigma (psi(lambda) - log lambda), as in equation 2.5 of arXiv:1305.2331.
func TestGumbel(t *testing.T) {
	for _, n := range nuclei {
		g := newGumbel(n.mass, 19)
		mean, h := 0.0, 0.5
		for x := 300.; x < 2500; x += h {
			mean += (x + h/2) * (g.below(x+h) - g.below(x))
		}
		y := distuv.Gamma{Alpha: g.lambda, Beta: g.lambda, Src: rng.New(1, rng.StreamTest, 0)}
		sum, square := 0.0, 0.0
		const draws = 50_000
		for range draws {
			x := g.mu - g.sigma*math.Log(y.Rand())
			sum, square = sum+x/draws, square+x*x/draws
		}
		if err := math.Sqrt((square - sum*sum) / draws); math.Abs(sum-mean) > 4*err {
			t.Errorf("%s: a mean depth of %.2f by the distribution, %.2f +- %.2f of draws", n.name, mean, sum, err)
		}
	}
}
