package prep

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/internal/rng"
)

// channels are n events with a channel of 4 names, one of them rare, whose number follows from it, an isolation that photons have not, a
// quality that every tenth event lacks, and a label of one name.
func channels(n int) *events.Table {
	g := rng.New(11, rng.StreamToy, 0)
	names, ids := []string{"e", "mu", "gamma", "tau"}, []int64{11, 13, 22, 15}
	channel, quality := column1("channel", n), column1("quality", n)
	iso, id, label := make([]float64, n), make([]int64, n), column1("label", n)
	for i := range n {
		k := min(int(-2*math.Log(1-g.Float64())), 3)
		channel.Str[i], id[i], iso[i], label.Str[i] = names[k], ids[k], g.NormFloat64(), "only"
		if k == 2 {
			iso[i] = -999
		}
		if quality.Str[i] = []string{"good", "bad"}[g.IntN(2)]; i%10 == 3 {
			quality.Str[i] = ""
		}
	}
	return &events.Table{Columns: []events.Column{channel, {Name: "id", Type: events.Int64, I64: id}, {Name: "iso", Type: events.Float64, F64: iso}, quality, label}}
}

func column1(name string, n int) events.Column {
	return events.Column{Name: name, Type: events.Text, Str: make([]string, n)}
}

// Names come back as they were, from a preparation that was kept too: in mixed tables and in flows of numbers alone, empty cells, what follows
// from them and the numbers that they tell among them.
func TestNamesComeBack(t *testing.T) {
	tab := channels(3000)
	for _, mixed := range []bool{true, false} {
		features := []string{"channel", "id", "iso", "label"}
		spec := Spec{Mixed: mixed}
		if mixed {
			features, spec.Missing.All.Model = append(features, "quality"), true
		}
		p, _, err := Fit(tab, features, spec, 1)
		if err != nil {
			t.Fatal(err)
		}
		said, err := p.Functions(tab)
		if err != nil {
			t.Fatal(err)
		}
		told, err := p.Together(tab)
		if err != nil {
			t.Fatal(err)
		}
		want := []string{"id follows from channel (e: 11, mu: 13, tau: 15, gamma: 22): left out, and put back in what is generated", "always -999 where channel is gamma, and only there: iso; so it is in what is generated"}
		if got := append(said, told...); !slices.Equal(got, want) {
			t.Errorf("said %q", got)
		}
		if got := p.Columns[0].Names; !slices.Equal(got, []string{"e", "mu", "tau", "gamma"}) {
			t.Errorf("names %q", got)
		}
		kept, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		restored := new(Pipeline)
		if err := json.Unmarshal(kept, restored); err != nil {
			t.Fatal(err)
		}
		for _, p := range []*Pipeline{p, restored} {
			cols, _, err := p.Apply(tab, nil)
			if err != nil {
				t.Fatal(err)
			}
			back, _, err := p.Invert(cols)
			if err != nil {
				t.Fatal(err)
			}
			for _, name := range features {
				if name == "iso" {
					continue
				}
				a, _ := tab.Column(name)
				b, _ := back.Column(name)
				if a.Type != b.Type || !slices.Equal(a.Str, b.Str) || !slices.Equal(a.I64, b.I64) {
					t.Errorf("mixed %v: %q does not come back", mixed, name)
				}
			}
			if n, ranges, err := p.OutOfRange(tab); n != 0 || err != nil {
				t.Errorf("%d events out of range, %v, %v", n, ranges, err)
			}
		}
	}
}

