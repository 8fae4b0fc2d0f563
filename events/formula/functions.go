package formula

import (
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/expr-lang/expr/ast"

	"github.com/sluice-hep/sluice/events/column"
)

// function is one of columns: how many values it takes, -2 for two or more, and what it makes of these numbers.
type function struct {
	arity int
	of    func(v []operand) operand // nil: of other values, see call
}

var functions = map[string]function{
	"abs": one(math.Abs), "sqrt": one(math.Sqrt), "exp": one(math.Exp), "log": one(math.Log), "log10": one(math.Log10),
	"sin": one(math.Sin), "cos": one(math.Cos), "tan": one(math.Tan), "asin": one(math.Asin), "acos": one(math.Acos), "atan": one(math.Atan),
	"sinh": one(math.Sinh), "cosh": one(math.Cosh), "tanh": one(math.Tanh),
	"floor": one(math.Floor), "ceil": one(math.Ceil), "round": one(math.Round),
	"atan2": {2, fold(math.Atan2)}, "hypot": {2, fold(math.Hypot)}, "pow": {2, power},
	"min": {-2, fold(least)}, "max": {-2, fold(greatest)}, "clip": {3, clip},
	"isnan": {1, isNaN}, "col": {arity: 1}, "where": {arity: 3},
}

func one(f func(float64) float64) function {
	return function{1, func(v []operand) operand { return operand{num: apply(f, v[0].num)} }}
}

func fold(f func(x, y float64) float64) func(v []operand) operand {
	return func(v []operand) operand {
		all := v[0].num
		for _, x := range v[1:] {
			all = map2(all, x.num, each(f))
		}
		return operand{num: all}
	}
}

// Both give NaN where any value is NaN.
func least(x, y float64) float64    { return min(x, y) }
func greatest(x, y float64) float64 { return max(x, y) }

func clip(v []operand) operand { return fold(least)([]operand{fold(greatest)(v[:2]), v[2]}) }

func isNaN(v []operand) operand { return fromCondition(not(compare("==", v[0].num, v[0].num))) }

// power spares math.Pow, some 20 ns, for squares.
func power(v []operand) operand {
	if b := v[1].value; b != nil && *b == 2 {
		return operand{num: apply(func(x float64) float64 { return x * x }, v[0].num)}
	}
	return fold(math.Pow)(v)
}

// call compiles a function of columns.
func (f *Formula) call(at ast.Node, name string, args []ast.Node) operand {
	called, known := functions[name]
	switch want := called.arity; {
	case !known:
		names := slices.Sorted(maps.Keys(functions))
		return f.fail(at, "no function %q%s; there is %s", name, column.DidYouMean(name, names), strings.Join(names, " "))
	case want < 0 && len(args) < -want:
		return f.fail(at, "%s wants two or more values, not %d", name, len(args))
	case want == 1 && len(args) != 1:
		return f.fail(at, "%s wants 1 value, not %d", name, len(args))
	case want > 1 && len(args) != want:
		return f.fail(at, "%s wants %d values, not %d", name, want, len(args))
	case name == "col":
		return f.fail(at, `col wants a column's name in quotes, for example col("pt 1")`)
	case name == "where":
		return f.conditional(args[0], args[1], args[2])
	}
	return called.of(f.numbers(args...))
}
