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

// What is written is read, over several baskets and blocks that do not fit them.
// groottest has groot read it too.
func TestWrittenIsRead(t *testing.T) {
	const n = 75000
	path := filepath.Join(t.TempDir(), "x.root")
	write(t, path, made(0, 1), made(1, 40000), made(40001, n-40001))
	got, want := table(t, path, Options{}), made(0, n)
	if len(got) != len(want) {
		t.Fatalf("%d columns", len(got))
	}
	for k := range want {
		g, w := &got[k], &want[k]
		if g.Name != w.Name || g.Type != w.Type || g.Len() != n {
			t.Fatalf("%s %s of %d for %s %s", g.Name, g.Type, g.Len(), w.Name, w.Type)
		}
		for i := range n {
			if w.Format(i) != g.Format(i) {
				t.Fatalf("%s, event %d: wrote %s, read %s", w.Name, i, w.Format(i), g.Format(i))
			}
		}
	}
}

// The references of streamers.bin, the description of the classes in every file, count from its key.
func TestKeyOfStreamers(t *testing.T) {
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
