package query

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sluice-hep/sluice/events"
)

// write makes a file of events.
func write(t *testing.T, name string, columns ...events.Column) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	out, err := events.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := out.Write(&events.Table{Columns: columns}); err != nil {
		t.Fatal(err)
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

// numbers are the events 0 to n-1: x is the number, y is missing in every tenth, id is beyond 2^53.
func numbers(n int) []events.Column {
	x, y, id := make([]float64, n), make([]float64, n), make([]int64, n)
	for i := range x {
		x[i], y[i], id[i] = float64(i), float64(2*i), 1<<60+int64(i)
		if i%10 == 3 {
			y[i] = math.NaN()
		}
	}
	return []events.Column{
		{Name: "x", Unit: "mm", Type: events.Float64, F64: x}, {Name: "y", Type: events.Float64, F64: y},
		{Name: "id", Type: events.Int64, I64: id},
	}
}

type read struct {
	x      []float64
	rows   []int64
	number []uint64
}

func all(t *testing.T, q Query, size int) (r *Rows, got read) {
	t.Helper()
	r, err := q.Open(t.Context(), size)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for {
		b, err := r.Next()
		if err == io.EOF {
			return r, got
		}
		if err != nil {
			t.Fatal(err)
		}
		if len(b.Rows) != b.Len() || len(b.Number) != b.Len() {
			t.Fatalf("%d events, %d rows, %d numbers", b.Len(), len(b.Rows), len(b.Number))
		}
		got.x, _ = b.Columns[0].Floats(got.x)
		got.rows, got.number = append(got.rows, b.Rows...), append(got.number, b.Number...)
	}
}

// What comes does not depend on where blocks end, and every event knows its row and its number.
func TestBlocksDoNotMatter(t *testing.T) {
	a, b := write(t, "a.csv", numbers(100)...), write(t, "b.parquet", numbers(57)...)
	q := Query{
		Files: []string{a, b}, Define: Definitions{{"z", "x*x"}, {"w", "z + y"}}, Where: "w > 10 && id != 1152921504606846983",
		Columns: []string{"w", "x"}, Complete: []string{"w"}, Drop: true,
	}
	_, want := all(t, q, 1000)
	if len(want.x) == 0 || want.rows[len(want.rows)-1] != 56 || want.number[len(want.number)-1] != 156 {
		t.Fatalf("%v", want)
	}
	for _, size := range []int{1, 7, 64} {
		r, got := all(t, q, size)
		if !slices.Equal(got.x, want.x) || !slices.Equal(got.rows, want.rows) || !slices.Equal(got.number, want.number) {
			t.Errorf("blocks of %d give other events", size)
		}
		// 15 events without y never pass a comparison, so nothing is left out for what it lacks
		if lines := r.Notices(); len(lines) != 1 || !strings.HasSuffix(lines[0], "of 157 events pass the selection") {
			t.Errorf("%q", lines)
		}
	}
}

func TestGaps(t *testing.T) {
	file := write(t, "a.csv", numbers(100)...)
	q := Query{Files: []string{file}, Where: "x >= 10", Columns: []string{"x", "y"}, Complete: []string{"x", "y"}}
	for _, size := range []int{3, 1000} {
		r, err := q.Open(t.Context(), size)
		if err != nil {
			t.Fatal(err)
		}
		for err == nil {
			_, err = r.Next()
		}
		want := fmt.Sprintf(`column "y": 9 of 90 values are missing (NaN), the first in row 14 of %s; --drop-nan (in a card: drop_nan: true) leaves these events out`, file)
		if err.Error() != want {
			t.Errorf("blocks of %d: %v, not %s", size, err, want)
		}
		r.Close()
	}
	q.Drop = true
	r, got := all(t, q, 16)
	if len(got.x) != 81 {
		t.Errorf("%d events", len(got.x))
	}
	if lines := append(r.Notices(), r.Warnings()...); len(lines) != 2 || lines[1] != "9 of 90 events have a missing value and are left out" {
		t.Errorf("%q", lines)
	}
}

func TestNothing(t *testing.T) {
	file := write(t, "a.csv", numbers(20)...)
	for where, want := range map[string]string{
		"x < 0":   `the selection "x < 0" leaves none of 20 events`,
		"x == 13": `every one of the 1 events has a missing value in one of ["y"]`,
	} {
		r, _ := all(t, Query{Files: []string{file}, Where: where, Columns: []string{"x", "y"}, Complete: []string{"y"}, Drop: true}, 8)
		if err := r.Nothing(); err == nil || err.Error() != want {
			t.Errorf("%v, not %s", err, want)
		}
	}
}

// All lists what the files have, in their order; definitions replace a column in its place, or come behind. A model's
// definitions stand in only for what is lacking.
func TestColumns(t *testing.T) {
	file := write(t, "a.csv", numbers(20)...)
	for _, c := range []struct {
		q      Query
		names  string
		listed int
		x      float64 // of event 2
	}{
		{Query{All: true}, "x y id", 3, 2},
		{Query{Columns: []string{"id", "x"}}, "id x", 0, 2},
		{Query{All: true, Define: Definitions{{"x", "x+1"}, {"s", "x+y"}}, Columns: []string{"x", "s"}}, "x y id s", 3, 3},
		{Query{All: true, Lacking: true, Define: Definitions{{"x", "gone+1"}}, Columns: []string{"x"}}, "x y id", 3, 2},
		{Query{All: true, Lacking: true, Define: Definitions{{"x", "gone+1"}, {"s", "x+y"}}, Columns: []string{"s"}}, "x y id s", 3, 2},
	} {
		c.q.Files, c.q.Units = []string{file}, map[string]string{"x": "cm"}
		r, err := c.q.Open(t.Context(), 100)
		if err != nil {
			t.Fatal(err)
		}
		b, err := r.Next()
		if err != nil {
			t.Fatal(err)
		}
		x, err := b.Column("x")
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(b.Names(), " "); got != c.names || r.Given() != c.listed || x.Float(2) != c.x || x.Unit != "cm" {
			t.Errorf("%+v: %s, %d listed, x is %g %s", c.q, got, r.Given(), x.Float(2), x.Unit)
		}
		r.Close()
	}
}

// A definition that lacks what it is made from stands in no one's way, unless it is needed.
func TestWelcomeColumns(t *testing.T) {
	file := write(t, "a.csv", numbers(3)...)
	for _, c := range []struct {
		welcome, expr string
		names         string
		listed        int
	}{
		{"x", "1", "x y id", 3},
		{"w", "x*y", "x y id w", 3},
		{"w", "gone*2", "x y id", 3},
		{"w", "gone[0]*2", "x y id", 3}, // which a file of another format might hold
		{"gone[0]", "1", "x y id", 3},
		{"w", "x ? 1 : 0", "x y id", 3}, // which is no condition
		{"none", "1", "x y id", 3},
	} {
		q := Query{Files: []string{file}, All: true, Lacking: true, Define: Definitions{{"w", c.expr}}, Columns: []string{"x"}, Welcome: []string{c.welcome}}
		r, err := q.Open(t.Context(), 100)
		if err != nil {
			t.Fatalf("%s = %s: %v", c.welcome, c.expr, err)
		}
		if b, err := r.Next(); err != nil || strings.Join(b.Names(), " ") != c.names || r.Given() != c.listed {
			t.Errorf("%s = %s: %v, %d listed, %v", c.welcome, c.expr, b.Names(), r.Given(), err)
		}
		r.Close()
	}
}

// A definition that takes the place of a column says so; one that only makes what is lacking has nothing to say.
func TestReplacedColumnsAreTold(t *testing.T) {
	q := Query{Files: []string{write(t, "a.csv", numbers(3)...)}, Define: Definitions{{"x", "x/1000"}, {"s", "x+y"}}, Columns: []string{"x", "s"}}
	for lacking, want := range map[bool]int{false: 1, true: 0} {
		q.Lacking = lacking
		r, err := q.Open(t.Context(), 100)
		if err != nil {
			t.Fatal(err)
		}
		if lines := r.Notes(); len(lines) != want || want > 0 && lines[0] != `column "x" of the files gives way to its definition, x/1000` {
			t.Errorf("%q", lines)
		}
		r.Close()
	}
}

// A limit on a column that a definition replaces is none on what the file holds.
func TestReplacedColumnsLimitNothing(t *testing.T) {
	file := write(t, "a.parquet", numbers(20)...)
	_, got := all(t, Query{Files: []string{file}, Define: Definitions{{"x", "100 - x"}}, Where: "x > 90", Columns: []string{"x"}}, 100)
	if len(got.x) != 10 {
		t.Errorf("%v", got.x)
	}
}

// Events in memory go the same way as those of files.
func TestTable(t *testing.T) {
	q := Query{Table: &events.Table{Columns: numbers(50)}, Define: Definitions{{"z", "x*2"}}, Where: "x >= 30", Columns: []string{"z"}}
	_, got := all(t, q, 7)
	if len(got.x) != 20 || got.x[0] != 60 || got.rows[0] != 30 || got.number[19] != 49 {
		t.Errorf("%v", got)
	}
	if len(q.Table.Columns) != 3 {
		t.Error("the table has got a column")
	}
	q.Where, q.Columns = "ids > 3", []string{"X", "z", "gone"}
	if _, err := q.Open(t.Context(), 7); err == nil || !strings.Contains(err.Error(), `no columns "ids" (did you mean "id"?), "X" (did you mean "x"?), "gone"; there is x, y, id`) {
		t.Error(err)
	}
}

func TestBadQueries(t *testing.T) {
	text := events.Column{Name: "class", Type: events.Text, Str: []string{"", "1.5", "qcd"}}
	file := write(t, "a.csv", append(numbers(3), text)...)
	for want, q := range map[string]Query{
		`no column "zz"`:               {Columns: []string{"zz"}},
		`did you mean "id"`:            {Columns: []string{"x"}, Where: "ids > 3"},
		`is a number, not a condition`: {Columns: []string{"x"}, Where: "x + 1"},
		`column "class" holds text: row 3 of ` + file + `: "qcd" is not a number`: {Columns: []string{"class"}, Complete: []string{"class"}},
	} {
		q.Files = []string{file}
		r, err := q.Open(t.Context(), 10)
		if err == nil {
			_, err = r.Next()
			r.Close()
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not say %s", err, want)
		}
	}
	if _, err := (Query{Files: []string{"none.csv"}}).Open(t.Context(), 10); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%v", err)
	}
}

