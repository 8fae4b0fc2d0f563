package toy

import (
	"math"

	"github.com/sluice-hep/sluice/internal/rng"
)

// banana is x2 ~ N(0, 2^2), x1 ~ N(x2^2/4, 1).
type banana struct{}

func (banana) label() string { return "" }

func (banana) draw(x1, x2, _ []float32, seed uint64) {
	rng.Normal(x1, seed, rng.StreamToy, 0, 0)
	rng.Normal(x2, seed, rng.StreamToy, 1, 0)
	for i := range x1 {
		x2[i] *= 2
		x1[i] += x2[i] * x2[i] / 4
	}
}

func (banana) logDensity(_ int, x1, x2 float64) float64 {
	z1, z2 := x1-x2*x2/4, x2/2
	return -math.Log(2*math.Pi) - math.Ln2 - (z1*z1+z2*z2)/2
}

// The map from two standard normal numbers has the constant Jacobian 2.
func (banana) entropy() (whole, givenPart float64) {
	h := math.Log(2*math.Pi*math.E) + math.Ln2
	return h, h
}

func (banana) moments() (mean, variance [2]float64) {
	return [2]float64{1, 0}, [2]float64{3, 4}
}
