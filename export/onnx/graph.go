package onnx

import (
	"fmt"
	"math"
	"slices"
)

// graph is operators one after another, each with one output that later ones take by its name. All tensors are matrices of float32, a row an
// event, or, within a spline, a row a feature of an event.
type graph struct {
	nodes   []node
	tensors []tensor
	scalars map[float64]string
	shapes  map[int]string // to so many columns
	axis    string         // of the columns
}

func newGraph() *graph {
	g := &graph{scalars: map[float64]string{}, shapes: map[int]string{}}
	g.axis = g.integers([]int64{1})
	return g
}

// do adds an operator and returns its output.
func (g *graph) do(operator string, in ...string) string { return g.with("", 0, operator, in...) }

// with is do with an attribute.
func (g *graph) with(name string, value int, operator string, in ...string) string {
	out := fmt.Sprintf("t%d", len(g.nodes))
	g.nodes = append(g.nodes, node{operator, in, out, name, int64(value)})
	return out
}

func (g *graph) constant(t tensor) string {
	t.name = fmt.Sprintf("c%d", len(g.tensors))
	g.tensors = append(g.tensors, t)
	return t.name
}

// scalar is a number.
func (g *graph) scalar(v float64) string {
	if _, ok := g.scalars[v]; !ok {
		g.scalars[v] = g.constant(tensor{dims: []int{1}, floats: []float32{float32(v)}})
	}
	return g.scalars[v]
}

// row is a number for each column.
func (g *graph) row(v []float64) string { return g.matrix(1, narrow(v)) }

// matrix is row-major.
func (g *graph) matrix(rows int, v []float32) string {
	return g.constant(tensor{dims: []int{rows, len(v) / rows}, floats: v})
}

func narrow(v []float64) (f []float32) {
	for _, x := range v {
		f = append(f, float32(x))
	}
	return f
}

func (g *graph) integers(v []int64) string {
	return g.constant(tensor{dims: []int{len(v)}, integers: v})
}

// shape has so many columns, and as many rows as it takes.
func (g *graph) shape(columns int) string {
	if _, ok := g.shapes[columns]; !ok {
		g.shapes[columns] = g.integers([]int64{-1, int64(columns)})
	}
	return g.shapes[columns]
}

func (g *graph) add(a, b string) string { return g.do("Add", a, b) }
func (g *graph) sub(a, b string) string { return g.do("Sub", a, b) }
func (g *graph) mul(a, b string) string { return g.do("Mul", a, b) }
func (g *graph) div(a, b string) string { return g.do("Div", a, b) }

// plus and times take a number.
func (g *graph) plus(a string, v float64) string {
	if v == 0 {
		return a
	}
	return g.add(a, g.scalar(v))
}

func (g *graph) times(a string, v float64) string {
	if v == 1 {
		return a
	}
	return g.mul(a, g.scalar(v))
}

// less takes a number from a value, to the digits of a float64: where they are close, their difference has all of its digits.
func (g *graph) less(a string, v float64) string {
	hi, lo := halves(v)
	return g.plus(g.plus(a, -hi), -lo)
}

// from takes a value from a number, as less does.
func (g *graph) from(v float64, a string) string {
	hi, lo := halves(v)
	return g.plus(g.sub(g.scalar(hi), a), lo)
}

// halves are two float32 whose sum is a number.
func halves(v float64) (hi, lo float64) {
	hi = float64(float32(v))
	return hi, float64(float32(v - hi))
}

// within holds a value between two numbers.
func (g *graph) within(a string, lo, hi float64) string {
	return g.do("Min", g.do("Max", a, g.scalar(lo)), g.scalar(hi))
}

// number is 1 where a condition holds, else 0.
func (g *graph) number(condition string) string { return g.with("to", typeFloat, "Cast", condition) }

// total is the sum over the columns.
func (g *graph) total(a string) string { return g.do("ReduceSum", a, g.axis) }

// sum is that of matrices of one column.
func (g *graph) sum(of []string) string {
	if len(of) == 1 {
		return of[0]
	}
	return g.do("Sum", of...)
}

// logSum is the logarithm of the sum of the exponentials of the columns, of which not all are -inf.
func (g *graph) logSum(a string) string {
	const least = -1e30
	top := g.do("Max", g.do("ReduceMax", a, g.axis), g.scalar(least))
	return g.add(top, g.do("Log", g.total(g.do("Exp", g.sub(a, top)))))
}

// join puts matrices side by side.
func (g *graph) join(of ...string) string {
	of = slices.DeleteFunc(slices.Clone(of), func(s string) bool { return s == "" })
	if len(of) == 1 {
		return of[0]
	}
	return g.with("axis", 1, "Concat", of...)
}

// pick are some columns.
func (g *graph) pick(a string, columns []int) string {
	at := make([]int64, len(columns))
	for i, c := range columns {
		at[i] = int64(c)
	}
	return g.with("axis", 1, "Gather", a, g.integers(at))
}

// none is a column of zeros, as long as a matrix.
func (g *graph) none(like string) string {
	return g.times(g.pick(like, []int{0}), 0)
}

// used are the nodes and constants that an output depends on, the former in their order.
func (g *graph) used(out string) (nodes []node, tensors []tensor) {
	need := map[string]bool{out: true}
	for _, n := range slices.Backward(g.nodes) {
		if need[n.out] {
			nodes = append(nodes, n)
			for _, in := range n.in {
				need[in] = true
			}
		}
	}
	slices.Reverse(nodes)
	for _, t := range g.tensors {
		if need[t.name] {
			tensors = append(tensors, t)
		}
	}
	return nodes, tensors
}

// output gives a value the name of an output.
func (g *graph) output(a, name string) {
	g.nodes = append(g.nodes, node{operator: "Identity", in: []string{a}, out: name})
}

var logRoot = 0.5 * math.Log(2*math.Pi) // of a normal distribution
