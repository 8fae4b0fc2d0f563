package parquetgotest

import (
	"bytes"
	"fmt"
	"math"
	"testing"

	pq "github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/format"

	"github.com/sluice-hep/sluice/events/column"
	"github.com/sluice-hep/sluice/events/parquet"
)

// table has columns of every type over two row groups and many pages, with values that are hard to keep.
func table() []column.Column {
	const n = 200_000
	x, d, i, u, l := column.New("x", "GeV", column.Float32, n), column.New("d", "", column.Float64, n), column.New("i", "", column.Int64, n),
		column.New("u", "", column.Uint64, n), column.New("l", "", column.Text, n)
	for k := range n {
		v := Wide(k)
		x.F32[k], d.F64[k], i.I64[k], u.U64[k], l.Str[k] = float32(v)/3, float64(v)/3, v, uint64(v), fmt.Sprint("é, \"", v%1000)
	}
	copy(x.F32, []float32{float32(math.NaN()), float32(math.Inf(1)), float32(math.Copysign(0, -1)), math.SmallestNonzeroFloat32})
	copy(d.F64, []float64{math.NaN(), math.Inf(-1), math.Copysign(0, -1), math.SmallestNonzeroFloat64})
	copy(i.I64, []int64{math.MinInt64, math.MaxInt64})
	copy(u.U64, []uint64{math.MaxUint64})
	copy(l.Str, []string{"", "\n"})
	return []column.Column{x, d, i, u, l}
}

// What is written here parquet-go reads to the last bit, page by page, with the schema, the statistics and the indexes of pages
// that it works out itself.
func TestWritten(t *testing.T) {
	columns := table()
	var out bytes.Buffer
	w := parquet.NewWriter(&out)
	if err := w.Write(columns); err != nil {
		t.Fatal(err)
	}
	w.Describe("key", "value")
	if err := w.Finish(); err != nil {
		t.Fatal(err)
	}
	f, err := pq.OpenFile(bytes.NewReader(out.Bytes()), int64(out.Len()))
	if err != nil {
		t.Fatal(err)
	}
	if unit, _ := f.Lookup("sluice.unit.x"); unit != "GeV" {
		t.Error("no unit")
	}
	if value, _ := f.Lookup("key"); value != "value" {
		t.Error("no key")
	}
	const schema = "message events {\n\trequired float x;\n\trequired double d;\n\trequired int64 i (INT(64,true));\n" +
		"\trequired int64 u (INT(64,false));\n\trequired binary l (STRING);\n}"
	if got := f.Schema().String(); got != schema {
		t.Error(got)
	}
	at := 0
	for g, group := range f.RowGroups() {
		for k, chunk := range group.ColumnChunks() {
			part := columns[k].Slice(at, at+int(group.NumRows()))
			agree(t, chunk, &part)
			order := f.Metadata().ColumnOrders[k].Value
			if _, ok := order.(*format.TypeDefinedOrder); !ok {
				t.Errorf("group %d, column %d is of order %v", g, k, order)
			}
		}
		at += int(group.NumRows())
	}
	if at != columns[0].Len() {
		t.Errorf("%d rows", at)
	}
}

// agree compares a chunk as parquet-go reads it with what was written.
func agree(t *testing.T, chunk pq.ColumnChunk, want *column.Column) {
	t.Helper()
	index, err := chunk.ColumnIndex()
	if err != nil {
		t.Fatal(err)
	}
	places, err := chunk.OffsetIndex()
	if err != nil {
		t.Fatal(err)
	}
	pages := chunk.Pages()
	defer pages.Close()
	at, kind := 0, chunk.Type()
	for page := range index.NumPages() {
		p, err := pages.ReadPage()
		if err != nil {
			t.Fatal(page, err)
		}
		if places.FirstRowIndex(page) != int64(at) {
			t.Errorf("page %d begins at %d, stated is %d", page, at, places.FirstRowIndex(page))
		}
		values := make([]pq.Value, p.NumValues())
		if n, _ := p.Values().ReadValues(values); n != len(values) {
			t.Fatalf("%d of %d values", n, len(values))
		}
		low, high, ok := p.Bounds()
		if !ok || kind.Compare(low, index.MinValue(page)) != 0 || kind.Compare(high, index.MaxValue(page)) != 0 {
			t.Errorf("page %d is from %v to %v, stated is %v to %v", page, low, high, index.MinValue(page), index.MaxValue(page))
		}
		part := want.Slice(at, at+len(values))
		for i, v := range values {
			if got := plain(v, want.Type); got != written(&part, i) {
				t.Fatalf("%s: row %d is %v", chunk.Type(), at+i, v)
			}
		}
		at += len(values)
		pq.Release(p)
	}
	if at != want.Len() {
		t.Errorf("%d values of %d", at, want.Len())
	}
}

// plain and written are a value in a form that compares by its bits.
func plain(v pq.Value, of column.Type) any {
	switch of {
	case column.Float32:
		return math.Float32bits(v.Float())
	case column.Float64:
		return math.Float64bits(v.Double())
	case column.Int64:
		return v.Int64()
	case column.Uint64:
		return v.Uint64()
	}
	return string(v.ByteArray())
}

func written(c *column.Column, i int) any {
	switch c.Type {
	case column.Float32:
		return math.Float32bits(c.F32[i])
	case column.Float64:
		return math.Float64bits(c.F64[i])
	case column.Int64:
		return c.I64[i]
	case column.Uint64:
		return c.U64[i]
	}
	return c.Str[i]
}
