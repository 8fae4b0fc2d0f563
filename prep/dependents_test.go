package prep

import (
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/internal/rng"
)

// related is a table of n events in which some columns follow from others, each in the precision that its name tells.
func related(n int) *events.Table {
	g := rng.New(8, rng.StreamToy, 0)
	t := &events.Table{}
	column := func(name string, f func(i int) float64) []float64 {
		x := make([]float64, n)
		for i := range x {
			x[i] = f(i)
		}
		t.Columns = append(t.Columns, events.Column{Name: name, Type: events.Float64, F64: x})
		return x
	}
	text := func(v float64, digits int) float64 {
		x, _ := strconv.ParseFloat(strconv.FormatFloat(v, 'g', digits, 64), 64)
		return x
	}
	a := column("a", func(int) float64 { return 30 * math.Exp(g.NormFloat64()) })
	b := column("b", func(int) float64 { return math.Round(5000*g.NormFloat64()) / 1000 })
	column("free", func(i int) float64 { return a[i] + 0.3*g.NormFloat64() }) // as near as a measurement, but not the same
	column("copy", func(i int) float64 { return a[i] })
	column("mev", func(i int) float64 { return text(1000*a[i], 7) })
	column("celsius", func(i int) float64 { return b[i]/1.8 - 17.77 })
	column("sum", func(i int) float64 { return a[i] + b[i] })
	column("rounded", func(i int) float64 { return math.Round(100*(a[i]-2*b[i])) / 100 })
	f := column("f", func(i int) float64 { return float64(float32(g.NormFloat64())) })
	column("single", func(i int) float64 { return float64(float32(f[i]) + float32(a[i])) })
	k := column("k", func(int) float64 { return float64(g.IntN(4)) })
	column("other", func(int) float64 { return float64(g.IntN(4)) })
	column("none", func(i int) float64 { return 3 - k[i] })
	a[5] = 1e25 // one corrupt entry, and all that was computed from it
	for i := range t.Columns {
		if name := t.Columns[i].Name; name == "copy" || name == "sum" || name == "mev" {
			t.Columns[i].F64[5] = map[string]float64{"copy": 1e25, "sum": 1e25, "mev": 1e28}[name]
		}
	}
	return t
}

func dependents(t *testing.T, tab *events.Table, names []string) (*Pipeline, []Dependent) {
	t.Helper()
	p := mustFit(t, tab, names, Spec{})
	found, err := p.Dependents(tab, &Pipeline{})
	if err != nil {
		t.Fatal(err)
	}
	return p, found
}

func TestCopiesMultiplesAndSumsAreFound(t *testing.T) {
	tab := related(8000)
	_, found := dependents(t, tab, tab.Names())
	want := []string{
		"copy follows from a (copy = a)", "mev follows from a (mev = 1000 a)", "celsius follows from b (celsius = 0.55555556 b - 17.77)",
		"sum follows from a, b (sum = a + b)", "rounded follows from a, b (rounded = a - 2 b) in all but 1 of 8000 events",
		"single follows from a, f (single = a + f) in all but 1 of 8000 events", "none follows from k (none = -k + 3)",
	}
	for i, d := range found {
		if i >= len(want) || d.Says != want[i] {
			t.Errorf("%s", d.Says)
		}
		if d.Smooth != (d.Column != "none") || d.Given {
			t.Errorf("%+v", d)
		}
	}
	if len(found) != len(want) {
		t.Errorf("%d found, want %d", len(found), len(want))
	}
}

// Few events, counts and flags, what is near but not equal, and integers beyond what a float64 holds: none follows from another.
func TestOrdinaryColumnsFollowFromNone(t *testing.T) {
	g := rng.New(4, rng.StreamToy, 0)
	for _, n := range []int{5, 30, 100, 3000} {
		tab := &events.Table{}
		for k := range 12 {
			x, flag := make([]float64, n), make([]int64, n)
			for i := range x {
				x[i], flag[i] = math.Round(100*g.NormFloat64())/100, int64(g.IntN(2+k))
				if k > 0 && k%3 == 0 { // nearly the same
					x[i] = tab.Columns[2*k-2].F64[i] + 0.02*g.NormFloat64()
				}
			}
			name := strconv.Itoa(k)
			tab.Columns = append(tab.Columns, events.Column{Name: "x" + name, Type: events.Float64, F64: x}, events.Column{Name: "k" + name, Type: events.Int64, I64: flag})
		}
		if _, found := dependents(t, tab, tab.Names()); len(found) > 0 {
			t.Errorf("%d events: %+v", n, found)
		}
	}
	mix := mixed(4000)
	if _, found := dependents(t, mix, mixedNames[:6]); len(found) > 0 {
		t.Errorf("%+v", found)
	}
}

