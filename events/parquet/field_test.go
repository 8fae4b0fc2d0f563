package parquet

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/sluice-hep/sluice/events/column"
)

// made is a file that parquet-go wrote; parquetgotest/made_test.go says how.
func made(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile("testdata/made/" + name + ".parquet")
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// text is what a file is read as, a line a column, and what is left out.
func text(b []byte, opts Options) (string, error) {
	r, err := New(bytes.NewReader(b), int64(len(b)), opts)
	if err != nil {
		return "", err
	}
	lines := make([]string, len(r.Columns()))
	for k, c := range r.Columns() {
		lines[k] = fmt.Sprint(c.Name, c.Odd, " ", c.Type)
	}
	for n := r.Rows(); n > 0; {
		block, err := r.Read(3)
		if err != nil {
			return "", err
		}
		for k := range block {
			for i := range block[k].Len() {
				lines[k] += " " + block[k].Format(i)
			}
		}
		n -= int64(block[0].Len())
	}
	return strings.Join(append(lines, r.Skipped().Say(false)...), "\n"), nil
}

func same(t *testing.T, b []byte, opts Options, want ...string) {
	t.Helper()
	if got, err := text(b, opts); err != nil || got != strings.Join(want, "\n") {
		t.Errorf("%s (%v)\nwant %s", got, err, strings.Join(want, "\n"))
	}
}

// Members of structures, in others too, are columns by their path: missing where they or what holds them is.
func TestStructures(t *testing.T) {
	for _, version := range []int{1, 2} {
		b := made(t, fmt.Sprint("structures-", version))
		same(t, b, Options{}, "n int64 1 2 3 4 5", "p.x float64 1.5 2.5 3.5 NaN 0", "p.y float64 7 NaN NaN NaN 7",
			"p.in.z float64 -3 NaN NaN NaN -3", "p.in.s text a    ", "q.A int64 0 0 0 0 9",
			`column "p.l" is a list in every event`, `column "m" is nested`)
		same(t, b, Options{Columns: []string{"q.A", "p.x"}}, "q.A int64 0 0 0 0 9", "p.x float64 1.5 2.5 3.5 NaN 0",
			`column "p.l" is a list in every event`, `column "m" is nested`)
		// a group in which the structure, or the member, is null throughout can be passed over
		same(t, b, Options{Columns: []string{"n", "p.x"}, Limits: []column.Limit{{Column: "p.x", Op: ">", Value: 3}}}, "n int64 3 4", "p.x float64 3.5 NaN",
			`column "p.l" is a list in every event`, `column "m" is nested`)
		for name, want := range map[string]string{"p.l": `column "p.l" is a list in every event; only one value`, "p": `no column "p"; there is n, p.x`} {
			if _, err := text(b, Options{Columns: []string{name}}); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

// Times of 96 bits are nanoseconds in an int64 where these hold all of them; else they are float64, which is said. Spark
// counts in microseconds, which overflow with Julian days late in its calendar.
func TestTimesOf96Bits(t *testing.T) {
	got, err := text(made(t, "times-near"), Options{Columns: []string{"near"}})
	if want := "near int64 1230768000000000001 -1"; err != nil || got != want {
		t.Errorf("%s %v", got, err)
	}
	const said = "is rounded to float64, as times of it are missing or beyond the year 2262"
	b := made(t, "times")
	for _, types := range []map[string]column.Type{nil, {"far": column.Float64}} {
		same(t, b, Options{Columns: []string{"far"}, Types: types}, "far"+said+" float64 5 2.534022252e+20 -1.728e+19 9.0893803932e+21")
	}
	if got, err := text(b, Options{Columns: []string{"near"}}); err != nil || !strings.HasPrefix(got, "near"+said+" float64 1.2307") {
		t.Errorf("%s %v", got, err)
	}
	if _, err := text(b, Options{Columns: []string{"far"}, Types: map[string]column.Type{"far": column.Int64}}); err == nil {
		t.Error("a time beyond int64 was read as one")
	}

	same(t, made(t, "times-missing"), Options{}, "t"+said+" float64 1.230768000001e+18 NaN 1.230768000001e+18")
}

// split is the metadata of a file and what comes before it.
func split(b []byte) (before, metadata []byte) {
	at := len(b) - 8 - int(binary.LittleEndian.Uint32(b[len(b)-8:]))
	return b[:at:at], b[at : len(b)-8]
}

func withFooter(before, metadata []byte) []byte {
	return append(binary.LittleEndian.AppendUint32(append(before, metadata...), uint32(len(metadata))), "PAR1"...)
}

// edited is a file with other metadata.
func edited(t *testing.T, b []byte, edit func(*metadata)) []byte {
	t.Helper()
	before, end := split(b)
	var m metadata
	if _, err := decode(end, &m); err != nil {
		t.Fatal(err)
	}
	edit(&m)
	return withFooter(before, encode(nil, &m))
}

// A key may have no value (parquet.thrift), and fastparquet wrote some that are no text.
func TestKeysWithoutValue(t *testing.T) {
	before, metadata := split(made(t, "keys"))
	value := "\x18\x05value"
	for _, other := range []string{"", "\x11", "\x12", "\x16\x04", "\x17\x00\x00\x00\x00\x00\x00\x00\x00", "\x1c\x15\x02\x00"} {
		odd := withFooter(slices.Clone(before), bytes.ReplaceAll(metadata, []byte(value), []byte(other)))
		same(t, odd, Options{}, "x float64 1.5 2")
		r, err := New(bytes.NewReader(odd), int64(len(odd)), Options{})
		if err != nil || r.Columns()[0].Unit != "GeV" {
			t.Errorf("%q: %v", other, err)
		}
	}

	odd := made(t, "keys-of-chunks")
	before, _ = split(odd)
	same(t, odd, Options{}, "x float64 1.5 2")
	for i := range len(odd) - len(before) { // no damage there is a panic
		cut := slices.Clone(odd)
		cut[len(before)+i] ^= 0x0f
		_, _ = text(cut, Options{})
	}
}

// A column chunk without events may have a dictionary and no other page.
func TestDictionaryAlone(t *testing.T) {
	same(t, edited(t, made(t, "dictionary"), func(m *metadata) {
		c := &m.groups[0].columns[0].pages
		c.size, c.at, c.values, c.statistics = c.at-c.dictionary.v, 0, 0, statistics{}
		m.rows, m.groups[0].rows = 0, 0
	}), Options{}, "x int64")
}

// pandas keeps the index of a frame, where it has no name, in a column that no analysis wants.
func TestIndexOfPandas(t *testing.T) {
	b := made(t, "pandas")
	same(t, b, Options{}, "x float64 0.5 1.5", "run int64 1 1", `column "__index_level_0__" is the index of a frame of pandas`)
	same(t, b, Options{Columns: []string{"__index_level_0__"}}, "__index_level_0__ int64 10 11")
	same(t, edited(t, b, func(m *metadata) { m.pairs = nil }), Options{}, "x float64 0.5 1.5", "run int64 1 1", "__index_level_0__ int64 10 11")
}

// Arrow before version 3 said of packed pages of version 2 that they are not.
func TestPagesOfOldArrow(t *testing.T) {
	want := []string{"n int64", "x float64"}
	for i := range 100 {
		x := float64(i % 3)
		if i%7 == 0 {
			x = math.NaN()
		}
		want[0], want[1] = want[0]+" 5", fmt.Sprint(want[1], " ", x)
	}
	for by, fails := range map[string]bool{
		"parquet-cpp-arrow version 2.0.0": false, "parquet-cpp version 1.5.1-SNAPSHOT": false,
		"parquet-cpp-arrow version 3.0.0": true, "parquet-mr version 1.10.0 (build 1)": true,
	} {
		b := edited(t, made(t, "old-arrow"), func(m *metadata) { m.createdBy = by })
		got, err := text(b, Options{})
		if ok := err == nil && got == strings.Join(want, "\n"); ok == fails {
			t.Errorf("%s: %v %.200s", by, err, got)
		}
	}
}

// Values come back from every encoding and every codec.
func TestEncodings(t *testing.T) {
	b := made(t, "encodings")
	r, err := New(bytes.NewReader(b), int64(len(b)), Options{})
	if err != nil {
		t.Fatal(err)
	}
	got, err := r.Read(1000)
	if err != nil || len(got) != 16 {
		t.Fatal(len(got), err)
	}
	for _, c := range got {
		for i := range 300 {
			v := int64(uint64(i) * 0x9e3779b97f4a7c15) // as parquetgotest has them
			if i%100 < 60 {
				v = int64(i / 3)
			}
			want := map[byte]string{
				'i': fmt.Sprint(int32(v)), 'l': fmt.Sprint(v), 'u': fmt.Sprint(uint64(v)), 't': fmt.Sprint(v >> (i % 64)), 'b': fmt.Sprint(i / 20 % 2),
				'f': fmt.Sprint(float32(v) / 3), 'd': fmt.Sprint(float64(v) / 3), 'x': fmt.Sprint(float64(int32(v)) / 100),
			}[c.Name[0]]
			if c.Format(i) != want {
				t.Fatalf("%s: row %d is %s, want %s", c.Name, i, c.Format(i), want)
			}
		}
	}
}

func TestCodecs(t *testing.T) {
	var want []string
	for _, name := range []string{"none", "snappy", "gzip", "brotli", "lz4", "zstd"} {
		line := name + " int64"
		for i := range 300 {
			line += fmt.Sprint(" ", i*i)
		}
		want = append(want, line)
	}
	same(t, made(t, "codecs"), Options{}, want...)
	for number, said := range map[int32]string{3: "the compression LZO is not supported", 5: "the compression LZ4 is not supported", 9: "the compression 9 is not known"} {
		b := edited(t, made(t, "codecs"), func(m *metadata) { m.groups[0].columns[2].pages.codec = number })
		if _, err := text(b, Options{}); err == nil || !strings.Contains(err.Error(), said) {
			t.Error(err)
		}
	}
}

// Metadata that cannot be are refused, in a line.
func TestDamagedMetadata(t *testing.T) {
	for want, edit := range map[string]func(m *metadata){
		"a structure with fewer members than it says": func(m *metadata) { m.schema[0].members = some[int32](1 << 30) },
		"columns that belong to no structure":         func(m *metadata) { m.schema[0].members = some[int32](1) },
		"row group 2 has 4 columns, and the file 5":   func(m *metadata) { m.groups[1].columns = m.groups[1].columns[1:] },
		"a row group of impossible size":              func(m *metadata) { m.groups[0].rows = -1 },
		"19 rows in all, but 18 in its row groups":    func(m *metadata) { m.rows++ },
		"is encrypted": func(m *metadata) { m.encrypted = new(empty) },
		`column "w" is of type 8, which is not known`: func(m *metadata) { m.schema[4].physical = some[int32](8) },
		"a length beyond the end":                     func(m *metadata) { m.groups[0].columns[0].pages.at = 1 << 40 },
		"structures 100 deep": func(m *metadata) {
			m.schema = nil
			for range 200 {
				m.schema = append(m.schema, element{name: "x", members: some[int32](1)})
			}
		},
	} {
		b := edited(t, made(t, "missing"), edit)
		if got, err := text(b, Options{}); (err == nil || !strings.Contains(err.Error(), want)) && !strings.Contains(got, want) {
			t.Errorf("want %s: %s %v", want, got, err)
		}
	}
	before, end := split(made(t, "missing"))
	if _, err := text(withFooter(before, append(end, 0, 0)), Options{}); err == nil || !strings.Contains(err.Error(), "2 bytes too many") {
		t.Error(err)
	}
}
