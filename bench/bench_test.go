package bench

import (
	"context"
	"testing"
	"time"

	"github.com/sluice-hep/sluice/flow"
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
