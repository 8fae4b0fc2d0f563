package prep

import (
	"math"

	"gonum.org/v1/gonum/mathext"
)

// normalQuantile is y with Phi(y) = p, given q = 1-p as well so that neither tail loses its digits: algorithm AS 241
// (Wichura, Appl. Statist. 37 (1988) 477), to a few units of rounding.
func normalQuantile(p, q float64) float64 {
	if d := p - 0.5; math.Abs(d) <= 0.425 {
		return d * centralQuantile(0.425*0.425-d*d)
	}
	if q < p {
		return -tailQuantile(max(q, lowest))
	}
	return tailQuantile(max(p, math.SmallestNonzeroFloat64))
}

// centralQuantile sums its polynomials in pairs, so that no operation waits for seven before it.
func centralQuantile(r float64) float64 {
	r2 := r * r
	r4 := r2 * r2
	num := (3.387132872796366608 + 133.14166789178437745*r) + (1971.5909503065514427+13731.693765509461125*r)*r2 +
		((45921.953931549871457+67265.770927008700853*r)+(33430.575583588128105+2509.0809287301226727*r)*r2)*r4
	den := (1 + 42.313330701600911252*r) + (687.1870074920579083+5394.1960214247511077*r)*r2 +
		((21213.794301586595867+39307.89580009271061*r)+(28729.085735721942674+5226.495278852854561*r)*r2)*r4
	return num / den
}

// tailQuantile is the quantile of a small p.
func tailQuantile(p float64) float64 {
	r := math.Sqrt(-math.Log(p)) - 1.6
	if r > 3.4 { // p below 2e-11 is rare enough for any speed
		return mathext.NormalQuantile(p)
	}
	num := ((((((7.7454501427834140764e-4*r+0.0227238449892691845833)*r+0.24178072517745061177)*r+1.27045825245236838258)*r+
		3.64784832476320460504)*r+5.7694972214606914055)*r+4.6303378461565452959)*r + 1.42343711074968357734
	den := ((((((1.05075007164441684324e-9*r+5.475938084995344946e-4)*r+0.0151986665636164571966)*r+0.14810397642748007459)*r+
		0.68976733498510000455)*r+1.6763848301838038494)*r+2.05319162663775882187)*r + 1
	return -num / den
}

// normalCDF is Phi(y).
func normalCDF(y float64) float64 { return math.Erfc(-y/math.Sqrt2) / 2 }

// logNormal is log phi(y).
func logNormal(y float64) float64 { return -y*y/2 - halfLogTwoPi }

const halfLogTwoPi = 0.91893853320467274178032973640561763986139747363778341281715154048
