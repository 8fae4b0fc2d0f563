package formula

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

// arity is the number of values of every function, -2 for two or more.
var arity = func() map[string]int {
	all := map[string]int{"col": 1, "isnan": 1, "clip": 3, "where": 3}
	for name := range functions1 {
		all[name] = 1
	}
	for name := range functions2 {
		all[name] = 2
	}
	for name := range functionsMany {
		all[name] = -2
	}
	return all
}()

// call compiles a function of columns.
func (f *Formula) call(at ast.Node, name string, args []ast.Node) (operand, error) {
	switch want, known := arity[name]; {
	case !known:
		return operand{}, f.unknown(at, name)
	case want < 0 && len(args) < -want:
		return operand{}, f.fail(at, "%s wants two or more values, not %d", name, len(args))
	case want == 1 && len(args) != 1:
		return operand{}, f.fail(at, "%s wants 1 value, not %d", name, len(args))
	case want > 1 && len(args) != want:
		return operand{}, f.fail(at, "%s wants %d values, not %d", name, want, len(args))
	}
	switch name {
	case "col":
		if s, ok := args[0].(*ast.StringNode); ok {
			return f.columnOf(s, s.Value)
		}
		return operand{}, f.fail(at, `col wants a column's name in quotes, for example col("pt 1")`)
	case "where":
		return f.conditional(args[0], args[1], args[2])
	}
	operands, err := each(f.number, args...)
	if err != nil {
		return operand{}, err
	}
	values := make([]numbers, len(args))
	for i, v := range operands {
		values[i] = v.num
	}
	switch name {
	case "pow":
		return operand{num: power(operands[0], operands[1])}, nil
	case "isnan":
		return fromCondition(not(compare("==", values[0], values[0]))), nil
	case "clip":
		low := fold(functionsMany["max"], values[:2])
		return operand{num: fold(functionsMany["min"], []numbers{low, values[2]})}, nil
	}
	if of, ok := functions1[name]; ok {
		return operand{num: apply1(of, values[0])}, nil
	}
	of, ok := functions2[name]
	if !ok {
		of = functionsMany[name]
	}
	return operand{num: fold(of, values)}, nil
}

func fold(f func(x, y float64) float64, values []numbers) numbers {
	all := values[0]
	for _, v := range values[1:] {
		all = apply2(each2(f), all, v)
	}
	return all
}

func (f *Formula) unknown(at ast.Node, name string) error {
	names := slices.Sorted(maps.Keys(arity))
	return f.fail(at, "no function %q%s; there is %s", name, column.Meant(name, names), strings.Join(names, " "))
}
