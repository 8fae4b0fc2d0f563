package npy

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/sluice-hep/sluice/events/column"
)

// npzFile is an archive of .npy files.
func npzFile(t testing.TB, method uint16, files map[string][]byte, names ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, name := range names {
		w, err := z.CreateHeader(&zip.FileHeader{Name: name + ".npy", Method: method})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(files[name]); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// count is the bytes from 0 on, as values of |u1.
func count(n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i)
	}
	return string(b)
}

func members() (map[string][]byte, []string) {
	head := "{'descr': '%s', 'fortran_order': %s, 'shape': %s}"
	return map[string][]byte{
		"X":     npyFile(fmt.Sprintf(head, "|u1", "False", "(8, 2)"), count(16)),
		"y":     npyFile(fmt.Sprintf(head, "|u1", "False", "(8,)"), count(8)),
		"p":     npyFile(fmt.Sprintf(head, "|u1", "False", "(8, 3, 2)"), count(48)),
		"f":     npyFile(fmt.Sprintf(head, "|u1", "True", "(8, 3, 2)"), count(48)),
		"names": npyFile(fmt.Sprintf(head, "<U1", "False", "(2,)"), "a\x00\x00\x00b\x00\x00\x00"),
		"cfg":   npyFile(fmt.Sprintf(head, "|O", "False", "()"), "pickled"),
		"short": npyFile(fmt.Sprintf(head, "<f8", "False", "(8,)"), "1234"),
		"foul":  []byte("no array"),
		"s": npyFile("{'descr': [('a', '|u1'), ('', '|V1'), ('b', '<u2')], 'fortran_order': False, 'shape': (8, 2)}",
			strings.Repeat("\x01.\x02\x00\x03.\x04\x00", 8)),
	}, []string{"names", "X", "cfg", "y", "short", "foul", "p", "f", "s"}
}

func archive(t *testing.T, b []byte, n int, opts Options) ([]column.Column, *Reader, error) {
	t.Helper()
	r, err := newArchive(bytes.NewReader(b), int64(len(b)), opts)
	if err != nil {
		return nil, nil, err
	}
	all := slices.Clone(r.Columns())
	for {
		block, err := r.Read(n)
		if err == io.EOF {
			return all, r, nil
		}
		if err != nil {
			return nil, r, err
		}
		for k := range all {
			all[k].Append(&block[k])
		}
	}
}

// The arrays of most columns of one length are the table; what else there is is named.
func TestAnArchiveOfManyThings(t *testing.T) {
	files, names := members()
	for _, method := range []uint16{zip.Store, zip.Deflate} {
		b := npzFile(t, method, files, names...)
		got, r, err := archive(t, b, 3, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(columnNames(got), " "); got != "X0 X1 y" {
			t.Errorf("columns %s", got)
		}
		left := strings.Join(r.Skipped().Say(false), "\n")
		for _, want := range []string{
			`array "names" has 2 events and the table 8`, `array "cfg" cannot be read`, "Python objects", `array "short" cannot be read: is cut short`,
			`array "foul" cannot be read`, `array "p" holds 3 x 2 values an event: name one, as in p[2][1], or flatten p`, `array "s" holds 2 values`,
		} {
			if !strings.Contains(left, want) {
				t.Errorf("not among what is left out: %s\n%s", want, left)
			}
		}
		wanted := []string{"p[1][0]", "f[1][0]", "X1", "s/b[1]"}
		if got, _, err = archive(t, b, 3, Options{Columns: wanted}); err != nil {
			t.Fatal(err)
		}
		for i := range 8 {
			for k, want := range []int64{int64(6*i + 2), int64(8*1 + i), int64(2*i + 1), 4} {
				if v := got[k].I64[i]; v != want {
					t.Errorf("%s, event %d: %d, want %d", wanted[k], i, v, want)
				}
			}
		}
		for name, want := range map[string]string{"short": "is cut short", "names": "has 2 events", "p[3][0]": "the last of which is p[2][1]"} {
			if _, _, err := archive(t, b, 3, Options{Columns: []string{name}}); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

func columnNames(columns []column.Column) []string {
	var names []string
	for _, c := range columns {
		names = append(names, c.Name)
	}
	return names
}

// A changed bit is found at the end of the array, packed or not, in either order; after a seek only what is read from the first event on is compared.
func TestChecksumsOfArchives(t *testing.T) {
	files, _ := members()
	for _, method := range []uint16{zip.Store, zip.Deflate} {
		for _, name := range []string{"X", "y", "f"} {
			b := npzFile(t, method, files, name)
			z, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
			if err != nil {
				t.Fatal(err)
			}
			at, err := z.File[0].DataOffset()
			if err != nil {
				t.Fatal(err)
			}
			if _, _, err := archive(t, b, 3, Options{}); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			bad := bytes.Clone(b)
			bad[at+int64(z.File[0].CompressedSize64)*3/4] ^= 4
			if _, _, err := archive(t, bad, 3, Options{}); err == nil || method == zip.Store && !strings.Contains(err.Error(), "fails its checksum (CRC-32)") {
				t.Errorf("%s, method %d: a changed bit is not found: %v", name, method, err)
			}
		}
	}
	b := npzFile(t, zip.Store, files, "y")
	r, err := newArchive(bytes.NewReader(b), int64(len(b)), Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []int64{5, 0, 3, 0} {
		if err := r.Seek(column.Mark{Row: row}); err != nil {
			t.Fatal(err)
		}
		for want := row; want < 8; want++ {
			if got, err := r.Read(1); err != nil || got[0].I64[0] != want {
				t.Fatalf("from %d: %v %v, want %d", row, got, err, want)
			}
		}
	}
}

// NumPy marks a missing time by the smallest integer.
func TestMissingTimes(t *testing.T) {
	none := "\x00\x00\x00\x00\x00\x00\x00\x80"
	b := npyFile("{'descr': [('t', '<M8[ns]'), ('d', '<m8[s]')], 'fortran_order': False, 'shape': (3,)}",
		"\x05\x00\x00\x00\x00\x00\x00\x00"+"\x07\x00\x00\x00\x00\x00\x00\x00"+none+"\x08\x00\x00\x00\x00\x00\x00\x00"+"\x01\x00\x00\x00\x00\x00\x20\x00"+"\x09\x00\x00\x00\x00\x00\x00\x00")
	r, err := newReader(bytes.NewReader(b), int64(len(b)), Options{})
	if err != nil {
		t.Fatal(err)
	}
	got, err := r.Read(3)
	if err != nil || got[0].Type != column.Float64 || got[0].F64[0] != 5 || !math.IsNaN(got[0].F64[1]) || got[1].Type != column.Int64 || got[1].I64[1] != 8 {
		t.Errorf("%v %v", got, err)
	}
	// 2^53 + 1
	if odd := r.Columns()[0].Odd; odd != "loses digits beside missing values: 1 of 3 are rounded to float64, the first in row 3, 9007199254740993" {
		t.Errorf("says %q", odd)
	}
	if r, err = newReader(bytes.NewReader(b), int64(len(b)), Options{Types: map[string]column.Type{"t": column.Int64}}); err == nil {
		_, err = r.Read(3)
	}
	if err == nil || !strings.Contains(err.Error(), "row 2: is a missing value among integers") {
		t.Error(err)
	}
}
