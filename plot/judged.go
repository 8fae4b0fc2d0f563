package plot

import (
	"math"
	"slices"
)

// The pictures below are Curves with the axes, and the expected curve, that a reader of this field looks for. What they hold may be
// changed before it is drawn; a curve that is Expected takes the place of the one drawn by default.

// ROC is the background rejection 1/eps_B, on a logarithmic axis, against the signal efficiency eps_S of scores, with that of a random
// choice, 1/eps_S. Where no background is left there is no rejection: +Inf is a gap.
func ROC(curves ...Curve) *Curves {
	random := Curve{Name: "random choice", Expected: true}
	for k := range 101 {
		x := math.Pow(1e-3, 1-float64(k)/100)
		random.X, random.Y = append(random.X, x), append(random.Y, 1/x)
	}
	return &Curves{Axis{Label: "Signal efficiency", Max: 1}, Axis{Label: "Background rejection 1/εB", Scale: Logarithmic},
		expecting(curves, random), "Background rejection against signal efficiency"}
}

// SIC is the significance improvement eps_S/sqrt(eps_B) against the signal efficiency of scores, with that of a random choice.
func SIC(curves ...Curve) *Curves {
	random := Curve{Name: "random choice", Expected: true}
	for k := range 101 {
		x := float64(k) / 100
		random.X, random.Y = append(random.X, x), append(random.Y, math.Sqrt(x))
	}
	return &Curves{Axis{Label: "Signal efficiency", Max: 1}, Axis{Label: "Significance improvement εS/√εB", Scale: Linear},
		expecting(curves, random), "Significance improvement against signal efficiency"}
}

// Coverage is the share of true values inside of regions against the credibility that the regions claim, such as those of highest
// density, or TARP's (arXiv:2302.03026), with the diagonal of a calibrated density, or, as an Expected curve, with its band. Above it regions are too wide, below too narrow.
func Coverage(curves ...Curve) *Curves {
	diagonal := Curve{Name: "calibrated", X: []float64{0, 1}, Y: []float64{0, 1}, Expected: true}
	return &Curves{Axis{Label: "Credibility", Max: 1}, Axis{Label: "Empirical coverage", Max: 1},
		expecting(curves, diagonal), "Empirical coverage against the credibility claimed"}
}

// Ranks are histograms of ranks (SBC) or of the probability integral transform (PIT), steps, over what bins of a calibrated density
// hold: expected, nearly always between low and high, which the name of the band says, as in "95 % of calibrated ones".
func Ranks(label string, expected, low, high float64, band string, curves ...Curve) *Curves {
	lo, hi := reach(curves)
	flat := Curve{Name: band, X: []float64{lo, hi}, Y: []float64{expected, expected}, Low: []float64{low, low}, High: []float64{high, high}, Expected: true}
	return &Curves{Axis{Label: label, Scale: Linear}, Axis{Label: "Events / bin", Scale: Linear},
		expecting(curves, flat), "Histogram of " + label + ", and how far those of a calibrated density are from flat"}
}

// Differences are those of distribution functions, generated minus reference, along a column: by eye a test of Kolmogorov and
// Smirnov, by which a curve of the same distribution stays within bound everywhere as often as the name of the band says.
func Differences(label, unit string, bound float64, band string, curves ...Curve) *Curves {
	lo, hi := reach(curves)
	none := Curve{Name: band, X: []float64{lo, hi}, Y: []float64{0, 0}, Low: []float64{-bound, -bound}, High: []float64{bound, bound}, Expected: true}
	return &Curves{Axis{Label: label, Unit: unit, Scale: Linear}, Axis{Label: "CDF, gen. − ref.", Scale: Linear},
		expecting(curves, none), "Difference of the distribution functions of " + label}
}

func expecting(curves []Curve, otherwise Curve) []Curve {
	if slices.ContainsFunc(curves, func(u Curve) bool { return u.Expected }) {
		return curves
	}
	return append(curves[:len(curves):len(curves)], otherwise)
}

// reach is the range of x of all curves.
func reach(curves []Curve) (lo, hi float64) {
	lo, hi = math.Inf(1), math.Inf(-1)
	for _, u := range curves {
		for _, x := range u.X {
			lo, hi = min(lo, x), max(hi, x)
		}
	}
	return lo, hi
}