// A column left out comes back as it was, also from a saved preparation, and events that do not agree are counted.
func TestColumnLeftOutIsPutBack(t *testing.T) {
	tab := mixed(3000)
	id := events.Column{Name: "id", Type: events.Uint64}
	twin := events.Column{Name: "twin", Type: events.Uint64}
	for i := range uint64(3000) {
		id.U64 = append(id.U64, 1<<62+i*i%9973)
		twin.U64 = append(twin.U64, id.U64[i]+5)
	}
	jets := events.Column{Name: "jets", Type: events.Int64}
	for _, k := range tab.Columns[3].I64 {
		jets.I64 = append(jets.I64, 10*k)
	}
	double := events.Column{Name: "double", Unit: "MeV", F32: make([]float32, 3000)}
	for i, v := range tab.Columns[0].F32 {
		double.F32[i] = 1000*v + 1
	}
	tab.Columns = append(tab.Columns, id, twin, double, jets)
	p, found := dependents(t, tab, []string{"double", "pt", "twin", "id", "njets", "jets"})
	if len(found) != 3 {
		t.Fatalf("%+v", found)
	}
	for _, d := range found {
		p.LeaveOut(d)
	}
	if p.Dim() != 3 || found[2].Smooth || found[0].Says != "pt follows from double (pt = 0.001 double - 0.001)" || found[1].Says != "id follows from twin (id = twin - 5)" {
		t.Errorf("%d columns; %s; %s", p.Dim(), found[0].Says, found[1].Says)
	}
	p = reloaded(t, p)
	cols, _, err := p.Apply(tab, nil)
	if err != nil {
		t.Fatal(err)
	}
	back, _, err := p.Invert(cols)
	if err != nil {
		t.Fatal(err)
	}
	for i, v := range tab.Columns[0].F32 {
		if w := back.Columns[1].F32[i]; math.Abs(float64(w/v-1)) > 1e-5 || back.Columns[3].U64[i]+5 != back.Columns[2].U64[i] || back.Columns[5].I64[i] != jets.I64[i] {
			t.Fatalf("event %d: %v comes back as %v, %d beside %d", i, v, w, back.Columns[3].U64[i], back.Columns[2].U64[i])
		}
	}
	tab.Columns[0].F32[7] *= 1.001
	n, ranges, err := p.OutOfRange(tab)
	if err != nil || n != 1 || ranges[0].Unseen != 1 || ranges[0].First != 7 || ranges[0].Column != "pt" {
		t.Errorf("%d events, %+v, %v", n, ranges, err)
	}
}

func TestSavedRelationsThatCannotBeAreRefused(t *testing.T) {
	p, found := dependents(t, related(500), []string{"a", "b", "copy"})
	p.LeaveOut(found[0])
	text, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range [][2]string{
		{`"column":"a"`, `"column":"copy"`}, {`"column":"a"`, `"column":"z"`}, {`[{"column":"a","factor":1}]`, `[]`}, {`"rounding":0`, `"rounding":-1`},
	} {
		bad := strings.Replace(string(text), c[0], c[1], 1)
		if bad == string(text) || new(Pipeline).UnmarshalJSON([]byte(bad)) == nil {
			t.Errorf("%s for %s was taken", c[1], c[0])
		}
	}
}

// A sum that is rounded, or has a whole number among its parts, is found whatever the order of the columns, beside others.
func TestSumsAreFoundInAnyOrder(t *testing.T) {
	const n = 5000
	g := rng.New(12, rng.StreamToy, 0)
	rounded := func(v float64) float64 { return math.Round(1000*v) / 1000 }
	x := map[string][]float64{}
	for range n {
		jets := float64(g.IntN(4))
		tau, lep, all := 20-20*math.Log(g.Float64()), 26-20*math.Log(g.Float64()), 0.0
		if jets > 0 {
			all = 30*jets - 60*math.Log(g.Float64())
		}
		for name, v := range map[string]float64{"jets": jets, "tau": rounded(tau), "lep": rounded(lep), "all": rounded(all), "sum": rounded(tau + lep + all), "flag": float64(g.IntN(2)) / 2,
			"tens": 10 * math.Floor(tau/10), "count": 2*jets + 10*math.Floor(tau/10)} {
			x[name] = append(x[name], v)
		}
	}
	for _, names := range [][]string{{"tau", "lep", "all", "sum"}, {"jets", "tens", "count"}} {
		for first := range names {
			for _, front := range []bool{true, false} {
				order := slices.Concat(names[first:], names[:first])
				if others := []string{"flag", "free"}; front {
					order = append(append(others, "jets"), order...)
				} else {
					order = append(order, others...)
				}
				tab := &events.Table{}
				for _, name := range order {
					if name == "jets" && slices.Contains(tab.Names(), name) {
						continue
					}
					c := events.Column{Name: name, Type: events.Float64, F64: x[name]}
					if name == "free" {
						for range n {
							c.F64 = append(c.F64, rounded(100*g.NormFloat64()))
						}
					}
					tab.Columns = append(tab.Columns, c)
				}
				_, found := dependents(t, tab, tab.Names())
				if len(found) != 1 || len(found[0].Relation.Terms) != len(names)-1 {
					t.Errorf("%v: %+v", tab.Names(), found)
				}
			}
		}
	}
}
