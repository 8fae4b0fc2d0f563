package kernel

import (
	"fmt"
	"sync"
)

// MaxBins is the largest number of bins of a Spline.
const MaxBins = 500

// Spline is the monotone rational-quadratic spline of Durkan et al. (arXiv:1906.04032), on one column of n
// events: z = f(x) on [-Bound, Bound], ends included, and the identity outside.
//
// The raw parameters are rows of Tile values, 3*Bins-1 of them: widths, heights, and the derivatives at the
// inner knots. Widths and heights go through a softmax with a minimum of 1e-3 of the interval, derivatives
// through softplus + 1e-3; the derivative at both ends is 1. A point on an inner knot belongs to the bin on
// its right. Of a Circular one, the derivative at both ends, which are one point of a circle, is that of one more row, the last.
type Spline struct {
	Bins     int     // 1 to MaxBins
	Bound    float32 // > 0
	Scale    float32 // multiplies raw widths and heights; 0 means 1
	Circular bool
}

const (
	minBin   = 1e-3 // of 2*Bound: least width and height of a bin
	minSlope = 1e-3 // least derivative at a knot
)

// ParamRows is the number of rows of raw parameters.
func (s Spline) ParamRows() int {
	if s.Circular {
		return 3 * s.Bins
	}
	return 3*s.Bins - 1
}

// unitSlope are raw derivatives of 1: log(exp(1-minSlope) - 1).
var unitSlope = func() (c [Tile]float32) {
	for i := range c {
		c[i] = 0.5397423
	}
	return c
}()

// ends is the row of the raw derivatives at both ends.
func (s Spline) ends(params []float32) []float32 {
	if s.Circular {
		return params[(3*s.Bins-1)*Tile:]
	}
	return unitSlope[:]
}

// SavedRows is the number of rows of Tile values that Backward needs from ToLatent. What they hold depends
// on the CPU.
func (s Spline) SavedRows() int { return 2*s.Bins + 10 }

// ToLatent sets z to f(x) and adds log f'(x) to logDet. saved may be nil when no backward follows.
func (s Spline) ToLatent(z, logDet, x, params, saved []float32, n int) {
	s.check(params, n)
	if n == 0 {
		return
	}
	if saved == nil {
		m := scratch.Get().(*splineScratch)
		defer scratch.Put(m)
		saved = m[:]
	}
	s.checkSaved(saved)
	s.toLatent(z[:n], logDet[:n], x[:n], params, saved)
}

// Backward sets dx and dParams from the gradients of z and logDet.
func (s Spline) Backward(dx, dParams, dz, dLogDet, x, params, saved []float32, n int) {
	s.check(params, n)
	s.check(dParams, n)
	s.checkSaved(saved)
	if n > 0 {
		s.backward(dx[:n], dParams, dz[:n], dLogDet[:n], x[:n], params, saved)
	}
}

// ToData sets x to the inverse of f at z and adds log|dx/dz| to logDet.
func (s Spline) ToData(x, logDet, z, params []float32, n int) {
	s.check(params, n)
	if n == 0 {
		return
	}
	m := scratch.Get().(*splineScratch)
	defer scratch.Put(m)
	s.toData(x[:n], logDet[:n], z[:n], params, m[:])
}

// splineScratch takes the place of saved where nothing has to be kept.
type splineScratch [(2*MaxBins + 10) * Tile]float32

var scratch = sync.Pool{New: func() any { return new(splineScratch) }}

func (s Spline) check(params []float32, n int) {
	switch {
	case s.Bins < 1 || s.Bins > MaxBins:
		panic(fmt.Sprintf("kernel: a spline of %d bins; 1 to %d are possible", s.Bins, MaxBins))
	case len(params) < (s.ParamRows()-1)*Tile+n:
		panic(fmt.Sprintf("kernel: a spline of %d bins needs %d rows of parameters", s.Bins, s.ParamRows()))
	}
	checkEvents(n)
}

func (s Spline) checkSaved(saved []float32) {
	if len(saved) < s.SavedRows()*Tile {
		panic(fmt.Sprintf("kernel: a spline of %d bins saves %d rows", s.Bins, s.SavedRows()))
	}
}

// splineFactors are what the assembly needs to know of a spline, at places known to the generator.
type splineFactors struct{ bound, scale, least, span float32 }

func (s Spline) factors() splineFactors {
	return splineFactors{
		bound: s.Bound,
		scale: s.scale(),
		least: 2 * s.Bound * minBin,
		span:  2 * s.Bound * (1 - minBin*float32(s.Bins)),
	}
}

func (s Spline) scale() float32 {
	if s.Scale == 0 {
		return 1
	}
	return s.Scale
}
