package flow_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/sluice-hep/sluice/flow"
)

// gaussian are events of a normal distribution of these widths.
func gaussian(events int, width ...float64) [][]float32 {
	src := rand.New(rand.NewPCG(1, 2))
	z := make([][]float32, len(width))
	for range events {
		for j, w := range width {
			z[j] = append(z[j], float32(w*src.NormFloat64()))
		}
	}
	return z
}

// The base gets the width that the latents have, and the flow's density and its draws are of that; its map stays.
func TestWidened(t *testing.T) {
	f := newFlow(t, 3, 0, flow.Spec{Transforms: 2, Hidden: []int{8}})
	for _, want := range []float64{1.1, 0.95} {
		z := gaussian(20_000, want, want, want)
		g, width, gain, err := f.Widened(z, nil)
		if err != nil || math.Abs(width/want-1) > 0.012 || g == f { // four standard errors
			t.Fatal(width, err)
		}
		x, _, err := f.ToData(z, nil)
		if err != nil {
			t.Fatal(err)
		}
		var got float64
		for i, of := range []*flow.Flow{g, f} {
			logProb, err := of.LogProb(x, nil)
			if err != nil {
				t.Fatal(err)
			}
			for _, v := range logProb {
				got += float64(1-2*i) * v / float64(len(logProb))
			}
		}
		if math.Abs(got-gain) > 1e-4 {
			t.Errorf("a gain of %.5f, said to be %.5f", got, gain)
		}
		drawn, err := g.Latent(50_000, nil, 1, 0)
		if err != nil {
			t.Fatal(err)
		}
		for j := range drawn {
			var s float64
			for _, v := range drawn[j] {
				s += float64(v) * float64(v) / float64(len(drawn[j]))
			}
			if got := math.Sqrt(s); math.Abs(got/width-1) > 0.013 {
				t.Errorf("feature %d is drawn %.4f wide, not %.4f", j, got, width)
			}
		}
	}
}

// A base that fits stays, as does one that is not normal; of negative weights there is no width.
func TestNotWidened(t *testing.T) {
	for _, c := range []struct {
		what   string
		spec   flow.Spec
		z      [][]float32
		weight float32
	}{
		{"the base fits", flow.Spec{}, gaussian(5000, 1, 1), 1},
		{"few events", flow.Spec{}, gaussian(10, 1.2, 1.2), 1},
		{"no events", flow.Spec{}, gaussian(0, 1, 1), 1},
		{"another base", flow.Spec{Base: flow.Part{Kind: "student-t"}}, gaussian(5000, 2, 2), 1},
		{"negative weights", flow.Spec{}, gaussian(5000, 2, 2), -1},
	} {
		f := newFlow(t, 2, 0, c.spec)
		weight := make([]float32, len(c.z[0]))
		for i := range weight {
			weight[i] = c.weight
		}
		if g, width, gain, err := f.Widened(c.z, weight); err != nil || width != 1 || gain != 0 || g != f {
			t.Errorf("%s: %g, %v", c.what, width, err)
		}
	}
}

// Beside a feature with a base of its own, the others get their width. Events count by their weights.
func TestWidenedBeside(t *testing.T) {
	f := newFlow(t, 3, 0, flow.Spec{Bases: map[string]flow.Part{"1": {Kind: "student-t"}}})
	z := gaussian(20_000, 1.2, 5, 1.2)
	weight := make([]float32, 20_000)
	for i := range weight {
		if weight[i] = 1; i%2 == 0 {
			z[0][i], weight[i] = 100, 0
		}
	}
	g, width, _, err := f.Widened(z, weight)
	if err != nil || math.Abs(width/1.2-1) > 0.02 || g.Spec.Bases["1"].Kind != "student-t" {
		t.Errorf("%g of %v, %v", width, g.Spec.Lines(), err)
	}
}
