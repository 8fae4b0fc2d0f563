package formula

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/sluice-hep/sluice/events/column"
)

func jets() []column.Column {
	nan := float32(math.NaN())
	return []column.Column{
		{Name: "pt", Unit: "GeV", Type: column.Float32, F32: []float32{10, 20, nan, 40, 50}},
		{Name: "eta", Type: column.Float32, F32: []float32{-1, 0, 1, 2, -3}},
		{Name: "jet.mass", Type: column.Float64, F64: []float64{1, 2, 3, 4, 5}},
		{Name: "event", Type: column.Int64, I64: []int64{1, 16777217, 3, 4, 5}},
		{Name: "tau 21", Type: column.Float32, F32: []float32{.1, .2, .3, .4, .5}},
		{Name: "label", Type: column.Text, Str: []string{"s", "b", "s", "", "b"}},
		{Name: "w", Type: column.Float32, F32: []float32{1, 1, 1, 1, -1}},
		{Name: "id", Type: column.Int64, I64: []int64{1<<53 + 1, 1550083467346370123, math.MinInt64, math.MaxInt64, -1}},
		{Name: "hash", Type: column.Uint64, U64: []uint64{1<<53 + 1, 1 << 53, 1 << 63, math.MaxUint64, math.MaxInt64}},
	}
}

func TestRows(t *testing.T) {
	for expression, want := range map[string]string{
		"pt > 15":                         "2 4 5",
		"!(pt > 15)":                      "1 3",
		"pt != 10":                        "2 4 5",
		"pt == pt":                        "1 2 4 5",
		"isnan(pt)":                       "3",
		"pt > 15 && abs(eta) < 2.5":       "2 4",
		"pt > 45 || eta == 1":             "3 5",
		"0 < eta <= 2":                    "3 4",
		`label == "s"`:                    "1 3",
		`label != 's'`:                    "2 4 5",
		`label in ["b", ""]`:              "2 4 5",
		"eta not in [0, 1]":               "1 4 5",
		"`tau 21` > 0.35":                 "4 5",
		`col("tau 21") > 0.35`:            "4 5",
		"jet.mass >= 4":                   "4 5",
		"`jet.mass` >= 4":                 "4 5",
		"event == 16777217":               "2",
		"w < 0 ? eta < 0 : eta > 0":       "3 4 5",
		"where(eta < 0, -eta, eta) > 1.5": "4 5",
		"(eta > 0) + (w < 0) > 0":         "3 4 5",
		"eta ** 2 == 4 and not (pt < 0)":  "4",
		"hypot(eta, eta) > 2 * sqrt(2) - 1e-9 and pt > 0": "4 5",
		"true":        "1 2 3 4 5",
		"false":       "",
		"jet.mass>10": "",
	} {
		if got := rowsOf(t, jets(), expression); got != want {
			t.Errorf("%s: events %q, want %q", expression, got, want)
		}
	}
}

// rowsOf is the events, from 1, for which a condition holds.
func rowsOf(t *testing.T, columns []column.Column, condition string) string {
	t.Helper()
	f, err := CompileCondition(columns, condition)
	if err != nil {
		t.Error(err)
		return ""
	}
	rows, err := f.Rows(columns)
	if err != nil {
		t.Error(err)
	}
	for i := range rows {
		rows[i]++
	}
	return strings.Trim(fmt.Sprint(rows), "[]")
}

// Integers that one float64 stands for are told apart: of either kind, between columns and beside numbers of any size.
func TestIntegersAreComparedExactly(t *testing.T) {
	for expression, want := range map[string]string{
		"id == 1550083467346370123":           "2",
		"id == 1_550_083_467_346_370_122":     "",
		"id in [9007199254740993, -1]":        "1 5",
		"id > 9007199254740992":               "1 2 4",
		"id <= 9007199254740992":              "3 5",
		"id != 1550083467346370124":           "1 2 3 4 5",
		"id == 9223372036854775807":           "4",
		"id >= 9223372036854775808":           "",
		"id < 9223372036854775808":            "1 2 3 4 5",
		"id == -9223372036854775808":          "3",
		"id > -9223372036854775809":           "1 2 3 4 5",
		"id < 1e300 && id > -1e300":           "1 2 3 4 5",
		"id > 0.5":                            "1 2 4",
		"id == hash":                          "1",
		"id < hash":                           "3 4 5",
		"hash > id":                           "3 4 5",
		"hash >= 9223372036854775808":         "3 4",
		"hash == 18446744073709551615":        "4",
		"hash == 18446744073709551614":        "",
		"hash < 18446744073709551616":         "1 2 3 4 5",
		"hash > -1":                           "1 2 3 4 5",
		"-1 >= hash":                          "",
		"hash - 9007199254740992 == 1":        "1",
		"id - 1550083467346370100 == 23":      "2",
		"event - id < -1e18":                  "2 4",
		"+id == 9007199254740993":             "1",
		"hash == 9223372036854775807":         "5",
		"hash == 9223372036854775808":         "3",
		"-id == 1":                            "5",
		"hash == event || event < id < 1e300": "1 2 4",
	} {
		if got := rowsOf(t, jets(), expression); got != want {
			t.Errorf("%s: events %q, want %q", expression, got, want)
		}
	}
}

