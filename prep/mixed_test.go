package prep

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/events/profile"
	"github.com/sluice-hep/sluice/internal/rng"
)

// forMixed fits the preparation of a table for a density of mixed ones.
func forMixed(t *testing.T, tab *events.Table, spec Spec) (*Pipeline, []string) {
	t.Helper()
	spec.Mixed = true
	p := mustFit(t, tab, tab.Names(), spec)
	said, err := p.Together(tab)
	if err != nil {
		t.Fatal(err)
	}
	return reloaded(t, p), said
}

// followsLayout checks that columns hold codes, and a number exactly where the codes say so.
func followsLayout(t *testing.T, p *Pipeline, cols [][]float32) {
	t.Helper()
	layout := p.Layout()
	if len(layout) != p.Dim() || len(cols) != p.Dim() {
		t.Fatalf("a layout of %d, %d columns, a dimension of %d", len(layout), len(cols), p.Dim())
	}
	for f, at := range layout {
		for e, v := range cols[f] {
			switch {
			case at.Categories > 0 && (v != float32(int(v)) || v < 0 || int(v) >= at.Categories):
				t.Fatalf("%s, event %d: %g is no code of %d", at.Name, e, v, at.Categories)
			case at.Categories == 0 && (v == v) != (at.By < 0 || slices.Contains(at.Present, int(cols[at.By][e]))):
				t.Fatalf("%s, event %d: %g, where %d has the code %g", at.Name, e, v, at.By, cols[max(at.By, 0)][e])
			}
		}
	}
}

// drawn are events of a layout: any codes, and normal numbers where there are some.
func drawn(p *Pipeline, n int, seed uint64) [][]float32 {
	g := rng.New(seed, rng.StreamToy, 0)
	cols := make([][]float32, p.Dim())
	for _, numbers := range []bool{false, true} {
		for f, at := range p.Layout() {
			for e := range n {
				switch {
				case (at.Categories == 0) != numbers:
				case at.Categories > 0:
					cols[f] = append(cols[f], float32(g.IntN(at.Categories)))
				case at.By >= 0 && !slices.Contains(at.Present, int(cols[at.By][e])):
					cols[f] = append(cols[f], float32(math.NaN()))
				default:
					cols[f] = append(cols[f], float32(1.2*g.NormFloat64()))
				}
			}
		}
	}
	return cols
}

// returns checks that events come back from their prepared columns, NaN as such, with log-determinants whose sum is at most off.
func returns(t *testing.T, p *Pipeline, tab *events.Table, off float64) {
	t.Helper()
	cols, d, err := p.Apply(tab, nil)
	if err != nil {
		t.Fatal(err)
	}
	followsLayout(t, p, cols)
	back, e, err := p.Invert(cols)
	if err != nil {
		t.Fatal(err)
	}
	for i := range d {
		for k := range tab.Columns {
			v, w := tab.Columns[k].Float(i), back.Columns[k].Float(i)
			if (v != v) != (w != w) || math.Abs(v-w) > 1e-4*(1+math.Abs(v)) {
				t.Fatalf("%s, event %d: %g comes back as %g", tab.Columns[k].Name, i, v, w)
			}
		}
		if !(math.Abs(d[i]+e[i]) <= off) {
			t.Fatalf("event %d: log-dets %g and %g", i, d[i], e[i])
		}
	}
}

