package flow_test

import (
	"testing"

	"github.com/sluice-hep/sluice/bench"
	"github.com/sluice-hep/sluice/flow"
	"github.com/sluice-hep/sluice/internal/rng"
)

func normalColumns(n, events int) [][]float32 {
	x := make([][]float32, n)
	for c := range x {
		x[c] = make([]float32, events)
		rng.Normal(x[c], 1, rng.StreamTest, uint32(c), 0)
	}
	return x
}

// BenchmarkGradient is a training step but for the optimiser, on one thread.
func BenchmarkGradient(b *testing.B) {
	for _, w := range bench.Workloads() {
		b.Run(w.Name, func(b *testing.B) {
			f, err := flow.New(w.Features, w.Context, w.Spec, 1)
			if err != nil {
				b.Fatal(err)
			}
			f.Threads = 1
			l, err := flow.NewLikelihood(f, normalColumns(w.Features, 4096), normalColumns(w.Context, 4096), nil)
			if err != nil {
				b.Fatal(err)
			}
			defer l.Close()
			rows := rng.New(1, rng.StreamTest, 0).Perm(4096)[:w.Batch]
			grad := make([]float32, len(f.Params()))
			b.ResetTimer()
			for b.Loop() {
				l.Gradient(rows, grad)
			}
		})
	}
}

// BenchmarkFamily is a gradient of one transformer after the other in the same flow: 5 autoregressive transforms of 4 features,
// hidden layers of 64, batches of 256, on one thread.
func BenchmarkFamily(b *testing.B) {
	for _, transformer := range []string{"affine", "spline", "circular-spline", "dsf", "bernstein"} {
		b.Run(transformer, func(b *testing.B) {
			f, err := flow.New(4, 0, flow.Spec{Repeat: 5, Layers: []flow.Part{{Kind: "autoregressive", Options: map[string]any{
				"transformer": transformer, "net": flow.Part{Kind: "mlp", Options: map[string]any{"hidden": []int{64, 64}}}}}}}, 1)
			if err != nil {
				b.Fatal(err)
			}
			f.Threads = 1
			l, err := flow.NewLikelihood(f, normalColumns(4, 4096), nil, nil)
			if err != nil {
				b.Fatal(err)
			}
			defer l.Close()
			rows, grad := rng.New(1, rng.StreamTest, 0).Perm(4096)[:256], make([]float32, len(f.Params()))
			for b.Loop() {
				l.Gradient(rows, grad)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(256*b.N), "ns/event")
		})
	}
}

// BenchmarkLogProb and BenchmarkSample are of 10,000 events (1,024 of the large D) on one thread.
func BenchmarkLogProb(b *testing.B) {
	benchmarkEvents(b, func(f *flow.Flow, x, context [][]float32) error {
		_, err := f.LogProb(x, context)
		return err
	})
}

func BenchmarkSample(b *testing.B) {
	benchmarkEvents(b, func(f *flow.Flow, x, context [][]float32) error {
		_, err := f.Sample(len(x[0]), context, 1, 0)
		return err
	})
}

func benchmarkEvents(b *testing.B, run func(f *flow.Flow, x, context [][]float32) error) {
	for _, w := range bench.Workloads() {
		b.Run(w.Name, func(b *testing.B) {
			events := 10_000
			if w.Spec.Net == "residual" {
				events = 1024
			}
			f, err := flow.New(w.Features, w.Context, w.Spec, 1)
			if err != nil {
				b.Fatal(err)
			}
			f.Threads = 1
			x, context := normalColumns(w.Features, events), normalColumns(w.Context, events)
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
