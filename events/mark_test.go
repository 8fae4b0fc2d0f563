package events

import (
	"archive/zip"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/sluice-hep/sluice/events/formula"
)

// markCase is a chain of files that is read from its marks.
type markCase struct {
	name  string
	files []string
	opts  Options
	block int
	marks int // that there are
}

// span is what a chain gives between two marks.
type span struct {
	at     Mark
	blocks []given
}

// given is what one Read gives, with its place and what was passed over before.
type given struct {
	table *Table
	place string
	err   error
}

func next(c *Chain, n int, told *[]string) given {
	*told = nil
	t, err := c.Read(n)
	if err != nil {
		return given{nil, fmt.Sprintf("passed over %v", *told), err}
	}
	return given{t, fmt.Sprintf("%s from %d, passed over %v", c.Path(), c.First(), *told), nil}
}

func (g *given) same(h *given) bool {
	if g.place != h.place || g.err != h.err {
		return false
	}
	for i := 0; g.table != nil && i < len(g.table.Columns); i++ {
		if a, b := &g.table.Columns[i], &h.table.Columns[i]; a.Unit != b.Unit || !same(a, b) {
			return false
		}
	}
	return true
}

// spans reads a chain to its end.
func spans(t *testing.T, c *Chain, n int, told *[]string) (all []span) {
	t.Helper()
	for {
		if m, ok := c.Mark(); ok {
			all = append(all, span{at: m})
		} else if all == nil {
			t.Fatal("the beginning has no mark")
		}
		last := &all[len(all)-1]
		g := next(c, n, told)
		last.blocks = append(last.blocks, g)
		if g.err == io.EOF {
			return all
		}
		if g.err != nil {
			t.Fatal(g.err)
		}
	}
}

// Reading goes on from any mark, in any order and at the end, as it did in sequence: the same blocks to the last bit,
// of the same place, with the same events passed over, to the next mark.
func TestSeekGoesOnAsInSequence(t *testing.T) {
	for _, m := range markCases(t) {
		t.Run(m.name, func(t *testing.T) {
			var told []string
			m.opts.Passed = func(first, events int64) { told = append(told, fmt.Sprint(first, "+", events)) }
			c, err := OpenAll(m.files, m.opts)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			all := spans(t, c, m.block, &told)
			if len(all) != m.marks {
				t.Errorf("%d marks, not %d", len(all), m.marks)
			}
			other, err := OpenAll(m.files, m.opts)
			if err != nil {
				t.Fatal(err)
			}
			defer other.Close()
			for k, i := range rand.New(rand.NewPCG(1, 2)).Perm(len(all)) {
				in := c
				if k%3 == 1 {
					in = other
				}
				again(t, in, m.block, all[i:], &told)
			}
			foreign(t, c, all)
		})
	}
}

// again reads the first of some spans anew.
func again(t *testing.T, c *Chain, n int, from []span, told *[]string) {
	t.Helper()
	s := from[0]
	if err := c.Seek(s.at); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Read(n/2 + 1); err != nil && err != io.EOF {
		t.Fatal(err)
	}
	if err := c.Seek(s.at); err != nil { // from the middle of what follows
		t.Fatal(err)
	}
	for k, want := range s.blocks {
		if m, ok := c.Mark(); ok != (k == 0) || ok && m != s.at {
			t.Fatalf("block %d of the span: mark %v %v", k, m, ok)
		}
		if got := next(c, n, told); !got.same(&want) {
			t.Fatalf("block %d behind %+v is\n%.300v\nand not\n%.300v", k, s.at, got.place, want.place)
		}
	}
	if m, ok := c.Mark(); len(from) > 1 && (!ok || m != from[1].at) {
		t.Fatalf("the span ends at %v %v, not at %v", m, ok, from[1].at)
	}
}

// foreign marks, of other files, are refused.
func foreign(t *testing.T, c *Chain, all []span) {
	t.Helper()
	for _, change := range []func(*Mark){
		func(m *Mark) { m.file = 2 },
		func(m *Mark) { m.file = -1 },
		func(m *Mark) { m.first = -1 },
		func(m *Mark) { m.at.Row, m.at.Offset = m.at.Row+1<<40, m.at.Offset+1<<40 },
		func(m *Mark) { m.at.Row, m.at.Offset = -5, -5 },
	} {
		m := all[len(all)/2].at
		change(&m)
		if err := c.Seek(m); err == nil {
			t.Errorf("the place %+v is taken", m)
		}
	}
	if err := c.Seek(all[0].at); err != nil {
		t.Errorf("no way back from an error: %v", err)
	}
}

