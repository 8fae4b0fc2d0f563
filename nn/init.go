package nn

import (
	"math"

	"github.com/sluice-hep/sluice/internal/rng"
)

// Source gives the random numbers of a start.
type Source = rng.Source

// Inits are the names of the ways to draw a weight matrix, Activations those of the functions of hidden units.
var (
	Inits       = []string{"orthogonal", "glorot", "he"}
	Activations = []string{"relu", "tanh", "elu", "linear"}
)

// Draw fills a weight matrix: glorot (uniform, Glorot and Bengio 2010), he (normal, arXiv:1502.01852) or
// orthogonal (arXiv:1312.6120; rows or columns orthonormal, whichever are fewer).
func Draw(w []float32, rows, cols int, init string, src *Source) {
	if len(w) == 0 {
		return
	}
	switch init {
	case "glorot":
		a := math.Sqrt(6 / float64(rows+cols))
		for i := range w {
			w[i] = float32(a * (2*src.Float64() - 1))
		}
	case "he":
		s := math.Sqrt(2 / float64(cols))
		for i := range w {
			w[i] = float32(s * src.NormFloat64())
		}
	case "orthogonal":
		Orthogonal(w, rows, cols, src)
	}
}

// Orthogonal orthonormalises min(rows, cols) random vectors by Gram and Schmidt, twice for the rounding.
func Orthogonal(w []float32, rows, cols int, src *Source) {
	n, dim := min(rows, cols), max(rows, cols)
	q := make([][]float64, n)
	for i := range q {
		q[i] = make([]float64, dim)
		for j := range q[i] {
			q[i][j] = src.NormFloat64()
		}
		for range 2 {
			for _, o := range q[:i] {
				s := dot(q[i], o)
				for j := range o {
					q[i][j] -= s * o[j]
				}
			}
		}
		norm := math.Sqrt(dot(q[i], q[i]))
		for j := range q[i] {
			q[i][j] /= norm
		}
	}
	for i := range q {
		for j, v := range q[i] {
			if rows <= cols {
				w[i*cols+j] = float32(v)
			} else {
				w[j*cols+i] = float32(v)
			}
		}
	}
}

func dot(a, b []float64) float64 {
	var s float64
	for i, v := range a {
		s += v * b[i]
	}
	return s
}
