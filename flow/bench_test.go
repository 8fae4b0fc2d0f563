package flow

import (
	"testing"

	"github.com/sluice-hep/sluice/internal/rng"
)

// workloads are those that the flow libraries of the field were measured on; docs/performance.md has the table.
var workloads = []struct {
	name              string
	features, context int
	batch             int
	spec              Spec
}{
	{"A", 2, 0, 32, Spec{Type: "maf", Transforms: 15, Hidden: []int{128}}},
	{"B", 4, 0, 256, Spec{Type: "maf", Transforms: 15, Hidden: []int{128, 128}}},
	{"Bc", 4, 1, 256, Spec{Type: "maf", Transforms: 15, Hidden: []int{128, 128}}},
	{"C", 8, 0, 64, Spec{Type: "maf", Transforms: 7, Hidden: []int{64, 64}, BatchNorm: true}},
	{"D", 17, 14, 512, Spec{Type: "nsf", Transforms: 17, Hidden: []int{298}, Net: "residual", Blocks: 10, NetBatchNorm: true, Linear: "lu", Bins: 128, Bound: 1}},
	{"E", 28, 0, 1024, Spec{Type: "maf", Transforms: 10, Hidden: []int{128, 128}}},
	{"Er", 28, 0, 1024, Spec{Type: "realnvp", Transforms: 10, Hidden: []int{128, 128}}},
	{"F", 6, 0, 256, Spec{Type: "nsf-ar", Transforms: 5, Hidden: []int{64, 64}}},
}

func normalColumns(n, events int) [][]float32 {
	x := columns(n, events)
	for c := range x {
		rng.Normal(x[c], 1, rng.StreamTest, uint32(c), 0)
	}
	return x
}

// BenchmarkGradient is a training step but for the optimiser, on one thread.
func BenchmarkGradient(b *testing.B) {
	for _, w := range workloads {
		b.Run(w.name, func(b *testing.B) {
			f, err := New(w.features, w.context, w.spec, 1)
			if err != nil {
				b.Fatal(err)
			}
			f.Threads = 1
			l, err := NewLikelihood(f, normalColumns(w.features, 4096), normalColumns(w.context, 4096), nil)
			if err != nil {
				b.Fatal(err)
			}
			defer l.Close()
			rows := rng.New(1, rng.StreamTest, 0).Perm(4096)[:w.batch]
			grad := make([]float32, len(f.params))
			b.ResetTimer()
			for b.Loop() {
				l.Gradient(rows, grad)
			}
		})
	}
}

// BenchmarkLogProb and BenchmarkSample are of 10,000 events (1,024 of the large D) on one thread.
func BenchmarkLogProb(b *testing.B) {
	benchmarkEvents(b, func(f *Flow, x, context [][]float32) error {
		_, err := f.LogProb(x, context)
		return err
	})
}

func BenchmarkSample(b *testing.B) {
	benchmarkEvents(b, func(f *Flow, x, context [][]float32) error {
		_, err := f.Sample(len(x[0]), context, 1, 0)
		return err
	})
}

func benchmarkEvents(b *testing.B, run func(f *Flow, x, context [][]float32) error) {
	for _, w := range workloads {
		b.Run(w.name, func(b *testing.B) {
			events := 10_000
			if w.spec.Net == "residual" {
				events = 1024
			}
			f, err := New(w.features, w.context, w.spec, 1)
			if err != nil {
				b.Fatal(err)
			}
			f.Threads = 1
			x, context := normalColumns(w.features, events), normalColumns(w.context, events)
			b.ResetTimer()
			for b.Loop() {
				if err := run(f, x, context); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(events)*float64(b.N)/b.Elapsed().Seconds(), "events/s")
		})
	}
}
