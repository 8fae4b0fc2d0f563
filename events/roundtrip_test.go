package events

import (
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// drawTable is a table with a column of each type, among others.
func drawTable(t *rapid.T) *Table {
	n := rapid.IntRange(1, 50).Draw(t, "events")
	table := &Table{}
	names := rapid.SliceOfNDistinct(rapid.StringMatching(`[a-zA-Z_µ][a-z 0-9'"\\,;#]{0,6}[a-z_]`), 5, 7, rapid.ID).Draw(t, "names")
	for k, name := range names {
		c := Column{Name: name, Type: Type(k % 5)}
		for range n {
			switch c.Type {
			case Float32:
				c.F32 = append(c.F32, rapid.OneOf(rapid.Float32(), rapid.Just(float32(math.NaN())), rapid.Just(float32(math.Inf(-1)))).Draw(t, "float32"))
			case Float64:
				c.F64 = append(c.F64, rapid.OneOf(rapid.Float64(), rapid.Just(math.NaN()), rapid.Just(math.Inf(1))).Draw(t, "float64"))
			case Int64:
				c.I64 = append(c.I64, rapid.Int64().Draw(t, "int64"))
			case Uint64:
				c.U64 = append(c.U64, rapid.Uint64().Draw(t, "uint64"))
			default:
				c.Str = append(c.Str, rapid.StringMatching(`[a-z "',;#µ\n]{0,8}`).Draw(t, "text"))
			}
		}
		table.Columns = append(table.Columns, c)
	}
	return table
}

// haveHDF5 says whether the HDF5 library can be loaded; in CI it must.
func haveHDF5(t *testing.T) bool {
	t.Helper()
	w, err := Create(filepath.Join(t.TempDir(), "t.h5"))
	if err == nil {
		w.Abort()
		return true
	}
	if os.Getenv("CI") == "true" {
		t.Fatal(err)
	}
	t.Logf("HDF5 is left out: %v", err)
	return false
}

// withHDF5 adds a file name where the HDF5 library is there.
func withHDF5(t *testing.T, names ...string) []string {
	t.Helper()
	if haveHDF5(t) {
		names = append(names, "t.h5")
	}
	return names
}

func writeTable(t *testing.T, path string, tables ...*Table) {
	t.Helper()
	w, err := Create(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, table := range tables {
		if err := w.Write(table); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}

func bits32(x []float32) (b []uint32) {
	for _, v := range x {
		if v != v {
			v = float32(math.NaN())
		}
		b = append(b, math.Float32bits(v))
	}
	return b
}

func bits64(x []float64) (b []uint64) {
	for _, v := range x {
		if v != v {
			v = math.NaN()
		}
		b = append(b, math.Float64bits(v))
	}
	return b
}

func same(a, b *Column) bool {
	return a.Name == b.Name && a.Type == b.Type && slices.Equal(bits32(a.F32), bits32(b.F32)) &&
		slices.Equal(bits64(a.F64), bits64(b.F64)) && slices.Equal(a.I64, b.I64) && slices.Equal(a.U64, b.U64) && slices.Equal(a.Str, b.Str)
}

// What is written is read back equal to the last bit, whatever the blocks, with
// the types stated (text does not tell float32 from float64).
func TestWriteReadRoundTrip(t *testing.T) {
	dir := t.TempDir()
	files := withHDF5(t, "t.csv", "t.tsv.gz", "t.dat", "t.csv.zst", "t.npy", "t.npz", "t.parquet", "t.root")
	rapid.Check(t, func(t *rapid.T) {
		table := drawTable(t)
		types := make(map[string]Type)
		for _, c := range table.Columns {
			types[c.Name] = c.Type
		}
		cut := rapid.IntRange(0, table.Len()).Draw(t, "cut")
		for _, name := range files {
			path := filepath.Join(dir, name)
			w, err := Create(path)
			if err != nil {
				t.Fatal(err)
			}
			for _, part := range []*Table{table.Slice(0, cut), table.Slice(cut, table.Len())} {
				if err := w.Write(part); err != nil {
					t.Fatalf("%s: %v", name, err)
				}
			}
			if err := w.Close(); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			got, err := ReadAll([]string{path}, Options{Types: types, Header: HeaderYes})
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			for k := range table.Columns {
				if !same(&table.Columns[k], &got.Columns[k]) {
					t.Fatalf("%s: %v\ncame back as\n%v", name, table.Columns[k], got.Columns[k])
				}
			}
		}
		if left, _ := os.ReadDir(dir); len(left) != len(files) {
			t.Fatalf("%d files beside those written", len(left)-len(files))
		}
	})
}

func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestUnitsTravel(t *testing.T) {
	for _, name := range withHDF5(t, "t.parquet", "t.root") {
		path := filepath.Join(t.TempDir(), name)
		writeTable(t, path, jets())
		r, err := OpenAll([]string{path}, Options{Columns: []string{"eta", "pt"}})
		if err != nil {
			t.Fatal(err)
		}
		if c := r.Columns(); c[1].Name != "pt" || c[1].Unit != "GeV" || c[0].Unit != "" || r.Rows() != 5 {
			t.Errorf("%s: %+v", name, c)
		}
		block, err := r.Read(5)
		if err != nil || block.Columns[1].Unit != "GeV" {
			t.Errorf("%s: %+v %v", name, block, err)
		}
		r.Close()
	}
}

// Reading in blocks of any size gives what ReadAll gives.
func TestBlocksOfAnySize(t *testing.T) {
	table := &Table{Columns: []Column{{Name: "x", Type: Float32}, {Name: "label", Type: Text}}}
	for i := range 2500 {
		table.Columns[0].F32 = append(table.Columns[0].F32, float32(i)/3)
		table.Columns[1].Str = append(table.Columns[1].Str, string(rune('a'+i%3)))
	}
	var parts []*Table
	for at := 0; at < 2500; at += 500 {
		parts = append(parts, table.Slice(at, at+500))
	}
	for _, name := range withHDF5(t, "t.csv", "t.npy", "t.npz", "t.parquet", "t.root") {
		path := filepath.Join(t.TempDir(), name)
		writeTable(t, path, parts...)
		for _, n := range []int{1, 7, 999, 1 << 30} {
			r, err := OpenAll([]string{path}, Options{Types: map[string]Type{"x": Float32}})
			if err != nil {
				t.Fatal(err)
			}
			got := &Table{Columns: slices.Clone(r.Columns())}
			for {
				b, err := r.Read(n)
				if err == io.EOF {
					break
				}
				if err != nil {
					t.Fatal(err)
				}
				if b.Len() == 0 || b.Len() > n {
					t.Fatalf("%s: a block of %d of %d", name, b.Len(), n)
				}
				for k := range got.Columns {
					got.Columns[k].Append(&b.Columns[k])
				}
			}
			r.Close()
			if !same(&got.Columns[0], &table.Columns[0]) || !same(&got.Columns[1], &table.Columns[1]) {
				t.Errorf("%s in blocks of %d differs", name, n)
			}
		}
	}
}

func TestReadAllJoinsFiles(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"run1.csv": "n,x,l\n1,1.5,\n2,2.5,\n", "run2.csv": "x,n,l\n3.5,16777217,s\n", "other.csv": "x,y\n1,2\n", "text.csv": "n,x,l\n1,abc,s\n",
	} {
		os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600)
	}
	all, err := ReadAll([]string{filepath.Join(dir, "run*.csv")}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	n, _ := all.Column("n")
	l, _ := all.Column("l")
	if n.Type != Int64 || !slices.Equal(n.I64, []int64{1, 2, 16777217}) || !slices.Equal(l.Str, []string{"", "", "s"}) {
		t.Errorf("%+v %+v", n, l)
	}
	for name, want := range map[string]string{
		"other.csv": "lacks n, l and has besides y", "text.csv": `column "x" is text, but float64 in`, "no*.csv": "no file matches",
	} {
		_, err := ReadAll([]string{filepath.Join(dir, "run1.csv"), filepath.Join(dir, name)}, Options{})
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Momenta in GeV and in MeV are not one column.
func TestUnitsMustAgree(t *testing.T) {
	dir := t.TempDir()
	paths := []string{filepath.Join(dir, "a.parquet"), filepath.Join(dir, "b.parquet")}
	table := jets()
	writeTable(t, paths[0], table)
	table.Columns[0].Unit = "MeV"
	writeTable(t, paths[1], table)
	const want = `b.parquet: column "pt" is in MeV, but in GeV in `
	if _, err := ReadAll(paths, Options{}); err == nil || !strings.Contains(err.Error(), want) {
		t.Error(err)
	}
	if _, err := OpenAll(paths, Options{}); err == nil || !strings.Contains(err.Error(), want) {
		t.Error(err)
	}
}

// Types are chosen by all values, wherever the one that matters lies, for a table and for a stream alike.
func TestTypeDoesNotDependOnLuck(t *testing.T) {
	// Rows of 250 bytes: 4.3 MB, more than what is looked at first.
	for cell, want := range map[string]Type{"16777217": Int64, "18446744073709551615": Uint64, "12,5": Text, "1e300": Float64} {
		path := write(t, "t.csv", "x;y\n"+strings.Repeat("1;0."+strings.Repeat("2", 248)+"\n", 17000)+cell+";3\n")
		all, err := ReadAll([]string{path}, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if all.Columns[0].Type != want || all.Columns[1].Type != Float64 {
			t.Errorf("%s: %s", cell, all.Columns[0].Type)
		}
	}
}

func TestTextColumnNamesItsFirstWrongNumber(t *testing.T) {
	all, err := ReadAll([]string{write(t, "t.csv", "pt;y\n1.5;2\n\"12,5\";3\n")}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := all.Columns[0].Floats(nil); err == nil || !strings.Contains(err.Error(), `column "pt" holds text: row 2: "12,5" is not a number`) {
		t.Error(err)
	}
}

func TestFormatByMagic(t *testing.T) {
	dir := t.TempDir()
	for _, name := range withHDF5(t, "t.csv", "t.csv.gz", "t.npy", "t.npz", "t.parquet", "t.root") {
		extension := strings.TrimPrefix(name, "t")
		writeTable(t, filepath.Join(dir, name), jets())
		plain := filepath.Join(dir, "plain"+strings.ReplaceAll(extension, ".", ""))
		os.Rename(filepath.Join(dir, "t"+extension), plain)
		if got, err := ReadAll([]string{plain}, Options{}); err != nil || got.Len() != 5 {
			t.Errorf("%s: %v", extension, err)
		}
	}
	if _, err := OpenAll([]string{write(t, "t.bin", "\x00\x01\x02")}, Options{}); err == nil || !strings.Contains(err.Error(), "unknown format; known are .csv") {
		t.Error(err)
	}
}

func TestKeyPicksAnArray(t *testing.T) {
	path := filepath.Join(t.TempDir(), "t.npz")
	w, _ := Create(path)
	w.Write(jets())
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	got, err := ReadAll([]string{path + ":eta"}, Options{})
	if err != nil || len(got.Columns) != 1 || got.Columns[0].Name != "eta" || got.Columns[0].F32[4] != -3 {
		t.Errorf("%v %v", got, err)
	}
	if _, err := ReadAll([]string{path + ":etaa"}, Options{}); err == nil || !strings.Contains(err.Error(), `no array "etaa"; there is pt, eta`) {
		t.Error(err)
	}
}

// A key may follow any file that is there, not only one of a known extension.
func TestKeyBehindAnyExtension(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "t.npz")
	w, _ := Create(path)
	w.Write(jets())
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"t.npz.1", "run:2.data", "noextension"} {
		b, err := os.ReadFile(path)
		if err == nil {
			err = os.WriteFile(filepath.Join(folder, name), b, 0o666)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	for name, want := range map[string]int{"t.npz.1": 7, "t.npz.1:eta": 1, "t.npz.?:eta": 1, "run:2.data:eta": 1, "run:2.data": 7, "noextension:eta": 1} {
		if got, err := ReadAll([]string{filepath.Join(folder, name)}, Options{}); err != nil || len(got.Columns) != want {
			t.Errorf("%s: %v %v", name, got, err)
		}
	}
	if _, err := ReadAll([]string{filepath.Join(folder, "t.npz.2:eta")}, Options{}); err == nil || !strings.Contains(err.Error(), "t.npz.2:eta: no such file") {
		t.Error(err)
	}
}

func TestCreateErrors(t *testing.T) {
	dir := t.TempDir()
	for path, want := range map[string]string{
		filepath.Join(dir, "no", "t.csv"): "cannot write", filepath.Join(dir, "t.xyz"): "known are .csv", dir: "cannot tell the format",
	} {
		if _, err := Create(path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", path, err)
		}
	}
	w, err := Create(filepath.Join(dir, "t.npz"))
	if err != nil {
		t.Fatal(err)
	}
	w.Write(jets())
	other := jets()
	other.Columns[0].Name = "p"
	if err := w.Write(other); err == nil || !strings.Contains(err.Error(), `column 1 is "p" (float32) after "pt" (float32)`) {
		t.Error(err)
	}
	if err := w.Close(); err == nil {
		t.Error("Close after a failed Write succeeded")
	}
	if left, _ := os.ReadDir(dir); len(left) != 0 {
		t.Errorf("a failed write left %v", left)
	}
}

func TestShortestFloat(t *testing.T) {
	path := filepath.Join(t.TempDir(), "t.csv")
	w, _ := Create(path)
	w.Write(&Table{Columns: []Column{{Name: "x", Type: Float32, F32: []float32{0.1, 16777216, 1e-30, float32(math.NaN()), 3.1415927}}}})
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if got, _ := os.ReadFile(path); string(got) != "x\n0.1\n16777216\n1e-30\nnan\n3.1415927\n" {
		t.Errorf("%q", got)
	}
}

// pipe is a file that gives a text once, or skips.
func pipe(t *testing.T, text string) (path string) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	go func() {
		w.WriteString(text)
		w.Close()
	}()
	path = fmt.Sprintf("/dev/fd/%d", r.Fd())
	if _, err := os.Stat(path); err != nil {
		t.Skip("there is no /dev/fd here")
	}
	return path
}

// A pipe gives its bytes once: none may be lost to a look at what it holds, though other files are looked at, and columns
// are chosen.
func TestPipe(t *testing.T) {
	path := pipe(t, "x,y\n1,2.5\n3,4.5\n")
	got, err := ReadAll([]string{path}, Options{})
	if err != nil || !slices.Equal(got.Names(), []string{"x", "y"}) || !slices.Equal(got.Columns[1].F64, []float64{2.5, 4.5}) {
		t.Errorf("%+v %v", got, err)
	}
	file := write(t, "t.csv", "z,y,x\n9,8,7\n")
	for _, paths := range [][]string{{pipe(t, "x,y,z\n1,2,3\n"), file, pipe(t, "x,z,y\n4,6,5\n")}, {file, pipe(t, "x,y,z\n1,2,3\n")}} {
		c, err := OpenAll(paths, Options{Choose: func(have []Column) ([]string, error) { return []string{"y", "x"}, nil }})
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := c.Mark(); ok {
			t.Error("a pipe can be gone back to")
		}
		var y []float64
		for range paths {
			b, err := c.Read(10)
			if err != nil || !slices.Equal(b.Names(), []string{"y", "x"}) {
				t.Fatal(b, err)
			}
			y = append(y, b.Columns[0].Float(0))
		}
		if !slices.Equal(y, []float64{2, 8, 5}) && !slices.Equal(y, []float64{8, 2}) {
			t.Errorf("y is %v", y)
		}
		if _, err := c.Read(10); err != io.EOF {
			t.Error(err)
		}
		c.Close()
	}
}

// What a pipe holds late contradicts the types that its beginning had.
func TestPipeThatContradicts(t *testing.T) {
	text := "x;y\n" + strings.Repeat("1;0."+strings.Repeat("2", 248)+"\n", 17000) + "12,5;3\n"
	_, err := ReadAll([]string{pipe(t, text)}, Options{})
	if err == nil || !strings.Contains(err.Error(), `row 17001 (line 17002): column "x": "12,5" is not a number`) || !strings.Contains(err.Error(), "state its type as text") {
		t.Error(err)
	}
}