// A name that training had not counts as the rarest, with the probability of one event more, and is told with its count; a column of numbers holds
// the names that these are as text.
func TestUnseenNames(t *testing.T) {
	tab := channels(2000)
	for i, s := range tab.Columns[0].Str {
		tab.Columns[0].Str[i] = map[string]string{"e": "2016", "mu": "2017", "gamma": "2018A", "tau": "2018B"}[s]
	}
	p := mustFit(t, tab, []string{"channel", "iso"}, Spec{Mixed: true, Columns: map[string][]StepSpec{"channel": {{Kind: "category"}}}})
	few := tab.Slice(0, 4)
	few.Columns = slices.Clone(few.Columns)
	few.Columns[0] = events.Column{Name: "channel", Type: events.Int64, I64: []int64{2016, 2017, 2019, 2016}}
	cols, logDet, err := p.Apply(few, nil)
	if err != nil {
		t.Fatal(err)
	}
	s := p.Columns[0].category()
	if !slices.Equal(cols[0], []float32{0, 1, 3, 0}) || len(s.Share) != 4 {
		t.Fatalf("codes %v", cols[0])
	}
	_, without, err := p.Apply(&events.Table{Columns: []events.Column{{Name: "channel", Type: events.Text, Str: []string{"2016", "2017", p.Columns[0].Names[3], "2016"}}, few.Columns[2]}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := logDet[2]-without[2], math.Log(1/(s.Events+1)/s.Share[3]); math.Abs(got-want) > 1e-12 {
		t.Errorf("the log-determinant of an unseen name differs by %v, not %v", got, want)
	}
	n, ranges, err := p.OutOfRange(few)
	if err != nil || n != 1 || len(ranges) != 1 || ranges[0].Unseen != 1 || ranges[0].First != 2 || ranges[0].Value != "2019" || ranges[0].Taken != "the rarest of the names that it knows" {
		t.Errorf("%d, %+v, %v", n, ranges, err)
	}
}

// As a context each name that enough events have is a column of 0 and 1; rarer ones count as the rarest of these.
func TestNamesOfAContext(t *testing.T) {
	tab := channels(2000)
	tab.Columns[0].Str[5], tab.Columns[0].Str[6] = "rare", "rarer"
	p, warnings, err := FitContext(tab, []string{"channel"}, Spec{})
	if err != nil {
		t.Fatal(err)
	}
	if len(warnings) != 1 || !strings.Contains(warnings[0], "2 of its 6 values") || !strings.Contains(warnings[0], "each counts as the rarest that has one") {
		t.Errorf("%q", warnings)
	}
	cols, _, err := p.Apply(tab, nil)
	if err != nil || len(cols) != 4 {
		t.Fatalf("%d columns, %v", len(cols), err)
	}
	for i, s := range tab.Columns[0].Str {
		k := min(slices.Index(p.Columns[0].Names, s), 3)
		for j := range cols {
			if (cols[j][i] == 1) != (j == k) {
				t.Fatalf("event %d (%s): column %d is %v", i, s, j, cols[j][i])
			}
		}
	}
}

func TestTextThatIsNoNames(t *testing.T) {
	n := 2000
	id, many, numbers, some := column1("id", n), column1("many", n), column1("numbers", n), column1("some", n)
	for i := range n {
		id.Str[i], many.Str[i], numbers.Str[i], some.Str[i] = fmt.Sprint("ev", i), fmt.Sprint("m", i%300), fmt.Sprint(i%7), "a"
	}
	numbers.Str[8], some.Str[3] = "n/a", ""
	tab := &events.Table{Columns: []events.Column{id, many, numbers, some, {Name: "x", Type: events.Float64, F64: make([]float64, n)}}}
	names := []StepSpec{{Kind: "category"}}
	for _, c := range []struct {
		name string
		spec Spec
		want string
	}{
		{"id", Spec{Mixed: true}, `column "id": it holds text: more than 1000 different texts, of which the first is "ev0" in row 1; leave it out`},
		{"id", Spec{Mixed: true, All: names}, `column "id": it holds text: more than 1000 different texts, of which the first is "ev0" in row 1; leave it out`},
		{"many", Spec{Mixed: true}, `column "many": it holds text: 300 different texts in 2000 cells, of which the first is "m0" in row 1; leave it out, or make numbers or fewer names of it (--define 'NAME=many == "m0" ? 1 : 0'); prepare: {many: [category]} takes the texts for names`},
		{"numbers", Spec{Mixed: true}, `column "numbers": it holds text: numbers in 1999 of 2000 cells, but "n/a" in row 9; leave it out`},
		{"some", Spec{Mixed: true}, `column "some": 1 of 2000 values are missing (empty), the first in row 4; --drop-nan drops these events`},
		{"many", Spec{All: []StepSpec{{Kind: "quantile"}}}, "there is no quantile: names take category, levels or, as a context, classes"},
		{"many", Spec{Mixed: true, All: names, Ranges: map[string]Limits{"many": {0, 1}}}, "of which there is no range"},
		{"many", Spec{Mixed: true, All: names, Missing: Missing{Columns: map[string]Gap{"many": {Marks: []float64{-1}}}}}, "a name that stands for no value is a name like others"},
	} {
		if _, _, err := Fit(tab, []string{c.name}, c.spec, 1); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
	for name, many := range map[string]int{"many": 300, "numbers": 8} {
		p := mustFit(t, tab, []string{name}, Spec{Mixed: true, All: names})
		if got := len(p.Columns[0].Names); got != many {
			t.Errorf("%d names of %q", got, name)
		}
	}
}
