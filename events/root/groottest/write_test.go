package groottest

import (
	"math"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sluice-hep/sluice/events"
)

// made is a table of every type of column, from event `first` on.
func made(first, n int) *events.Table {
	c := []events.Column{
		{Name: "pt", Type: events.Float32}, {Name: "mass (GeV/c²)", Type: events.Float64}, {Name: "event", Type: events.Int64},
		{Name: "label", Type: events.Text}, {Name: "Jet_pt[0]", Type: events.Float32},
		{Name: "hash", Type: events.Uint64},
	}
	for e := first; e < first+n; e++ {
		c[0].F32, c[1].F64 = append(c[0].F32, float32(e)/7), append(c[1].F64, -float64(e)/3)
		c[2].I64, c[3].Str = append(c[2].I64, int64(e)<<40-1), append(c[3].Str, strings.Repeat("é", e%200))
		c[4].F32, c[5].U64 = append(c[4].F32, float32(math.NaN())), append(c[5].U64, math.MaxUint64-uint64(e)<<40)
	}
	return &events.Table{Columns: c}
}

// write writes tables as one file, whose tree is `events`.
func write(t *testing.T, tables ...*events.Table) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "x.root")
	w, err := events.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Abort()
	for _, table := range tables {
		if err := w.Write(table); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

// groot reads what is written here, over several baskets and blocks that do not fit them.
func TestWrittenIsRead(t *testing.T) {
	const n = 75000
	path := write(t, made(0, 1), made(1, 40000), made(40001, n-40001))
	want, got := made(0, n), readTree(t, path, "events")
	if len(got) != len(want.Columns) {
		t.Fatalf("groot reads %d branches of %d columns", len(got), len(want.Columns))
	}
	for k, b := range got {
		c := &want.Columns[k]
		if b.name != c.Name || len(b.events) != n {
			t.Fatalf("groot reads %q of %d events for %q", b.name, len(b.events), c.Name)
		}
		for i, v := range b.events {
			if len(v) != 1 || !equal(v[0], valueOf(c, i)) {
				t.Fatalf("%s, event %d: wrote %v, groot reads %v", c.Name, i, valueOf(c, i), v)
			}
		}
	}
}

// Readers that know no classes find them described in the file.
func TestWrittenClassesAreDescribed(t *testing.T) {
	infos := make(map[string]int)
	for _, s := range open(t, write(t, made(0, 10))).StreamerInfos() {
		infos[s.Name()] = s.ClassVersion()
	}
	for class, version := range map[string]int{"TTree": 20, "TBranch": 13, "TLeaf": 2, "TLeafF": 1, "TLeafD": 1, "TLeafL": 1,
		"TLeafC": 1, "TObjArray": 3, "TNamed": 1, "TAttLine": 2, "TAttFill": 2, "TAttMarker": 2} {
		if infos[class] != version {
			t.Errorf("%s is described in version %d, not %d", class, infos[class], version)
		}
	}
}

func TestNoEvents(t *testing.T) {
	if n := openTree(t, write(t, made(0, 0)), "events").Entries(); n != 0 {
		t.Errorf("groot reads %d events", n)
	}
}
