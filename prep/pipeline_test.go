package prep

import (
	"encoding/json"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/internal/rng"
)

func f32(x []float64) []float32 {
	y := make([]float32, len(x))
	for i, v := range x {
		y[i] = float32(v)
	}
	return y
}

// mixed has a column of every kind.
func mixed(n int) *events.Table {
	g := rng.New(11, rng.StreamToy, 0)
	pt, tag, tau := make([]float64, n), make([]float64, n), make([]float64, n)
	njets, hits, run, label := make([]int64, n), make([]int64, n), make([]int64, n), make([]string, n)
	for i := range n {
		pt[i] = 20 * math.Pow(g.Float64(), -0.4)
		tag[i] = []float64{0, 1.0865, 2.1731}[g.IntN(3)]
		tau[i] = g.Float64()
		if g.IntN(10) == 0 {
			tau[i] = 0
		}
		njets[i] = int64(2 + g.IntN(3)*g.IntN(3))
		hits[i] = int64(1000 * math.Exp(0.5*g.NormFloat64()))
		run[i], label[i] = 273158, "qcd"
	}
	return &events.Table{Columns: []events.Column{
		{Name: "pt", Unit: "GeV", F32: f32(pt)},
		{Name: "btag", F32: f32(tag)},
		{Name: "tau21", F32: f32(tau)},
		{Name: "njets", Type: events.Int64, I64: njets},
		{Name: "run", Type: events.Int64, I64: run},
		{Name: "hits", Type: events.Int64, I64: hits},
		{Name: "m", Type: events.Float64, F64: slices.Clone(pt)},
		{Name: "label", Type: events.Text, Str: label},
	}}
}

var mixedNames = []string{"pt", "btag", "tau21", "njets", "run", "hits", "m"}

func mustFit(t *testing.T, tab *events.Table, names []string, spec Spec) *Pipeline {
	t.Helper()
	p, _, err := Fit(tab, names, spec, 5)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestAutoChoosesByKind(t *testing.T) {
	p, notices, err := Fit(mixed(4000), mixedNames, Spec{}, 5)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"quantile", "levels", "spread quantile", "levels", "", "dequantise quantile", "quantile"}
	for i, c := range p.Columns {
		var kinds []string
		for _, s := range c.Steps {
			kinds = append(kinds, s.Kind())
		}
		if got := strings.Join(kinds, " "); got != want[i] {
			t.Errorf("%s: %q, want %q", c.Name, got, want[i])
		}
		if c.Why == "" {
			t.Errorf("%s: no reason", c.Name)
		}
	}
	if p.Dim() != 6 || !slices.Equal(p.Names(), mixedNames) {
		t.Errorf("%d columns for the flow of %v", p.Dim(), p.Names())
	}
	if said := p.Constants(mixed(4000)); len(notices) != 0 || len(said) != 1 || !strings.Contains(said[0], `column "run" is 273158 in every event`) {
		t.Errorf("notices %q, constant %q", notices, said)
	}
}

func TestConstantsOfAValueAreALine(t *testing.T) {
	var columns []events.Column
	var names []string
	for _, c := range "abcdefg" {
		names = append(names, string(c))
		columns = append(columns, events.Column{Name: string(c), Type: events.Float64, F64: []float64{0, 0, 0, 0}})
	}
	columns[1].F64 = []float64{1, 2, 3, 4}
	for _, c := range []struct {
		of   int
		want string
	}{{2, `column "a" is 0 in every event`}, {4, `columns "a", "c", "d" are 0 in every event`}, {7, `columns "a", "c", "d", "e" and 2 more are 0 in every event`}} {
		tab := &events.Table{Columns: columns[:c.of]}
		p := mustFit(t, tab, names[:c.of], Spec{})
		if said := p.Constants(tab); len(said) != 1 || !strings.HasPrefix(said[0], c.want+":") {
			t.Errorf("%q, not %q", said, c.want)
		}
	}
}

func TestPipelineRoundTripKeepsTypesUnitsAndConstants(t *testing.T) {
	tab := mixed(4000)
	p := mustFit(t, tab, mixedNames, Spec{})
	cols, d, err := p.Apply(tab, nil)
	if err != nil {
		t.Fatal(err)
	}
	back, e, err := p.Invert(cols)
	if err != nil {
		t.Fatal(err)
	}
	for i := range d {
		// The map is steep at the end of a gap, as between 0 and the next value, and y is a float32.
		if math.Abs(d[i]+e[i]) > 5e-3 {
			t.Fatalf("event %d: log-dets %g there and %g back", i, d[i], e[i])
		}
	}
	for i, name := range mixedNames {
		a, _ := tab.Column(name)
		b := &back.Columns[i]
		if b.Name != name || b.Unit != a.Unit || b.Type != a.Type {
			t.Errorf("%s (%s, %v) comes back as %s (%s, %v)", name, a.Unit, a.Type, b.Name, b.Unit, b.Type)
		}
		exact := a.Type == events.Int64 || name == "btag"
		for j := range a.Len() {
			x, y := a.Float(j), b.Float(j)
			// 1e-4 is the bound on a flow's round trip in float32; columns are a hundredth of it.
			if exact && x != y || math.Abs(x-y) > 1e-6*(1+math.Abs(x)) {
				t.Fatalf("%s: %v comes back as %v", name, x, y)
			}
		}
	}
}