// value is what an expression gives for the second jet.
func value(t *testing.T, expression string) column.Column {
	t.Helper()
	f, err := Compile(jets(), expression)
	if err != nil {
		t.Errorf("%s: %v", expression, err)
		return column.New("", "", column.Float64, 2)
	}
	c, err := f.Column("new", jets())
	if err != nil || c.Name != "new" || c.Len() != 5 || c.Type != f.Type() || c.Unit != f.Unit() {
		t.Errorf("%s: %+v %v", expression, c, err)
	}
	return c
}

func TestColumn(t *testing.T) {
	for expression, want := range map[string]float64{ // of event 2: eta 0, jet.mass 2, tau 0.2
		"sinh(eta) + cosh(eta)":                  1,
		"atan2(1, eta)":                          math.Pi / 2,
		"min(3, jet.mass, 7) + max(1, eta)":      3,
		"clip(jet.mass, 3, 4) - clip(eta,-2,-1)": 4,
		"round(2.5) + floor(-0.5) + ceil(0.5)":   3,
		"log10(1000) + log(exp(2)) + pow(2, 3)":  13,
		"-jet.mass ** 2":                         -4,
		"7 % 4 / 3":                              1,
		"(pt > 5) * 3":                           3,
		"cos(pi) + tan(eta) + tanh(eta)":         -1,
		"2e0 - -1":                               3,
		"1 / -0":                                 math.Inf(-1),
		"-(-9223372036854775808)":                0x1p63,
		"pt > 15":                                1,
		"pt > 25":                                0,
	} {
		c := value(t, expression)
		if got := c.Float(1); math.Abs(got-want) > 1e-12 {
			t.Errorf("%s = %g, want %g", expression, got, want)
		}
	}
}

// The type of a column follows from what it is made of, not from its values.
func TestType(t *testing.T) {
	for expression, want := range map[string]column.Type{
		"pt": column.Float32, "(pt)": column.Float32, "jet.mass": column.Float64, "event": column.Int64, "label": column.Text,
		"hash": column.Uint64, "`tau 21`": column.Float32, "+pt": column.Float64, "pt * 2": column.Float64, "event * 2": column.Float64,
		"event > 3": column.Int64, "pt > 1 && eta < 2": column.Int64, "true": column.Int64, "isnan(pt)": column.Int64,
		"label in ['s']": column.Int64, "pt > 1 ? eta > 1 : eta < 1": column.Int64, "pt * 1e38": column.Float64, "3": column.Float64, "pi": column.Float64,
		"event - 1 > 2 ? 1 : 0": column.Float64, "where(pt > 1, event, 0)": column.Float64, "(pt > 1) + 0": column.Float64, "not (pt > 1)": column.Int64,
	} {
		if got := value(t, expression); got.Type != want {
			t.Errorf("%s: %s, want %s", expression, got.Type, want)
		}
	}
	if c := value(t, "pt"); c.Unit != "GeV" {
		t.Errorf("a copy lost its unit: %+v", c)
	}
	if c := value(t, "pt * 1"); c.Unit != "" {
		t.Errorf("a product has the unit of a factor: %+v", c)
	}
}

