// Package parquetgotest compares Parquet files as read and written here with parquet-go, an independent reader and writer of
// them, and makes the files of ../testdata/made with it. It is a module of its own, so that no user of the library depends
// on parquet-go.
package parquetgotest

import (
	"bytes"
	"encoding/binary"
	"flag"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	pq "github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/deprecated"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"
)

var update = flag.Bool("update", false, "write ../testdata/made anew")

const folder = "../testdata/made"

// made are the files by name; what they hold is stated once more in the tests that read them.
func made(t *testing.T) map[string][]byte {
	t.Helper()
	all := map[string][]byte{
		"times-near":    fileOf(t, times()[:2]),
		"times":         fileOf(t, times()),
		"times-missing": fileOf(t, someTimes()),
		"dictionary":    fileOf(t, []word{{new(int64(1))}}),
		"pandas":        fileOf(t, frame, pq.KeyValueMetadata("pandas", `{"index_columns": ["__index_level_0__", "run", {"kind": "range", "name": null}], "columns": []}`)),
		"old-arrow":     notPacked(t, fileOf(t, fives(), pq.DataPageVersion(2), pq.Compression(&pq.Snappy))),
		"missing":       grouped(t, gaps(false), 9),
		"missing-large": grouped(t, gaps(true), 9),
		"numbers":       fileOf(t, numbers),
		"groups-95":     grouped(t, labelled(95), 10),
		"groups-40":     grouped(t, labelled(40), 10),
		"turned":        grouped(t, turned(), 10),
		"codecs":        grouped(t, codecs(), 300),
		"encodings":     encodings(t),
	}
	for _, version := range []int{1, 2} {
		all[fmt.Sprint("structures-", version)] = fileOf(t, structures(), pq.DataPageVersion(version))
	}
	keys := fileOf(t, []single{{1.5}, {2}}, pq.KeyValueMetadata("key", "value"), pq.KeyValueMetadata("sluice.unit.x", "GeV"), pq.KeyValueMetadata("last", "value"))
	all["keys"], all["keys-of-chunks"] = keys, keysOfChunks(t, keys)
	return all
}

// The files kept are those made here.
func TestMade(t *testing.T) {
	all := made(t)
	for name, want := range all {
		path := filepath.Join(folder, name+".parquet")
		if *update {
			if err := os.WriteFile(path, want, 0o666); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s is another (%v); go test -update writes it", path, err)
		}
	}
	kept, _ := filepath.Glob(folder + "/*.parquet")
	if len(kept) != len(all) {
		t.Errorf("kept are %d files, made %d: %v", len(kept), len(all), slices.Sorted(maps.Keys(all)))
	}
}

// fileOf is a file of rows, in groups of two.
func fileOf[T any](t *testing.T, rows []T, options ...pq.WriterOption) []byte {
	t.Helper()
	n := 2
	if len(rows) > 10 {
		n = len(rows)
	}
	return grouped(t, rows, n, options...)
}

