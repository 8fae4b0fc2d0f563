// Package bench measures how fast flows train, evaluate and sample on this machine, and what part of the
// processor's peak that is.
package bench

import (
	"slices"

	"github.com/sluice-hep/sluice/flow"
)

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
	// the residual network of a published fast simulation of jets, 48 million parameters
	jets := flow.Spec{
		Type: "nsf", Transforms: 17, Bins: 128, Bound: 1, Linear: "lu",
		Net: "residual", Hidden: []int{298}, Blocks: 10, NetBatchNorm: true,
	}
	return []Workload{
		{"A", 2, 0, 32, maf(15, 128)},        // two moons
		{"B", 4, 0, 256, maf(15, 128, 128)},  // jets of the LHC Olympics
		{"Bc", 4, 1, 256, maf(15, 128, 128)}, // the same with a context
		{"C", 8, 0, 64, flow.Spec{Type: "maf", Transforms: 7, Hidden: []int{64, 64}, BatchNorm: true}}, // background estimation
		{"D", 17, 14, 2048, jets},
		{"D512", 17, 14, 512, jets},
		{"E", 28, 0, 1024, maf(10, 128, 128)}, // HIGGS
		{"Er", 28, 0, 1024, flow.Spec{Type: "realnvp", Transforms: 10, Hidden: []int{128, 128}}},
		{"F", 6, 0, 256, flow.Spec{Type: "nsf-ar", Transforms: 5, Hidden: []int{64, 64}}},
		{"G", 368, 6, 256, flow.Spec{Type: "nsf-ar", Transforms: 8, Hidden: []int{378}}}, // showers in a calorimeter
	}
}

// ByName returns the named workloads, all but D512 where there are no names; nil and the first unknown name otherwise.
func ByName(names []string) (chosen []Workload, unknown string) {
	all := Workloads()
	if len(names) == 0 {
		return slices.DeleteFunc(all, func(w Workload) bool { return w.Name == "D512" }), ""
	}
	for _, n := range names {
		i := slices.IndexFunc(all, func(w Workload) bool { return w.Name == n })
		if i < 0 {
			return nil, n
		}
		chosen = append(chosen, all[i])
	}
	return chosen, ""
}
