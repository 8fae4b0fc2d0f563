package hdf5

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/sluice-hep/sluice/events/column"
)

// One data set that cannot be read takes no other with it, and is named.
func TestWhatCannotBeReadIsNamed(t *testing.T) {
	needLibrary(t)
	got, r := mustRead(t, "foreign.h5", 5, Options{})
	if !slices.Equal(namesOf(got), []string{"eta", "z/r", "z/i"}) || got[0].F64[11] != 2.75 || got[1].F64[3] != 3 || got[2].F64[3] != 1 {
		t.Errorf("columns %v", namesOf(got))
	}
	left := strings.Join(r.Skipped().Say(false), "\n")
	for _, want := range []string{
		`name "gone" is a link`, `column "lists" has lists of different lengths`, `column "opaque" has opaque values`,
		`column "lzo" is packed by filter 305, which is not read`, `column "bitshuffle" is packed by filter 32008, which is not read`,
		`data set "scalar" is a single value`, `data set "meta" has 3 events and the table 12; name it alone`,
		`group "_i_events" is an index of PyTables`,
	} {
		if !strings.Contains(left, want) {
			t.Errorf("not among what is left out: %s\n%s", want, left)
		}
	}
	for name, want := range map[string]string{"lzo": "is packed by", "meta": "has 3 events", "nothing": `no column "nothing"; there is eta`} {
		if _, err := Open("testdata/foreign.h5", Options{Columns: []string{"eta", name}}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if got, _ := mustRead(t, "foreign.h5", 5, Options{Key: "meta"}); got[0].Len() != 3 {
		t.Error("meta cannot be read alone")
	}
}

// The elements of arrays are columns that can be asked for, whatever the chunks.
func TestElementsOfArrays(t *testing.T) {
	needLibrary(t)
	for _, c := range []struct {
		key, names string
		value      func(i int) float64
	}{
		{"/", "x[2][1]", func(i int) float64 { return float64(100*i + 21) }},
		{"/", "cube[1][2][1]", func(i int) float64 { return float64(1000*i + 121) }},
		{"/", "cube[0][1][0]", func(i int) float64 { return float64(1000*i + 10) }},
		{"/", "triples2", func(i int) float64 { return float64(100 * i) }},
		{"x", "x[1][0]", func(i int) float64 { return float64(100*i + 10) }},
		{"ftag/jets", "tracks/d0[3]", func(i int) float64 { return float64(10*i + 3) }},
		{"ftag/tracks", "tracks/at/n[2]", func(i int) float64 { return float64(-10*i - 2) }},
	} {
		for _, n := range []int{1, 4, 100} {
			got, _ := mustRead(t, "arrays.h5", n, Options{Key: c.key, Columns: []string{c.names}})
			for i := range 12 {
				if v := got[0].Float(i); v != c.value(i) {
					t.Fatalf("%s, event %d: %g, want %g", c.names, i, v, c.value(i))
				}
			}
		}
	}
	_, err := Open("testdata/arrays.h5", Options{Key: "/", Columns: []string{"x[3][0]"}})
	if err == nil || !strings.Contains(err.Error(), `no column "x[3][0]": an event holds 3 x 2 values of x, the last of which is x[2][1]`) {
		t.Error(err)
	}
}

func TestArraysAreNamed(t *testing.T) {
	needLibrary(t)
	got, r := mustRead(t, "arrays.h5", 100, Options{Key: "/"})
	if names := strings.Join(namesOf(got), " "); names != "mask0 mask1 mask2 triples0 triples1 triples2 y" {
		t.Errorf("columns %s", names)
	}
	left := strings.Join(r.Skipped().Say(false), "\n")
	for _, want := range []string{
		`array "x" holds 3 x 2 values an event: name one, as in x[2][1], or flatten x`,
		`array "cube" holds 2 x 3 x 2 values an event`,
		`2 data sets, each of which is a table of its own; name it, as in file.h5:NAME: ftag/jets, ftag/tracks`, `data set "ftag/meta" has 3 events`,
	} {
		if !strings.Contains(left, want) {
			t.Errorf("not among what is left out: %s\n%s", want, left)
		}
	}
	// Alone, an array is its elements.
	if got, r = mustRead(t, "arrays.h5", 100, Options{Key: "x"}); len(got) != 6 || got[5].Name != "x[2][1]" || len(r.Skipped()) > 0 {
		t.Errorf("x alone: %v, %v", namesOf(got), r.Skipped())
	}
}

// pandas marks a missing time by the smallest integer, a missing category by the code -1.
func TestMissingTimesAndCategories(t *testing.T) {
	needLibrary(t)
	for _, key := range []string{"fixed", "table", "columns"} {
		got, _ := mustRead(t, "times.h5", 3, Options{Key: key})
		for _, c := range got {
			missing := c.Name == "t" || c.Name == "span" || c.Name == "c"
			if c.Name == "whole" && c.Type != column.Int64 || missing && c.Type != column.Float64 {
				t.Errorf("%s: %s is %s", key, c.Name, c.Type)
			}
			for i := range 4 {
				if math.IsNaN(c.Float(i)) != (missing && i == 1) {
					t.Errorf("%s: %s of event %d is %s", key, c.Name, i, c.Format(i))
				}
			}
			if c.Name == "t" && c.F64[2] != 1325548800e9 || c.Name == "c" && !slices.Equal(c.F64[2:], []float64{0, 1}) {
				t.Errorf("%s: %s is %v", key, c.Name, c.F64)
			}
		}
	}
	_, _, err := readTable("testdata/times.h5", 3, Options{Key: "fixed", Types: map[string]column.Type{"t": column.Int64}})
	if err == nil || !strings.Contains(err.Error(), "row 2: is a missing value among integers") {
		t.Error(err)
	}
}