func TestPipelineSlicesAreEqualToTheWhole(t *testing.T) {
	tab := mixed(5000)
	p := mustFit(t, tab, mixedNames, Spec{})
	number := make([]uint64, tab.Len())
	for i := range number {
		number[i] = uint64(i)
	}
	whole, d, err := p.Apply(tab, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, cut := range [][2]int{{0, 1}, {0, 5000}, {1, 4097}, {2049, 5000}, {4999, 5000}, {77, 77}} {
		part, e, err := p.Apply(tab.Slice(cut[0], cut[1]), number[cut[0]:cut[1]])
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(e, d[cut[0]:cut[1]]) {
			t.Errorf("log-dets of events %v depend on the slice", cut)
		}
		for k := range part {
			if !slices.Equal(part[k], whole[k][cut[0]:cut[1]]) {
				t.Errorf("column %d of events %v depends on the slice", k, cut)
			}
		}
	}
	slices.Reverse(number)
	other, _, _ := p.Apply(tab, number)
	if slices.Equal(other[1], whole[1]) || !slices.Equal(other[0], whole[0]) {
		t.Error("the noise does not depend on the event's number, or what has no noise does")
	}
	if _, _, err := p.Apply(tab, number[1:]); err == nil {
		t.Error("4999 numbers for 5000 events are taken")
	}
}

// Events between others that were left out keep their noise.
func TestNoiseDoesNotDependOnDroppedEvents(t *testing.T) {
	tab := mixed(2000)
	p := mustFit(t, tab, mixedNames, Spec{})
	whole, d, err := p.Apply(tab, nil)
	if err != nil {
		t.Fatal(err)
	}
	var rows []int32
	var number []uint64
	for i := int32(0); i < 2000; i += 1 + i%3 {
		rows, number = append(rows, i), append(number, uint64(i))
	}
	part, e, err := p.Apply(tab.Take(rows), number)
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range rows {
		for k := range part {
			if part[k][i] != whole[k][r] || e[i] != d[r] {
				t.Fatalf("column %d of event %d depends on the events that were left out", k, r)
			}
		}
	}
}

func TestPipelineSaveAndLoadIsBitEqual(t *testing.T) {
	tab := mixed(3000)
	p := mustFit(t, tab, mixedNames, Spec{})
	data, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	var q Pipeline
	if err := json.Unmarshal(data, &q); err != nil {
		t.Fatal(err)
	}
	again, _ := json.Marshal(&q)
	if string(again) != string(data) {
		t.Error("saved again, it differs")
	}
	a, da, _ := p.Apply(tab, nil)
	b, db, _ := q.Apply(tab, nil)
	if !reflect.DeepEqual(a, b) || !slices.Equal(da, db) {
		t.Error("the restored preparation differs")
	}
}

// Prepared columns of features are near to standard normal: mean 0, variance 1, and no value beyond 8.
func TestAutoGivesNormalColumns(t *testing.T) {
	tab := mixed(20000)
	p := mustFit(t, tab, mixedNames, Spec{})
	cols, _, err := p.Apply(tab, nil)
	if err != nil {
		t.Fatal(err)
	}
	for k, y := range cols {
		s := slices.Clone(y)
		slices.Sort(s)
		worst := 0.0
		for i, v := range s {
			worst = max(worst, math.Abs(normalCDF(float64(v))-(float64(i)+0.5)/float64(len(s))))
		}
		// A sample of the normal has 1.36/sqrt(n) at 95 %; a fitted map less.
		if worst > 1.36/math.Sqrt(float64(len(s))) || s[0] < -8 || s[len(s)-1] > 8 {
			t.Errorf("column %d: KS distance to the normal %.4f, from %g to %g", k, worst, s[0], s[len(s)-1])
		}
	}
}

// One event far outside the training range, in any column and on either side, costs at most 50 nats more than the mean.
func TestAutoFarEventCostsFewNats(t *testing.T) {
	g := rng.New(1, rng.StreamToy, 9)
	const n = 20000
	shapes := map[string]func() float64{
		"uniform":     func() float64 { return g.Float64() },
		"normal":      g.NormFloat64,
		"exponential": func() float64 { return -math.Log(g.Float64()) },
		"power law":   func() float64 { return math.Pow(g.Float64(), -1) },
		"integers":    func() float64 { return math.Floor(100 * g.NormFloat64()) },
		"counts":      func() float64 { return math.Floor(-3 * math.Log(g.Float64())) },
	}
	for name, draw := range shapes {
		x := make([]float32, n)
		for i := range x {
			x[i] = float32(draw())
		}
		tab := &events.Table{Columns: []events.Column{{Name: "x", F32: x}}}
		p := mustFit(t, tab, []string{"x"}, Spec{})
		width := p.Columns[0].Max - p.Columns[0].Min
		mean := 0.0
		for _, c := range cost(t, p, tab) {
			mean += c / n
		}
		var far []float32
		for _, f := range []float64{0, 1e-6, 1e-3, 0.1, 1, 10, 100, 1000} {
			far = append(far, float32(math.Floor(p.Columns[0].Max+f*width)), float32(math.Floor(p.Columns[0].Min-f*width)))
			if name != "integers" && name != "counts" {
				far = append(far, float32(p.Columns[0].Max+f*width), float32(p.Columns[0].Min-f*width))
			}
		}
		for i, c := range cost(t, p, &events.Table{Columns: []events.Column{{Name: "x", F32: far}}}) {
			if !(c-mean < 50) {
				t.Errorf("%s: an event at %g costs %.1f nats more than the mean", name, far[i], c-mean)
			}
		}
	}
}

// cost is -log p of each event if the prepared columns were standard normal.
func cost(t *testing.T, p *Pipeline, tab *events.Table) []float64 {
	t.Helper()
	cols, d, err := p.Apply(tab, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := range d {
		d[i] = -d[i]
		for _, y := range cols {
			d[i] -= logNormal(float64(y[i]))
		}
	}
	return d
}

func TestContextHasNoNoise(t *testing.T) {
	tab := mixed(2000)
	p, _, err := FitContext(tab, []string{"hits", "pt", "run"}, Spec{})
	if err != nil {
		t.Fatal(err)
	}
	a, _, _ := p.Apply(tab, nil)
	number := make([]uint64, tab.Len())
	number[0] = 999
	b, _, _ := p.Apply(tab, number)
	if !reflect.DeepEqual(a, b) || p.Dim() != 2 {
		t.Error("a context depends on the event's number")
	}
	none, _, err := FitContext(tab, nil, Spec{})
	if err != nil || none.Dim() != 0 {
		t.Errorf("no context: dimension %d, %v", none.Dim(), err)
	}
	if cols, _, err := none.Apply(tab, nil); err != nil || len(cols) != 0 {
		t.Errorf("no context: %d columns, %v", len(cols), err)
	}
}

func TestOutOfRange(t *testing.T) {
	train := &events.Table{Columns: []events.Column{{Name: "a", Unit: "GeV", F32: []float32{1, 2, 3, 4.5}}, {Name: "b", F32: []float32{0, 1, 5, 2.5}}}}
	p := mustFit(t, train, []string{"a", "b"}, Spec{})
	test := &events.Table{Columns: []events.Column{{Name: "a", F32: []float32{0, 5, 2, 6}}, {Name: "b", F32: []float32{6, 1, 5, 0}}}}
	n, ranges, err := p.OutOfRange(test)
	want := []Range{{Column: "a", Unit: "GeV", Min: 1, Max: 4.5, Below: 1, Above: 2}, {Column: "b", Max: 5, Above: 1}}
	if err != nil || n != 3 || !reflect.DeepEqual(ranges, want) {
		t.Errorf("%d events, %+v, %v; want 3, %+v", n, ranges, err, want)
	}
}

// The rounding of a type, and of an angle as text, is not beyond the range.
func TestRoundingIsNotOutOfRange(t *testing.T) {
	angles := &events.Table{Columns: []events.Column{{Name: "a", Type: events.Float64, F64: []float64{-3, -1, 2, 3}}}}
	angle := mustFit(t, angles, []string{"a"}, Spec{All: []StepSpec{{Kind: "periodic", Options: map[string]float64{"low": -math.Pi, "high": math.Pi}}}})
	numbers := &events.Table{Columns: []events.Column{{Name: "a", Type: events.Float64, F64: []float64{0.1, 0.15, 0.17, 0.3}}}}
	number := mustFit(t, numbers, []string{"a"}, Spec{})
	for _, c := range []struct {
		p    *Pipeline
		a    events.Column
		want int
	}{
		{angle, events.Column{Type: events.Float32, F32: []float32{math.Pi, -math.Pi, 3.2}}, 1},
		{angle, events.Column{Type: events.Float64, F64: []float64{3.141593, -3.141593, 3.1417}}, 1},
		{number, events.Column{Type: events.Float32, F32: []float32{0.1, 0.3, 0.3001}}, 1},
		{number, events.Column{Type: events.Float64, F64: []float64{0.1 + 0.2, 0.3000001, 0.0999}}, 2},
	} {
		c.a.Name = "a"
		if n, ranges, err := c.p.OutOfRange(&events.Table{Columns: []events.Column{c.a}}); n != c.want || err != nil {
			t.Errorf("%+v: %d out of range, %+v, %v", c.a, n, ranges, err)
		}
	}
}

// A value that is not one of the few of a column, or not whole where all were, is none that the model knows.
func TestValuesThatAColumnCannotHaveAreOutOfRange(t *testing.T) {
	n := events.Column{Name: "n"}
	for i := range 100 {
		n.F32 = append(n.F32, []float32{0, 2, 5}[i%3])
	}
	train := &events.Table{Columns: []events.Column{n}}
	test := &events.Table{Columns: []events.Column{{Name: "n", F32: []float32{0, 1, 2, 2.5, 5, 6, -1}}}}
	for _, c := range []struct {
		spec Spec
		n    int
		want Range
	}{
		{Spec{}, 4, Range{Column: "n", Max: 5, Unseen: 4, First: 1, Value: "1", Taken: (*levels)(nil).taken()}},
		{Spec{All: []StepSpec{{Kind: "dequantise"}}}, 3, Range{Column: "n", Max: 5, Above: 1, Unseen: 2, First: 3, Value: "2.5", Taken: new(dequantise).taken()}},
	} {
		p := mustFit(t, train, []string{"n"}, c.spec)
		n, ranges, err := p.OutOfRange(test)
		if err != nil || n != c.n || len(ranges) != 1 || ranges[0] != c.want {
			t.Errorf("%v: %d events, %+v, %v; want %d, %+v", c.spec, n, ranges, err, c.n, c.want)
		}
	}
}

func TestFitErrors(t *testing.T) {
	tab := mixed(100)
	nan := slices.Clone(tab.Columns[0].F32)
	nan[6], nan[50] = float32(math.NaN()), float32(math.NaN())
	inf := slices.Clone(tab.Columns[0].F32)
	inf[2] = float32(math.Inf(-1))
	tab.Columns = append(tab.Columns,
		events.Column{Name: "met", F32: nan}, events.Column{Name: "ht", F32: inf},
		events.Column{Name: "w", F32: make([]float32, 100)})
	steps := func(kinds ...string) Spec {
		var s Spec
		for _, k := range kinds {
			s.All = append(s.All, StepSpec{Kind: k})
		}
		return s
	}
	for _, c := range []struct {
		names []string
		spec  Spec
		want  string
	}{
		{[]string{"eta"}, Spec{}, `prep: events: no column "eta"; there is pt, btag`},
		{[]string{"label"}, Spec{}, "prep: every feature is constant (label)"},
		{[]string{"pt", "met"}, Spec{}, `prep: column "met": 2 of 100 values are missing (NaN), the first in row 7; --drop-nan drops these events`},
		{[]string{"ht"}, Spec{}, `prep: column "ht": 1 of 100 values are infinite`},
		{[]string{"run"}, Spec{}, "prep: every feature is constant (run)"},
		{[]string{"pt", "pt"}, Spec{}, `prep: column "pt" is named twice`},
		{[]string{"pt"}, Spec{Columns: map[string][]StepSpec{"eta": nil}}, `prep: column "eta" is to be prepared but not used; there is pt`},
		{[]string{"pt"}, steps("logit"), `prep: column "pt": step "logit": row 1: logit takes values between 0 and 1`},
		{[]string{"pt"}, steps("clip"), "put minmax before it"},
		{[]string{"tau21"}, steps("log"), "log takes positive values, not 0 with offset 0"},
		{[]string{"pt"}, steps("dequantise"), "dequantise takes integers"},
		{[]string{"pt"}, steps("none"), `"none" is not a preparation step`},
	} {
		if _, _, err := Fit(tab, c.names, c.spec, 1); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: %v, want %q", c.names, err, c.want)
		}
	}
	if _, _, err := Fit(tab.Slice(0, 0), []string{"pt"}, Spec{}, 1); err == nil || !strings.Contains(err.Error(), "no events") {
		t.Errorf("empty table: %v", err)
	}
	tab.Weight = "w"
	if _, _, err := Fit(tab, []string{"pt"}, Spec{}, 1); err == nil || !strings.Contains(err.Error(), "no event has a positive weight") {
		t.Errorf("weights of 0: %v", err)
	}
}

func TestInvertRefusesWrongShapes(t *testing.T) {
	p := mustFit(t, mixed(100), []string{"pt", "m"}, Spec{})
	for _, cols := range [][][]float32{nil, {{1}}, {{1, 2}, {1}}} {
		if _, _, err := p.Invert(cols); err == nil {
			t.Errorf("%v is taken", cols)
		}
	}
}
