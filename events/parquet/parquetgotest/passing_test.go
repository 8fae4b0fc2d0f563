package parquetgotest

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	pq "github.com/parquet-go/parquet-go"
	"pgregory.net/rapid"

	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/events/formula"
)

// groupRow has a column of each kind of statistics.
type groupRow struct {
	D    float64  `parquet:"d"`
	F    float32  `parquet:"f"`
	I    int64    `parquet:"i"`
	U    uint64   `parquet:"u"`
	S    int8     `parquet:"s"`
	Gap  *float64 `parquet:"gap,optional"`
	Some *int32   `parquet:"some,optional"`
	Text string   `parquet:"text"`
}

// drawGroups writes a file of many small row groups, with values that rise so that groups differ, and some that
// numbers have trouble with.
func drawGroups(t *rapid.T, path string) {
	odd64 := rapid.SampledFrom([]float64{0.1, math.Copysign(0, -1), math.NaN(), math.Inf(1), 1e300, math.MaxFloat32})
	trouble := rapid.SampledFrom([]int{2, 40, 1000}).Draw(t, "one in how many is odd")
	odd := func() bool { return rapid.IntRange(0, trouble).Draw(t, "odd") == 1 }
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	w := pq.NewGenericWriter[groupRow](f, pq.MaxRowsPerRowGroup(int64(rapid.IntRange(1, 9).Draw(t, "group"))))
	for k := range rapid.IntRange(1, 60).Draw(t, "events") {
		x := float64(k) / 10
		r := groupRow{D: x, F: float32(x), I: int64(k) * 1e7, U: uint64(k), S: int8(k), Gap: &x, Text: fmt.Sprint(k)}
		n := int32(k)
		r.Some = &n
		if odd() {
			r.D = odd64.Draw(t, "double")
		}
		if odd() {
			r.F = float32(odd64.Draw(t, "float"))
		}
		if odd() {
			r.Gap = nil
		}
		if odd() {
			r.Some = nil
		}
		if odd() {
			r.U = math.MaxUint64
		}
		if _, err := w.Write([]groupRow{r}); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}

func drawSelection(t *rapid.T) string {
	text := ""
	for range rapid.IntRange(1, 2).Draw(t, "comparisons") {
		if text != "" {
			text += " && "
		}
		column := rapid.SampledFrom([]string{"d", "f", "i", "u", "s", "gap", "some"}).Draw(t, "column")
		value := rapid.SampledFrom([]float64{-1, 0, 0.1, 1, 1.5, 2.3, 5, 20, 40, 1e8, 1e39}).Draw(t, "value")
		op := rapid.SampledFrom([]string{"<", "<=", ">", ">=", "==", "!="}).Draw(t, "op")
		text += fmt.Sprintf("%s %s %v", column, op, value)
	}
	return text
}

// What a selection leaves is the same whether or not row groups are passed over: values, types, and the place of each
// event in the file.
func TestPassingOverChangesNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "t.parquet")
	passed := 0
	rapid.Check(t, func(t *rapid.T) {
		drawGroups(t, path)
		selection := drawSelection(t)
		opts := events.Options{}
		if rapid.Bool().Draw(t, "few") { // fewer columns forbid fewer groups
			if opts.Columns, _ = formula.Names(selection); len(opts.Columns) == 0 {
				t.Fatal(selection)
			}
		}
		paths := []string{path, path}
		all, err := events.ReadAll(paths, opts)
		if err != nil {
			t.Fatal(err)
		}
		want, err := rowsOf(all, selection)
		if err != nil {
			t.Fatal(err)
		}
		place := make([]int64, 0, all.Len()) // of each event read
		next := int64(0)
		opts.Limits = formula.Limits(selection)
		opts.Passed = func(first, events int64) {
			for ; next < first; next++ {
				place = append(place, next)
			}
			next += events
			passed += int(events)
		}
		few, err := events.ReadAll(paths, opts)
		if err != nil {
			t.Fatal(err)
		}
		for ; len(place) < few.Len(); next++ {
			place = append(place, next)
		}
		if int(next) != all.Len() {
			t.Fatalf("%s: %d of %d events are told of", selection, next, all.Len())
		}
		got, err := rowsOf(few, selection)
		if err != nil {
			t.Fatal(err)
		}
		a, b := all.Take(want), few.Take(got)
		for k := range a.Columns {
			if !same(&a.Columns[k], &b.Columns[k]) {
				t.Fatalf("%s: %v, without passing over %v", selection, b.Columns[k], a.Columns[k])
			}
		}
		for i := range got {
			if place[got[i]] != int64(want[i]) {
				t.Fatalf("%s: event %d is event %d", selection, want[i], place[got[i]])
			}
		}
	})
	if passed == 0 {
		t.Error("no event was ever passed over")
	}
}

// rowsOf are the events for which a selection holds.
func rowsOf(t *events.Table, selection string) ([]int32, error) {
	f, err := formula.CompileCondition(t.Columns, selection)
	if err != nil {
		return nil, err
	}
	return f.Rows(t.Columns)
}

// same says whether two columns are, to the last bit.
func same(a, b *events.Column) bool {
	bits := func(c *events.Column) (all []uint64) {
		for i := range max(len(c.F32), len(c.F64)) {
			all = append(all, math.Float64bits(c.Float(i)))
		}
		return all
	}
	return a.Name == b.Name && a.Type == b.Type && slices.Equal(bits(a), bits(b)) && slices.Equal(a.I64, b.I64) &&
		slices.Equal(a.U64, b.U64) && slices.Equal(a.Str, b.Str)
}
