package toy

import (
	"fmt"
	"math"
	"sync"

	"gonum.org/v1/gonum/mathext"
	"gonum.org/v1/gonum/stat/distuv"

	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/internal/rng"
)

// showers is what an observatory counts of cosmic rays above 10^18.7 eV: their energies, and in each bin of energy the depths at which their air
// showers are largest (Xmax), of five nuclei. Parameters are those of the spectrum at the source,
//
//	J(E, A) = a(A) (E / 10^18 eV)^-gamma, for E > Z Rcut times exp(1 - E/(Z Rcut)),
//
// with gamma in [0, 3], lg(Rcut/V) in [18, 20] and the fractions even on the simplex. The nuclei reach the Earth as they are. As many are counted
// as in the fit of Auger (arXiv:1612.07155): a mean of 47,767 energies in bins of 0.1 in lg E, and of 1,446 showers whose Xmax
// is seen as well, in bins of 20 g/cm^2; each count is a Poisson number. Xmax is distributed as Gumbel's generalised distribution with
// the values of De Domenico et al. (arXiv:1305.2331) for EPOS-LHC; what is measured of it errs by 15 g/cm^2 (arXiv:1409.4809), and of the energy
// by 8 % (arXiv:2008.06486).
var showers = pairs(Simulator{
	Name: "showers", Parameters: showerParameters(), Observables: showerCounts(),
	Simulate: func(theta, x []float64, random *rng.Source) {
		mean := make([]float64, len(x))
		showerMeans(theta, mean)
		for k, m := range mean {
			x[k] = distuv.Poisson{Lambda: m, Src: random}.Rand()
		}
	},
	LogPrior: func(theta []float64) float64 {
		if !(theta[0] >= 0 && theta[0] <= mostGamma && theta[1] >= leastRcut && theta[1] <= mostRcut) {
			return math.Inf(-1)
		}
		sum := 0.0
		for _, a := range theta[2:] {
			if !(a >= 0) {
				return math.Inf(-1)
			}
			sum += a
		}
		if math.Abs(sum-1) > 1e-5 {
			return math.Inf(-1)
		}
		return math.Log(24 / mostGamma / (mostRcut - leastRcut)) // the simplex of five: 4! per unit of four fractions
	},
	LogLikelihood: func(theta, x []float64) (l float64) {
		var mean [spectrumBins * (1 + depthBins)]float64
		showerMeans(theta, mean[:])
		for k, m := range mean {
			logFactorial, _ := math.Lgamma(x[k] + 1)
			l += x[k]*math.Log(m) - m - logFactorial
		}
		return l
	},
}, func(theta []float64, random *rng.Source) {
	theta[0], theta[1] = mostGamma*random.Float64(), leastRcut+(mostRcut-leastRcut)*random.Float64()
	sum := 0.0
	for k := range nuclei {
		theta[2+k] = -math.Log(random.Float64())
		sum += theta[2+k]
	}
	for k := range nuclei {
		theta[2+k] /= sum
	}
})

const (
	mostGamma           = 3.
	leastRcut, mostRcut = 18., 20. // lg(Rcut/V)

	spectrumBins, firstBin, binWidth  = 15, 18.7, 0.1 // of lg(E/eV)
	depthBins, shallowest, depthWidth = 27, 550, 20.  // g/cm^2; what is beyond counts in the outermost bins
	meanEnergies, meanDepths          = 47767., 1446.
	depthError, energyError           = 15., 0.08
	gridPoints, gridFirst, gridWidth  = 100, 18.4, 0.025 // of true energies, in lg(E/eV)
	finePoints, fineFirst, fineWidth  = 260, 400., 5.    // of true depths
	alike                             = 4                // of these have the same depths, which move by 6 g/cm^2 on the way
	leastMean                         = 1e-12            // of a bin, for logarithms
)

// nuclei are their mass numbers and charges.
var nuclei = []struct {
	name string
	mass float64
	z    float64
}{{"H", 1, 1}, {"He", 4, 2}, {"N", 14, 7}, {"Si", 28, 14}, {"Fe", 56, 26}}

func showerParameters() []events.Column {
	c := []events.Column{{Name: "gamma"}, {Name: "lgRcut"}}
	for _, n := range nuclei {
		c = append(c, events.Column{Name: "a" + n.name})
	}
	return c
}

// showerCounts are the columns of a measurement: n_1870 counts energies from lg E = 18.70 on, x_1870_550 those of them with Xmax from 550 g/cm^2 on.
func showerCounts() (c []events.Column) {
	for k := range spectrumBins {
		c = append(c, events.Column{Name: fmt.Sprintf("n_%d", 1870+10*k)})
	}
	for k := range spectrumBins {
		for d := range depthBins {
			c = append(c, events.Column{Name: fmt.Sprintf("x_%d_%d", 1870+10*k, shallowest+20*d)})
		}
	}
	return c
}

