package formula

import (
	"cmp"
	"math"
)

// blockLen is the number of events that an expression works on at once: a
// block of float64 is 8 kB, so that several stay in the first-level cache.
const blockLen = 1024

type (
	numbers    = func(at, n int) []float64
	conditions = func(at, n int) []bool
)

// repeat is a value for every event.
func repeat[T any](v T) func(at, n int) []T {
	block := make([]T, blockLen)
	for i := range block {
		block[i] = v
	}
	return func(_, n int) []T { return block[:n] }
}

// constant is a number for every event; whole is one that integers are compared with exactly.
func constant(v float64) operand {
	switch {
	case v != math.Trunc(v) || v == 0 && math.Signbit(v):
	case v >= -0x1p63 && v < 0x1p63:
		return whole(int64(v))
	case v > 0 && v < 0x1p64:
		return whole(uint64(v))
	}
	return operand{num: repeat(v), value: &v}
}

func whole[I int64 | uint64](v I) operand {
	x := float64(v)
	o := operand{num: repeat(x), value: &x}
	if i := int64(v); (i < 0) == (v < 0) {
		o.ints = repeat(i)
	}
	if v >= 0 {
		o.uints = repeat(uint64(v))
	}
	return o
}

// negated is the other sign of a number.
func (v operand) negated() operand {
	x := -*v.value
	switch {
	case v.ints != nil && x != 0 && v.ints(0, 1)[0] != math.MinInt64:
		return whole(-v.ints(0, 1)[0])
	case v.uints != nil && v.uints(0, 1)[0] > 1<<63: // below all of int64, though x may not be
		return operand{num: repeat(x), value: &x}
	}
	return constant(x)
}

// amongIntegers has a number beyond all of them be infinite: they may be rounded up to it.
func (v operand) amongIntegers() operand {
	if v.value != nil && v.ints == nil && v.uints == nil && math.Abs(*v.value) >= 0x1p63 {
		v.num = repeat(math.Copysign(math.Inf(1), *v.value))
	}
	return v
}

// widen gives values as float64.
func widen[T float32 | int64 | uint64](x func(at, n int) []T) numbers {
	out := make([]float64, blockLen)
	return func(at, n int) []float64 {
		out := out[:n]
		for i, v := range x(at, n) {
			out[i] = float64(v)
		}
		return out
	}
}

// difference is exact before it is rounded to float64.
func difference[T int64 | uint64](a, b func(at, n int) []T) numbers {
	out := make([]float64, blockLen)
	return func(at, n int) []float64 {
		x, y := a(at, n), b(at, n)
		for i := range n {
			if x[i] >= y[i] {
				out[i] = float64(uint64(x[i]) - uint64(y[i]))
			} else {
				out[i] = -float64(uint64(y[i]) - uint64(x[i]))
			}
		}
		return out[:n]
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

var comparisons = []string{"<", ">", "<=", ">=", "==", "!="}

type ordered interface{ float64 | int64 | uint64 }

// compareNumbers compares integers as such, and all else as float64.
func compareNumbers(op string, a, b operand) conditions {
	zero := repeat(int64(0))
	switch {
	case a.ints != nil && b.ints != nil:
		return compare(op, a.ints, b.ints)
	case a.uints != nil && b.uints != nil:
		return compare(op, a.uints, b.uints)
	case a.ints != nil && b.uints != nil:
		return compare(op, order(a.ints, b.uints), zero)
	case a.uints != nil && b.ints != nil:
		return compare(op, zero, order(b.ints, a.uints))
	case a.ints != nil || a.uints != nil:
		b = b.amongIntegers()
	case b.ints != nil || b.uints != nil:
		a = a.amongIntegers()
	}
	return compare(op, a.num, b.num)
}

// order is the sign of a - b.
func order(a func(at, n int) []int64, b func(at, n int) []uint64) func(at, n int) []int64 {
	out := make([]int64, blockLen)
	return func(at, n int) []int64 {
		x, y := a(at, n), b(at, n)
		for i, v := range x {
			out[i] = -1
			if v >= 0 {
				out[i] = int64(cmp.Compare(uint64(v), y[i]))
			}
		}
		return out[:n]
	}
}

func compare[T ordered](op string, a, b func(at, n int) []T) conditions {
	holds := comparison[T](op)
	if op == ">" || op == ">=" {
		a, b = b, a
	}
	out := make([]bool, blockLen)
	return func(at, n int) []bool {
		x, y := a(at, n), b(at, n)
		holds(out[:len(x)], x, y[:len(x)])
		return out[:n]
	}
}

// comparison writes whether it holds for the values of x and y, or of y and x for > and >=, to out.
func comparison[T ordered](op string) func(out []bool, x, y []T) {
	switch op {
	case "<", ">":
		return less[T]
	case "<=", ">=":
		return lessEqual[T]
	case "==":
		return equal[T]
	}
	return notEqual[T]
}

func less[T ordered](out []bool, x, y []T) {
	for i := range out {
		out[i] = x[i] < y[i]
	}
}

func lessEqual[T ordered](out []bool, x, y []T) {
	for i := range out {
		out[i] = x[i] <= y[i]
	}
}

func equal[T ordered](out []bool, x, y []T) {
	for i := range out {
		out[i] = x[i] == y[i]
	}
}

// notEqual is false for NaN: a missing value passes no comparison.
func notEqual[T ordered](out []bool, x, y []T) {
	for i := range out {
		out[i] = x[i] < y[i] || x[i] > y[i]
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
