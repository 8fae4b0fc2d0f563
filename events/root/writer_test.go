package root

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sluice-hep/sluice/events/column"
)

// made is a block of events of every type of column, from event `first` on.
func made(first, n int) []column.Column {
	c := []column.Column{
		column.New("pt", "", column.Float32, n), column.New("mass (GeV/c²)", "", column.Float64, n),
		column.New("event", "", column.Int64, n), column.New("label", "", column.Text, n), column.New("Jet_pt[0]", "", column.Float32, n),
		column.New("hash", "", column.Uint64, n),
	}
	for i := range n {
		e := first + i
		c[0].F32[i], c[1].F64[i], c[2].I64[i] = float32(e)/7, -float64(e)/3, int64(e)<<40-1
		c[5].U64[i] = math.MaxUint64 - uint64(e)<<40
		c[3].Str[i], c[4].F32[i] = strings.Repeat("é", e%200), float32(math.NaN())
	}
	return c
}

// groot reads what is written here, and so does this package, over several
// baskets and blocks that do not fit them.
func TestWrittenIsRead(t *testing.T) {
	const n = 75000
	path := filepath.Join(t.TempDir(), "x.root")
	write(t, path, made(0, 1), made(1, 40000), made(40001, n-40001))
	got, want := table(t, path, Options{}), made(0, n)
	theirs := grootRead(t, path, "events", []string{"pt", "mass (GeV/c²)", "event", "label", "Jet_pt[0]", "hash"})
	if len(got) != len(want) {
		t.Fatalf("%d columns", len(got))
	}
	for k := range want {
		c := &want[k]
		if got[k].Name != c.Name || got[k].Type != c.Type || got[k].Len() != n || len(theirs[c.Name]) != n {
			t.Fatalf("%s %s of %d for %s %s, groot %d", got[k].Name, got[k].Type, got[k].Len(), c.Name, c.Type, len(theirs[c.Name]))
		}
		for i := range n {
			v := valueOf(c, i)
			if c.Spell(i) != got[k].Spell(i) || !equal(v, theirs[c.Name][i][0]) {
				t.Fatalf("%s, event %d: wrote %v, read %v, groot %v", c.Name, i, v, valueOf(&got[k], i), theirs[c.Name][i])
			}
		}
	}
}

// Readers that know no classes find them described in the file.
func TestWrittenClassesAreDescribed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.root")
	write(t, path, made(0, 10))
	infos := make(map[string]int)
	for _, s := range grootFile(t, path).StreamerInfos() {
		infos[s.Name()] = s.ClassVersion()
	}
	for class, version := range map[string]int{"TTree": 20, "TBranch": 13, "TLeaf": 2, "TLeafF": 1, "TLeafD": 1, "TLeafL": 1,
		"TLeafC": 1, "TObjArray": 3, "TNamed": 1, "TAttLine": 2, "TAttFill": 2, "TAttMarker": 2} {
		if infos[class] != version {
			t.Errorf("%s is described in version %d, not %d", class, infos[class], version)
		}
	}
	if n := headLength("TList", "StreamerInfo", "Doubly linked list"); n != 72 {
		t.Errorf("the references of streamers.bin count from a key of 72 bytes, not %d", n)
	}
}

func TestSameEventsSameFile(t *testing.T) {
	var files [2][]byte
	for i := range files {
		path := filepath.Join(t.TempDir(), fmt.Sprint(i, ".root"))
		write(t, path, made(0, 5000))
		files[i], _ = os.ReadFile(path)
	}
	if !bytes.Equal(files[0], files[1]) {
		t.Error("two files of the same events differ")
	}
}

func TestNoEvents(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.root")
	write(t, path, made(0, 0))
	if c := table(t, path, Options{}); len(c) != 6 || c[0].Len() != 0 {
		t.Errorf("%d columns, %d events", len(c), c[0].Len())
	}
	if n := grootTree(t, path, "events").Entries(); n != 0 {
		t.Errorf("groot reads %d events", n)
	}
}

// Each column of a wide table still gets few, long baskets, in bounded memory.
func TestWideTable(t *testing.T) {
	columns := make([]column.Column, 500)
	for k := range columns {
		columns[k] = column.New(fmt.Sprint("x", k), "", column.Float32, 3000)
		columns[k].F32[2999] = float32(k)
	}
	path := filepath.Join(t.TempDir(), "x.root")
	write(t, path, columns)
	c := table(t, path, Options{})
	if len(c) != 500 || c[499].F32[2999] != 499 || c[0].Len() != 3000 {
		t.Errorf("%d columns of %d", len(c), c[0].Len())
	}
}
