package npy

import (
	"archive/zip"
	"bytes"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/sluice-hep/sluice/events/column"
)

// array is an .npy file of version 1.
func npyFile(header string, values string) []byte {
	head := header + strings.Repeat(" ", 117-len(header)%64) + "\n"
	return []byte(magic + "\x01\x00" + string([]byte{byte(len(head)), byte(len(head) >> 8)}) + head + values)
}

func seeds(t testing.TB) [][]byte {
	block := []column.Column{
		{Name: "x", Type: column.Float32, F32: []float32{1, 2}}, {Name: "µ'\\", Type: column.Int64, I64: []int64{1, -2}},
		{Name: "l", Type: column.Text, Str: []string{"a", "bé"}}, {Name: "u", Type: column.Uint64, U64: []uint64{1, 1<<64 - 1}},
	}
	all := [][]byte{
		npyFile("{'descr': '>f8', 'fortran_order': True, 'shape': (2, 1), }", strings.Repeat("\x3f\xf0\x00\x00\x00\x00\x00\x00", 2)),
		npyFile("{'descr': '|b1', 'fortran_order': False, 'shape': (3,), }", "\x00\x01\x00"),
		npyFile("{'descr': [('a', '<f2'), ('', '|V2'), ('b', '<u2', (2,)), ('c', '|S3')], 'fortran_order': False, 'shape': (1,)}", "\x00\x3c..\x01\x00\x02\x00ab\x00"),
	}
	files, names := members()
	for _, name := range names {
		all = append(all, files[name])
	}
	all = append(all, npzFile(t, zip.Store, files, names...), npzFile(t, zip.Deflate, files, names...),
		npyFile("{'descr': '<M8[ns]', 'fortran_order': False, 'shape': (2,), }", strings.Repeat("\x00", 15)+"\x80"))
	for _, archive := range []bool{false, true} {
		f, err := os.Create(filepath.Join(t.TempDir(), "t"))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		var w column.Writer = NewWriter(f)
		if archive {
			if w, err = NewArchiveWriter(f); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Write(block); err != nil {
			t.Fatal(err)
		}
		if err := w.Finish(); err != nil {
			t.Fatal(err)
		}
		b, err := os.ReadFile(f.Name())
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, b)
	}
	return all
}

func FuzzNPY(f *testing.F) {
	for _, b := range seeds(f) {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		readAll(t, b)
		runtime.ReadMemStats(&after)
		// The constant is for the decoder of packed archives and this test itself.
		if used := after.TotalAlloc - before.TotalAlloc; used > 2000*uint64(len(b))+1<<24 {
			t.Fatalf("%d bytes made for a file of %d", used, len(b))
		}
	})
}

func readAll(t *testing.T, b []byte) {
	open := newReader
	if bytes.HasPrefix(b, []byte("PK")) {
		open = newArchive
	}
	readWith(t, b, open, nil)
	readWith(t, b, open, []string{"p[2][1]", "X1", "s/b[0]", "f[0][1]", "y"})
}

func readWith(t *testing.T, b []byte, open func(io.ReaderAt, int64, Options) (*Reader, error), columns []string) {
	r, err := open(bytes.NewReader(b), int64(len(b)), Options{Columns: columns})
	if err != nil {
		return
	}
	for {
		block, err := r.Read(1000)
		if err != nil {
			return
		}
		for _, c := range block {
			if c.Len() != block[0].Len() || c.Len() == 0 {
				t.Fatalf("column %q has %d rows", c.Name, c.Len())
			}
		}
	}
}

func TestHostileHeaders(t *testing.T) {
	for header, want := range map[string]string{
		"{'descr': '<f4', 'fortran_order': False, 'shape': (1000000000000, 4)}":       "cut short",
		"{'descr': '<f4', 'fortran_order': False, 'shape': (4611686018427387904, 4)}": "impossible",
		"{'descr': '<f4', 'fortran_order': False, 'shape': (-1,)}":                    "impossible",
		"{'descr': '<f4', 'fortran_order': False, 'shape': (1, 100000)}":              "transpose",
		"{'descr': '<f4', 'fortran_order': False, 'shape': (2, 5000, 5000)}":          "not believable",
		"{'descr': '<f4', 'fortran_order': False, 'shape': ()}":                       "0 dimensions",
		"{'descr': '<f4', 'fortran_order': False, 'shape': (4, 0)}":                   "without columns",
		"{'descr': '|S0', 'fortran_order': False, 'shape': (4,)}":                     "not known",
		"{'descr': '|O', 'fortran_order': False, 'shape': (4,)}":                      "Python objects",
		"{'descr': '<f4', 'shape': (4,)}":                                             "fortran_order",
		"{'descr': '<f4', 'fortran_order': False}":                                    "shape is missing",
		"{'descr': [('a',)], 'fortran_order': False, 'shape': (4,)}":                  "without name and type",
		"__import__('os')":                                        "not expected",
		"{'descr': " + strings.Repeat("[", 40) + "}":              "nested too deep",
		"{'descr': '<c8', 'fortran_order': False, 'shape': (2,)}": "no column that can be read",
	} {
		b := npyFile(header, strings.Repeat("\x00", 16))
		_, err := newReader(bytes.NewReader(b), int64(len(b)), Options{})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", header, err, want)
		}
	}
}

