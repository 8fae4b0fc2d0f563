package parquet

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/sluice-hep/sluice/events/column"
)

func written(t testing.TB) []byte {
	var out bytes.Buffer
	w := NewWriter(&out)
	err := w.Write([]column.Column{
		{Name: "x", Unit: "GeV", Type: column.Float32, F32: []float32{1, 2, 2}}, {Name: "d", Type: column.Float64, F64: []float64{1, 2, 3}},
		{Name: "n", Type: column.Int64, I64: []int64{1, -2, 3}}, {Name: "u", Type: column.Uint64, U64: []uint64{1, 1<<64 - 1, 3}},
		{Name: "l", Type: column.Text, Str: []string{"a", "bé", "a"}},
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
	before, metadata := split(written(f))
	f.Add(withFooter(before, bytes.Replace(metadata, []byte("\x18\x03GeV"), nil, 1))) // a key without a value
	files, _ := filepath.Glob("testdata/*.parquet")
	more, _ := filepath.Glob("testdata/made/*.parquet")
	for _, name := range append(files, more...) {
		b, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		r, err := New(bytes.NewReader(b), int64(len(b)), Options{})
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

// Metadata of records without content, or next to none, takes little memory; that of many real columns and row groups is read.
func TestHollowMetadata(t *testing.T) {
	const n = 1 << 17
	items := func(kind byte, each string) string { // a list of n bytes
		k := n / len(each)
		return string(encodeHead(nil, k, kind)) + strings.Repeat(each, k)
	}
	for name, m := range map[string]string{
		"no chunks":        "\x49\x1c" + items(wireStruct, "\x00") + "\x00\x00",
		"chunks":           "\x49\x1c\x19" + items(wireStruct, "\x00") + "\x00\x00",
		"groups":           "\x49" + items(wireStruct, "\x00") + "\x00",
		"groups of one":    "\x49" + items(wireStruct, "\x19\x1c\x00\x00") + "\x00",
		"groups of some":   "\x49" + items(wireStruct, "\x19\x5c\x26\x00\x00\x00\x00\x00\x00\x00") + "\x00",
		"chunks of one":    "\x49\x1c\x19" + items(wireStruct, "\x26\x00\x00") + "\x00\x00",
		"chunks of pages":  "\x49\x1c\x19" + items(wireStruct, "\x3c\x00\x00") + "\x00\x00",
		"elements":         "\x29" + items(wireStruct, "\x00") + "\x00",
		"types":            "\x29" + items(wireStruct, "\xac\x5c\x00\x00\x00") + "\x00",
		"types again":      "\x29\x1c" + strings.Repeat("\x0c\x14\x00", n/3) + "\x00\x00",
		"leaves":           "\x29" + items(wireStruct, "\x15\x00\x00") + "\x00",
		"structures":       "\x29" + items(wireStruct, "\x55\x02\x00") + "\x00",
		"keys":             "\x59" + items(wireStruct, "\x00") + "\x00",
		"orders":           "\x79" + items(wireStruct, "\x1c\x00\x00") + "\x00",
		"lists of lists":   "\x29" + items(wireList, "\x1c\x00") + "\x00",
		"lists of lists 2": "\x49\x1c\x19" + items(wireList, "\x1c\x00") + "\x00\x00",
	} {
		b := withFooter([]byte("PAR1"), []byte(m))
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := New(bytes.NewReader(b), int64(len(b)), Options{})
		runtime.ReadMemStats(&after)
		if used := after.TotalAlloc - before.TotalAlloc; err == nil || used > 300*n {
			t.Errorf("%s: %d bytes made for a file of %d: %v", name, used, len(b), err)
		}
	}
}

// Metadata of many columns and row groups, with no more in it than a file must say, is read.
func TestWideMetadata(t *testing.T) {
	const columns, groups = 2000, 50
	m := metadata{schema: []element{{members: some[int32](columns)}}, groups: make([]group, groups)}
	for range columns {
		m.schema = append(m.schema, element{physical: some[int32](double), repetition: some[int32](required), name: "x"})
	}
	for i := range m.groups {
		m.groups[i].columns = make([]chunk, columns)
	}
	b := withFooter([]byte("PAR1"), encode(nil, &m))
	r, err := New(bytes.NewReader(b), int64(len(b)), Options{})
	if err != nil || len(r.Columns()) != columns || len(r.meta.groups) != groups {
		t.Error(err)
	}
}

// Every length in the metadata is checked before room is made: each byte of a
// file is damaged in turn.
func TestDamagedBytes(t *testing.T) {
	whole := written(t)
	for i := range whole {
		for _, change := range []byte{0x01, 0x80, 0xff} {
			b := bytes.Clone(whole)
			b[i] ^= change
			r, err := New(bytes.NewReader(b), int64(len(b)), Options{})
			if err == nil {
				_, _ = r.Read(10)
			}
		}
	}
	for n := range whole {
		if _, err := New(bytes.NewReader(whole[:n]), int64(n), Options{}); err == nil {
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
	if s := strings.Join(r.Skipped().Say(false), "; "); s != `column "a" is nested` {
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

// Whole numbers and truth values are integers, times counts.
func TestIntegers(t *testing.T) {
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
	if got[0].Type != column.Int64 || got[1].I64[0] != 1 || got[2].Str[1] != "1" || got[3].I64[1]-got[3].I64[0] != 60e9 {
		t.Errorf("%+v", got)
	}
}

// Integers of which some are missing are float64 from the first block on, whether the file counts them or not, and every
// value is equal to what the file holds.
func TestMissingIntegers(t *testing.T) {
	b := made(t, "missing")
	for _, counted := range []bool{true, false} {
		r, err := New(bytes.NewReader(b), int64(len(b)), Options{})
		if err != nil {
			t.Fatal(err)
		}
		if !counted {
			for g := range r.meta.groups {
				for k := range r.meta.groups[g].columns {
					r.meta.groups[g].columns[k].pages.statistics = statistics{}
				}
			}
			for k := range r.leaves {
				if err := r.leaves[k].choose(r, Options{}); err != nil {
					t.Fatal(err)
				}
			}
		}
		row := 0
		for ; row < 18; row += 3 {
			got, err := r.Read(3)
			if err != nil {
				t.Fatal(err)
			}
			for k, c := range got {
				if want := column.Float64; c.Name != "w" && c.Type != want || c.Name == "w" && c.Type != column.Int64 {
					t.Fatalf("counted %v, row %d: %s is %s", counted, row, c.Name, c.Type)
				}
				for j := range c.Len() {
					i := (row + j) % 9
					want := []float64{float64(i) - 4, math.Ldexp(float64(i), 60), float64(i % 2), float64(-i), float64(i / 4)}[k]
					if row+j >= 9 && i%3 == 0 && c.Name != "w" {
						want = math.NaN()
					}
					if v := c.Float(j); v != want && (v == v || want == want) {
						t.Errorf("counted %v, row %d: %s is %g, want %g", counted, row+j, c.Name, v, want)
					}
				}
			}
		}
	}
}

// A whole number that float64 would change stops the reading, unless float32 was asked for.
func TestMissingIntegersStayExact(t *testing.T) {
	b := made(t, "missing-large")
	asText := map[string]string{
		"n": "n text -4 -3 -2 -1 0 1 2 9007199254740993 4  -3 -2  0 1  9007199254740993 4",
		"u": "u text 0 1152921504606846976 2305843009213693952 3458764513820540928 4611686018427387904 5764607523034234880 6917529027641081856 18446744073709551615 9223372036854775808  1152921504606846976 2305843009213693952  4611686018427387904 5764607523034234880  18446744073709551615 9223372036854775808",
	}
	for name, want := range map[string]string{
		"n": `column "n": row 8: 9007199254740993 is not held exactly by float64, which the column is because values of it are missing`,
		"u": `column "u": row 8: 18446744073709551615 is not held exactly by float64`,
	} {
		for _, types := range []map[string]column.Type{nil, {name: column.Float64}, {name: column.Float32}, {name: column.Int64}} {
			r, err := New(bytes.NewReader(b), int64(len(b)), Options{Columns: []string{name}, Types: types})
			if err != nil {
				t.Fatal(err)
			}
			got, err := r.Read(20)
			given, is := types[name]
			switch {
			case is && given == column.Float32:
				if err != nil || got[0].F32[7] < 1<<53 {
					t.Errorf("as float32: %v", err)
				}
				continue
			case given == column.Int64:
				want = fmt.Sprintf("column %q: row 10: is a missing value among integers", name)
			}
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%v: %v", types, err)
			}
		}
		if got, err := text(b, Options{Columns: []string{name}, Types: map[string]column.Type{name: column.Text}}); err != nil || got != asText[name] {
			t.Errorf("as text %s, %v", got, err)
		}
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

// Every number of the format comes in its type, the extremes to the last digit.
func TestTypesOfEveryNumber(t *testing.T) {
	b := made(t, "numbers")
	r, err := New(bytes.NewReader(b), int64(len(b)), Options{})
	if err != nil {
		t.Fatal(err)
	}
	got, err := r.Read(10)
	if err != nil {
		t.Fatal(err)
	}
	var have []string
	for _, c := range got {
		have = append(have, fmt.Sprint(c.Name, " ", c.Type, " ", c.Format(0), " ", c.Format(1)))
	}
	want := []string{"B int64 0 1", "I8 int64 -128 127", "U8 int64 0 255", "I16 int64 -32768 32767", "U16 int64 0 65535",
		"I32 int64 -2147483648 2147483647", "U32 int64 0 4294967295", "I64 int64 -9223372036854775808 9223372036854775807",
		"U64 uint64 0 18446744073709551615", "F32 float32 0.1 -1e+30", "F64 float64 0.1 -1e+300", "M int64 -5 7", "D float64 -1.25 0.99"}
	if !slices.Equal(have, want) {
		t.Errorf("%q\nwant %q", have, want)
	}
}