func TestCancelled(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	r, err := Query{Files: []string{write(t, "a.csv", numbers(20)...)}, All: true}.Open(ctx, 5)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if _, err := r.Next(); err != nil {
		t.Fatal(err)
	}
	stop()
	if _, err := r.Next(); !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "after 5 events") {
		t.Errorf("%v", err)
	}
}

// The time of a wide table is that of its columns, not of their pairs: 200,000 took minutes.
func TestWideTable(t *testing.T) {
	wide := &events.Table{}
	for i := range 200000 {
		wide.Columns = append(wide.Columns, events.Column{Name: fmt.Sprint("c", i), Type: events.Int64, I64: []int64{int64(i)}})
	}
	began := time.Now()
	rows, err := Query{Table: wide, All: true}.Open(t.Context(), 10)
	if err != nil {
		t.Fatal(err)
	}
	got, err := rows.All()
	if err != nil || len(got.Columns) != 200000 || got.Columns[199999].I64[0] != 199999 {
		t.Errorf("%d columns, %v", len(got.Columns), err)
	}
	if took := time.Since(began); took > time.Minute { // of pairs it is some 4e10 comparisons of names
		t.Errorf("took %v", took)
	}
}

// Many definitions, each of the one before, take time and memory by their number, not by their pairs: 9,900 took 15 s, and 10 GB for
// copies of the columns before each.
func TestManyDefinitions(t *testing.T) {
	q := Query{Table: &events.Table{Columns: numbers(500)}, Columns: []string{"x", "d9899"}}
	for i := range 9900 {
		last := "x"
		if i > 0 {
			last = fmt.Sprint("d", i-1)
		}
		q.Define = append(q.Define, Definition{fmt.Sprint("d", i), last + " + 1"})
	}
	q.Define = append(q.Define, Definition{"x", "2 * x"}) // which no other has
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	r, err := q.Open(t.Context(), 100)
	if err != nil {
		t.Fatal(err)
	}
	got, err := r.All()
	runtime.ReadMemStats(&after)
	if err != nil || got.Len() != 500 || got.Columns[0].F64[7] != 14 || got.Columns[1].F64[7] != 9907 {
		t.Errorf("%v", err)
	}
	if took := (after.TotalAlloc - before.TotalAlloc) >> 20; took > 1000 {
		t.Errorf("took %d MB", took)
	}
}

