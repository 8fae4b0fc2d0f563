package flowtest

import (
	"fmt"
	"slices"

	"github.com/sluice-hep/sluice/flow"
)

// embedded is what transforms and base see of the context of each event.
func (o *Oracle) embedded(context [][]float64) [][]float64 {
	part := o.f.Spec.ContextNet
	if part.IsZero() {
		return context
	}
	if part.Kind == flow.DeepSets {
		context = o.pooled(part, context)
	}
	h, _ := network{o: o, part: mlpOf(part, "hidden"), scope: "context_net"}.mlp(context)
	return h
}

// mlpOf is the network whose widths an option of an embedding has.
func mlpOf(part flow.Part, widths string) flow.Part {
	return flow.Part{Kind: "mlp", Options: map[string]any{"hidden": part.Options[widths], "activation": part.Options["activation"], "dropout": 0.}}
}

// pooled is the columns of no set, then, for each set, the sum and the largest over its objects of what an MLP gives.
func (o *Oracle) pooled(part flow.Part, context [][]float64) (out [][]float64) {
	objects, variables, width := part.Options["objects"].([]int), part.Options["variables"].([]int), part.Options["pooled"].(int)
	plain := len(context[0])
	for s, n := range objects {
		plain -= n*variables[s] + 1
	}
	for _, c := range context {
		row, rest := slices.Clone(c[:plain]), c[plain:]
		for s, n := range objects {
			k := variables[s]
			sum, most := make([]float64, width), make([]float64, width)
			for i := range n {
				if !(rest[n*k] > float64(i)) {
					break
				}
				phi := network{o: o, part: mlpOf(part, "each"), scope: fmt.Sprintf("context_net.%d.object", s)}
				h, _ := phi.mlp([][]float64{rest[i*k:][:k]})
				for u, v := range h[0] {
					sum[u] += v
					if most[u] = max(most[u], v); i == 0 {
						most[u] = v
					}
				}
			}
			row, rest = slices.Concat(row, sum, most), rest[n*k+1:]
		}
		out = append(out, row)
	}
	return out
}
