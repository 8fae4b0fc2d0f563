package hdf5

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/sluice-hep/sluice/events/column"
)

// madeUp are n events of every type, with values that a sloppy path would lose.
func madeUp(n int) []column.Column {
	all := []column.Column{
		column.New("pt", "GeV", column.Float32, n), column.New("jet/m", "", column.Float64, n),
		column.New("id", "", column.Int64, n), column.New("label", "", column.Text, n),
		column.New("hash", "", column.Uint64, n),
	}
	for i := range n {
		all[0].F32[i] = float32(i) / 3
		all[1].F64[i] = math.Sqrt(float64(i)) * 1e200
		all[2].I64[i] = math.MinInt64 + int64(i)*0x0102030405
		all[4].U64[i] = math.MaxUint64 - uint64(i)*0x0102030405
		all[3].Str[i] = []string{"qcd", "", "é", strings.Repeat("long ", 10)}[i%4]
	}
	if n > 3 {
		all[0].F32[1], all[0].F32[2], all[0].F32[3] = float32(math.NaN()), float32(math.Inf(-1)), math.SmallestNonzeroFloat32
	}
	return all
}

// writeFile writes events in blocks.
func writeFile(path string, events []column.Column, block int) error {
	w, err := NewWriter(path)
	if err != nil {
		return err
	}
	defer w.Abort()
	n := events[0].Len()
	for at := 0; at == 0 || at < n; at += block {
		piece := make([]column.Column, len(events))
		for k := range events {
			piece[k] = events[k].Slice(at, min(n, at+block))
		}
		if err := w.Write(piece); err != nil {
			return err
		}
	}
	return w.Finish()
}

func TestWhatIsWrittenIsReadBack(t *testing.T) {
	needLibrary(t)
	for _, n := range []int{0, 1, 1000, 65536, 65537} {
		path := filepath.Join(t.TempDir(), "events.h5")
		want := madeUp(n)
		if err := writeFile(path, want, 10007); err != nil {
			t.Fatal(err)
		}
		for _, block := range []int{4099, 1 << 20} {
			got, r, err := readTable(path, block, Options{})
			if err != nil {
				t.Fatalf("%d events: %v", n, err)
			}
			if len(r.Skipped()) > 0 || r.Rows() != int64(n) {
				t.Errorf("%d events: there are %d, and left out is %v", n, r.Rows(), r.Skipped())
			}
			for k := range want {
				same(t, n, &got[k], &want[k])
			}
		}
	}
}

// same compares columns bit by bit.
func same(t *testing.T, n int, got, want *column.Column) {
	t.Helper()
	equal := got.Name == want.Name && got.Unit == want.Unit && got.Type == want.Type &&
		slices.Equal(got.I64, want.I64) && slices.Equal(got.U64, want.U64) && slices.Equal(got.Str, want.Str) &&
		slices.EqualFunc(got.F32, want.F32, func(a, b float32) bool { return math.Float32bits(a) == math.Float32bits(b) }) &&
		slices.EqualFunc(got.F64, want.F64, func(a, b float64) bool { return math.Float64bits(a) == math.Float64bits(b) })
	if !equal {
		t.Errorf("%d events: column %q (%s, %q) differs from %q (%s, %q)", n, got.Name, got.Type, got.Unit, want.Name, want.Type, want.Unit)
	}
}

// The frame of a file written here is another face of its columns of numbers.
func TestTheFrameIsReadBack(t *testing.T) {
	needLibrary(t)
	path := filepath.Join(t.TempDir(), "events.h5")
	want := madeUp(100)
	if err := writeFile(path, want, 64); err != nil {
		t.Fatal(err)
	}
	got, _, err := readTable(path, 64, Options{Key: "df"})
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 4 || !slices.Equal(got[3].U64, want[4].U64) || !slices.Equal(got[1].F64, want[1].F64) || !slices.Equal(got[2].I64, want[2].I64) || got[0].F32[4] != want[0].F32[4] {
		t.Errorf("%d columns, or other values", len(got))
	}
}

func TestTheSameEventsMakeTheSameBytes(t *testing.T) {
	needLibrary(t)
	var files [2][]byte
	for i := range files {
		path := filepath.Join(t.TempDir(), "events.h5")
		if err := writeFile(path, madeUp(70000), 9000+i*5000); err != nil {
			t.Fatal(err)
		}
		var err error
		if files[i], err = os.ReadFile(path); err != nil {
			t.Fatal(err)
		}
	}
	if !slices.Equal(files[0], files[1]) {
		t.Error("blocks of another size make another file")
	}
}

func TestColumnsMayBeCalledLikeTheFrame(t *testing.T) {
	needLibrary(t)
	path := filepath.Join(t.TempDir(), "events.h5")
	want := []column.Column{column.New("df", "", column.Float32, 3), column.New("df1/x", "", column.Float32, 3)}
	if err := writeFile(path, want, 10); err != nil {
		t.Fatal(err)
	}
	got, _, err := readTable(path, 10, Options{})
	if err != nil || !slices.Equal(namesOf(got), []string{"df", "df1/x"}) {
		t.Errorf("%v, %v", namesOf(got), err)
	}
}

func TestManyColumns(t *testing.T) {
	needLibrary(t)
	path := filepath.Join(t.TempDir(), "events.h5")
	var want []column.Column
	for k := range 200 {
		c := column.New(fmt.Sprintf("c%d", k), "", column.Float32, 2000)
		for i := range c.F32 {
			c.F32[i] = float32(k*2000 + i)
		}
		want = append(want, c)
	}
	if err := writeFile(path, want, 1500); err != nil {
		t.Fatal(err)
	}
	got, _, err := readTable(path, 700, Options{})
	if err != nil {
		t.Fatal(err)
	}
	for k := range want {
		same(t, 2000, &got[k], &want[k])
	}
}

func TestWhatCannotBeWritten(t *testing.T) {
	needLibrary(t)
	zero := column.New("label", "", column.Text, 2)
	zero.Str[1] = "a\x00b"
	for want, columns := range map[string][]column.Column{
		`column "a//b": HDF5 has no such name`: {column.New("a//b", "", column.Float32, 1)},
		`column ".": HDF5 has no such name`:    {column.New(".", "", column.Float32, 1)},
		`column "a/b": cannot be made`:         {column.New("a", "", column.Float32, 1), column.New("a/b", "", column.Float32, 1)},
		`column "label": row 2: the text`:      {zero},
	} {
		err := writeFile(filepath.Join(t.TempDir(), "events.h5"), columns, 10)
		if err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%v\nwant %s", err, want)
		}
	}
	if _, err := NewWriter(filepath.Join(t.TempDir(), "no", "events.h5")); err == nil {
		t.Error("a file in a folder that is not there was made")
	}
}