// markCases are files of every format and of every way to lie in one.
func markCases(t *testing.T) []markCase {
	dir := t.TempDir()
	in := func(name string) string { return filepath.Join(dir, name) }
	few := Options{Columns: []string{"n", "x"}, Types: map[string]Type{"x": Float64}}
	var cases []markCase
	for _, f := range []struct {
		ext   string
		rows  int // more than a chunk, or the 4 MiB of text that are looked at first, where there are over 100,000
		marks int
	}{
		{".csv", 100_000, 6}, {".tsv.gz", 5_000, 3}, {".csv.zst", 5_000, 3}, {".npy", 70_000, 5}, {".npz", 70_000, 5},
		{".parquet", 170_000, 4}, {".root", 100_000, 4}, {".h5", 100_000, 4},
	} {
		if f.ext == ".h5" && !haveHDF5(t) {
			continue
		}
		files := []string{in("a" + f.ext), in("b" + f.ext)}
		writeTable(t, files[0], markTable(f.rows, 0))
		writeTable(t, files[1], markTable(5_000, 1))
		cases = append(cases, markCase{f.ext, files, Options{}, 30_000, f.marks},
			markCase{f.ext + ", some columns", files, few, 30_000, f.marks})
	}
	writeText := func(name, text string) string {
		if err := os.WriteFile(in(name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return in(name)
	}
	odd := "\xef\xbb\xbf# odd\nx,label\n" + strings.Repeat("1.5,\"a \nb\"\r\n\n#\n2,c\n", 500) + "\n\n3,d"
	groups := []string{"parquet/testdata/made/groups-95.parquet", "parquet/testdata/made/groups-40.parquet"} // of ten events
	npy := []string{in("a.npy"), in("b.npy")}
	columns := []string{fortran(t, in("f.npy"), 500), fortran(t, in("g.npy"), 300)}
	const baskets = "root/testdata/groot-baskets.root" // in which branches have baskets of several lengths
	cases = append(cases,
		markCase{"odd text", []string{writeText("odd.csv", odd), in("odd.csv")}, Options{}, 100, 23},
		markCase{"no header", []string{writeText("n.csv", "1 2\n3 4\n5 6"), writeText("m.csv", "7 8\n")}, Options{}, 1, 5},
		markCase{"deflated", []string{deflated(t, npy[0], in("da.npz")), deflated(t, npy[1], in("db.npz"))}, Options{}, 30_000, 3},
		markCase{"Fortran's order", columns, Options{}, 100, 9},
		markCase{"several formats", []string{in("a.npy"), in("b.csv")}, Options{}, 30_000, 5},
		markCase{"row groups", groups, Options{}, 4, 15},
		markCase{"small row groups", groups, Options{}, 25, 8},
		markCase{"row groups passed over", groups, Options{Limits: formula.Limits("x > 20 && x <= 70")}, 7, 8},
		markCase{"no row group left", groups, Options{Limits: formula.Limits("x > 1000")}, 7, 1},
		markCase{"baskets of any length", twice(baskets), Options{}, 300, 5},
		markCase{"objects of any baskets", twice(baskets), Options{Flatten: "N"}, 300, 5},
		markCase{"one basket", twice("root/testdata/skhep_Zmumu-lz4.root"), Options{}, 100, 3},
		markCase{"clusters", twice("root/rntuple/testdata/late.root"), Options{}, 2, 7},
		markCase{"objects of clusters", twice("root/rntuple/testdata/shapes.root"), Options{Flatten: "vec"}, 2, 5},
		markCase{"objects", twice("root/testdata/skhep_HZZ.root"), Options{Flatten: "Muon", Columns: []string{"event", "Muon_Px", "MET_px"}}, 50, 3},
	)
	if !haveHDF5(t) {
		return cases
	}
	for key, marks := range map[string]int{
		"storage.h5:contiguous": 9, "storage.h5:chunks": 11, "storage.h5:stripes": 11, "storage.h5:lzf": 5, "storage.h5:scaleoffset": 5,
	} {
		cases = append(cases, markCase{key, twice("hdf5/testdata/" + key), Options{}, 20, marks})
	}
	return append(cases, markCase{"blosc.h5", twice("hdf5/testdata/blosc.h5:/"), Options{}, 500, 5})
}

func twice(path string) []string { return []string{path, path} }

func markTable(n int, seed uint64) *Table {
	r := rand.New(rand.NewPCG(seed, 7))
	t := &Table{Columns: []Column{{Name: "x", Unit: "GeV", Type: Float32}, {Name: "y", Type: Float64}, {Name: "n", Type: Int64}, {Name: "label", Type: Text}}}
	c := t.Columns
	for i := range n {
		c[0].F32, c[1].F64 = append(c[0].F32, r.Float32()-0.5), append(c[1].F64, r.NormFloat64())
		c[2].I64, c[3].Str = append(c[2].I64, int64(i)<<30), append(c[3].Str, string(rune('a'+i%5)))
	}
	if seed > 0 { // the columns of another file may lie in another order
		slices.Reverse(c)
	}
	return t
}

// deflated is an archive of one packed array.
func deflated(t *testing.T, array, path string) string {
	t.Helper()
	raw, err := os.ReadFile(array)
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	z := zip.NewWriter(f)
	w, err := z.Create("events.npy")
	if err == nil {
		_, err = w.Write(raw)
	}
	if err := errors.Join(err, z.Close(), f.Close()); err != nil {
		t.Fatal(err)
	}
	return path
}

// fortran writes a matrix of three columns, one after the other.
func fortran(t *testing.T, path string, n int) string {
	t.Helper()
	head := fmt.Sprintf("{'descr': '<f4', 'fortran_order': True, 'shape': (%d, 3), }\n", n)
	b := append([]byte("\x93NUMPY\x01\x00"), byte(len(head)), 0)
	b = append(b, head...)
	for i := range 3 * n {
		v := math.Float32bits(float32(i) / 7)
		b = append(b, byte(v), byte(v>>8), byte(v>>16), byte(v>>24))
	}
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// An error in a row is told alike from any mark before it, with its row and its line.
func TestSeekKeepsThePlaceOfErrors(t *testing.T) {
	text := "x,y\n" + strings.Repeat("1,2\n\n# note\n", 3000) + "1,2,3\n"
	c, err := OpenAll([]string{write(t, "t.csv", text)}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	var marks []Mark
	for {
		m, ok := c.Mark()
		if !ok {
			break
		}
		marks = append(marks, m)
		if _, err = c.Read(100); err != nil {
			break
		}
	}
	const want = "row 3001 (line 9002): 3 cells"
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Fatal(err)
	}
	for i, m := range marks {
		if err := c.Seek(m); err != nil {
			t.Fatal(err)
		}
		_, err := c.Read(3100 - 100*i)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("from mark %d: %v", i, err)
		}
	}
}
