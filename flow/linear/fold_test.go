package linear_test

import (
	"math"
	"testing"

	"github.com/sluice-hep/sluice/flow"
	"github.com/sluice-hep/sluice/internal/rng"
)

// run is layers that mix, scale and rename features.
func run(features int, start float64, layers ...flow.Part) (*flow.Flow, error) {
	f, err := flow.New(features, 0, flow.Spec{Layers: layers}, 3)
	if err != nil {
		return nil, err
	}
	p, noise := f.Params(), rng.New(5, rng.StreamTest, 0)
	for i := range p {
		p[i] += float32(start * noise.NormFloat64())
	}
	return f, nil
}

func columns(n, events int, seed uint64) [][]float32 {
	x := make([][]float32, n)
	for c := range x {
		x[c] = make([]float32, events)
		rng.Normal(x[c], seed, rng.StreamTest, uint32(c), 0)
	}
	return x
}

var runs = map[string][]flow.Part{
	"glow":  {{Kind: "act-norm"}, {Kind: "permutation", Options: map[string]any{"order": "reverse"}}, {Kind: "lu"}},
	"many":  {{Kind: "rotation"}, {Kind: "batch-norm"}, {Kind: "lu", Options: map[string]any{"permute": "random"}}, {Kind: "act-norm"}},
	"turns": {{Kind: "householder", Options: map[string]any{"reflections": 6}}, {Kind: "rotation"}},
}

// A run as one map is what its layers are one by one (Steps), both ways, and follows the parameters when they move.
func TestFoldedRunsAreTheirLayers(t *testing.T) {
	for name, layers := range runs {
		for _, n := range []int{1, 3, 8, 29} {
			f, err := run(n, 0.1, layers...)
			if err != nil {
				t.Fatal(err)
			}
			for range 2 {
				z := columns(n, 130, 7)
				steps, err := f.Steps(z, nil)
				if err != nil {
					t.Fatal(err)
				}
				x, down, err := f.ToData(z, nil)
				if err != nil {
					t.Fatal(err)
				}
				same(t, name, x, steps[len(steps)-1])
				back, up, err := f.ToLatent(x, nil)
				if err != nil {
					t.Fatal(err)
				}
				same(t, name+" back", back, z)
				for e := range up {
					if math.Abs(float64(up[e]+down[e])) > 1e-4 {
						t.Fatalf("%s of %d: log|det| %v up, %v down", name, n, up[e], down[e])
					}
				}
				f.Params()[len(f.Params())-1] += 0.5 // the second time
			}
		}
	}
}

func same(t *testing.T, name string, a, b [][]float32) {
	t.Helper()
	for c := range a {
		for e, v := range a[c] {
			if math.Abs(float64(v-b[c][e])) > 1e-4*(1+math.Abs(float64(v))) {
				t.Fatalf("%s of %d features: feature %d, event %d: %v, not %v", name, len(a), c, e, v, b[c][e])
			}
		}
	}
}

// A matrix that float32 cannot take back goes the way of its layers, and log|det| is the sum of theirs.
func TestNearlySingularRunIsNotFolded(t *testing.T) {
	f, err := run(2, 0, flow.Part{Kind: "lu"}, flow.Part{Kind: "rotation"})
	if err != nil {
		t.Fatal(err)
	}
	f.Params()[0] = -30 // a diagonal of 1e-3
	f.Params()[1] = 2
	z := columns(2, 70, 1)
	x, _, err := f.ToData(z, nil)
	if err != nil {
		t.Fatal(err)
	}
	back, logDet, err := f.ToLatent(x, nil)
	if err != nil {
		t.Fatal(err)
	}
	same(t, "singular", back, z)
	if want := math.Log(1e-3); math.Abs(float64(logDet[0])-want) > 1e-4 {
		t.Errorf("log|det| %v, not %v", logDet[0], want)
	}
}

// BenchmarkGlow is the density and the sampling of ten thousand events on one thread.
func BenchmarkGlow(b *testing.B) {
	for _, n := range []int{8, 28} {
		f, err := flow.New(n, 0, flow.Spec{Type: "glow"}, 1)
		if err != nil {
			b.Fatal(err)
		}
		f.Threads = 1
		x := columns(n, 10_000, 1)
		b.Run("density", func(b *testing.B) {
			for b.Loop() {
				if _, err := f.LogProb(x, nil); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run("sample", func(b *testing.B) {
			for b.Loop() {
				if _, err := f.Sample(10_000, nil, 1, 0); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