// What marks of several columns come together as, what a column tells, and codes of single columns: whatever codes are drawn, no event has a pattern
// that the data have not, and what the codes do not cover is the density of the others.
func TestMixedMarks(t *testing.T) {
	tab := jets(6000)
	p, said := forMixed(t, tab, Spec{})
	want := []string{"always -999 where njet is 0, and only there: pt; ", "always -999 where njet is 0 or 1, and only there: mjj, deta; ",
		"single values (0, 1, 2 or 3 in njet; -999 or 0 in cent; -999 in mmc, mmc2) come in 12 combinations: "}
	for _, w := range want {
		if !slices.ContainsFunc(said, func(line string) bool { return strings.HasPrefix(line, w[:len(w)-2]) }) {
			t.Errorf("%q is not said: %q", w, said)
		}
	}
	if codes := p.Codes(); codes != "single values and missing cells with a probability of their own: -999 in other" {
		t.Errorf("%q", codes)
	}
	returns(t, p, tab, 1e-2)
	back, _, err := p.Invert(drawn(p, 5000, 2))
	if err != nil {
		t.Fatal(err)
	}
	at := func(name string, i int) float64 {
		c, _ := back.Column(name)
		return c.Float(i)
	}
	for i := range back.Len() {
		k := at("njet", i)
		switch {
		case (at("pt", i) == -999) != (k == 0), (at("mjj", i) == -999) != (k < 2), (at("deta", i) == -999) != (k < 2), (at("cent", i) == -999) != (k < 2),
			(at("mmc", i) == -999) != (at("mmc2", i) == -999):
			t.Fatalf("event %d has marks and values that no event has", i)
		case k > 1 && (at("cent", i) < 0 || at("cent", i) > 0.8), k > 0 && at("pt", i) < 30, k > 1 && at("mjj", i) < 50:
			t.Fatalf("event %d: pt %g, mjj %g, cent %g", i, at("pt", i), at("mjj", i), at("cent", i))
		}
	}
	if _, _, placed, err := p.ApplyDraw(tab, 0, 1); err != nil || slices.Contains(placed, true) {
		t.Errorf("events have places to take: %v", err)
	}
	tab.Columns[0].F32[7] = map[bool]float32{true: 40, false: -999}[tab.Columns[0].F32[7] == -999]
	cols, d, err := p.Apply(tab, nil)
	if err != nil || !finite(d...) {
		t.Fatalf("%v", err)
	}
	followsLayout(t, p, cols)
	n, ranges, err := p.OutOfRange(tab)
	if err != nil || n != 1 || ranges[0].Column != "pt" || ranges[0].Unseen != 1 || ranges[0].First != 7 {
		t.Errorf("%d events, %+v, %v", n, ranges, err)
	}
}

// holes makes cells of a table missing, one in five.
func holes(tab *events.Table, seed uint64) *events.Table {
	g := rng.New(seed, rng.StreamToy, 1)
	for k := range tab.Columns {
		c := &tab.Columns[k]
		for i := range c.F32 {
			if g.IntN(5) == 0 {
				c.F32[i] = float32(math.NaN())
			}
		}
		for i := range c.F64 {
			if g.IntN(5) == 0 {
				c.F64[i] = math.NaN()
			}
		}
	}
	return tab
}

// Cells that are missing at random come back missing, beside marks, in columns of numbers, of a few values and of one.
func TestMissingCells(t *testing.T) {
	const n = 4000
	g := rng.New(9, rng.StreamToy, 0)
	tab := &events.Table{Columns: []events.Column{{Name: "x", F32: make([]float32, n)}, {Name: "y", Type: events.Float64, F64: make([]float64, n)},
		{Name: "few", F32: make([]float32, n)}, {Name: "one", F32: slices.Repeat([]float32{7}, n)}, {Name: "big", Type: events.Float64, F64: make([]float64, n)}}}
	for i := range n {
		tab.Columns[0].F32[i], tab.Columns[1].F64[i] = float32(g.NormFloat64()), math.Exp(g.NormFloat64())
		tab.Columns[2].F32[i], tab.Columns[4].F64[i] = float32(g.IntN(3)), float64(1<<45+g.IntN(1<<30))
		if g.IntN(10) == 0 {
			tab.Columns[1].F64[i] = 0
		}
	}
	holes(tab, 1)
	if _, _, err := Fit(tab, tab.Names(), Spec{Mixed: true}, 1); err == nil || !strings.Contains(err.Error(), "--missing model") {
		t.Error(err)
	}
	p, _ := forMixed(t, tab, Spec{Missing: Missing{All: Gap{Model: true}}})
	if want := "missing in x, big; missing or 0 in y"; !strings.HasSuffix(p.Codes(), want) {
		t.Errorf("%q", p.Codes())
	}
	if !slices.Equal(p.MayLack(), tab.Names()) {
		t.Errorf("%v", p.MayLack())
	}
	returns(t, p, tab, 1e-2)
	back, _, err := p.Invert(drawn(p, 1000, 1))
	if err != nil {
		t.Fatal(err)
	}
	for k := range back.Columns {
		none := 0
		for i := range back.Len() {
			v := back.Columns[k].Float(i)
			if v != v {
				none++
			} else if !finite(v) || v < -1e16 {
				t.Fatalf("%s, event %d: %g", back.Columns[k].Name, i, v)
			}
		}
		if none < 100 || none > 900 {
			t.Errorf("%s: %d of 1000 cells are missing", back.Columns[k].Name, none)
		}
	}
	if n, ranges, err := p.OutOfRange(tab); n != 0 || err != nil {
		t.Errorf("%d events, %+v, %v", n, ranges, err)
	}
	tab.Columns[0].F32[3] = float32(math.Inf(1))
	if _, _, err := p.Apply(tab, nil); err == nil || !strings.Contains(err.Error(), "infinite") {
		t.Error(err)
	}
}

