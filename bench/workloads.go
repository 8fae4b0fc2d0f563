// Package bench measures how fast flows train, evaluate and sample on this machine, and what part of the
// processor's peak that is.
package bench

import "github.com/sluice-hep/sluice/flow"

// Workload is a flow and a batch size to measure.
type Workload struct {
	Name              string
	Features, Context int
	Batch             int // events a training step
	Spec              flow.Spec
}

// Workloads are models of published analyses and tutorials, on which the flow libraries of the field were measured; see
// docs/performance.md.
func Workloads() []Workload {
	maf := func(transforms int, hidden ...int) flow.Spec {
		return flow.Spec{Type: "maf", Transforms: transforms, Hidden: hidden}
	}
	return []Workload{
		{"A", 2, 0, 32, maf(15, 128)},        // two moons
		{"B", 4, 0, 256, maf(15, 128, 128)},  // jets of the LHC Olympics
		{"Bc", 4, 1, 256, maf(15, 128, 128)}, // the same with a context
		{"E", 28, 0, 1024, maf(10, 128, 128)},
		{"Er", 28, 0, 1024, flow.Spec{Type: "realnvp", Transforms: 10, Hidden: []int{128, 128}}},
		{"F", 6, 0, 256, flow.Spec{Type: "nsf-ar", Transforms: 5, Hidden: []int{64, 64}}},
	}
}
