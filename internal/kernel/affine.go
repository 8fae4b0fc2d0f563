package kernel

// The affine transformer z = (x - shift) exp(-s), with s the log-scale. All slices are columns of len(z) or
// len(x) events, any number; the result may take the place of an argument.

// AffineToLatent sets z to (x-shift)*exp(-s) and subtracts s from logDet.
func AffineToLatent(z, logDet, x, shift, logScale []float32) {
	if n := len(z); n > 0 {
		affineToLatent(z, logDet[:n], x[:n], shift[:n], logScale[:n])
	}
}

// AffineBackward sets the gradients of x, shift and log-scale from those of z and logDet.
func AffineBackward(dx, dShift, dLogScale, z, logScale, dz, dLogDet []float32) {
	if n := len(dx); n > 0 {
		affineBackward(dx, dShift[:n], dLogScale[:n], z[:n], logScale[:n], dz[:n], dLogDet[:n])
	}
}

// AffineToData sets x to z*exp(s)+shift and adds s to logDet.
func AffineToData(x, logDet, z, shift, logScale []float32) {
	if n := len(x); n > 0 {
		affineToData(x, logDet[:n], z[:n], shift[:n], logScale[:n])
	}
}

func affineToLatentGeneric(z, logDet, x, shift, logScale []float32) {
	for i := range z {
		s := logScale[i]
		z[i] = (x[i] - shift[i]) * exp32(-s)
		logDet[i] -= s
	}
}

func affineBackwardGeneric(dx, dShift, dLogScale, z, logScale, dz, dLogDet []float32) {
	for i := range dx {
		g := dz[i] * exp32(-logScale[i])
		s := -dz[i]*z[i] - dLogDet[i]
		dx[i], dShift[i], dLogScale[i] = g, -g, s
	}
}

func affineToDataGeneric(x, logDet, z, shift, logScale []float32) {
	for i := range x {
		s := logScale[i]
		x[i] = z[i]*exp32(s) + shift[i]
		logDet[i] += s
	}
}

func exp32(x float32) float32 { return float32(exp64(float64(x))) }
