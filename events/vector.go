package events

import "math"

// blockLen is the number of events that an expression works on at once: a
// block of float64 is 8 kB, so that several stay in the first-level cache.
const blockLen = 1024

type (
	numbers    = func(at, n int) []float64
	conditions = func(at, n int) []bool
)

// constant is a number for every event.
func constant(v float64) operand {
	block := make([]float64, blockLen)
	for i := range block {
		block[i] = v
	}
	return operand{num: func(_, n int) []float64 { return block[:n] }, value: &v}
}

// widen gives the values of a column as float64.
func widen[T float32 | int64](x []T) numbers {
	out := make([]float64, blockLen)
	return func(at, n int) []float64 {
		out := out[:n]
		for i, v := range x[at : at+n] {
			out[i] = float64(v)
		}
		return out
	}
}

// fromCondition lets a condition serve as number too, 1 or 0.
func fromCondition(c conditions) operand {
	var out []float64
	return operand{cond: c, num: func(at, n int) []float64 {
		if out == nil {
			out = make([]float64, blockLen)
		}
		for i, yes := range c(at, n) {
			out[i] = 0
			if yes {
				out[i] = 1
			}
		}
		return out[:n]
	}}
}

func apply1(f func(float64) float64, a numbers) numbers {
	out := make([]float64, blockLen)
	return func(at, n int) []float64 {
		out := out[:n]
		for i, x := range a(at, n) {
			out[i] = f(x)
		}
		return out
	}
}

// binary writes f of the values of x and y, which have equal length, to out.
type binary func(out, x, y []float64)

func apply2(f binary, a, b numbers) numbers {
	out := make([]float64, blockLen)
	return func(at, n int) []float64 {
		x, y := a(at, n), b(at, n)
		f(out[:len(x)], x, y[:len(x)])
		return out[:n]
	}
}

// The loops are written out: a call for each event would cost more than its sum.
var arithmetic = map[string]binary{
	"+": func(out, x, y []float64) {
		for i := range out {
			out[i] = x[i] + y[i]
		}
	},
	"-": func(out, x, y []float64) {
		for i := range out {
			out[i] = x[i] - y[i]
		}
	},
	"*": func(out, x, y []float64) {
		for i := range out {
			out[i] = x[i] * y[i]
		}
	},
	"/": func(out, x, y []float64) {
		for i := range out {
			out[i] = x[i] / y[i]
		}
	},
	"%": each2(math.Mod),
}

func each2(f func(x, y float64) float64) binary {
	return func(out, x, y []float64) {
		for i := range out {
			out[i] = f(x[i], y[i])
		}
	}
}

// power spares math.Pow, some 20 ns, for squares.
func power(a, b operand) numbers {
	if b.value != nil && *b.value == 2 {
		return apply1(func(x float64) float64 { return x * x }, a.num)
	}
	return apply2(each2(math.Pow), a.num, b.num)
}

// comparison writes whether it holds for the values of x and y to out.
type comparison func(out []bool, x, y []float64)

var comparisons = map[string]comparison{
	"<":  less,
	">":  func(out []bool, x, y []float64) { less(out, y, x) },
	"<=": lessEqual,
	">=": func(out []bool, x, y []float64) { lessEqual(out, y, x) },
	"==": equal,
	"!=": notEqual,
}

func less(out []bool, x, y []float64) {
	for i := range out {
		out[i] = x[i] < y[i]
	}
}

func lessEqual(out []bool, x, y []float64) {
	for i := range out {
		out[i] = x[i] <= y[i]
	}
}

func equal(out []bool, x, y []float64) {
	for i := range out {
		out[i] = x[i] == y[i]
	}
}

// notEqual is false for NaN: a missing value passes no comparison.
func notEqual(out []bool, x, y []float64) {
	for i := range out {
		out[i] = x[i] < y[i] || x[i] > y[i]
	}
}

func compare(f comparison, a, b numbers) conditions {
	out := make([]bool, blockLen)
	return func(at, n int) []bool {
		x, y := a(at, n), b(at, n)
		f(out[:len(x)], x, y[:len(x)])
		return out[:n]
	}
}

func compareText(a, b func(int) string, want bool) conditions {
	out := make([]bool, blockLen)
	return func(at, n int) []bool {
		for i := range n {
			out[i] = (a(at+i) == b(at+i)) == want
		}
		return out[:n]
	}
}

func and(a, b conditions) conditions {
	out := make([]bool, blockLen)
	return func(at, n int) []bool {
		x := a(at, n)
		for i, y := range b(at, n) {
			out[i] = x[i] && y
		}
		return out[:n]
	}
}

func or(a, b conditions) conditions {
	out := make([]bool, blockLen)
	return func(at, n int) []bool {
		x := a(at, n)
		for i, y := range b(at, n) {
			out[i] = x[i] || y
		}
		return out[:n]
	}
}

func not(a conditions) conditions {
	out := make([]bool, blockLen)
	return func(at, n int) []bool {
		for i, x := range a(at, n) {
			out[i] = !x
		}
		return out[:n]
	}
}

func where(c conditions, a, b numbers) numbers {
	out := make([]float64, blockLen)
	return func(at, n int) []float64 {
		yes, x, y := c(at, n), a(at, n), b(at, n)
		for i := range n {
			out[i] = y[i]
			if yes[i] {
				out[i] = x[i]
			}
		}
		return out[:n]
	}
}
