package flow_test

import (
	"slices"
	"testing"

	"github.com/sluice-hep/sluice/flow"
	"github.com/sluice-hep/sluice/flow/flowtest"
	"github.com/sluice-hep/sluice/internal/kernel"
	"github.com/sluice-hep/sluice/nn"
)

// line is the network h = W [context; x] + b, which has no hidden units. Its memory of a tile is [context; x; h].
type line struct {
	shape  nn.Shape
	inputs int
	w, b   nn.View
	sees   []int // of each output: how many of the inputs
}

func newLine(l *nn.Layout, scope string, s nn.Shape) *line {
	n := &line{shape: s, inputs: s.Context + s.Features}
	n.w, n.b = l.Add(scope+".w", s.Outputs, n.inputs, nn.Weight), l.Add(scope+".b", s.Outputs, 1, nn.Bias)
	return n
}

func (n *line) Mask() {
	for o := range n.shape.Outputs {
		sees := n.inputs
		if order := n.shape.Order; order != nil {
			sees = n.shape.Context
			if g, _ := slices.BinarySearch(order.Outputs, o+1); g > 0 {
				sees += order.Inputs[g-1]
			}
		}
		n.sees = append(n.sees, sees)
	}
}

func (n *line) Cut(flat []float32) {
	for o, sees := range n.sees {
		clear(n.w.Of(flat)[o*n.inputs+sees : (o+1)*n.inputs])
	}
}

func (n *line) Start(p, bias []float32, _ *nn.Source) { copy(n.b.Of(p), bias) }

func (n *line) Input(mem []float32) []float32 { return mem[n.shape.Context*kernel.Tile:] }

// outputs computes outputs [r0, r1) from the inputs in mem.
func (n *line) outputs(p, h, mem []float32, r0, r1 int) {
	w, b := n.w.Of(p), n.b.Of(p)
	for o := r0; o < r1; o++ {
		for e := range kernel.Tile {
			sum := b[o]
			for i := range n.sees[o] {
				sum += w[o*n.inputs+i] * mem[i*kernel.Tile+e]
			}
			h[(o-r0)*kernel.Tile+e] = sum
		}
	}
}

// gradient adds that of the parameters from outputs [r0, r1), and returns that of the features, in dx, to which it adds.
func (n *line) gradient(p, g, dx, mem, d []float32, events int) {
	w, dw, db := n.w.Of(p), n.w.Of(g), n.b.Of(g)
	for o := range n.shape.Outputs {
		for e := range events {
			v := d[o*kernel.Tile+e]
			db[o] += v
			for i := range n.sees[o] {
				dw[o*n.inputs+i] += v * mem[i*kernel.Tile+e]
				if f := i - n.shape.Context; f >= 0 {
					dx[f*kernel.Tile+e] += v * w[o*n.inputs+i]
				}
			}
		}
	}
}

// single is a line as a Conditioner.
type single struct{ *line }

func (n single) Rows() int                       { return n.inputs + n.shape.Outputs }
func (n single) Scratch() int                    { return n.shape.Features }
func (n single) Results(act []float32) []float32 { return act[n.inputs*kernel.Tile:] }
func (n single) Begin(act, context []float32)    { copy(act[:n.shape.Context*kernel.Tile], context) }
func (n single) Next(p, act []float32, g, _ int) []float32 {
	r0, r1 := 0, n.shape.Outputs
	if o := n.shape.Order; o != nil {
		r1 = o.Outputs[g]
		if g > 0 {
			r0 = o.Outputs[g-1]
		}
	}
	h := n.Results(act)[r0*kernel.Tile:]
	n.outputs(p, h, act, r0, r1)
	return h
}

func (n single) Forward(p, act, context []float32, _ *nn.Pass) []float32 {
	n.Begin(act, context)
	n.outputs(p, n.Results(act), act, 0, n.shape.Outputs)
	return n.Results(act)
}

func (n single) Backward(p, g, act, d, scratch []float32, pass *nn.Pass) []float32 {
	if pass.First {
		clear(n.w.Of(g))
		clear(n.b.Of(g))
	}
	clear(scratch)
	n.gradient(p, g, scratch, act, d, pass.N)
	return scratch
}

// batched is a line as a BatchedConditioner, whose trunk is its input.
type batched struct{ *line }

