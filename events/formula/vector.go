package formula

import (
	"cmp"
	"math"
)

// blockLen is the number of events that an expression works on at once: a
// block of float64 is 8 kB, so that several stay in the first-level cache.
const blockLen = 1024

// values gives those of n events from at on, at most blockLen; they hold until it is called again.
type values[T any] func(at, n int) []T

// repeat is a value for every event.
func repeat[T any](v T) values[T] {
	block := make([]T, blockLen)
	for i := range block {
		block[i] = v
	}
	return func(_, n int) []T { return block[:n] }
}

// map1 is what f makes of the values of x, in memory of its own.
func map1[X, Y any](x values[X], f func(out []Y, x []X)) values[Y] {
	var out []Y
	return func(at, n int) []Y {
		if out == nil {
			out = make([]Y, blockLen)
		}
		f(out[:n], x(at, n))
		return out[:n]
	}
}

// map2 is map1 of two, whose values have equal length.
func map2[X, Y, Z any](x values[X], y values[Y], f func(out []Z, x []X, y []Y)) values[Z] {
	var out []Z
	return func(at, n int) []Z {
		if out == nil {
			out = make([]Z, blockLen)
		}
		x, y := x(at, n), y(at, n)
		f(out[:len(x)], x, y[:len(x)])
		return out[:n]
	}
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
func widen[T float32 | int64 | uint64](x values[T]) values[float64] {
	return map1(x, func(out []float64, x []T) {
		for i, v := range x {
			out[i] = float64(v)
		}
	})
}

// difference is exact before it is rounded to float64.
func difference[T int64 | uint64](out []float64, x, y []T) {
	for i := range out {
		if x[i] >= y[i] {
			out[i] = float64(uint64(x[i]) - uint64(y[i]))
		} else {
			out[i] = -float64(uint64(y[i]) - uint64(x[i]))
		}
	}
}

// fromCondition lets a condition serve as number too, 1 or 0.
func fromCondition(c values[bool]) operand {
	return operand{cond: c, num: map1(c, func(out []float64, c []bool) {
		for i, yes := range c {
			out[i] = 0
			if yes {
				out[i] = 1
			}
		}
	})}
}

func apply(f func(float64) float64, x values[float64]) values[float64] {
	return map1(x, func(out, x []float64) {
		for i, v := range x {
			out[i] = f(v)
		}
	})
}

// The loops are written out: a call for each event would cost more than its sum.
var arithmetic = map[string]func(out, x, y []float64){
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
	"%": each(math.Mod),
}

func each(f func(x, y float64) float64) func(out, x, y []float64) {
	return func(out, x, y []float64) {
		for i := range out {
			out[i] = f(x[i], y[i])
		}
	}
}

type ordered interface{ float64 | int64 | uint64 }

// compareNumbers compares integers as such, and all else as float64.
func compareNumbers(op string, a, b operand) values[bool] {
	zero := repeat(int64(0))
	switch {
	case a.ints != nil && b.ints != nil:
		return compare(op, a.ints, b.ints)
	case a.uints != nil && b.uints != nil:
		return compare(op, a.uints, b.uints)
	case a.ints != nil && b.uints != nil:
		return compare(op, map2(a.ints, b.uints, order), zero)
	case a.uints != nil && b.ints != nil:
		return compare(op, zero, map2(b.ints, a.uints, order))
	case a.ints != nil || a.uints != nil:
		b = b.amongIntegers()
	case b.ints != nil || b.uints != nil:
		a = a.amongIntegers()
	}
	return compare(op, a.num, b.num)
}

// order is the sign of x - y.
func order(out, x []int64, y []uint64) {
	for i, v := range x {
		out[i] = -1
		if v >= 0 {
			out[i] = int64(cmp.Compare(uint64(v), y[i]))
		}
	}
}

func compare[T ordered](op string, x, y values[T]) values[bool] {
	switch op {
	case "<":
		return map2(x, y, less[T])
	case ">":
		return map2(y, x, less[T])
	case "<=":
		return map2(x, y, lessEqual[T])
	case ">=":
		return map2(y, x, lessEqual[T])
	case "==":
		return map2(x, y, equal[T])
	}
	return map2(x, y, notEqual[T])
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

func compareText(a, b func(int) string, want bool) values[bool] {
	out := make([]bool, blockLen)
	return func(at, n int) []bool {
		for i := range n {
			out[i] = (a(at+i) == b(at+i)) == want
		}
		return out[:n]
	}
}

func and(x, y values[bool]) values[bool] {
	return map2(x, y, func(out, x, y []bool) {
		for i := range out {
			out[i] = x[i] && y[i]
		}
	})
}

func or(x, y values[bool]) values[bool] {
	return map2(x, y, func(out, x, y []bool) {
		for i := range out {
			out[i] = x[i] || y[i]
		}
	})
}

func not(x values[bool]) values[bool] {
	return map1(x, func(out, x []bool) {
		for i, v := range x {
			out[i] = !v
		}
	})
}

func where(c values[bool], a, b values[float64]) values[float64] {
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