// A value that is said to stand for none is a code however rare, and one that is said to be a value is none however frequent.
func TestStatedMarks(t *testing.T) {
	const n = 3000
	g := rng.New(4, rng.StreamToy, 0)
	tab := &events.Table{Columns: []events.Column{{Name: "a", F32: make([]float32, n)}, {Name: "b", F32: make([]float32, n)}, {Name: "count", Type: events.Int64, I64: make([]int64, n)}}}
	for i := range n {
		tab.Columns[0].F32[i], tab.Columns[1].F32[i], tab.Columns[2].I64[i] = float32(g.NormFloat64()), float32(g.NormFloat64()), int64(g.IntN(400))
		if i%10 == 0 {
			tab.Columns[1].F32[i] = -3
			tab.Columns[2].I64[i] = math.MaxInt32
		}
	}
	tab.Columns[0].F32[100] = -99
	p, _ := forMixed(t, tab, Spec{Missing: Missing{Columns: map[string]Gap{"a": {Marks: []float64{-99}}, "b": {None: true}}}})
	if want := ": -99 in a; 2147483647 in count"; !strings.HasSuffix(p.Codes(), want) {
		t.Errorf("%q", p.Codes())
	}
	if a := p.column("a"); a.Min < -6 || !slices.Equal(a.Own.Marks, []float64{-99}) {
		t.Errorf("%+v", a)
	}
	returns(t, p, tab, 1e-2)
	p, _ = forMixed(t, tab, Spec{All: []StepSpec{{Kind: "standardise"}}, Missing: Missing{Columns: map[string]Gap{"a": {Marks: []float64{-99}}}}})
	if a, b := p.column("a"), p.column("b"); a.Own == nil || b.Own != nil || len(a.Steps) != 1 {
		t.Errorf("%+v, %+v", a, b)
	}
}

// A context column says by one of 0 and 1 where it is missing, and is 0 there; of a few values, missing is one more.
func TestMissingContext(t *testing.T) {
	tab := &events.Table{Columns: jets(3000).Columns[:3]}
	holes(tab, 3)
	njet := tab.Columns[2]
	tab.Columns[2] = events.Column{Name: "njet", Type: events.Float64}
	for i, k := range njet.I64 {
		v := float64(k)
		if i%7 == 0 {
			v = math.NaN()
		}
		tab.Columns[2].F64 = append(tab.Columns[2].F64, v)
	}
	p, _, err := FitContext(tab, tab.Names(), Spec{Missing: Missing{All: Gap{Model: true}}})
	if err != nil {
		t.Fatal(err)
	}
	p = reloaded(t, p)
	cols, _, err := p.Apply(tab, nil)
	if err != nil || len(cols) != p.Dim() || p.Dim() != 2+2+5 || len(p.Layout()) != 9 {
		t.Fatalf("%d columns, %v", len(cols), err)
	}
	for i := range tab.Len() {
		for k := range 2 {
			v := tab.Columns[k].Float(i)
			if none := cols[2*k][i] == 1; none != (v != v) || none && cols[2*k+1][i] != 0 || !finite(float64(cols[2*k+1][i])) {
				t.Fatalf("event %d: %g is %g, %g", i, v, cols[2*k][i], cols[2*k+1][i])
			}
		}
		if missing := cols[4][i]; (missing == 1) != (i%7 == 0) {
			t.Fatalf("event %d: %g", i, missing)
		}
	}
}