// showerMeans sets the mean counts.
func showerMeans(theta, mean []float64) {
	at, r := response(), math.Pow(10, theta[1]-18)
	var spectrum [gridPoints]float64
	for e, energy := range at.energy {
		spectrum[e] = math.Pow(energy, 1-theta[0]) // of lg E
	}
	clear(mean)
	total := 0.0
	var group [spectrumBins]float64 // of the measured energies of true ones of about the same depths
	for k, n := range nuclei {
		for e, energy := range at.energy {
			flux := theta[2+k] * spectrum[e]
			if energy > n.z*r {
				flux *= math.Exp(1 - energy/(n.z*r))
			}
			for _, in := range at.bins[e] {
				group[in.bin] += flux * in.share
			}
			if (e+1)%alike > 0 {
				continue
			}
			depths := &at.depth[k][e/alike]
			for bin, w := range group {
				if w == 0 {
					continue
				}
				group[bin] = 0
				mean[bin] += w
				total += w
				to := mean[spectrumBins+bin*depthBins:][:depthBins]
				for d, p := range depths {
					to[d] += w * p
				}
			}
		}
	}
	for i := range mean {
		if scale := meanEnergies / total; i < spectrumBins {
			mean[i] *= scale
		} else {
			mean[i] *= scale * meanDepths / meanEnergies
		}
		mean[i] = max(mean[i], leastMean)
	}
}

// folded is what the detector makes of a true energy.
type folded struct {
	energy [gridPoints]float64                       // 10^18 eV
	bins   [gridPoints][]binShare                    // of the measured energy
	depth  [5][gridPoints / alike][depthBins]float64 // shares of measured depths, by nucleus
}

type binShare struct {
	bin   int
	share float64
}

var response = sync.OnceValue(func() *folded {
	f := &folded{}
	width := energyError / math.Ln10
	for e := range f.energy {
		lg := gridFirst + gridWidth*(float64(e)+0.5)
		f.energy[e] = math.Pow(10, lg-18)
		for b := range spectrumBins {
			low := firstBin + binWidth*float64(b)
			if share := normalCDF((low+binWidth-lg)/width) - normalCDF((low-lg)/width); share > 1e-9 {
				f.bins[e] = append(f.bins[e], binShare{b, share})
			}
		}
	}
	var edges [depthBins + 1]float64
	for d := range edges {
		edges[d] = shallowest + depthWidth*float64(d)
	}
	for k, n := range nuclei {
		for e := range f.depth[k] {
			f.depth[k][e] = depthShares(n.mass, gridFirst+gridWidth*alike*(float64(e)+0.5), edges[:])
		}
	}
	return f
})

// depthShares are the probabilities of the bins of measured depths.
func depthShares(mass, lg float64, edges []float64) (share [depthBins]float64) {
	g := newGumbel(mass, lg)
	before := g.below(fineFirst)
	for i := range finePoints {
		high := fineFirst + fineWidth*float64(i+1)
		below := g.below(high)
		p, mid := below-before, high-fineWidth/2
		before = below
		last := 0.0
		for d := range share {
			up := 1.0
			if d < depthBins-1 {
				up = normalCDF((edges[d+1] - mid) / depthError)
			}
			share[d] += p * (up - last)
			last = up
		}
	}
	return share
}

func normalCDF(x float64) float64 { return math.Erfc(-x/math.Sqrt2) / 2 }

// gumbel is the distribution of Xmax: mu - sigma log(y), y of a gamma distribution of mean 1 and variance 1/lambda.
type gumbel struct{ mu, sigma, lambda float64 }

// newGumbel takes table 1 and equations 3.1 to 3.6 of arXiv:1305.2331, for EPOS-LHC: polynomials of the logarithm of the mass, of lg(E/10^19 eV).
func newGumbel(mass, lg float64) gumbel {
	l, e := math.Log(mass), lg-19
	by := func(a0, a1, a2 float64) float64 { return a0 + l*(a1+l*a2) }
	return gumbel{
		mu:     by(775.589, -7.047, -2.427) + e*(by(57.589, -0.743, 0.214)+e*by(-0.820, -0.169, -0.027)),
		sigma:  by(29.403, 13.553, -3.154) + e*by(0.096, -0.961, 0.150),
		lambda: by(0.563, 0.711, 0.058) + e*by(0.039, 0.067, -0.004),
	}
}

// below is the probability of a depth below x.
func (g gumbel) below(x float64) float64 {
	return mathext.GammaIncRegComp(g.lambda, g.lambda*math.Exp(-(x-g.mu)/g.sigma))
}
