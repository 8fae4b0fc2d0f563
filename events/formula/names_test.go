package formula

import (
	"math"
	"slices"
	"testing"

	"github.com/sluice-hep/sluice/events/column"
)

func TestNamesOfAnExpression(t *testing.T) {
	for expression, want := range map[string][]string{
		"pt > 3 && (eta < 2 or pt < pi)":               {"pt", "eta", "pi"},
		"jet.pt / Muon_pt[0] ** `a b`":                 {"jet.pt", "Muon_pt[0]", "a b"},
		`col("tau 21") + max(a, b[1], -c) + abs(d)`:    {"tau 21", "a", "b[1]", "c", "d"},
		`label in ["x", "y"] ? where(a>1, b, c) : 2`:   {"label", "a", "b", "c"},
		"Jet[2].pt > 0 && label == `other` and !(q>1)": {"Jet[2].pt", "label", "other", "q"},
		"1 < 2": nil,
	} {
		got, err := Names(expression)
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q (%v)", expression, got, want, err)
		}
	}
	if _, err := Names("pt >"); err == nil {
		t.Error("half an expression has names")
	}
}

// An index is part of the name of a column; what an event lacks is NaN, for which no comparison holds.
func TestElementOfAColumn(t *testing.T) {
	nan := float32(math.NaN())
	columns := []column.Column{
		{Name: "Muon_pt[0]", F32: []float32{3, nan, 5}},
		{Name: "jet.pt[1]", F32: []float32{1, 2, nan}},
	}
	f, err := Compile(columns, "Muon_pt[0]*2 + jet.pt[1]")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := f.Column("sum", columns); err != nil || got.F64[0] != 7 || got.F64[1] == got.F64[1] || got.F64[2] == got.F64[2] {
		t.Errorf("%v %v", got, err)
	}
	if got := rowsOf(t, columns, "Muon_pt[0] > 0"); got != "1 3" {
		t.Errorf("events %s", got)
	}
}
