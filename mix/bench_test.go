package mix_test

import (
	"math"
	"slices"
	"testing"

	"github.com/sluice-hep/sluice/flow"
	"github.com/sluice-hep/sluice/internal/rng"
	"github.com/sluice-hep/sluice/mix"
	"github.com/sluice-hep/sluice/nn"
)

// BenchmarkGradient is a training step but for the optimiser, on one thread, of batches of 1024: a table of 8 cells, half of them
// absent in about a third of the events, and 4 features of codes; and its flow alone with the same context, without absent cells
// (whole), and with them (masked).
func BenchmarkGradient(b *testing.B) {
	c := testCase{spec: mix.Spec{
		Features: []mix.Feature{codes(3), codes(2), codes(4), codes(8), {}, {}, {}, {}, where(0, 1, 2), where(0, 1, 2), where(0, 2), where(2, 1, 2, 3)},
		Flow:     flow.Spec{Type: "nsf-ar", Hidden: []int{128, 128}},
	}}
	m, err := mix.New(0, c.spec, 1)
	if err != nil {
		b.Fatal(err)
	}
	defer m.Close()
	m.UseThreads(1)
	x, _ := c.events(m, 4096, 1)
	var given, cells, whole [][]float32
	for i, f := range c.spec.Features {
		for k := range f.Categories {
			hot := make([]float32, 4096)
			for e, v := range x[i] {
				if int(v) == k {
					hot[e] = 1
				}
			}
			given = append(given, hot)
		}
		if f.Categories == 0 {
			cells = append(cells, x[i])
			some := slices.Clone(x[i])
			for e, v := range some {
				if v != v {
					some[e] = 0.5
				}
			}
			whole = append(whole, some)
		}
	}
	masked := m.Flow()
	plain, err := flow.New(len(cells), len(given), c.spec.Flow, 1)
	if err != nil {
		b.Fatal(err)
	}
	plain.Threads = 1
	of := func(f *flow.Flow, x [][]float32) *flow.Likelihood {
		l, err := flow.NewLikelihood(f, x, given, nil)
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(l.Close)
		return l
	}
	for _, w := range []struct {
		name string
		of   interface {
			Gradient(rows []int32, grad []float32) float64
		}
		parts interface {
			Views() []nn.View
			Cut(flat []float32)
			Size() int
		}
	}{
		{"table", likelihood(b, m, x, nil, nil), m},
		{"whole", of(plain, whole), plain},
		{"masked", of(masked, cells), masked},
	} {
		b.Run(w.name, func(b *testing.B) {
			rows, grad := rng.New(1, rng.StreamTest, 0).Perm(4096)[:1024], make([]float32, w.parts.Size())
			kept := slices.Repeat([]float32{1}, len(grad))
			w.parts.Cut(kept)
			var weights float64
			for _, v := range w.parts.Views() {
				for _, one := range v.Of(kept) {
					if v.Role == nn.Weight {
						weights += float64(one)
					}
				}
			}
			fastest := math.Inf(1)
			for b.Loop() {
				began := b.Elapsed()
				w.of.Gradient(rows, grad)
				fastest = min(fastest, (b.Elapsed() - began).Seconds())
			}
			b.ReportMetric(1e3*fastest, "ms/fastest-step")
			b.ReportMetric(6*weights*1024/fastest*1e-9, "GFLOP/s")
		})
	}
}
