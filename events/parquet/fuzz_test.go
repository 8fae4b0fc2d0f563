package parquet

import (
	"bytes"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/sluice-hep/sluice/events/column"
)

func written(t testing.TB) []byte {
	var out bytes.Buffer
	w := NewWriter(&out)
	err := w.Write([]column.Column{
		{Name: "x", Unit: "GeV", Type: column.Float32, F32: []float32{1, 2, 2}}, {Name: "d", Type: column.Float64, F64: []float64{1, 2, 3}},
		{Name: "n", Type: column.Int64, I64: []int64{1, -2, 3}}, {Name: "l", Type: column.Text, Str: []string{"a", "bé", "a"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Finish(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func FuzzParquet(f *testing.F) {
	f.Add(written(f))
	files, _ := filepath.Glob("testdata/*.parquet")
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		r, err := newReader(bytes.NewReader(b), int64(len(b)), Options{})
		for n := 0; err == nil && n < 100; n++ {
			var block []column.Column
			if block, err = r.Read(1000); err != nil {
				break
			}
			for _, c := range block {
				if c.Len() != block[0].Len() || c.Len() == 0 {
					t.Fatalf("column %q has %d rows", c.Name, c.Len())
				}
			}
		}
		runtime.ReadMemStats(&after)
		// A page may claim 4 Mi values more than a thousand times the file, and there are
		// a few copies of it; the blocks read are the caller's.
		if used := after.TotalAlloc - before.TotalAlloc; used > 8000*uint64(len(b))+1<<30 {
			t.Fatalf("%d bytes made for a file of %d", used, len(b))
		}
	})
}

// Every length in the metadata is checked before room is made: each byte of a
// file is damaged in turn.
func TestDamagedBytes(t *testing.T) {
	whole := written(t)
	for i := range whole {
		for _, change := range []byte{0x01, 0x80, 0xff} {
			b := bytes.Clone(whole)
			b[i] ^= change
			r, err := newReader(bytes.NewReader(b), int64(len(b)), Options{})
			if err == nil {
				_, _ = r.Read(10)
			}
		}
	}
	for n := range whole {
		if _, err := newReader(bytes.NewReader(whole[:n]), int64(n), Options{}); err == nil {
			t.Fatalf("the first %d of %d bytes are taken for a file", n, len(whole))
		}
	}
}

func TestNestedColumnIsRefusedByName(t *testing.T) {
	r, err := Open("testdata/nested_lists.snappy.parquet", Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if s := strings.Join(r.Skipped(), "; "); s != `column "a" is nested` {
		t.Errorf("skipped: %s", s)
	}
	if _, err := Open("testdata/nested_lists.snappy.parquet", Options{Columns: []string{"a"}}); err == nil || !strings.Contains(err.Error(), `column "a" is nested; only one value`) {
		t.Error(err)
	}
}

func TestFloat16(t *testing.T) {
	r, err := Open("testdata/float16_nonzeros_and_nans.parquet", Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	got, err := r.Read(100)
	if err != nil {
		t.Fatal(err)
	}
	// As stated at github.com/apache/parquet-testing, data/README.md: null, 1, -2, NaN, 0, -1, -0, 2.
	want := []float32{1, -2, 0, -1, 0, 2}
	var have []float32
	for _, v := range got[0].F32 {
		if v == v {
			have = append(have, v)
		}
	}
	if len(got[0].F32) != 8 || len(have) != 6 {
		t.Fatalf("%v", got[0].F32)
	}
	for i := range want {
		if have[i] != want[i] {
			t.Errorf("%v, want %v", have, want)
		}
	}
}

// Integers of which some are missing are float64; where the file does not say
// that some are, reading tells.
func TestMissingIntegers(t *testing.T) {
	r, err := Open("testdata/alltypes_plain.snappy.parquet", Options{Columns: []string{"int_col", "bool_col", "string_col", "timestamp_col"}})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	got, err := r.Read(100)
	if err != nil {
		t.Fatal(err)
	}
	// April 1, 2009, one minute apart (the file's own statement in date_string_col).
	if got[0].Type != column.Int64 || got[1].F32[0] != 1 || got[2].Str[1] != "1" || got[3].I64[1]-got[3].I64[0] != 60e9 {
		t.Errorf("%+v", got)
	}
	var bad *column.Contradiction
	l := leaf{kind: kind{native: column.Int64}}
	if _, err := l.spread(column.Column{Type: column.Int64, I64: []int64{1}}, places{levels: []byte{1, 0}, most: 1}, 2, 1); err == nil {
		t.Error("a missing integer passed")
	} else if bad, _ = err.(*column.Contradiction); bad == nil || bad.Want != column.Float64 {
		t.Error(err)
	}
}

func TestHybrid(t *testing.T) {
	// The example of the format's documentation: 0..7 in three bits each, then a run.
	out := make([]int32, 11)
	if err := hybrid(out, 3, []byte{0x03, 0x88, 0xc6, 0xfa, 0x06, 0x05}); err != nil {
		t.Fatal(err)
	}
	for i, v := range out[:8] {
		if int(v) != i {
			t.Errorf("%v", out)
		}
	}
	if out[10] != 5 {
		t.Errorf("%v", out)
	}
	if hybrid(make([]int32, 9), 3, []byte{0x03, 0x88, 0xc6, 0xfa}) == nil {
		t.Error("too few values passed")
	}
}
