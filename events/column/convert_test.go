package column

import (
	"math"
	"testing"
)

func f32(v ...float32) Column { return Column{Type: Float32, F32: v} }
func f64(v ...float64) Column { return Column{Type: Float64, F64: v} }
func i64(v ...int64) Column   { return Column{Type: Int64, I64: v} }
func u64(v ...uint64) Column  { return Column{Type: Uint64, U64: v} }
func text(v ...string) Column { return Column{Type: Text, Str: v} }

// Every value is held exactly or told of; float32 alone rounds floats.
func TestConvert(t *testing.T) {
	nan := math.NaN()
	for _, c := range []struct {
		from Column
		to   Type
		bad  int // row; the last value is the one that cannot be held
	}{
		{f32(1.5, float32(nan)), Float64, -1},
		{f64(0.1, 1e-300, nan, math.Inf(1)), Float32, -1},
		{f64(1, 1e39), Float32, 1},
		{i64(1<<24, -1<<24, 1<<40), Float32, -1},
		{i64(0, 1<<24+1), Float32, 1},
		{i64(0, 1<<53, -1<<53, math.MinInt64, 1<<62), Float64, -1},
		{i64(0, 1<<53+1), Float64, 1},
		{i64(math.MaxInt64), Float64, 0},
		{u64(0, 1<<63), Float64, -1},
		{u64(math.MaxUint64), Float64, 0},
		{f64(3, math.Copysign(0, -1), -0x1p63), Int64, -1},
		{f64(0, 0x1p63), Int64, 1}, {f64(0, 1.5), Int64, 1}, {f64(nan), Int64, 0}, {f32(0, 0.5), Int64, 1},
		{f64(0x1p63), Uint64, -1}, {f64(0x1p64), Uint64, 0}, {f64(-1), Uint64, 0},
		{i64(0, math.MaxInt64), Uint64, -1}, {i64(0, -1), Uint64, 1},
		{u64(0, math.MaxInt64), Int64, -1}, {u64(0, 1<<63), Int64, 1},
		{f64(nan, nan), Text, -1}, {f64(nan, 1), Text, 1}, {i64(1), Text, 0},
		{text("", ""), Float64, -1}, {text("", "a"), Float32, 1}, {text(""), Int64, 0}, {text(), Int64, -1},
	} {
		out, bad := Convert(c.from, c.to)
		if bad != c.bad || out.Type != c.to || out.Len() != c.from.Len() {
			t.Errorf("%s %+v as %s: row %d cannot be held, want %d", c.from.Type, c.from, c.to, bad, c.bad)
		}
		if bad >= 0 || c.to == Float32 || c.to == Text || c.from.Type == Text {
			continue
		}
		back, bad := Convert(out, c.from.Type)
		for i := range c.from.Len() {
			if x, y := back.Spell(i), c.from.Spell(i); bad >= 0 || x != y && y != "-0" {
				t.Errorf("%s as %s and back is %s", y, c.to, x)
			}
		}
	}
}

func TestCommon(t *testing.T) {
	all := []Type{Float32, Float64, Int64, Uint64, Text}
	want := [5][5]Type{
		{Float32, Float64, Float64, Float64, Text},
		{Float64, Float64, Float64, Float64, Text},
		{Float64, Float64, Int64, Uint64, Text},
		{Float64, Float64, Uint64, Uint64, Text},
		{Text, Text, Text, Text, Text},
	}
	for i, a := range all {
		for j, b := range all {
			got, ok := Common(a, b)
			if got != want[i][j] || ok != ((a == Text) == (b == Text)) {
				t.Errorf("%s and %s: %s %v", a, b, got, ok)
			}
		}
	}
}
