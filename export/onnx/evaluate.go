package onnx

import (
	"fmt"
	"math"
)

// Run evaluates the graph as written, operator by operator, in float32: inputs are rows, an event each, in the order of Inputs. It is the check
// that the graph is the model, not a fast way to use it.
func (g *Graph) Run(inputs ...[]float32) ([]float32, error) {
	known := map[string]block{}
	for i, in := range g.Inputs {
		known[in.Name] = block{len(inputs[i]) / in.Columns, in.Columns, inputs[i]}
	}
	whole := map[string][]int64{}
	for _, t := range g.tensors {
		if t.integers != nil {
			whole[t.name] = t.integers
			continue
		}
		known[t.name] = block{len(t.floats) / t.dims[len(t.dims)-1], t.dims[len(t.dims)-1], t.floats}
	}
	last := map[string]int{} // node that takes a value
	for i, n := range g.nodes {
		for _, in := range n.in {
			last[in] = i
		}
	}
	for i, n := range g.nodes {
		var in []block
		var at []int64
		for _, name := range n.in {
			if v, ok := whole[name]; ok {
				at = v
			} else {
				in = append(in, known[name])
			}
		}
		for _, name := range n.in {
			if last[name] == i { // nobody needs it any more
				delete(known, name)
			}
		}
		out, err := evaluate(n.operator, in, at)
		if err != nil {
			return nil, err
		}
		known[n.out] = out
	}
	return known[g.Output.Name].cells, nil
}

// block is a matrix, row-major.
type block struct {
	rows, columns int
	cells         []float32
}

var unary = map[string]func(x float64) float64{
	"Abs": math.Abs, "Atan": math.Atan, "Cast": itself, "Cos": math.Cos, "Exp": math.Exp, "Floor": math.Floor, "Identity": itself, "Log": math.Log,
	"Neg": func(x float64) float64 { return -x }, "Relu": func(x float64) float64 { return max(x, 0) }, "Sin": math.Sin, "Sqrt": math.Sqrt, "Tanh": math.Tanh,
	"Elu":      func(x float64) float64 { return max(x, 0) + math.Expm1(min(x, 0)) },
	"Sigmoid":  func(x float64) float64 { return 1 / (1 + math.Exp(-x)) },
	"Softplus": func(x float64) float64 { return max(x, 0) + math.Log1p(math.Exp(-math.Abs(x))) },
}

func itself(x float64) float64 { return x }

var pairwise = map[string]func(a, b float32) float32{
	"Add": func(a, b float32) float32 { return a + b }, "Sub": func(a, b float32) float32 { return a - b },
	"Mul": func(a, b float32) float32 { return a * b }, "Div": func(a, b float32) float32 { return a / b },
	"Max": func(a, b float32) float32 { return max(a, b) }, "Min": func(a, b float32) float32 { return min(a, b) },
	"Less": func(a, b float32) float32 { return truth(a < b) }, "LessOrEqual": func(a, b float32) float32 { return truth(a <= b) },
	"Sum": func(a, b float32) float32 { return a + b },
}

func truth(is bool) float32 {
	if is {
		return 1
	}
	return 0
}

// evaluate is one operator; at are the integers that it takes.
func evaluate(operator string, in []block, at []int64) (out block, err error) {
	if fn, ok := unary[operator]; ok {
		return over(in[0].rows, in[0].columns, func(r, c int) float32 { return float32(fn(float64(in[0].at(r, c)))) }), nil
	}
	if fn, ok := pairwise[operator]; ok {
		out = in[0]
		for _, b := range in[1:] {
			a := out
			out = over(max(a.rows, b.rows), max(a.columns, b.columns), func(r, c int) float32 { return fn(a.at(r, c), b.at(r, c)) })
		}
		return out, nil
	}
	switch operator {
	case "Where":
		rows, columns := 0, 0
		for _, b := range in {
			rows, columns = max(rows, b.rows), max(columns, b.columns)
		}
		return over(rows, columns, func(r, c int) float32 {
			if in[0].at(r, c) != 0 {
				return in[1].at(r, c)
			}
			return in[2].at(r, c)
		}), nil
	case "Reshape":
		return block{len(in[0].cells) / int(at[1]), int(at[1]), in[0].cells}, nil
	case "Gather":
		return over(in[0].rows, len(at), func(r, c int) float32 { return in[0].at(r, int(at[c])) }), nil
	case "Concat":
		return concat(in), nil
	case "ReduceSum", "ReduceMax", "Softmax":
		return reduce(operator, in[0]), nil
	case "MatMul", "Gemm":
		return matMul(in), nil
	}
	return out, fmt.Errorf("onnx: no operator %s", operator)
}

// at takes the only row or column for all of them.
func (b *block) at(r, c int) float32 {
	if b.rows == 1 {
		r = 0
	}
	if b.columns == 1 {
		c = 0
	}
	return b.cells[r*b.columns+c]
}

func over(rows, columns int, fn func(r, c int) float32) block {
	out := block{rows, columns, make([]float32, rows*columns)}
	for r := range rows {
		for c := range columns {
			out.cells[r*columns+c] = fn(r, c)
		}
	}
	return out
}

func concat(in []block) (out block) {
	for _, b := range in {
		out.columns += b.columns
		out.rows = max(out.rows, b.rows)
	}
	for r := range out.rows {
		for _, b := range in {
			out.cells = append(out.cells, b.cells[r*b.columns:(r+1)*b.columns]...)
		}
	}
	return out
}

func reduce(operator string, in block) block {
	columns := 1
	if operator == "Softmax" {
		columns = in.columns
	}
	return over(in.rows, columns, func(r, c int) float32 {
		row := in.cells[r*in.columns : (r+1)*in.columns]
		top, sum, exp := row[0], float32(0), 0.0
		for _, v := range row {
			top, sum = max(top, v), sum+v
		}
		switch operator {
		case "ReduceSum":
			return sum
		case "ReduceMax":
			return top
		}
		for _, v := range row {
			exp += math.Exp(float64(v - top))
		}
		return float32(math.Exp(float64(row[c]-top)) / exp)
	})
}

// matMul is a product, and with a third matrix what that is added to.
func matMul(in []block) block {
	a, b := in[0], in[1]
	out := block{a.rows, b.columns, make([]float32, a.rows*b.columns)}
	for r := range a.rows {
		row := out.cells[r*b.columns : (r+1)*b.columns]
		for k, v := range a.cells[r*a.columns : (r+1)*a.columns] {
			if v != 0 {
				for c, w := range b.cells[k*b.columns : (k+1)*b.columns] {
					row[c] += v * w
				}
			}
		}
		if len(in) > 2 {
			for c := range row {
				row[c] += in[2].at(r, c)
			}
		}
	}
	return out
}
