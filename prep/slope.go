package prep

import (
	"math"
	"slices"
)

// sloped is a step that can spare its logarithms: it multiplies slope by dy/dx, of which one logarithm is taken when an
// event has passed through all columns, and adds to logDet what does not fit. Inverting multiplies by the same dy/dx.
type sloped interface {
	Step
	applySlope(x, slope, logDet []float64)
	invertSlope(y, slope, logDet []float64)
}

// A product so far from 1 that the next could leave the numbers is not made: the logarithm of its last factor goes to
// logDet instead.
func fits(slope float64) bool { return slope > 1e-150 && slope < 1e150 }

// addLogs adds sign times the logarithm of each slope to logDet, and makes the slopes 1 again.
func addLogs(logDet, slope []float64, sign float64) {
	for i, s := range slope {
		logDet[i] += sign * math.Log(s)
		slope[i] = 1
	}
}

// inBlocks runs a map of the kind of sloped over x, and adds sign times log(dy/dx) to logDet unless that is nil.
func inBlocks(x, logDet []float64, sign float64, f func(x, slope, logDet []float64)) {
	n := min(len(x), block)
	slope, unused := slices.Repeat([]float64{1}, n), make([]float64, n)
	for lo := 0; lo < len(x); lo += block {
		hi := min(lo+block, len(x))
		if logDet == nil {
			f(x[lo:hi], slope[:hi-lo], unused)
			continue
		}
		f(x[lo:hi], slope[:hi-lo], logDet[lo:hi])
		addLogs(logDet[lo:hi], slope[:hi-lo], sign)
	}
}