// Steps that the density of mixed tables alone takes are refused elsewhere, as are saved codes that cannot be.
func TestMixedStepsWhereTheyCannotBe(t *testing.T) {
	tab := jets(2000)
	few, single := []StepSpec{{Kind: "category"}}, []StepSpec{{Kind: "atoms"}, {Kind: "standardise"}}
	for _, c := range []struct {
		spec Spec
		want string
	}{
		{Spec{Columns: map[string][]StepSpec{"njet": few}}, `step "category" needs a flow that leaves absent cells out, which this is not; take levels`},
		{Spec{Columns: map[string][]StepSpec{"mmc": single}}, `take spread`},
		{Spec{Mixed: true, Columns: map[string][]StepSpec{"njet": append(slices.Clone(few), few...)}}, `there is nothing to prepare`},
		{Spec{Mixed: true, Columns: map[string][]StepSpec{"mmc": {single[1], single[0]}}}, `must be the first`},
	} {
		if _, _, err := Fit(tab, tab.Names(), c.spec, 1); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v, want %s", err, c.want)
		}
	}
	if _, _, err := FitContext(tab, []string{"njet"}, Spec{All: few}); err == nil || !strings.Contains(err.Error(), "a context takes classes") {
		t.Error(err)
	}
	p, _ := forMixed(t, tab, Spec{})
	text, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range [][2]string{{`"mixed":true,`, ``}, {`,"mixed":true`, ``}, {`"own":{"marks":[-999]`, `"own":{"marks":[]`}, {`"share":[`, `"share":[0,`}} {
		bad := strings.Replace(string(text), c[0], c[1], 1)
		if bad != string(text) && new(Pipeline).UnmarshalJSON([]byte(bad)) == nil {
			t.Errorf("%s for %s was taken", c[1], c[0])
		}
	}
}

// What a card writes of missing cells is read as it is written.
func TestMissingForms(t *testing.T) {
	for text, want := range map[string]Missing{
		`"model"`: {All: Gap{Model: true}},
		`{"pt": -999, "m": "none", "*": "model"}`: {All: Gap{Model: true}, Columns: map[string]Gap{"pt": {Marks: []float64{-999}}, "m": {None: true}}},
		`{"pt": ["model", -1, 2]}`:                {Columns: map[string]Gap{"pt": {Model: true, Marks: []float64{-1, 2}}}},
	} {
		var v any
		if err := json.Unmarshal([]byte(text), &v); err != nil {
			t.Fatal(err)
		}
		var m, again Missing
		if err := m.Parse(v); err != nil || fmt.Sprint(m) != fmt.Sprint(want) {
			t.Errorf("%s: %+v, %v", text, m, err)
		}
		written, err := json.Marshal(m)
		if err != nil || json.Unmarshal(written, &v) != nil || again.Parse(v) != nil || fmt.Sprint(again) != fmt.Sprint(m) {
			t.Errorf("%s: %s is %+v", text, written, again)
		}
	}
	for _, bad := range []any{"all", -999.0, map[string]any{"*": "none"}, map[string]any{"x": []any{"none", 1.0}}, map[string]any{"x": math.Inf(1)}} {
		if err := new(Missing).Parse(bad); err == nil {
			t.Errorf("%v was taken", bad)
		}
	}
	g := Missing{All: Gap{Model: true}, Columns: map[string]Gap{"a": {None: true}, "b": {Marks: []float64{1}}}}
	if g.Of("a").Model || !g.Of("b").Model || !g.Of("c").Model {
		t.Error("which cells are missing")
	}
}

// A category gives codes in the order of its values; one that it has not seen counts as the nearest, with a small probability.
func TestCategory(t *testing.T) {
	s := &category{}
	if err := s.Fit([]float64{11, 13, 11, -13}, nil); err != nil {
		t.Fatal(err)
	}
	x, d := []float64{-13, 11, 13, 12.9}, make([]float64, 4)
	s.Apply(x, d)
	if want := math.Log(1.0/5) - math.Log(0.25); !slices.Equal(x, []float64{0, 1, 2, 2}) || d[1] != 0 || d[3] != want || s.has(12.9) || !s.has(11) {
		t.Errorf("%v, %v", x, d)
	}
	if s.Invert(x, d); !slices.Equal(x, []float64{-13, 11, 13, 13}) {
		t.Errorf("%v", x)
	}
	all := make([]float64, maxLevels+1)
	for i := range all {
		all[i] = float64(i)
	}
	if err := s.Fit(all, nil); err == nil {
		t.Error("too many values were taken")
	}
}

// The columns of what auto does for a flow alone are prepared as they were: single values by windows, a few by intervals.
func TestAutoOfAFlowAlone(t *testing.T) {
	for _, s := range profile.Summarise(jets(3000)) {
		steps, _ := autoContinuous(s)
		if _, err := build(steps); err != nil || slices.ContainsFunc(steps, func(s StepSpec) bool { return s.Kind == "atoms" || s.Kind == "category" }) {
			t.Errorf("%s: %v, %v", s.Name, steps, err)
		}
	}
}