// grouped is a file of rows, in groups of n.
func grouped[T any](t *testing.T, rows []T, n int, options ...pq.WriterOption) []byte {
	t.Helper()
	var out bytes.Buffer
	w := pq.NewGenericWriter[T](&out, append(options, pq.CreatedBy("parquet-go", "0.32.0", "0"))...)
	for group := range slices.Chunk(rows, n) {
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

type single struct {
	X float64 `parquet:"x"`
}

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

type structure struct {
	N int64            `parquet:"n"`
	P *point           `parquet:"p,optional"`
	Q struct{ A int8 } `parquet:"q"`
	M []point          `parquet:"m,list"`
}

func structures() []structure {
	y, z, s := int32(7), int64(-3), "a"
	rows := []structure{
		{N: 1, P: &point{X: 1.5, Y: &y, In: &inner{&z, &s}}},
		{N: 2, P: &point{X: 2.5, In: &inner{}}},
		{N: 3, P: &point{X: 3.5, L: []int64{1, 2}}, M: []point{{}}},
		{N: 4},
		{N: 5, P: &point{Y: &y, In: &inner{Z: &z}}},
	}
	rows[4].Q.A = 9
	return rows
}

type time struct {
	Near deprecated.Int96 `parquet:"near"`
	Far  deprecated.Int96 `parquet:"far,dict"`
}

func at(day int32, ns int64) deprecated.Int96 {
	return deprecated.Int96{uint32(ns), uint32(ns >> 32), uint32(day + 2440588)}
}

func times() []time {
	micros := int64(9089380393200000000) // 290000-12-31
	shifted := micros + 2440588*86400e6  // wraps
	day := int64(math.Floor(float64(shifted) / 86400e6))
	rest := (shifted - day*86400e6) * 1000
	wrapped := deprecated.Int96{uint32(rest), uint32(rest >> 32), uint32(day)}
	return []time{
		{at(14245, 1), at(0, 5)}, {at(-1, 86399999999999), at(2932896, 10800e9)}, {at(106751, 0), at(-200000, 0)}, {at(0, 0), wrapped},
	}
}

type someTime struct {
	T *deprecated.Int96 `parquet:"t,optional"`
}

func someTimes() []someTime {
	near := at(14245, 1e6)
	return []someTime{{&near}, {}, {&near}}
}

type word struct {
	X *int64 `parquet:"x,optional,dict"`
}

type framed struct {
	X     float64 `parquet:"x"`
	Run   int64   `parquet:"run"`
	Index int64   `parquet:"__index_level_0__"`
}

var frame = []framed{{0.5, 1, 10}, {1.5, 1, 11}}

type five struct {
	N int64    `parquet:"n"`
	X *float64 `parquet:"x,optional"`
}

func fives() (rows []five) {
	for i := range 100 {
		e := five{N: 5, X: new(float64(i % 3))}
		if i%7 == 0 {
			e.X = nil
		}
		rows = append(rows, e)
	}
	return rows
}

type gap struct {
	N *int64  `parquet:"n,optional"`
	U *uint64 `parquet:"u,optional"`
	B *bool   `parquet:"b,optional"`
	W *int32  `parquet:"w,optional"` // none missing
	D *int64  `parquet:"d,optional,dict"`
}

// gaps are optional integers, of which every third is missing in the second of two row groups.
func gaps(large bool) (rows []gap) {
	for group := range 2 {
		for i := range 9 {
			n, u, b, s, d := int64(i)-4, uint64(i)<<60, i%2 == 1, int32(-i), int64(i/4)
			if large && i == 7 {
				n, u = 1<<53+1, 1<<64-1
			}
			e := gap{&n, &u, &b, &s, &d}
			if group == 1 && i%3 == 0 {
				e = gap{W: &s}
			}
			rows = append(rows, e)
		}
	}
	return rows
}

type number struct {
	B   bool
	I8  int8
	U8  uint8
	I16 int16
	U16 uint16
	I32 int32
	U32 uint32
	I64 int64
	U64 uint64
	F32 float32
	F64 float64
	M   int64 `parquet:",timestamp(millisecond)"`
	D   int64 `parquet:",decimal(2:18)"`
}

var numbers = []number{
	{false, math.MinInt8, 0, math.MinInt16, 0, math.MinInt32, 0, math.MinInt64, 0, 0.1, 0.1, -5, -125},
	{true, math.MaxInt8, math.MaxUint8, math.MaxInt16, math.MaxUint16, math.MaxInt32, math.MaxUint32, math.MaxInt64, math.MaxUint64, -1e30, -1e300, 7, 99},
}

type label struct {
	X    float64 `parquet:"x"`
	Text *string `parquet:"text,optional"`
}

func labelled(n int) (rows []label) {
	for i := range n {
		r := label{X: float64(i) + 0.25}
		if i%3 > 0 {
			r.Text = new(fmt.Sprint(i))
		}
		rows = append(rows, r)
	}
	return rows
}

type whole struct {
	X int32 `parquet:"x"`
}

// turned are 50 to 99, then 0 to 49.
func turned() (rows []whole) {
	for i := range 100 {
		rows = append(rows, whole{int32((i + 50) % 100)})
	}
	return rows
}

type packed struct {
	None   int64 `parquet:"none,uncompressed"`
	Snappy int64 `parquet:"snappy,snappy"`
	Gzip   int64 `parquet:"gzip,gzip"`
	Brotli int64 `parquet:"brotli,brotli"`
	LZ4    int64 `parquet:"lz4,lz4"`
	Zstd   int64 `parquet:"zstd,zstd"`
}

// codecs are 300 squares, packed in every way.
func codecs() (rows []packed) {
	for i := range int64(300) {
		rows = append(rows, packed{i * i, i * i, i * i, i * i, i * i, i * i})
	}
	return rows
}

// encodings has every encoding of every type: 300 values which rise, repeat and wrap.
func encodings(t *testing.T) []byte {
	t.Helper()
	group := pq.Group{
		"i-delta": pq.Encoded(pq.Leaf(pq.Int32Type), &pq.DeltaBinaryPacked), "l-delta": pq.Encoded(pq.Leaf(pq.Int64Type), &pq.DeltaBinaryPacked),
		"u-delta": pq.Encoded(pq.Uint(64), &pq.DeltaBinaryPacked), "t-plain": pq.Encoded(pq.String(), &pq.Plain),
		"t-lengths": pq.Encoded(pq.String(), &pq.DeltaLengthByteArray), "t-prefixes": pq.Encoded(pq.String(), &pq.DeltaByteArray),
		"t-dict": pq.Encoded(pq.String(), &pq.RLEDictionary), "f-split": pq.Encoded(pq.Leaf(pq.FloatType), &pq.ByteStreamSplit),
		"d-split": pq.Encoded(pq.Leaf(pq.DoubleType), &pq.ByteStreamSplit), "i-split": pq.Encoded(pq.Leaf(pq.Int32Type), &pq.ByteStreamSplit),
		"l-split": pq.Encoded(pq.Leaf(pq.Int64Type), &pq.ByteStreamSplit), "b-plain": pq.Leaf(pq.BooleanType),
		"b-runs": pq.Encoded(pq.Leaf(pq.BooleanType), &pq.RLE), "x-plain": pq.Decimal(2, 9, pq.FixedLenByteArrayType(4)),
		"x-split":    pq.Encoded(pq.Decimal(2, 9, pq.FixedLenByteArrayType(4)), &pq.ByteStreamSplit),
		"x-prefixes": pq.Encoded(pq.Decimal(2, 9, pq.FixedLenByteArrayType(4)), &pq.DeltaByteArray),
	}
	var out bytes.Buffer
	w := pq.NewGenericWriter[any](&out, pq.NewSchema("events", group), pq.CreatedBy("parquet-go", "0.32.0", "0"))
	for k, c := range w.ColumnWriters() {
		name := group.Fields()[k].Name()
		values := make([]pq.Value, 300)
		for i := range values {
			v := Wide(i)
			values[i] = map[byte]pq.Value{
				'i': pq.Int32Value(int32(v)), 'l': pq.Int64Value(v), 'u': pq.Int64Value(v), 't': pq.ByteArrayValue(fmt.Append(nil, v>>(i%64))),
				'f': pq.FloatValue(float32(v) / 3), 'd': pq.DoubleValue(float64(v) / 3), 'b': pq.BooleanValue(i/20%2 == 1),
				'x': pq.FixedLenByteArrayValue(binary.BigEndian.AppendUint32(nil, uint32(v))),
			}[name[0]]
		}
		if _, err := c.WriteRowValues(values); err != nil {
			t.Fatal(name, err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// Wide are integers of any length, small steps and large ones.
func Wide(i int) int64 {
	if i%100 < 60 {
		return int64(i / 3)
	}
	return int64(uint64(i) * 0x9e3779b97f4a7c15)
}

// footer is the metadata of a file, and what comes before.
func footer(t *testing.T, b []byte) (before []byte, m format.FileMetaData) {
	t.Helper()
	at := len(b) - 8 - int(binary.LittleEndian.Uint32(b[len(b)-8:]))
	if err := thrift.Unmarshal(new(thrift.CompactProtocol), b[at:len(b)-8], &m); err != nil {
		t.Fatal(err)
	}
	return b[:at:at], m
}

// keysOfChunks gives a column of a row group keys, the first without a value, as fastparquet's.
func keysOfChunks(t *testing.T, b []byte) []byte {
	before, m := footer(t, b)
	m.RowGroups[0].Columns[0].MetaData.KeyValueMetadata = []format.KeyValue{{Key: "key", Value: "value"}, {Key: "other", Value: "text"}}
	metadata, err := thrift.Marshal(new(thrift.CompactProtocol), &m)
	if err != nil {
		t.Fatal(err)
	}
	metadata = bytes.ReplaceAll(metadata, []byte("\x18\x05value"), nil)
	return append(binary.LittleEndian.AppendUint32(append(before, metadata...), uint32(len(metadata))), "PAR1"...)
}

// notPacked says of the packed pages of a file that they are not.
func notPacked(t *testing.T, b []byte) []byte {
	_, m := footer(t, b)
	for _, c := range m.RowGroups[0].Columns {
		at := c.MetaData.DataPageOffset
		var h format.PageHeader
		in := new(thrift.CompactProtocol).NewReaderFromBytes(b[at:])
		if err := thrift.NewDecoder(in).Decode(&h); err != nil {
			t.Fatal(err)
		}
		h.DataPageHeaderV2.V.IsCompressed = thrift.Null[bool]{Valid: true}
		head, err := thrift.Marshal(new(thrift.CompactProtocol), &h)
		if err != nil || len(head) != in.BytesRead() {
			t.Fatalf("%d bytes in place of %d: %v", len(head), in.BytesRead(), err)
		}
		copy(b[at:], head)
	}
	return b
}