func TestErrors(t *testing.T) {
	for expression, want := range map[string]string{
		"ptt > 5":                      `character 1: no column "ptt"; did you mean "pt"?`,
		"pt > 5 && etaa<1":             `character 11: no column "etaa"; did you mean "eta"?`,
		"pt >":                         "unexpected",
		"pt + ":                        "unexpected",
		"pt":                           "is a number, not a condition",
		"label":                        "is text, not a condition",
		"pt && eta > 0":                `"pt" is not a condition`,
		"label > 3":                    "cannot be compared",
		"label + 1":                    `column "label" holds text`,
		"sqr(pt) > 1":                  `no function "sqr"; did you mean "sqrt"?`,
		"sqrt(pt, 2) > 1":              "sqrt wants 1 value, not 2",
		"min(pt) > 1":                  "min wants two or more",
		"clip(pt) > 1":                 "clip wants 3 values",
		"where(pt, 1, 2)":              "is not a condition",
		"col(pt) > 1":                  "column's name in quotes",
		"1 + pt[0] > 1":                `character 5: no column "pt[0]"`,
		"pt[-1] > 1":                   "no members but numbered ones",
		"pt[eta] > 1":                  "no members but numbered ones",
		"pt?.x > 1":                    "no arithmetic",
		"pt in 3":                      "wants a list",
		"":                             "is empty",
		"map([1], # > 0)":              "no function",
		"let x = 1; x > 0":             "no arithmetic",
		"pt matches 'a'":               "text",
		"(pt ?? 3) > 1":                "operator",
		"`no such` > 1":                `no column "no such"`,
		"pt[99999999999999999999] > 1": "no members but numbered ones",
		"99999999999999999999 > ptt":   `character 24: no column "ptt"`,
	} {
		_, err := CompileCondition(jets(), expression)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q: %v, want %q", expression, err, want)
		}
	}
	if _, err := Compile(jets(), `"text"`); err == nil || !strings.Contains(err.Error(), "is text") {
		t.Error(err)
	}
}

// A formula is of names and types, not of one table; a block that differs in these is an error.
func TestOtherBlocks(t *testing.T) {
	x := func(v ...float64) column.Column { return column.Column{Name: "x", Type: column.Float64, F64: v} }
	y := func(v ...int64) column.Column { return column.Column{Name: "y", Type: column.Int64, I64: v} }
	f, err := Compile([]column.Column{x(), y()}, "x + y")
	if err != nil {
		t.Fatal(err)
	}
	for _, block := range [][]column.Column{{x(1, 2), y(3, 4)}, {y(3, 4), x(1, 2)}, {y(3, 4), {Name: "z", Type: column.Text, Str: []string{"", ""}}, x(1, 2)}} {
		if c, err := f.Column("", block); err != nil || !slices.Equal(c.F64, []float64{4, 6}) {
			t.Errorf("%v %v", c, err)
		}
	}
	for _, block := range [][]column.Column{{x(1)}, {x(1), {Name: "y", Type: column.Float64, F64: []float64{2}}}, {x(1), y(2, 3)}, nil} {
		if _, err := f.Column("", block); err == nil || !strings.Contains(err.Error(), "without a column") {
			t.Errorf("%v: %v", block, err)
		}
	}
	if _, err := f.Rows([]column.Column{x(1), y(1)}); err == nil {
		t.Error("a number selects")
	}
}

// The blocks must not show, neither those of a file nor those that are computed at once: an expression of n events is
// that of each event, and its type is the same from the first block on.
func TestBlocksDoNotShow(t *testing.T) {
	const expression = "x > 0 ? sqrt(x) * 2 : min(x, -1) + x ** 3"
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 3*blockLen).Draw(t, "events")
		x := column.New("x", "", column.Float32, n)
		for i := range x.F32 {
			x.F32[i] = float32(i*7919%1000)/100 - 5
		}
		f, err := Compile([]column.Column{x}, expression)
		if err != nil {
			t.Fatal(err)
		}
		var got []float64
		for at := 0; at < n; {
			m := min(n-at, rapid.IntRange(1, 2*blockLen).Draw(t, "block"))
			c, err := f.Column("y", []column.Column{x.Slice(at, at+m)})
			if err != nil || c.Type != column.Float64 {
				t.Fatal(c.Type, err)
			}
			got = append(got, c.F64...)
			at += m
		}
		for i, v := range x.F32 {
			v := float64(v)
			want := min(v, -1) + math.Pow(v, 3)
			if v > 0 {
				want = math.Sqrt(v) * 2
			}
			if got[i] != want {
				t.Fatalf("event %d: %g, want %g", i, got[i], want)
			}
		}
	})
}

// What integers compare to is what big numbers do.
func TestComparisonsOfDrawnIntegers(t *testing.T) {
	near := rapid.SampledFrom([]uint64{0, 1 << 53, 1<<63 - 1, 1 << 63, math.MaxUint64, 1 << 62})
	rapid.Check(t, func(t *rapid.T) {
		u := near.Draw(t, "near") + uint64(rapid.Int64Range(-2, 2).Draw(t, "off"))
		i := int64(near.Draw(t, "near") + uint64(rapid.Int64Range(-2, 2).Draw(t, "off")))
		columns := []column.Column{{Name: "i", Type: column.Int64, I64: []int64{i}}, {Name: "u", Type: column.Uint64, U64: []uint64{u}}}
		less, equal := i < 0 || uint64(i) < u, i >= 0 && uint64(i) == u
		for _, sides := range []string{"i %s u", fmt.Sprintf("i %%s %d", u), fmt.Sprintf("%d %%s u", i)} {
			for op, want := range map[string]bool{"<": less, "<=": less || equal, ">": !less && !equal, ">=": !less, "==": equal, "!=": !equal} {
				f, err := CompileCondition(columns, fmt.Sprintf(sides, op))
				if err != nil {
					t.Fatal(err)
				}
				if rows, err := f.Rows(columns); err != nil || (len(rows) == 1) != want {
					t.Fatalf("i %d, u %d: %s is %v %v", i, u, f.source, rows, err)
				}
			}
		}
	})
}

