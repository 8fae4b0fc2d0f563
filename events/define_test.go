package events

import (
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func jets() *Table {
	nan := float32(math.NaN())
	return &Table{Weight: "w", Columns: []Column{
		{Name: "pt", Unit: "GeV", Type: Float32, F32: []float32{10, 20, nan, 40, 50}},
		{Name: "eta", Type: Float32, F32: []float32{-1, 0, 1, 2, -3}},
		{Name: "jet.mass", Type: Float64, F64: []float64{1, 2, 3, 4, 5}},
		{Name: "event", Type: Int64, I64: []int64{1, 16777217, 3, 4, 5}},
		{Name: "tau 21", Type: Float32, F32: []float32{.1, .2, .3, .4, .5}},
		{Name: "label", Type: Text, Str: []string{"s", "b", "s", "", "b"}},
		{Name: "w", Type: Float32, F32: []float32{1, 1, 1, 1, -1}},
	}}
}

func TestSelect(t *testing.T) {
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
		"true": "1 2 3 4 5",
	} {
		s, err := Select(jets(), expression)
		if err != nil {
			t.Errorf("%s: %v", expression, err)
			continue
		}
		var got []string
		m, _ := s.Column("jet.mass")
		for _, v := range m.F64 {
			got = append(got, string(rune('0'+int(v))))
		}
		if strings.Join(got, " ") != want || s.Weight != "w" || len(s.Columns) != 7 {
			t.Errorf("%s: events %v, want %s", expression, got, want)
		}
	}
}

func TestDefine(t *testing.T) {
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
	} {
		table := jets()
		if err := Define(table, "new", expression); err != nil {
			t.Errorf("%s: %v", expression, err)
			continue
		}
		c, err := table.Column("new")
		if err != nil {
			t.Fatal(err)
		}
		if got := c.Float(1); math.Abs(got-want) > 1e-6 { // float32 rounding of values below 16
			t.Errorf("%s = %g, want %g", expression, got, want)
		}
	}
}

// The type of a defined column follows from what it is made of.
func TestDefineType(t *testing.T) {
	for expression, want := range map[string]Type{
		"pt": Float32, "pt * 2": Float32, "jet.mass": Float64, "jet.mass * 2": Float64,
		"event": Int64, "event * 2": Float64, "event > 3": Float32, "pt * 1e38": Float64, "label": Text,
		"event - 0.5 > 2 ? 1 : 0": Float32,
	} {
		table := jets()
		if err := Define(table, "pt", expression); err != nil {
			t.Errorf("%s: %v", expression, err)
		}
		if got := table.Columns[0]; got.Type != want || len(table.Columns) != 7 {
			t.Errorf("%s: %s, want %s", expression, got.Type, want)
		}
	}
	table := jets()
	if err := Define(table, "pt", "pt"); err != nil || table.Columns[0].Unit != "GeV" {
		t.Errorf("a copy lost its unit: %v", err)
	}
}

func TestExpressionErrors(t *testing.T) {
	for expression, want := range map[string]string{
		"ptt > 5":          `character 1: no column "ptt"; did you mean "pt"?`,
		"pt > 5 && etaa<1": `character 11: no column "etaa"; did you mean "eta"?`,
		"pt >":             "unexpected",
		"pt + ":            "unexpected",
		"pt":               "is a number, not a condition",
		"pt && eta > 0":    `"pt" is not a condition`,
		"label > 3":        "cannot be compared",
		"label + 1":        `column "label" holds text`,
		"sqr(pt) > 1":      `no function "sqr"; did you mean "sqrt"?`,
		"sqrt(pt, 2) > 1":  "sqrt wants 1 value, not 2",
		"min(pt) > 1":      "min wants two or more",
		"clip(pt) > 1":     "clip wants 3 values",
		"where(pt, 1, 2)":  "is not a condition",
		"col(pt) > 1":      "column's name in quotes",
		"1 + pt[0] > 1":    `character 5: no column "pt[0]"`,
		"pt[-1] > 1":       "no members but numbered ones",
		"pt[eta] > 1":      "no members but numbered ones",
		"pt?.x > 1":        "no arithmetic",
		"pt in 3":          "wants a list",
		"":                 "is empty",
		"pt > 1000":        "leaves none of 5 events",
		"map([1], # > 0)":  "no function",
		"let x = 1; x > 0": "no arithmetic",
		"pt matches 'a'":   "text",
		"(pt ?? 3) > 1":    "operator",
		"`no such` > 1":    `no column "no such"`,
	} {
		_, err := Select(jets(), expression)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q: %v, want %q", expression, err, want)
		}
	}
	if err := Define(jets(), "x", `"text"`); err == nil || !strings.Contains(err.Error(), "is text") {
		t.Error(err)
	}
}

// The blocks must not show: an expression of n events is that of each event.
func TestBlocksDoNotShow(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 3*blockLen).Draw(t, "events")
		x := make([]float32, n)
		for i := range x {
			x[i] = float32(i*7919%1000)/100 - 5
		}
		table := &Table{Columns: []Column{{Name: "x", Type: Float32, F32: x}}}
		if err := Define(table, "y", "x > 0 ? sqrt(x) * 2 : min(x, -1) + x ** 3"); err != nil {
			t.Fatal(err)
		}
		for i, v := range x {
			v := float64(v)
			want := min(v, -1) + math.Pow(v, 3)
			if v > 0 {
				want = math.Sqrt(v) * 2
			}
			if table.Columns[1].F32[i] != float32(want) {
				t.Fatalf("event %d: %g, want %g", i, table.Columns[1].F32[i], want)
			}
		}
	})
}

func FuzzDefine(f *testing.F) {
	for _, s := range []string{"pt > 5", "sqrt(pt**2 + eta^2) / jet.mass", "label in ['s', `label`]",
		"where(pt > 5, 1, 2) + clip(eta, -1, 1) % 3", "col(\"tau 21\") ? 1 : 0", "1 < pt < 2 and not isnan(pt)", "((((", "pt | abs()"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		table := jets()
		if err := Define(table, "new", s); err != nil {
			return
		}
		if c, err := table.Column("new"); err != nil || c.Len() != 5 {
			t.Fatalf("%q made a column of %d events: %v", s, c.Len(), err)
		}
	})
}

// 10 million events, two comparisons and a product: below a second a core.
func BenchmarkSelect(b *testing.B) {
	const n = 10_000_000
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(uint32(i)*2654435761>>8) / (1 << 24)
	}
	table := &Table{Columns: []Column{{Name: "x", Type: Float32, F32: x}, {Name: "y", Type: Float32, F32: x}}}
	b.SetBytes(2 * 4 * n)
	for b.Loop() {
		if _, err := Select(table, "x * y > 0.3 && x < 0.9"); err != nil {
			b.Fatal(err)
		}
	}
}
