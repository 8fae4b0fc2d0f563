package toy

import (
	"math"
	"testing"

	"github.com/sluice-hep/sluice/internal/reference"
)

func distribution(t *testing.T, name string, o Options) *Distribution {
	t.Helper()
	d, err := New(name, o)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// checkMoments holds the mean and the variance against those of the vectors.
func checkMoments(t *testing.T, d *Distribution, mean, variance []float64) {
	t.Helper()
	m, v := d.moments()
	for k := range m {
		reference.Near(t, "mean", m[k], mean[k], 1e-12)
		reference.Near(t, "variance", v[k], variance[k], 1e-12)
	}
}

type density struct {
	LogDensity     []float64 `json:"log_density"`
	Entropy        float64   `json:"entropy_nats"`
	Mean, Variance []float64
}

// checkDensity holds a distribution against the vectors, with their tolerance.
func checkDensity(t *testing.T, d *Distribution, points [][]float64, want density, tol float64) {
	t.Helper()
	if len(points) == 0 || len(points) != len(want.LogDensity) {
		t.Fatalf("%d log densities of %d points", len(want.LogDensity), len(points))
	}
	worst := 0.0
	for i, x := range points {
		got := d.LogDensity(x)
		reference.Near(t, "log density", got, want.LogDensity[i], tol)
		worst = max(worst, math.Abs(got-want.LogDensity[i]))
	}
	t.Logf("largest difference of log densities: %.1e", worst)
	reference.Near(t, "entropy", d.Entropy(), want.Entropy, tol)
	checkMoments(t, d, want.Mean, want.Variance)
}

func TestReferenceBanana(t *testing.T) {
	var in struct{ X [][]float64 }
	var out density
	reference.Read(t, "density_banana", &in, &out)
	checkDensity(t, distribution(t, "banana", Options{}), in.X, out, 1e-12)
}

func TestReferenceTwoMoons(t *testing.T) {
	type points struct {
		Sigma float64
		X     [][]float64
	}
	for name, c := range reference.Cases[points, density](t, "density_two_moons") {
		t.Run(name, func(t *testing.T) {
			checkDensity(t, distribution(t, "two-moons", Options{Noise: c.In.Sigma}), c.In.X, c.Out, 1e-9)
		})
	}
}
