package bench

import (
	"context"
	"strconv"
	"testing"
	"time"

	"github.com/sluice-hep/sluice/flow"
	"github.com/sluice-hep/sluice/internal/kernel"
)

// A measurement is complete and consistent, whatever the speed.
func TestRun(t *testing.T) {
	w := Workload{"small", 2, 1, 64, flow.Spec{Type: "nsf-ar", Transforms: 1, Hidden: []int{8}}}
	r, err := Run(context.Background(), w, 1, 40*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	if r.StepMin <= 0 || r.StepMedian < r.StepMin || r.EventsPerSec <= 0 || r.DensityPerSec <= 0 || r.SamplePerSec <= 0 || r.GFLOPS <= 0 || r.PeakFraction <= 0 {
		t.Errorf("%+v", r)
	}
}

// Ten batches of 1,024 events were nine and one of 784, whose time stood for the fastest step.
func TestWholeBatches(t *testing.T) {
	rows := wholeBatches(10_000, 1024)
	if len(rows) != 9*1024 || rows[0] != 0 || rows[len(rows)-1] != 9*1024-1 {
		t.Errorf("%d events, the last is %d", len(rows), rows[len(rows)-1])
	}
}

// The arithmetic counts kept weights only: of a MADE [2] of 2 features without context the first feature reaches both
// hidden units (2 weights), and these the two outputs of the second feature (4).
func TestFlopsOfAMask(t *testing.T) {
	f, err := flow.New(2, 0, flow.Spec{Type: "maf", Transforms: 1, Hidden: []int{2}}, 1)
	if err != nil {
		t.Fatal(err)
	}
	if got := flopsPerEvent(f); got != 4*2+6*4 {
		t.Errorf("%v operations an event, want 32", got)
	}
}

func TestRunStops(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Run(ctx, Workloads()[0], 1, time.Hour); err == nil {
		t.Error("a cancelled measurement gave a result")
	}
}

// BenchmarkShowers draws events of workload G, so many a call, as the published times of generated showers are given.
func BenchmarkShowers(b *testing.B) {
	w, _ := ByName([]string{"G"})
	f, err := flow.New(w[0].Features, w[0].Context, w[0].Spec, 1)
	if err != nil {
		b.Fatal(err)
	}
	f.Threads = 1
	defer f.Close()
	for _, n := range []int{1, 100, 10_000} {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			c := correlated(w[0].Context, n)
			for b.Loop() {
				if _, err := f.Sample(n, c, 1, 0); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(1e3*b.Elapsed().Seconds()/float64(b.N*n), "ms/event")
			b.ReportMetric(float64(f.Size()), "parameters")
		})
	}
}

// BenchmarkFamilies takes gradients of batches of 256 events of 6 columns, and says what part of the processor's peak the networks' arithmetic is.
func BenchmarkFamilies(b *testing.B) {
	const columns, batch = 6, 256
	x := correlated(columns, batch)
	rows := wholeBatches(batch, batch)
	for name, spec := range map[string]flow.Spec{
		"naf": {Type: "naf", Transforms: 5, Hidden: []int{64, 64}},
		"cfm": {Type: "cfm"},
	} {
		b.Run(name, func(b *testing.B) {
			f, err := flow.New(columns, 0, spec, 1)
			if err != nil {
				b.Fatal(err)
			}
			f.Threads = 1
			defer f.Close()
			var l interface {
				Gradient(rows []int32, grad []float32) float64
				Close()
			}
			if f.Spec.Matched() {
				l, err = flow.NewMatching(f, x, nil, nil)
			} else {
				l, err = flow.NewLikelihood(f, x, nil, nil)
			}
			if err != nil {
				b.Fatal(err)
			}
			defer l.Close()
			grad := make([]float32, f.Size())
			for b.Loop() {
				l.Gradient(rows, grad)
			}
			flops := flopsPerEvent(f) * batch * float64(b.N) / b.Elapsed().Seconds() / 1e9
			b.ReportMetric(flops, "GFLOP/s")
			b.ReportMetric(100*flops/kernel.PeakGFLOPS(), "%peak")
			b.ReportMetric(float64(f.Size()), "parameters")
		})
	}
}