// A computation ends with its context, between two definitions.
func TestComputationEnds(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	r, err := Query{Table: &events.Table{Columns: numbers(10)}, Define: Definitions{{"z", "x + 1"}}, Columns: []string{"z"}}.Open(ctx, 5)
	if err != nil {
		t.Fatal(err)
	}
	stop()
	if _, err := r.compute(Block{Table: &events.Table{Columns: numbers(3)}}); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	r.ctx = &late{Context: t.Context()}
	if _, err := r.Next(); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// late is a context that ends after it was asked once.
type late struct {
	context.Context
	asked bool
}

func (c *late) Err() error {
	if c.asked {
		return context.Canceled
	}
	c.asked = true
	return nil
}

// A reading that takes long ends with its context all the same.
func TestSlowReading(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	slow := make(chan struct{})
	r := &Rows{ctx: ctx, in: &slowSource{table{t: &events.Table{Columns: numbers(3)}}, slow}}
	go stop()
	if _, err := r.Next(); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	close(slow)
}

// slowSource reads when it is told to.
type slowSource struct {
	table
	wait chan struct{}
}

func (s *slowSource) Read(n int) (*events.Table, error) {
	<-s.wait
	return s.table.Read(n)
}

// Definitions of which nothing comes are checked, and not computed; what a later one replaces is, where it is used.
func TestUnusedDefinitions(t *testing.T) {
	q := Query{
		Table: &events.Table{Columns: numbers(20)}, Columns: []string{"z", "x"}, Where: "w < 10",
		Define: Definitions{{"unused", "x + y"}, {"w", "x + 1"}, {"z", "10 * x"}, {"x", "w + z"}, {"unused too", "unused - 1"}, {"w", "w - 1"}},
	}
	r, err := q.Open(t.Context(), 7)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if len(r.made) != 4 {
		t.Errorf("%d definitions are computed", len(r.made))
	}
	got, err := r.All()
	if err != nil || got.Len() != 10 || got.Columns[0].F64[3] != 30 || got.Columns[1].F64[3] != 34 {
		t.Errorf("%v %v", got, err)
	}
	q.Define = append(q.Define, Definition{"wrong", "nothing + 1"})
	if _, err := q.Open(t.Context(), 7); err == nil || !strings.Contains(err.Error(), `no column "nothing"`) {
		t.Error(err)
	}
}
