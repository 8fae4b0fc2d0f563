package whole

import "math"

// Path is how flow matching joins an event x1 of the data with one x0 of the base: x = alpha x1 + sigma x0 at time t. Each is one of
// arXiv:2210.02747, ot of its equation 20, vp of equation 18, with the noise schedule of arXiv:2011.13456 (0.1 to 20).
type Path string

// At gives alpha and sigma, and their derivatives by t.
func (p Path) At(t, sigmaMin float64) (alpha, sigma, dAlpha, dSigma float64) {
	if p == "ot" {
		return t, 1 - (1-sigmaMin)*t, 1, sigmaMin - 1
	}
	const least, most = 0.1, 20
	s := 1 - t
	beta := least + s*(most-least)
	alpha = math.Exp(-s * (least + beta) / 4)
	sigma = math.Sqrt(-math.Expm1(-s * (least + beta) / 2))
	dAlpha = alpha * beta / 2
	return alpha, sigma, dAlpha, -alpha * dAlpha / sigma
}

// Latest is the last time of a path, as in arXiv:2210.02747: the velocity of vp has no bound at 1.
func (p Path) Latest() float64 {
	if p == "vp" {
		return 1 - 1e-5
	}
	return 1
}
