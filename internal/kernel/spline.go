package kernel

import "fmt"

// MaxBins is the largest number of bins of a Spline.
const MaxBins = 500

// Spline is the monotone rational-quadratic spline of Durkan et al. (arXiv:1906.04032), on one column of n
// events: z = f(x) on [-Bound, Bound], ends included, and the identity outside.
//
// The raw parameters are rows of Tile values, 3*Bins-1 of them: widths, heights, and the derivatives at the
// inner knots. Widths and heights go through a softmax with a minimum of 1e-3 of the interval, derivatives
// through softplus + 1e-3; the derivative at both ends is 1. A point on an inner knot belongs to the bin on
// its right.
type Spline struct {
	Bins  int     // 1 to MaxBins
	Bound float32 // > 0
	Scale float32 // multiplies raw widths and heights; 0 means 1
}

const (
	minBin   = 1e-3 // of 2*Bound: least width and height of a bin
	minSlope = 1e-3 // least derivative at a knot
)

// ParamRows is the number of rows of raw parameters.
func (s Spline) ParamRows() int { return 3*s.Bins - 1 }

// SavedRows is the number of rows of Tile values that Backward needs from ToLatent. What they hold depends
// on the CPU.
func (s Spline) SavedRows() int { return 2*s.Bins + 8 }

// ToLatent sets z to f(x) and adds log f'(x) to logDet. saved may be nil when no backward follows.
func (s Spline) ToLatent(z, logDet, x, params, saved []float32, n int) {
	s.check(params, n)
	s.toLatentGeneric(z[:n], logDet[:n], x[:n], params)
}

// Backward sets dx and dParams from the gradients of z and logDet.
func (s Spline) Backward(dx, dParams, dz, dLogDet, x, params, saved []float32, n int) {
	s.check(params, n)
	s.backwardGeneric(dx[:n], dParams, dz[:n], dLogDet[:n], x[:n], params)
}

// ToData sets x to the inverse of f at z and adds log|dx/dz| to logDet.
func (s Spline) ToData(x, logDet, z, params []float32, n int) {
	s.check(params, n)
	s.toDataGeneric(x[:n], logDet[:n], z[:n], params)
}

func (s Spline) check(params []float32, n int) {
	switch {
	case s.Bins < 1 || s.Bins > MaxBins:
		panic(fmt.Sprintf("kernel: a spline of %d bins; 1 to %d are possible", s.Bins, MaxBins))
	case len(params) < (s.ParamRows()-1)*Tile+n:
		panic(fmt.Sprintf("kernel: a spline of %d bins needs %d rows of parameters", s.Bins, s.ParamRows()))
	}
	checkEvents(n)
}

func (s Spline) scale() float32 {
	if s.Scale == 0 {
		return 1
	}
	return s.Scale
}
