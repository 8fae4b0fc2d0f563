package toy

import (
	"cmp"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"testing"
)

func load(t *testing.T, name string, into any) {
	t.Helper()
	dir := cmp.Or(os.Getenv("SLUICE_REFERENCE"), "../testdata/reference")
	data, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, into); err != nil {
		t.Fatal(err)
	}
}

// near takes the tolerance relative to 1+|want|.
func near(t *testing.T, what string, got, want, tol float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tol*(1+math.Abs(want))) {
		t.Errorf("%s: got %.15g, want %.15g", what, got, want)
	}
}

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
		near(t, "mean", m[k], mean[k], 1e-12)
		near(t, "variance", v[k], variance[k], 1e-12)
	}
}

func TestReferenceBanana(t *testing.T) {
	var v struct {
		Inputs  struct{ X [][]float64 }
		Outputs struct {
			LogDensity     []float64 `json:"log_density"`
			Entropy        float64   `json:"entropy_nats"`
			Mean, Variance []float64
		}
	}
	load(t, "density_banana.json", &v)
	d := distribution(t, "banana", Options{})
	if len(v.Inputs.X) != 500 {
		t.Fatalf("%d points instead of 500", len(v.Inputs.X))
	}
	for i, x := range v.Inputs.X { // the vectors' tolerance
		near(t, "log density", d.LogDensity(x), v.Outputs.LogDensity[i], 1e-12)
	}
	near(t, "entropy", d.Entropy(), v.Outputs.Entropy, 1e-12)
	checkMoments(t, d, v.Outputs.Mean, v.Outputs.Variance)
}

func TestReferenceTwoMoons(t *testing.T) {
	var v struct {
		Inputs map[string]struct {
			Sigma float64
			X     [][]float64
		}
		Outputs map[string]struct {
			LogDensity     []float64 `json:"log_density"`
			Entropy        float64   `json:"entropy_nats"`
			Mean, Variance []float64
		}
	}
	load(t, "density_two_moons.json", &v)
	if len(v.Inputs) != 2 {
		t.Fatalf("%d cases instead of 2", len(v.Inputs))
	}
	for name, in := range v.Inputs {
		t.Run(name, func(t *testing.T) {
			out := v.Outputs[name]
			d := distribution(t, "two-moons", Options{Noise: in.Sigma})
			worst := 0.0
			for i, x := range in.X {
				got := d.LogDensity(x)
				near(t, "log density", got, out.LogDensity[i], 1e-9) // the vectors' tolerance
				worst = max(worst, math.Abs(got-out.LogDensity[i]))
			}
			t.Logf("largest difference of log densities: %.1e", worst)
			near(t, "entropy", d.Entropy(), out.Entropy, 1e-9)
			t.Logf("difference of entropies: %.1e", d.Entropy()-out.Entropy)
			checkMoments(t, d, out.Mean, out.Variance)
		})
	}
}
