package toy

import (
	"math"

	"github.com/sluice-hep/sluice/internal/rng"
)

// Four problems of the benchmark of simulation-based inference (Lueckmann et al., arXiv:2101.04653), with its definitions and its names of
// columns.

// sbiTwoMoons is two_moons: a crescent of radius 0.1, shifted by the parameters, with two modes since one of the shifts is an absolute value.
var sbiTwoMoons = pairs(Simulator{
	Name: "sbi-two-moons", Parameters: numbered("parameter", 2), Observables: numbered("data", 2),
	Simulate: func(theta, x []float64, random *rng.Source) {
		sin, cos := math.Sincos(math.Pi * (random.Float64() - 0.5))
		r := crescent + crescentWidth*random.NormFloat64()
		along, across := moonShift(theta)
		x[0], x[1] = r*cos+0.25+along, r*sin+across
	},
	LogPrior: box(1).logDensity,
	LogLikelihood: func(theta, x []float64) float64 {
		along, across := moonShift(theta)
		u, v := x[0]-0.25-along, x[1]-across
		if u <= 0 {
			return math.Inf(-1)
		}
		r := math.Hypot(u, v) // even in the angle over pi, so that the density of the area is that of r over pi r
		return logNormal(r-crescent, crescentWidth) - math.Log(math.Pi*r)
	},
}, box(1).draw)

const crescent, crescentWidth = 0.1, 0.01

func moonShift(theta []float64) (along, across float64) {
	return -math.Abs(theta[0]+theta[1]) / math.Sqrt2, (theta[1] - theta[0]) / math.Sqrt2
}

// gaussianMixture is gaussian_mixture: the common mean of two normal distributions, of widths 1 and 0.1.
var gaussianMixture = pairs(Simulator{
	Name: "gaussian-mixture", Parameters: numbered("parameter", 2), Observables: numbered("data", 2),
	Simulate: func(theta, x []float64, random *rng.Source) {
		sigma := 1.
		if random.Float64() < 0.5 {
			sigma = 0.1
		}
		for k := range x {
			x[k] = theta[k] + sigma*random.NormFloat64()
		}
	},
	LogPrior: box(10).logDensity,
	LogLikelihood: func(theta, x []float64) float64 {
		var wide, narrow float64
		for k := range x {
			wide += logNormal(x[k]-theta[k], 1)
			narrow += logNormal(x[k]-theta[k], 0.1)
		}
		return logAddExp(wide, narrow) - math.Ln2
	},
}, box(10).draw)

// slcp is slcp, a simple likelihood with a complex posterior: four points of a normal distribution of two dimensions, whose mean is in the first two
// parameters, and its widths and correlation in the squares of the next two and the tanh of the last.
var slcp = pairs(Simulator{
	Name: "slcp", Parameters: numbered("parameter", 5), Observables: numbered("data", 8),
	Simulate: func(theta, x []float64, random *rng.Source) {
		a, b, c := slcpRoot(theta)
		for k := 0; k < len(x); k += 2 {
			z1, z2 := random.NormFloat64(), random.NormFloat64()
			x[k], x[k+1] = theta[0]+a*z1, theta[1]+b*z1+c*z2
		}
	},
	LogPrior: box(3).logDensity,
	LogLikelihood: func(theta, x []float64) (l float64) {
		a, b, c := slcpRoot(theta)
		for k := 0; k < len(x); k += 2 {
			z1 := (x[k] - theta[0]) / a
			l += -z1*z1/2 - math.Log(a) + logNormal(x[k+1]-theta[1]-b*z1, c) - log2Pi/2
		}
		return l
	},
}, box(3).draw)

// slcpRoot is the lower triangle (a, 0; b, c) whose square is the covariance, with the benchmark's 1e-6 on its diagonal.
func slcpRoot(theta []float64) (a, b, c float64) {
	const epsilon = 1e-6
	s1, s2 := theta[2]*theta[2], theta[3]*theta[3]
	a = math.Sqrt(s1*s1 + epsilon)
	b = math.Tanh(theta[4]) * s1 * s2 / a
	return a, b, math.Sqrt(s2*s2 + epsilon - b*b)
}

