package prep

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/internal/rng"
)

// What cannot be prepared is refused with the first such column and all its missing values counted, wherever in the
// events they lie.
func TestApplyRefuses(t *testing.T) {
	p := mustFit(t, mixed(3000), []string{"pt", "tau21"}, Spec{})
	for want, spoil := range map[string]func(tab *events.Table){
		`column "pt": 2 of 3000 values are missing (NaN), the first in row 2991`: func(tab *events.Table) {
			tab.Columns[0].F32[2990], tab.Columns[0].F32[2995] = float32(math.NaN()), float32(math.NaN())
			tab.Columns[2].F32[1] = float32(math.NaN())
		},
		`column "tau21": 1 of 3000 values are infinite`: func(tab *events.Table) { tab.Columns[2].F32[2999] = float32(-inf) },
		`no column "tau21"`:                             func(tab *events.Table) { tab.Columns = tab.Columns[:2] },
		`column "pt" holds text`: func(tab *events.Table) {
			tab.Columns[0] = events.Column{Name: "pt", Type: events.Text, Str: make([]string, 3000)}
		},
	} {
		tab := mixed(3000)
		spoil(tab)
		if _, _, err := p.Apply(tab, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

// Nothing comes back from an edge that no event lies on: of a positive column, 0 has no logarithm.
func TestOpenEdgesStayOpen(t *testing.T) {
	g := rng.New(4, rng.StreamToy, 0)
	double, single, rounded := events.Column{Name: "double", Type: events.Float64}, events.Column{Name: "single"}, events.Column{Name: "rounded", Type: events.Float64}
	for range 3000 {
		v := g.Float64()
		double.F64, single.F32 = append(double.F64, 25+v), append(single.F32, float32(v))
		rounded.F64 = append(rounded.F64, math.Round(1e4*v+1)/1e4)
	}
	double.F64[0] = 25 + 0x1p-40 // which a float32 could not tell from 25
	tab := &events.Table{Columns: []events.Column{double, single, rounded}}
	ranges := map[string]Limits{"double": {25, 26}, "single": {0, 1}, "rounded": {0, 2}}
	y := [][]float32{{-40, -6, 6, 40}, {-40, -6, 6, 40}, {-40, -6, 6, 40}}
	x, _, err := mustFit(t, tab, tab.Names(), Spec{Ranges: ranges}).Invert(y)
	if err != nil {
		t.Fatal(err)
	}
	for k, c := range x.Columns {
		l := ranges[c.Name]
		for i := range c.Len() {
			if v := c.Float(i); v <= l.Low || v >= l.High {
				t.Errorf("%s: %v comes back as %v", c.Name, y[k][i], v)
			}
		}
	}
	closed := events.Column{Name: "closed", F32: append(slices.Clone(single.F32), 0)}
	x, _, err = mustFit(t, &events.Table{Columns: []events.Column{closed}}, []string{"closed"}, Spec{Ranges: map[string]Limits{"closed": {0, 2}}}).Invert(y[:1])
	if err != nil || x.Columns[0].F32[0] != 0 {
		t.Errorf("%v, %v", x.Columns[0].F32, err)
	}
}