func TestLayouts(t *testing.T) {
	for _, c := range []struct {
		header, values string
		want           [][]float64 // by column
	}{
		{"{'descr': '<i2', 'fortran_order': False, 'shape': (2, 2)}", "\x01\x00\x02\x00\x03\x00\x04\x00", [][]float64{{1, 3}, {2, 4}}},
		{"{'descr': '>i2', 'fortran_order': True, 'shape': (2, 2)}", "\x00\x01\x00\x02\x00\x03\xff\xff", [][]float64{{1, 2}, {3, -1}}},
		{"{'descr': '<f2', 'fortran_order': False, 'shape': (4,)}", "\x00\x3c\x00\xc0\x01\x00\xff\x7b", [][]float64{{1, -2, 0x1p-24, 65504}}},
		{"{'descr': '|u1', 'fortran_order': False, 'shape': (2L,)}", "\x01\xff", [][]float64{{1, 255}}},
		{"{'descr': [('a', '<u4'), ('b', [('c', '<f4')]), ('d', '<f4', (2,))], 'fortran_order': False, 'shape': (1,)}",
			"\xff\xff\xff\xff....\x00\x00\x80\x3f\x00\x00\x00\x40", [][]float64{{4294967295}, {1}, {2}}},
		{"{'descr': '<M8[ns]', 'fortran_order': False, 'shape': (1,)}", "\x05\x00\x00\x00\x00\x00\x00\x00", [][]float64{{5}}},
	} {
		b := npyFile(c.header, c.values)
		r, err := newReader(bytes.NewReader(b), int64(len(b)), Options{})
		if err != nil {
			t.Errorf("%s: %v", c.header, err)
			continue
		}
		got, err := r.Read(10)
		if err != nil || len(got) != len(c.want) {
			t.Errorf("%s: %v %v", c.header, got, err)
			continue
		}
		for k, want := range c.want {
			for i, v := range want {
				if have := got[k].Float(i); have != v {
					t.Errorf("%s: column %d row %d: %g, want %g", c.header, k, i, have, v)
				}
			}
		}
		if _, err := r.Read(10); err != io.EOF {
			t.Errorf("%s: %v at the end", c.header, err)
		}
	}
}

// Every number of the format comes in its type, in either order of bytes, the extremes to the last digit.
func TestTypesOfEveryNumber(t *testing.T) {
	for _, c := range []struct{ descr, values, want string }{
		{"|b1", "\x00\x01", "int64 0 1"},
		{"|i1", "\x80\x7f", "int64 -128 127"},
		{"|u1", "\x00\xff", "int64 0 255"},
		{">i2", "\x80\x00\x7f\xff", "int64 -32768 32767"},
		{">u2", "\x00\x01\xff\xff", "int64 1 65535"},
		{">i4", "\x80\x00\x00\x00\x7f\xff\xff\xff", "int64 -2147483648 2147483647"},
		{">u4", "\x00\x00\x00\x01\xff\xff\xff\xff", "int64 1 4294967295"},
		{">i8", "\x80\x00\x00\x00\x00\x00\x00\x00\x7f\xff\xff\xff\xff\xff\xff\xff", "int64 -9223372036854775808 9223372036854775807"},
		{">u8", "\x00\x00\x00\x00\x00\x00\x00\x01\xff\xff\xff\xff\xff\xff\xff\xff", "uint64 1 18446744073709551615"},
		{">m8[s]", "\x80\x00\x00\x00\x00\x00\x00\x01\x7f\xff\xff\xff\xff\xff\xff\xff", "int64 -9223372036854775807 9223372036854775807"},
		{">f2", "\x3c\x00\x7b\xff", "float32 1 65504"},
		{">f4", "\x3d\xcc\xcc\xcd\xff\x80\x00\x00", "float32 0.1 -Inf"},
		{">f8", "\x3f\xb9\x99\x99\x99\x99\x99\x9a\x7f\xef\xff\xff\xff\xff\xff\xff", "float64 0.1 1.7976931348623157e+308"},
	} {
		for _, order := range []string{">", "<"} {
			descr, values := c.descr, []byte(c.values)
			if order == "<" {
				descr = strings.Replace(descr, ">", "<", 1)
				half := len(values) / 2
				slices.Reverse(values[:half])
				slices.Reverse(values[half:])
			}
			b := npyFile("{'descr': '"+descr+"', 'fortran_order': False, 'shape': (2,)}", string(values))
			r, err := newReader(bytes.NewReader(b), int64(len(b)), Options{})
			if err != nil {
				t.Errorf("%s: %v", descr, err)
				continue
			}
			got, err := r.Read(2)
			if err != nil {
				t.Errorf("%s: %v", descr, err)
			} else if have := got[0].Type.String() + " " + got[0].Format(0) + " " + got[0].Format(1); have != c.want {
				t.Errorf("%s: %s, want %s", descr, have, c.want)
			}
		}
	}
}