// bernoulliGLM is bernoulli_glm: whether a neuron fires in each of 100 steps follows, by a logistic function, from an offset and a filter of nine steps of a
// stimulus. Observed are the number of spikes and their correlation with the stimulus at each lag, which are sufficient.
var bernoulliGLM = pairs(Simulator{
	Name: "bernoulli-glm", Parameters: numbered("parameter", 10), Observables: numbered("data", 10),
	Simulate: func(theta, x []float64, random *rng.Source) {
		clear(x)
		for t := range stimulus {
			if random.Float64() >= 1/(1+math.Exp(-drive(theta, t))) {
				continue
			}
			x[0]++
			for lag := range min(t+1, len(x)-1) {
				x[1+lag] += stimulus[t-lag]
			}
		}
	},
	LogPrior: func(theta []float64) float64 {
		l := logNormal(theta[0], math.Sqrt2)
		for i := range theta[1:] {
			l += logNormal(smoothness(theta[1:], i), 1) + math.Log(smoothDiagonal(i))
		}
		return l
	},
	Partial: true, // without the number of spike trains that have these correlations
	LogLikelihood: func(theta, x []float64) (l float64) {
		for k, v := range theta {
			l += v * x[k]
		}
		for t := range stimulus {
			l -= softplus(drive(theta, t))
		}
		return l
	},
}, func(theta []float64, random *rng.Source) {
	theta[0] = math.Sqrt2 * random.NormFloat64()
	filter := theta[1:]
	clear(filter)
	for i := range filter {
		filter[i] = (random.NormFloat64() - smoothness(filter, i)) / smoothDiagonal(i)
	}
})

// drive is what the logistic function is taken of in step t.
func drive(theta []float64, t int) float64 {
	sum := theta[0]
	for lag := range min(t+1, len(theta)-1) {
		sum += theta[1+lag] * stimulus[t-lag]
	}
	return sum
}

func softplus(x float64) float64 { return max(x, 0) + math.Log1p(math.Exp(-math.Abs(x))) }

// smoothness is row i of the matrix F by the filter, F^T F being the prior's inverse covariance: second differences, and sqrt(i/9) on the diagonal.
func smoothness(filter []float64, i int) float64 {
	sum := smoothDiagonal(i) * filter[i]
	if i > 0 {
		sum -= 2 * filter[i-1]
	}
	if i > 1 {
		sum += filter[i-2]
	}
	return sum
}

func smoothDiagonal(i int) float64 { return 1 + math.Sqrt(float64(i)/9) }

// stimulus is the benchmark's: the first 100 normal numbers, as float32, of NumPy's RandomState(42).
var stimulus = [100]float64{
	0.496714145, -0.138264298, 0.647688568, 1.5230298, -0.234153375, -0.234136954, 1.57921278, 0.767434716, -0.469474375, 0.542560041,
	-0.463417679, -0.465729743, 0.241962269, -1.91328025, -1.72491789, -0.562287509, -1.01283109, 0.31424734, -0.908024073, -1.41230369,
	1.46564877, -0.2257763, 0.0675282031, -1.42474818, -0.544382751, 0.11092259, -1.15099359, 0.37569803, -0.600638688, -0.291693747,
	-0.601706624, 1.85227823, -0.013497225, -1.05771089, 0.822544932, -1.22084367, 0.208863601, -1.95967007, -1.32818604, 0.196861237,
	0.738466561, 0.171368286, -0.115648285, -0.301103681, -1.47852194, -0.719844222, -0.460638762, 1.05712223, 0.343618304, -1.76304018,
	0.324083984, -0.385082275, -0.676922023, 0.611676276, 1.03099954, 0.931280136, -0.839217544, -0.309212387, 0.331263423, 0.975545108,
	-0.479174227, -0.185658976, -1.10633492, -1.19620657, 0.812525809, 1.35624003, -0.0720101222, 1.00353289, 0.361636013, -0.645119727,
	0.361395597, 1.53803658, -0.0358260386, 1.56464362, -2.61974502, 0.821902514, 0.0870470703, -0.299007356, 0.0917607769, -1.98756886,
	-0.21967189, 0.357112557, 1.47789407, -0.518270195, -0.808493614, -0.501757026, 0.915402114, 0.328751117, -0.529760182, 0.513267457,
	0.0970775485, 0.968644977, -0.70205307, -0.32766214, -0.392108142, -1.46351492, 0.296120286, 0.261055261, 0.00511345686, -0.234587133,
}
