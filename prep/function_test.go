package prep

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/internal/rng"
)

// leptons have a charge that their number tells, a copy of it, a family, and a flag of its own.
func leptons(n int) *events.Table {
	g := rng.New(9, rng.StreamToy, 0)
	names := []string{"charge", "pdg", "copy", "family", "flag"}
	tab := &events.Table{}
	for _, name := range names {
		tab.Columns = append(tab.Columns, events.Column{Name: name, Type: events.Int64, I64: make([]int64, n)})
	}
	for i := range n {
		pdg := int64(11 + 2*g.IntN(3))
		for k, v := range []int64{-1, pdg, pdg, (pdg - 11) / 2, int64(g.IntN(2))} {
			tab.Columns[k].I64[i] = v
		}
		if g.IntN(2) == 0 {
			tab.Columns[0].I64[i], tab.Columns[1].I64[i], tab.Columns[2].I64[i] = 1, -pdg, -pdg
		}
	}
	return tab
}

// What a column of few values tells of another is left out of the flow, and comes back in every event; the probability of an event is that of the rest.
func TestFunctionsOfFewValues(t *testing.T) {
	tab := leptons(3000)
	p := mustFit(t, tab, tab.Names(), Spec{})
	said, err := p.Functions(tab, nil, tab.Slice(0, 10))
	if err != nil || len(said) != 3 {
		t.Fatalf("%q, %v", said, err)
	}
	for i, want := range []string{"copy follows from pdg (the same values): left out", "family follows from pdg (-15: 2, -13: 1, -11: 0, 11: 0, 13: 1, 15: 2): left out", "charge follows from pdg (-15: 1, -13: 1, -11: 1, 11: -1, 13: -1, 15: -1): left out"} {
		if !strings.HasPrefix(said[i], want) {
			t.Errorf("%q, want %q", said[i], want)
		}
	}
	if p = reloaded(t, p); p.Dim() != 2 {
		t.Fatalf("the flow sees %v", p.InFlow())
	}
	g := rng.New(2, rng.StreamToy, 0)
	cols := [][]float32{make([]float32, 4000), make([]float32, 4000)}
	for i := range cols[0] {
		cols[0][i], cols[1][i] = float32(1.3*g.NormFloat64()), float32(g.NormFloat64())
	}
	back, _, err := p.Invert(cols)
	if err != nil {
		t.Fatal(err)
	}
	for i := range back.Len() {
		charge, pdg, copied, family := back.Columns[0].I64[i], back.Columns[1].I64[i], back.Columns[2].I64[i], back.Columns[3].I64[i]
		if copied != pdg || charge*pdg >= 0 || family != (max(pdg, -pdg)-11)/2 {
			t.Fatalf("event %d: charge %d of %d, %d, %d", i, charge, pdg, copied, family)
		}
	}
	tab.Columns[0].I64[4] *= -1
	n, ranges, err := p.OutOfRange(tab)
	if err != nil || n != 1 || ranges[0].Column != "charge" || ranges[0].First != 4 {
		t.Errorf("%d events, %+v, %v", n, ranges, err)
	}
}

// What a table tells of a column that is itself left out as a sum comes back as well, whatever the order of the columns.
func TestFunctionOfASum(t *testing.T) {
	const n = 4000
	g := rng.New(14, rng.StreamToy, 0)
	x := map[string][]int64{}
	for range n {
		a, b := int64(g.IntN(4)), int64(g.IntN(4))
		for name, v := range map[string]int64{"a": a, "b": b, "n": a + b, "q": []int64{5, 7, 5, 7, 9, 5, 9}[a+b]} {
			x[name] = append(x[name], v)
		}
	}
	for _, order := range []string{"qabn", "nqba", "abnq"} {
		tab := &events.Table{}
		for _, name := range strings.Split(order, "") {
			tab.Columns = append(tab.Columns, events.Column{Name: name, Type: events.Int64, I64: x[name]})
		}
		p := mustFit(t, tab, tab.Names(), Spec{})
		if said, err := p.Functions(tab); err != nil || len(said) != 1 {
			t.Fatalf("%q, %v", said, err)
		}
		sums, err := p.Dependents(tab, &Pipeline{})
		if err != nil || len(sums) != 1 {
			t.Fatalf("%+v, %v", sums, err)
		}
		p.LeaveOut(sums[0])
		p = reloaded(t, p)
		cols, _, err := p.Apply(tab, nil)
		if err != nil || len(cols) != 2 {
			t.Fatal(p.InFlow(), err)
		}
		back, _, err := p.Invert(cols)
		if err != nil {
			t.Fatal(err)
		}
		for i := range tab.Columns {
			if !slices.Equal(back.Columns[i].I64, tab.Columns[i].I64) {
				t.Errorf("%s: %s does not come back", order, tab.Columns[i].Name)
			}
		}
		if n, ranges, err := p.OutOfRange(tab); n != 0 || err != nil {
			t.Errorf("%d events, %+v, %v", n, ranges, err)
		}
	}
}

// One event against it, also among those that the fit does not see, or too few that tell, and nothing follows.
func TestWhatIsNoFunctionStays(t *testing.T) {
	tab := leptons(2000)
	tab.Columns = tab.Columns[:2]
	other := leptons(50)
	other.Columns[0].I64[7] *= -1
	other.Columns = other.Columns[:2]
	for _, others := range []*events.Table{other, nil} {
		if others == nil {
			tab.Columns[0].I64[3] *= -1
		}
		p := mustFit(t, tab, tab.Names(), Spec{})
		if said, err := p.Functions(tab, others); err != nil || len(said) > 0 {
			t.Errorf("%q, %v", said, err)
		}
	}
	rare := leptons(2000)
	rare.Columns = []events.Column{rare.Columns[4], {Name: "rare", Type: events.Int64, I64: make([]int64, 2000)}}
	for i := range 3 { // by chance at one value of the flag, in three events
		rare.Columns[0].I64[i], rare.Columns[1].I64[i] = 2, 1
	}
	p := mustFit(t, rare, rare.Names(), Spec{})
	if said, err := p.Functions(rare); err != nil || len(said) > 0 {
		t.Errorf("%q, %v", said, err)
	}
}

func TestSavedFunctionsThatCannotBeAreRefused(t *testing.T) {
	tab := leptons(2000)
	p := mustFit(t, tab, tab.Names(), Spec{})
	if _, err := p.Functions(tab); err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range [][2]string{{`"from":[-15,-13`, `"from":[-13,-15`}, {`"to":[`, `"to":[3,`}, {`"terms":[{"column":"pdg","factor":1}]`, `"terms":[]`},
		{`"terms":[{"column":"pdg","factor":1}]`, `"terms":[{"column":"copy","factor":1}]`}, {`"terms":[{"column":"pdg","factor":1}]`, `"terms":[{"column":"charge","factor":1}]`}} {
		bad := strings.Replace(string(text), c[0], c[1], 1)
		if bad == string(text) || new(Pipeline).UnmarshalJSON([]byte(bad)) == nil {
			t.Errorf("%s for %s was taken", c[1], c[0])
		}
	}
}
