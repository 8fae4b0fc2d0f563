package flow_test

import (
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sluice-hep/sluice/flow"
	"github.com/sluice-hep/sluice/nn"
)

// shift is z = x + b of every feature. It cannot be trained: it has no Backward.
type shift struct{ b nn.View }

func (s *shift) Layout(l *nn.Layout, scope string)       { s.b = l.Add(scope+".b", 1, 1, nn.Bias) }
func (*shift) Memory() (rows, scratch int)               { return 0, 0 }
func (*shift) ToLatent(*flow.Tile, []float32, []float32) {}
func (*shift) ToData(*flow.Tile, []float32, []float32)   {}

// oneWay can be trained, and has no inverse.
type oneWay struct{ shift }

func (*oneWay) Backward(t *flow.Tile, p, g, mem, scratch []float32) {}
func (*oneWay) OneWay() string                                      { return "has no inverse in closed form" }

func wholeKind(name string, t flow.Transform) flow.Kind {
	return flow.Kind{Name: name, Role: flow.RoleWhole, Build: func(*flow.Options) any {
		return func(*flow.Site) (flow.Transform, error) { return t, nil }
	}}
}

func TestTransformThatCannotBeTrainedIsRefused(t *testing.T) {
	_, err := flow.New(2, 0, flow.Spec{Layers: []flow.Part{{Kind: "shift"}}}, 1, wholeKind("shift", &shift{}))
	if err == nil || !strings.Contains(err.Error(), "*flow_test.shift cannot be trained") {
		t.Errorf("%v", err)
	}
}

func TestNoSampleWithoutAnInverse(t *testing.T) {
	f, err := flow.New(2, 0, flow.Spec{Layers: []flow.Part{{Kind: "one-way"}}}, 1, wholeKind("one-way", &oneWay{}))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.LogProb([][]float32{{1}, {2}}, nil); err != nil {
		t.Error(err)
	}
	if _, err := f.Sample(1, nil, 1, 0); err == nil || !strings.Contains(err.Error(), "(one-way) has no inverse in closed form") {
		t.Errorf("%v", err)
	}
}

// A flow that no machine holds is refused before it takes memory, and the refusal says what it would take.
func TestTooLargeIsRefused(t *testing.T) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := flow.New(100, 10, flow.Spec{Type: "nsf", Transforms: 1000, Hidden: slices.Repeat([]int{65536}, 100)}, 1)
	runtime.ReadMemStats(&after)
	if err == nil || !strings.Contains(err.Error(), "parameters or more") {
		t.Errorf("%v", err)
	}
	if used := after.TotalAlloc - before.TotalAlloc; used > 128<<20 { // names of 200,000 matrices
		t.Errorf("%d bytes taken", used)
	}
}

// What a training takes is compared with what there is before any of it is taken.
func TestMoreThanTheMachineHasIsRefused(t *testing.T) {
	p, err := flow.NewPlan(20, 0, flow.Spec{Type: "maf", Transforms: 1, Hidden: []int{30_000, 30_000}}, 1)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.CheckMemory(1 << 20); err == nil || !strings.Contains(err.Error(), "parameters takes") {
		t.Errorf("4e15 bytes: %v", err)
	}
	small, err := flow.NewPlan(2, 0, flow.Spec{Hidden: []int{8}}, 1)
	if err != nil {
		t.Fatal(err)
	}
	if err := small.CheckMemory(6); err != nil {
		t.Error(err)
	}
}

// A plan has the views of its flow.
func TestPlanIsTheFlow(t *testing.T) {
	spec := flow.Spec{Type: "maf", Transforms: 2, Linear: "lu", BatchNorm: true}
	p, err := flow.NewPlan(3, 1, spec, 1)
	if err != nil {
		t.Fatal(err)
	}
	f, err := flow.New(3, 1, p.Spec, 1) // the full description is the same flow
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(p.Views(), f.Views()) || p.Size() != len(f.Params()) {
		t.Error("the plan and the flow differ")
	}
}

// Evaluations share their workers, which end with Close, and some time after the last one without.
func TestWorkersEnd(t *testing.T) {
	before := runtime.NumGoroutine()
	f, err := flow.New(2, 0, flow.Spec{Type: "maf", Transforms: 1, Hidden: []int{8}}, 1)
	if err != nil {
		t.Fatal(err)
	}
	f.Threads = 4
	ended := func(within time.Duration) bool {
		for end := time.Now().Add(within); time.Now().Before(end); time.Sleep(time.Millisecond) {
			if runtime.NumGoroutine() <= before {
				return true
			}
		}
		return false
	}
	for range 5 {
		if _, err := f.Sample(1000, nil, 1, 0); err != nil {
			t.Fatal(err)
		}
	}
	if n := runtime.NumGoroutine(); n > before+3 {
		t.Errorf("%d goroutines started for 3 workers", n-before)
	}
	f.Close()
	if !ended(time.Minute) {
		t.Error("workers live on after Close")
	}
	if _, err := f.Sample(1000, nil, 1, 0); err != nil {
		t.Fatal(err)
	}
	if !ended(time.Minute) {
		t.Error("idle workers live on")
	}
}
