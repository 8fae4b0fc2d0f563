package prep

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/sluice-hep/sluice/events"
)

// Columns in order in all events are said, the shortest chain of them; columns that differ in scale, or are against an order in one event,
// here or held out, are not.
func TestOrdered(t *testing.T) {
	src := rand.New(rand.NewPCG(1, 2))
	table := func(n int) *events.Table {
		cols := map[string][]float64{}
		for range n {
			pt := []float64{src.ExpFloat64(), src.ExpFloat64(), src.ExpFloat64()}
			slices.Sort(pt)
			for k, name := range []string{"pt3", "pt2", "pt1"} {
				cols[name] = append(cols[name], pt[k])
			}
			e := math.Sqrt(pt[2]*pt[2] + src.Float64())
			cols["e1"] = append(cols["e1"], e)
			cols["eta"] = append(cols["eta"], src.NormFloat64())
			cols["met"] = append(cols["met"], 500+src.Float64())
		}
		tab := &events.Table{}
		for _, name := range []string{"pt1", "pt2", "pt3", "e1", "eta", "met"} {
			tab.Columns = append(tab.Columns, events.Column{Name: name, Type: events.Float64, F64: cols[name]})
		}
		return tab
	}
	train, held := table(3000), table(500)
	said := func(others ...*events.Table) string {
		p, _, err := Fit(train, train.Names(), Spec{}, 1)
		if err != nil {
			t.Fatal(err)
		}
		lines, err := p.Ordered(train, others...)
		if err != nil {
			t.Fatal(err)
		}
		return strings.Join(lines, "\n")
	}
	if got := said(held); !strings.HasPrefix(got, "in all events pt1 <= e1, pt3 <= pt2, pt2 <= pt1: ") || !strings.Contains(got, "{d: e1 - pt1}") {
		t.Errorf("%q", got)
	}
	c, _ := held.Column("pt2")
	c.F64[7] = 1000
	if got := said(held); strings.Contains(got, "pt2 <= pt1") || !strings.Contains(got, "pt3 <= pt2") {
		t.Errorf("one event against it: %q", got)
	}
	marked, _ := train.Column("pt3")
	for i := range marked.F64 {
		if i%3 == 0 {
			marked.F64[i] = 999
		}
	}
	if got := said(); strings.Contains(got, "pt3") { // 999 is a value until it is told from others
		t.Errorf("a mark above all: %q", got)
	}
}
