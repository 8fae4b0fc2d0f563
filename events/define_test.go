package events

import (
	"math"
	"strings"
	"testing"
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

// A defined column is added, or takes the place of another, from which it may be made.
func TestDefine(t *testing.T) {
	table := jets()
	for _, d := range [][2]string{{"ht", "pt + jet.mass"}, {"pt", "pt * 2"}, {"hard", "pt > 50"}} {
		if err := Define(table, d[0], d[1]); err != nil {
			t.Fatal(err)
		}
	}
	pt, ht, hard := table.Columns[0], table.Columns[7], table.Columns[8]
	if len(table.Columns) != 9 || pt.Name != "pt" || pt.Type != Float64 || pt.F64[1] != 40 || ht.F64[1] != 22 || hard.I64[1] != 0 || hard.I64[3] != 1 {
		t.Errorf("%+v", table.Columns)
	}
	for name, want := range map[string]string{"": "needs a name", "x": `events: expression "ptt": character 1: no column`} {
		if err := Define(table, name, "ptt"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not say %s", err, want)
		}
	}
}
