package events

import (
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/expr-lang/expr/ast"

	"github.com/sluice-hep/sluice/events/column"
)

var functions1 = map[string]func(float64) float64{
	"abs": math.Abs, "sqrt": math.Sqrt, "exp": math.Exp, "log": math.Log, "log10": math.Log10,
	"sin": math.Sin, "cos": math.Cos, "tan": math.Tan, "asin": math.Asin, "acos": math.Acos, "atan": math.Atan,
	"sinh": math.Sinh, "cosh": math.Cosh, "tanh": math.Tanh,
	"floor": math.Floor, "ceil": math.Ceil, "round": math.Round,
}

var functions2 = map[string]func(x, y float64) float64{
	"atan2": math.Atan2, "hypot": math.Hypot, "pow": math.Pow,
}

// Functions of two or more values. Both give NaN where any value is NaN.
var functionsMany = map[string]func(x, y float64) float64{
	"min": func(x, y float64) float64 { return min(x, y) },
	"max": func(x, y float64) float64 { return max(x, y) },
}

// functionNames is every function, those with rules of their own included.
var functionNames = slices.Sorted(slices.Values(slices.Concat([]string{"clip", "isnan", "where", "col"},
	slices.Collect(maps.Keys(functions1)), slices.Collect(maps.Keys(functions2)), slices.Collect(maps.Keys(functionsMany)))))

// call compiles a function of columns.
func (e *expression) call(at ast.Node, name string, args []ast.Node) (operand, error) {
	if !slices.Contains(functionNames, name) {
		return operand{}, e.unknown(at, name)
	}
	switch name {
	case "col":
		if err := e.arity(at, name, args, 1); err != nil {
			return operand{}, err
		}
		s, ok := args[0].(*ast.StringNode)
		if !ok {
			return operand{}, e.fail(at, `col wants a column's name in quotes, for example col("pt 1")`)
		}
		return e.columnOf(s, s.Value)
	case "where":
		if err := e.arity(at, name, args, 3); err != nil {
			return operand{}, err
		}
		return e.conditional(args[0], args[1], args[2])
	}
	values := make([]numbers, len(args))
	operands := make([]operand, len(args))
	for i, a := range args {
		v, err := e.number(a)
		if err != nil {
			return operand{}, err
		}
		values[i], operands[i] = v.num, v
	}
	if f, ok := functions1[name]; ok {
		if err := e.arity(at, name, args, 1); err != nil {
			return operand{}, err
		}
		return operand{num: apply1(f, values[0])}, nil
	}
	if f, ok := functions2[name]; ok {
		if err := e.arity(at, name, args, 2); err != nil {
			return operand{}, err
		}
		if name == "pow" {
			return operand{num: power(operands[0], operands[1])}, nil
		}
		return operand{num: apply2(each2(f), values[0], values[1])}, nil
	}
	if f, ok := functionsMany[name]; ok {
		if len(values) < 2 {
			return operand{}, e.fail(at, "%s wants two or more values, not %d", name, len(values))
		}
		return operand{num: fold(f, values)}, nil
	}
	if name == "isnan" {
		if err := e.arity(at, name, args, 1); err != nil {
			return operand{}, err
		}
		return fromCondition(compare(isNaN, values[0], values[0])), nil
	}
	if err := e.arity(at, name, args, 3); err != nil { // clip
		return operand{}, err
	}
	low := fold(functionsMany["max"], values[:2])
	return operand{num: fold(functionsMany["min"], []numbers{low, values[2]})}, nil
}

func isNaN(out []bool, x, _ []float64) {
	for i := range out {
		out[i] = x[i] != x[i]
	}
}

func fold(f func(x, y float64) float64, values []numbers) numbers {
	all := values[0]
	for _, v := range values[1:] {
		all = apply2(each2(f), all, v)
	}
	return all
}

func (e *expression) arity(at ast.Node, name string, args []ast.Node, want int) error {
	if len(args) == want {
		return nil
	}
	values := "values"
	if want == 1 {
		values = "value"
	}
	return e.fail(at, "%s wants %d %s, not %d", name, want, values, len(args))
}

func (e *expression) unknown(at ast.Node, name string) error {
	near := ""
	if n := column.Near(name, functionNames); len(n) > 0 {
		near = "; did you mean " + strings.Join(n, " or ") + "?"
	}
	return e.fail(at, "no function %q%s; there is %s", name, near, strings.Join(functionNames, " "))
}
