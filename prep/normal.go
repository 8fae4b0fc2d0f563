package prep

import (
	"math"

	"gonum.org/v1/gonum/mathext"
)

// normalQuantile is y with Phi(y) = p, given q = 1-p as well so that neither tail loses its digits.
func normalQuantile(p, q float64) float64 {
	if q < p {
		return -mathext.NormalQuantile(max(q, lowest))
	}
	return mathext.NormalQuantile(max(p, math.SmallestNonzeroFloat64))
}

// normalCDF is Phi(y).
func normalCDF(y float64) float64 { return math.Erfc(-y/math.Sqrt2) / 2 }

// logNormal is log phi(y).
func logNormal(y float64) float64 { return -y*y/2 - halfLogTwoPi }

const halfLogTwoPi = 0.91893853320467274178032973640561763986139747363778341281715154048
