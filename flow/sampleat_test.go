package flow_test

import (
	"testing"

	"github.com/sluice-hep/sluice/flow"
	"github.com/sluice-hep/sluice/internal/rng"
)

// Events drawn by their numbers are those of the sample, whatever the base, and though it takes the context.
func TestSampleAt(t *testing.T) {
	part := func(v any) flow.Part {
		p, err := flow.ParsePart(v)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	for _, base := range []any{"normal", "student-t", "mixture", "box", "conditional-normal"} {
		net := map[string]any{"mlp": map[string]any{"hidden": 8}}
		layer := part(map[string]any{"autoregressive": map[string]any{"net": net}})
		f, err := flow.New(3, 1, flow.Spec{Base: part(base), Layers: []flow.Part{layer}, Repeat: 2}, 4)
		if err != nil {
			t.Fatal(err)
		}
		push := make([]float32, f.Size())
		rng.Normal(push, 2, rng.StreamTest, 1, 0)
		for i := range push {
			f.Params()[i] += 0.3 * push[i]
		}
		f.Cut(f.Params())
		const n, first = 700, 1<<32 - 50
		given := [][]float32{make([]float32, n)}
		rng.Normal(given[0], 3, rng.StreamTest, 0, 0)
		all, err := f.Sample(n, given, 9, first)
		if err != nil {
			t.Fatal(err)
		}
		var numbers []uint64
		var context []float32
		for i := range n {
			if i%7 == 0 || i > 200 && i < 300 || i == n-1 {
				numbers, context = append(numbers, first+uint64(i)), append(context, given[0][i])
			}
		}
		some, err := f.SampleAt(numbers, [][]float32{context}, 9)
		if err != nil {
			t.Fatal(err)
		}
		for c := range all {
			for i, k := range numbers {
				if some[c][i] != all[c][k-first] {
					t.Fatalf("%v: feature %d of event %d is %v, in the sample %v", base, c, k, some[c][i], all[c][k-first])
				}
			}
		}
		if _, err := f.SampleAt(numbers, nil, 9); err == nil {
			t.Error("no context for a flow with one")
		}
		f.Close()
	}
}