func FuzzCompile(f *testing.F) {
	for _, s := range []string{"pt > 5", "sqrt(pt**2 + eta^2) / jet.mass", "label in ['s', `label`]",
		"where(pt > 5, 1, 2) + clip(eta, -1, 1) % 3", "col(\"tau 21\") ? 1 : 0", "1 < pt < 2 and not isnan(pt)", "((((", "pt | abs()",
		"id == 18446744073709551615", "µ99999999999999999999999 - `9223372036854775808`", "99999999999999999999[0].x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		f, err := Compile(jets(), s)
		if err != nil {
			return
		}
		if c, err := f.Column("new", jets()); err != nil || c.Len() != 5 || c.Type != f.Type() {
			t.Fatalf("%q made a column of %d events: %v", s, c.Len(), err)
		}
		Limits(s)
	})
}

// 10 million events, two comparisons and a product: below a second a core.
func BenchmarkRows(b *testing.B) {
	const n = 10_000_000
	x := column.New("x", "", column.Float32, n)
	for i := range x.F32 {
		x.F32[i] = float32(uint32(i)*2654435761>>8) / (1 << 24)
	}
	y := x
	y.Name = "y"
	columns := []column.Column{x, y}
	f, err := CompileCondition(columns, "x * y > 0.3 && x < 0.9")
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(2 * 4 * n)
	for b.Loop() {
		if _, err := f.Rows(columns); err != nil {
			b.Fatal(err)
		}
	}
}

// What stands twice in an expression, as the middle of a chain of comparisons does, is computed once: else these took
// memory and time that double with every level.
func TestDeepExpressions(t *testing.T) {
	x := column.New("x", "", column.Float64, 3*blockLen)
	for i := range x.F64 {
		x.F64[i] = float64(i % 3)
	}
	nest := func(levels int, inner, before, after string) string {
		return strings.Repeat(before, levels) + inner + strings.Repeat(after, levels)
	}
	for expression, want := range map[string]func(x float64) bool{
		nest(100, "x in [1, 2]", "(", ") in [1, 0]"):                        func(float64) bool { return true },
		nest(101, "x == 1", "(", ") in [3, 0]"):                             func(x float64) bool { return x != 1 },
		nest(100, "x", "(0 < ", " < 2)"):                                    func(x float64) bool { return x == 1 },
		nest(100, "x", "(1 >= ", " >= 1 > -1)"):                             func(x float64) bool { return x == 1 },
		nest(60, "x", "(0 <= min(", ", 1) < 2 ? 1 : 0)") + " > x":           func(x float64) bool { return x == 0 },
		"x in [" + strings.Repeat("7, ", 1300) + "1]":                       func(x float64) bool { return x == 1 },
		nest(100, "x", "(0 < ", " < 18446744073709551615)") + " && x > 1.5": func(x float64) bool { return x == 2 },
	} {
		if names, err := Names(expression); err != nil || len(names) != 1 {
			t.Errorf("%q: %v of %v", expression, err, names)
		}
		Limits(expression)
		f, err := CompileCondition([]column.Column{x}, expression)
		if err != nil {
			t.Error(err)
			continue
		}
		for range 2 { // the second block is another, though at the same places
			got, err := f.Column("", []column.Column{x})
			if err != nil {
				t.Fatal(err)
			}
			for i, v := range x.F64 {
				if (got.I64[i] == 1) != want(v) {
					t.Fatalf("%q: %v at %d of x = %v", expression, got.I64[i], i, v)
				}
				x.F64[i] = 2 - v
			}
		}
	}
	for _, wrong := range []string{nest(100, "x", "(0 < ", " < 2)") + " > 'a'", "map([1], " + nest(100, "x", "(0 < ", " < 2)") + ")", "x[" + nest(100, "x", "(0 < ", " < 2)") + "]"} {
		if _, err := Compile([]column.Column{x}, wrong); err == nil || len(err.Error()) > 2*len(wrong) {
			t.Errorf("%v", err)
		}
	}
}
