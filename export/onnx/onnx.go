// Package onnx writes a model as ONNX graphs, with its preparation and its units inside: float32 columns of events in, and out. Their operators
// are among those that ROOT's SOFIE parses (Operators), which has no cumulative sum, search or selection by index: sums are products with
// triangles of ones, and the bin of a spline the difference of comparisons.
package onnx

import (
	"math"

	"github.com/sluice-hep/sluice/export/plain"
)

// Graph is a file, and what goes in and comes out of it: matrices of float32, a row an event.
type Graph struct {
	Name      string
	Inputs    []Port
	Output    Port
	Operators map[string]int // how many of each

	nodes   []node
	tensors []tensor
	says    map[string]string
}

// Port is an input or output of so many columns.
type Port struct {
	Name    string `json:"name"`
	Columns int    `json:"columns"`
}

// names of inputs and outputs.
const (
	features = "features"
	context  = "context"
	latent   = "latent"
	logProb  = "log_prob"
)

// Graphs are log_prob, to_latent and to_data of a model; of an ensemble, which has no latent, the first alone.
func Graphs(m *plain.Model) (all []Graph) {
	all = append(all, writer{newGraph(), m}.logProb())
	if len(m.Members) == 1 {
		all = append(all, writer{newGraph(), m}.toLatent(), writer{newGraph(), m}.toData())
	}
	return all
}

// writer makes one graph.
type writer struct {
	*graph
	m *plain.Model
}

func (w writer) finish(name string, in Port, out Port, value string) Graph {
	g := Graph{Name: name, Inputs: []Port{in}, Output: out, Operators: map[string]int{}, says: map[string]string{"sluice_model": w.m.Hash}}
	if len(w.m.Context) > 0 {
		g.Inputs = append(g.Inputs, Port{context, len(w.m.Context)})
	}
	w.output(value, out.Name)
	g.nodes, g.tensors = w.used(out.Name)
	for _, n := range g.nodes {
		g.Operators[n.operator]++
	}
	return g
}

// prepared are the columns of the flow, of features or of the context.
func (w writer) prepared(of []plain.Column, from string) (x cells, parts []string, number float64) {
	for i := range of {
		if len(of[i].Steps) == 0 {
			continue
		}
		y, more, rest := w.prepare(of[i].Steps, w.pick(from, []int{i}))
		x = append(x, cell{y, 0})
		parts, number = append(parts, more...), number+rest
	}
	return x, parts, number
}

// given is the context of the flow; empty for none.
func (w writer) given() string {
	if len(w.m.Context) == 0 {
		return ""
	}
	c, _, _ := w.prepared(w.m.Context, context)
	if len(c) == 0 {
		return ""
	}
	return w.columns(c, numbers(len(c)))
}

func (w writer) logProb() Graph {
	x, prepared, number := w.prepared(w.m.Features, features)
	given := w.given()
	var each []string
	for i := range w.m.Members {
		way := w.way(&w.m.Members[i], given, x[0].in)
		z := append(cells(nil), x...)
		steps, a := way.toLatent(z)
		base, b := way.logBase(z)
		each = append(each, w.plus(w.sum(append(steps, base...)), a+b))
	}
	all := each[0]
	if len(each) > 1 {
		all = w.plus(w.logSum(w.join(each...)), -math.Log(float64(len(each))))
	}
	all = w.plus(w.sum(append(prepared, all)), number)
	return w.finish(logProb, Port{features, len(w.m.Features)}, Port{logProb, 1}, all)
}

func (w writer) toLatent() Graph {
	z, _, _ := w.prepared(w.m.Features, features)
	w.way(&w.m.Members[0], w.given(), z[0].in).toLatent(z)
	return w.finish("to_latent", Port{features, len(w.m.Features)}, Port{latent, len(z)}, w.columns(z, numbers(len(z))))
}

func (w writer) toData() Graph {
	flow := &w.m.Members[0]
	x := make(cells, flow.Features)
	x.put(latent, numbers(flow.Features))
	w.way(flow, w.given(), latent).toData(x)
	columns, next := make([]string, len(w.m.Features)), 0
	for i := range columns {
		switch c := &w.m.Features[i]; {
		case len(c.Steps) > 0:
			columns[i] = w.restore(c, w.columns(x, []int{next}))
			next++
		case c.Follows == nil:
			columns[i] = w.plus(w.none(latent), c.Min)
		}
	}
	for i := range columns {
		if r := w.m.Features[i].Follows; r != nil {
			columns[i] = w.plus(w.none(latent), r.Constant)
			for k, from := range r.Columns {
				columns[i] = w.add(columns[i], w.times(columns[from], r.Factors[k]))
			}
		}
	}
	return w.finish("to_data", Port{latent, flow.Features}, Port{features, len(columns)}, w.join(columns...))
}

// Operators are those of the graphs. All are among the names that ROOT's RModelParser_ONNX registers (tmva/sofie_parsers, as of 2026).
var Operators = []string{
	"Abs", "Add", "Atan", "Cast", "Concat", "Cos", "Div", "Elu", "Exp", "Floor", "Gather", "Gemm", "Identity", "Less", "LessOrEqual", "Log", "MatMul", "Max", "Min",
	"Mul", "Neg", "ReduceMax", "ReduceSum", "Relu", "Reshape", "Sigmoid", "Sin", "Softmax", "Softplus", "Sqrt", "Sub", "Sum", "Tanh", "Where",
}
