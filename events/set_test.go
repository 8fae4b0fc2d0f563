package events_test

import (
	"math"
	"slices"
	"testing"

	"github.com/sluice-hep/sluice/events"
)

// A variable names the columns of all objects; where an event has none, 0 stands for whatever does, and the table is as before.
func TestSet(t *testing.T) {
	s := events.Set{Name: "jets", Variables: []string{"Jet_pt", "jet{1}_m", "x[{0}][3]"}, Count: "n", Most: 2}
	want := []string{"Jet_pt[0]", "jet1_m", "x[0][3]", "Jet_pt[1]", "jet2_m", "x[1][3]", "n"}
	if got := s.Columns(); !slices.Equal(got, want) {
		t.Fatalf("%q, want %q", got, want)
	}
	table := &events.Table{Columns: []events.Column{
		{Name: "n", Type: events.Int64, I64: []int64{0, 1, 2, 5}},
		{Name: "jet2_m", Type: events.Float32, F32: []float32{1, float32(math.NaN()), 3, 4}},
	}}
	absent := events.NewAbsent([]events.Set{s})
	if c := absent.Cleared(table, &table.Columns[1]); !slices.Equal(c.F32, []float32{0, 0, 3, 4}) {
		t.Errorf("%v where one or two objects are", c.F32)
	}
	if table.Columns[1].F32[0] != 1 || absent.Cleared(table, &table.Columns[0]) != &table.Columns[0] {
		t.Error("the table, or a column of no object, changed")
	}
	over := events.Surplus{Set: s}
	if err := over.Add(table); err != nil || over.Events != 1 || over.Largest != 5 || over.Say() == "" {
		t.Errorf("%+v, %v", over, err)
	}
}
