package mix

import (
	"math"
	"testing"

	"github.com/sluice-hep/sluice/flow"
	"github.com/sluice-hep/sluice/internal/rng"
)

// A table takes the width of the latents that are there: absent cells count neither in it nor in the density.
func TestTableWidened(t *testing.T) {
	spec := Spec{
		Features: []Feature{{Categories: 2}, {Where: &Where{Feature: 0, Codes: []int{1}}}, {}},
		Flow:     flow.Spec{Type: "maf", Transforms: 1, Hidden: []int{4}}, Hidden: []int{4},
	}
	m, err := New(0, spec, 1)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	g := rng.New(8, rng.StreamTest, 0)
	x := make([][]float32, 3)
	for e := range 20000 {
		code, cell := float32(e%2), float32(math.NaN())
		if code == 1 {
			cell = float32(1.3 * g.NormFloat64())
		}
		x[0], x[1], x[2] = append(x[0], code), append(x[1], cell), append(x[2], float32(1.3*g.NormFloat64()))
	}
	before, z, err := m.Evaluate(x, nil)
	if err != nil {
		t.Fatal(err)
	}
	wide, width, gain, err := m.Widened(z[1:], nil)
	if err != nil {
		t.Fatal(err)
	}
	defer wide.Close()
	after, again, err := wide.Evaluate(x, nil)
	if err != nil {
		t.Fatal(err)
	}
	var won float64
	for e := range before {
		won += (after[e] - before[e]) / float64(len(before))
		cells := 1 + float64(e%2)
		far := float64(z[2][e] * z[2][e])
		if e%2 == 1 {
			far += float64(z[1][e] * z[1][e])
		}
		if want := before[e] + far/2*(1-1/(width*width)) - cells*math.Log(width); math.Abs(after[e]-want) > 1e-4 {
			t.Fatalf("event %d has %g, not %g", e, after[e], want)
		}
		if again[2][e] != z[2][e] {
			t.Fatalf("event %d lies at %g, not %g", e, again[2][e], z[2][e])
		}
	}
	if math.Abs(width-1.3) > 0.02 || math.Abs(won-gain) > 1e-4 || gain < 0.05 {
		t.Errorf("%g wide; %g nats better, and %g were told", width, won, gain)
	}
}
