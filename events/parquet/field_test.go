package parquet

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	pq "github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/deprecated"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"

	"github.com/sluice-hep/sluice/events/column"
)

// fileOf is a file of rows, in groups of two.
func fileOf[T any](t *testing.T, rows []T, options ...pq.WriterOption) []byte {
	t.Helper()
	var out bytes.Buffer
	w := pq.NewGenericWriter[T](&out, options...)
	for group := range slices.Chunk(rows, 2) {
		if _, err := w.Write(group); err != nil {
			t.Fatal(err)
		}
		if err := w.Flush(); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// text is what a file is read as, a line a column, and what is left out.
func text(b []byte, opts Options) (string, error) {
	r, err := newReader(bytes.NewReader(b), int64(len(b)), opts)
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
	type inner struct {
		Z *int64  `parquet:"z,optional"`
		S *string `parquet:"s,optional"`
	}
	type point struct {
		X  float64 `parquet:"x"`
		Y  *int32  `parquet:"y,optional"`
		In *inner  `parquet:"in,optional"`
		L  []int64 `parquet:"l"`
	}
	type event struct {
		N int64            `parquet:"n"`
		P *point           `parquet:"p,optional"`
		Q struct{ A int8 } `parquet:"q"`
		M []point          `parquet:"m,list"`
	}
	y, z, s := int32(7), int64(-3), "a"
	rows := []event{
		{N: 1, P: &point{X: 1.5, Y: &y, In: &inner{&z, &s}}},
		{N: 2, P: &point{X: 2.5, In: &inner{}}},
		{N: 3, P: &point{X: 3.5, L: []int64{1, 2}}, M: []point{{}}},
		{N: 4},
		{N: 5, P: &point{Y: &y, In: &inner{Z: &z}}},
	}
	rows[4].Q.A = 9
	for _, version := range []int{1, 2} {
		b := fileOf(t, rows, pq.DataPageVersion(version))
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
	type event struct {
		Near deprecated.Int96 `parquet:"near"`
		Far  deprecated.Int96 `parquet:"far,dict"`
	}
	at := func(day int32, ns int64) deprecated.Int96 {
		return deprecated.Int96{uint32(ns), uint32(ns >> 32), uint32(day + 2440588)}
	}
	micros := int64(9089380393200000000) // 290000-12-31
	shifted := micros + 2440588*86400e6  // wraps
	day := int64(math.Floor(float64(shifted) / 86400e6))
	rest := (shifted - day*86400e6) * 1000
	wrapped := deprecated.Int96{uint32(rest), uint32(rest >> 32), uint32(day)}
	rows := []event{
		{at(14245, 1), at(0, 5)}, {at(-1, 86399999999999), at(2932896, 10800e9)}, {at(106751, 0), at(-200000, 0)}, {at(0, 0), wrapped},
	}
	b := fileOf(t, rows[:2])
	got, err := text(b, Options{Columns: []string{"near"}})
	if want := "near int64 1230768000000000001 -1"; err != nil || got != want {
		t.Errorf("%s %v", got, err)
	}
	const said = "is rounded to float64, as times of it are missing or beyond the year 2262"
	b = fileOf(t, rows)
	for _, types := range []map[string]column.Type{nil, {"far": column.Float64}} {
		same(t, b, Options{Columns: []string{"far"}, Types: types}, "far"+said+" float64 5 2.534022252e+20 -1.728e+19 9.0893803932e+21")
	}
	if got, err := text(b, Options{Columns: []string{"near"}}); err != nil || !strings.HasPrefix(got, "near"+said+" float64 1.2307") {
		t.Errorf("%s %v", got, err)
	}
	if _, err := text(b, Options{Columns: []string{"far"}, Types: map[string]column.Type{"far": column.Int64}}); err == nil {
		t.Error("a time beyond int64 was read as one")
	}

	type optional struct {
		T *deprecated.Int96 `parquet:"t,optional"`
	}
	near := at(14245, 1e6)
	same(t, fileOf(t, []optional{{&near}, {}, {&near}}), Options{}, "t"+said+" float64 1.230768000001e+18 NaN 1.230768000001e+18")
}

// split is the metadata of a file and what comes before it.
func split(b []byte) (before, metadata []byte) {
	at := len(b) - 8 - int(binary.LittleEndian.Uint32(b[len(b)-8:]))
	return b[:at:at], b[at : len(b)-8]
}

func withFooter(before, metadata []byte) []byte {
	return append(binary.LittleEndian.AppendUint32(append(before, metadata...), uint32(len(metadata))), "PAR1"...)
}

// A key may have no value (parquet.thrift), and fastparquet wrote some that are no text.
func TestKeysWithoutValue(t *testing.T) {
	type event struct {
		X float64 `parquet:"x"`
	}
	b := fileOf(t, []event{{1.5}, {2}}, pq.KeyValueMetadata("key", "value"), pq.KeyValueMetadata("sluice.unit.x", "GeV"), pq.KeyValueMetadata("last", "value"))
	before, metadata := split(b)
	value := "\x18\x05value"
	for _, other := range []string{"", "\x11", "\x12", "\x16\x04", "\x17\x00\x00\x00\x00\x00\x00\x00\x00", "\x1c\x15\x02\x00"} {
		odd := withFooter(slices.Clone(before), bytes.ReplaceAll(metadata, []byte(value), []byte(other)))
		same(t, odd, Options{}, "x float64 1.5 2")
		r, err := newReader(bytes.NewReader(odd), int64(len(odd)), Options{})
		if err != nil || r.Columns()[0].Unit != "GeV" {
			t.Errorf("%q: %v", other, err)
		}
	}

	// of a column in a row group
	var m format.FileMetaData
	if err := thrift.Unmarshal(new(thrift.CompactProtocol), metadata, &m); err != nil {
		t.Fatal(err)
	}
	m.RowGroups[0].Columns[0].MetaData.KeyValueMetadata = []format.KeyValue{{Key: "key", Value: "value"}, {Key: "other", Value: "text"}}
	metadata, err := thrift.Marshal(new(thrift.CompactProtocol), &m)
	if err != nil {
		t.Fatal(err)
	}
	odd := withFooter(slices.Clone(before), bytes.ReplaceAll(metadata, []byte(value), nil))
	same(t, odd, Options{}, "x float64 1.5 2")
	for i := range len(odd) - len(before) { // no damage there is a panic
		cut := slices.Clone(odd)
		cut[len(before)+i] ^= 0x0f
		_, _ = text(cut, Options{})
	}
}

// A column chunk without events may have a dictionary and no other page.
func TestDictionaryAlone(t *testing.T) {
	type event struct {
		X *int64 `parquet:"x,optional,dict"`
	}
	one := int64(1)
	before, metadata := split(fileOf(t, []event{{&one}}))
	var m format.FileMetaData
	if err := thrift.Unmarshal(new(thrift.CompactProtocol), metadata, &m); err != nil {
		t.Fatal(err)
	}
	chunk := &m.RowGroups[0].Columns[0].MetaData
	chunk.TotalCompressedSize = chunk.DataPageOffset - chunk.DictionaryPageOffset
	chunk.DataPageOffset, chunk.NumValues, chunk.Statistics = 0, 0, format.Statistics{}
	m.NumRows, m.RowGroups[0].NumRows = 0, 0
	metadata, err := thrift.Marshal(new(thrift.CompactProtocol), &m)
	if err != nil {
		t.Fatal(err)
	}
	same(t, withFooter(before, metadata), Options{}, "x int64")
}

// pandas keeps the index of a frame, where it has no name, in a column that no analysis wants.
func TestIndexOfPandas(t *testing.T) {
	type event struct {
		X     float64 `parquet:"x"`
		Run   int64   `parquet:"run"`
		Index int64   `parquet:"__index_level_0__"`
	}
	rows := []event{{0.5, 1, 10}, {1.5, 1, 11}}
	b := fileOf(t, rows, pq.KeyValueMetadata("pandas", `{"index_columns": ["__index_level_0__", "run", {"kind": "range", "name": null}], "columns": []}`))
	same(t, b, Options{}, "x float64 0.5 1.5", "run int64 1 1", `column "__index_level_0__" is the index of a frame of pandas`)
	same(t, b, Options{Columns: []string{"__index_level_0__"}}, "__index_level_0__ int64 10 11")
	same(t, fileOf(t, rows), Options{}, "x float64 0.5 1.5", "run int64 1 1", "__index_level_0__ int64 10 11")
}

// Arrow before version 3 said of packed pages of version 2 that they are not.
func TestPagesOfOldArrow(t *testing.T) {
	type event struct {
		N int64    `parquet:"n"`
		X *float64 `parquet:"x,optional"`
	}
	var rows []event
	want := []string{"n int64", "x float64"}
	for i := range 100 {
		x := float64(i % 3)
		e := event{N: 5, X: &x}
		if i%7 == 0 {
			e.X, x = nil, math.NaN()
		}
		rows = append(rows, e)
		want[0], want[1] = want[0]+" 5", fmt.Sprint(want[1], " ", x)
	}
	for by, fails := range map[string]bool{
		"parquet-cpp-arrow version 2.0.0": false, "parquet-cpp version 1.5.1-SNAPSHOT": false,
		"parquet-cpp-arrow version 3.0.0": true, "parquet-mr version 1.10.0 (build 1)": true,
	} {
		var out bytes.Buffer
		w := pq.NewGenericWriter[event](&out, pq.DataPageVersion(2), pq.Compression(&pq.Snappy), by_(by))
		if _, err := w.Write(rows); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		b := out.Bytes()
		f, err := pq.OpenFile(bytes.NewReader(b), int64(len(b)))
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range f.Metadata().RowGroups[0].Columns {
			at := c.MetaData.DataPageOffset
			header, length, err := headerAt(bytes.NewReader(b), at, int64(len(b)))
			if err != nil {
				t.Fatal(err)
			}
			var h format.PageHeader
			if err := thrift.Unmarshal(new(thrift.CompactProtocol), b[at:at+length], &h); err != nil || !header.v2.packed {
				t.Fatal(err)
			}
			h.DataPageHeaderV2.V.IsCompressed.V, h.DataPageHeaderV2.V.IsCompressed.Valid = false, true
			head, err := thrift.Marshal(new(thrift.CompactProtocol), &h)
			if err != nil || int64(len(head)) != length {
				t.Fatalf("%d bytes in place of %d: %v", len(head), length, err)
			}
			copy(b[at:], head)
		}
		got, err := text(b, Options{})
		if ok := err == nil && got == strings.Join(want, "\n"); ok == fails {
			t.Errorf("%s: %v %.200s", by, err, got)
		}
	}
}

type by_ string

func (c by_) ConfigureWriter(config *pq.WriterConfig) { config.CreatedBy = string(c) }