func (n batched) EvaluationRows() int { return n.inputs }

func (n batched) Trunk(_ []float32, trunk, mem, context [][]float32, _ []int) {
	for i := range trunk {
		copy(mem[i][:n.shape.Context*kernel.Tile], context[i])
		trunk[i] = mem[i]
	}
}

func (n batched) Output(p, h, trunk []float32, r0, r1, _ int) { n.outputs(p, h, trunk, r0, r1) }

func (n batched) Sequence([]float32) func(mem, context []float32, g, events int) []float32 {
	return func(mem, context []float32, _, _ int) []float32 {
		copy(mem[:n.shape.Context*kernel.Tile], context)
		return mem
	}
}

func (n batched) NewPass(*nn.Crew) flow.ConditionerPass { return &linePass{line: n.line} }

// linePass keeps the inputs of each tile.
type linePass struct {
	*line
	in, dx [][]float32
	passes []*nn.Pass
}

func (s *linePass) Begin(tiles int) {
	for len(s.in) < tiles {
		s.in, s.dx = append(s.in, make([]float32, s.inputs*kernel.Tile)), append(s.dx, make([]float32, s.shape.Features*kernel.Tile))
	}
	s.passes = s.passes[:0]
}

func (s *linePass) Set(t int, pass *nn.Pass, context []float32) []float32 {
	s.passes = append(s.passes, pass)
	copy(s.in[t][:s.shape.Context*kernel.Tile], context)
	return s.Input(s.in[t])
}

func (s *linePass) Forward([]float32)                              {}
func (s *linePass) Output(p, h []float32, t, r0, r1 int)           { s.outputs(p, h, s.in[t], r0, r1) }
func (s *linePass) Rewind()                                        {}
func (s *linePass) BackOutput(_, _ []float32, _, _, _ int, _ bool) {}
func (s *linePass) InputGradient(t int) []float32                  { return s.dx[t] }
func (s *linePass) Collect()                                       {}
func (s *linePass) Freeze([]float32)                               {}

func (s *linePass) Backward(p, g []float32, d [][]float32) {
	clear(s.w.Of(g))
	clear(s.b.Of(g))
	for t, pass := range s.passes {
		clear(s.dx[t])
		s.gradient(p, g, s.dx[t], s.in[t], d[t], pass.N)
	}
}

// The suite runs over a network from elsewhere, in every order, whether it takes tiles or batches.
func TestNetworkFromOutside(t *testing.T) {
	kinds := []flow.Kind{
		{Name: "line", Role: flow.RoleNet, Build: func(*flow.Options) any {
			return flow.Network{Single: func(l *nn.Layout, scope string, s nn.Shape) flow.Conditioner { return single{newLine(l, scope, s)} }}
		}},
		{Name: "batched-line", Role: flow.RoleNet, Build: func(*flow.Options) any {
			return flow.Network{Batched: func(l *nn.Layout, scope string, s nn.Shape) flow.BatchedConditioner {
				return batched{newLine(l, scope, s)}
			}}
		}},
	}
	formula := func(o *flowtest.Oracle, scope string, context, in [][]float64) (h [][]float64) {
		w, b := o.Of(scope+".w"), o.Of(scope+".b")
		for e := range in {
			x := slices.Concat(context[e], in[e])
			var row []float64
			for r, sum := range b {
				for i, v := range x {
					sum += w[r*len(x)+i] * v
				}
				row = append(row, sum)
			}
			h = append(h, row)
		}
		return h
	}
	formulas := flowtest.Formulas{Networks: map[string]flowtest.NetworkFormula{"line": formula, "batched-line": formula}}
	var cases []flowtest.Case
	for _, net := range []string{"line", "batched-line"} {
		for name, layer := range map[string]flow.Part{
			"coupling": {Kind: "coupling", Options: map[string]any{"net": net, "transformer": "affine"}},
			"ar":       {Kind: "autoregressive", Options: map[string]any{"net": net}},
			"passes":   {Kind: "autoregressive", Options: map[string]any{"net": net, "passes": 2}},
		} {
			cases = append(cases, flowtest.Case{Name: net + "/" + name, Features: 3, Context: 1, Spec: flow.Spec{Repeat: 2, Layers: []flow.Part{layer}},
				Kinds: kinds, Formulas: formulas})
		}
	}
	flowtest.Run(t, cases)
}
