package parquet

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/sluice-hep/sluice/events/column"
)

// parquet-mr's VersionParser takes the name of the writer apart: application, version and build, none of them empty.
func TestCreatedBy(t *testing.T) {
	b := written(t)
	m, err := footer(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	if !regexp.MustCompile(`^sluice version \d+\.\d+\.\d+ \(build [^) ]+\)$`).MatchString(m.createdBy) {
		t.Errorf("created by %q", m.createdBy)
	}
}

// Each row group and each page states its least and its greatest value, NaN aside, and none where there is nothing else, or a
// long text.
func TestStatisticsWritten(t *testing.T) {
	const n = rowsPerGroup + 70_000
	x, all, l := column.New("x", "", column.Float32, n), column.New("all", "", column.Float64, n), column.New("l", "", column.Text, n)
	u := column.New("u", "", column.Uint64, n)
	for i := range n {
		x.F32[i], all.F64[i], l.Str[i], u.U64[i] = float32(i), math.NaN(), fmt.Sprint("a", i%7), uint64(i)<<46
	}
	x.F32[0], x.F32[70_000], l.Str[n-1] = float32(math.NaN()), float32(math.Inf(-1)), strings.Repeat("z", 100)
	var out bytes.Buffer
	w := NewWriter(&out)
	for at := 0; at < n; at += 50_001 { // blocks across pages and groups
		var block []column.Column
		for _, c := range []*column.Column{&x, &all, &l, &u} {
			block = append(block, c.Slice(at, min(at+50_001, n)))
		}
		if err := w.Write(block); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Finish(); err != nil {
		t.Fatal(err)
	}
	b := out.Bytes()
	m, err := footer(bytes.NewReader(b), int64(len(b)))
	if err != nil || len(m.groups) != 2 || m.groups[0].rows != rowsPerGroup || m.rows != n {
		t.Fatal(err, len(m.groups), m.rows)
	}
	number := binary.LittleEndian
	f32 := func(v float64) []byte { return number.AppendUint32(nil, math.Float32bits(float32(v))) }
	u64 := func(v uint64) []byte { return number.AppendUint64(nil, v<<46) }
	for g, want := range [][4][2][]byte{
		{{f32(math.Inf(-1)), f32(rowsPerGroup - 1)}, {}, {[]byte("a0"), []byte("a6")}, {u64(0), u64(rowsPerGroup - 1)}},
		{{f32(rowsPerGroup), f32(n - 1)}, {}, {}, {u64(rowsPerGroup), u64(n - 1)}},
	} {
		for k := range want {
			c := &m.groups[g].columns[k]
			s := &c.pages.statistics
			if !bytes.Equal(s.min, want[k][0]) || !bytes.Equal(s.max, want[k][1]) || s.nulls != 0 {
				t.Errorf("group %d, column %d: %v", g, k, s)
			}
			if known := want[k][0] != nil; c.columnIndex.given != known || c.columnIndexLength.given != known {
				t.Errorf("group %d, column %d has an index: %v", g, k, c.columnIndex.given)
			}
			headers(t, b, c)
		}
	}
}

// headers follows the index of the pages of a chunk.
func headers(t *testing.T, b []byte, c *chunk) {
	t.Helper()
	var at struct{ pages []pageAt }
	whole := b[c.offsetIndex.v:][:c.offsetIndexLength.v]
	if n, err := decode(whole, (*offsetIndex)(&at)); err != nil || n != len(whole) {
		t.Fatal(n, err)
	}
	row, end := int64(0), c.pages.at
	for _, p := range at.pages {
		h, length, err := headerAt(bytes.NewReader(b), p.at, int64(len(b)))
		if err != nil || p.at != end || p.row != row || int64(p.bytes) != length+int64(h.packed) || h.unpacked > bytesPerPage+10 {
			t.Fatalf("%+v %+v %v", p, h, err)
		}
		row, end = row+int64(h.v1.values), p.at+int64(p.bytes)
	}
	if row != c.pages.values || end != c.pages.at+c.pages.size || len(at.pages) < 2 {
		t.Errorf("%d values in %d pages to %d: %+v", row, len(at.pages), end, c.pages)
	}
}

// What is encoded is decoded, the fields that are not known passed over.
func TestRecords(t *testing.T) {
	m := metadata{
		version: 2, rows: -5, createdBy: "a", pairs: []pair{{"k", ""}, {"", "v"}}, orders: []order{{new(empty)}, {}},
		schema: make([]element, 20), groups: []group{{columns: []chunk{{fileOffset: 1 << 40, columnIndex: some[int64](0)}}}},
	}
	for i := range m.schema {
		m.schema[i] = element{name: strings.Repeat("x", i*100), members: some(int32(-i)), logical: &logical{integer: &integer{signed: i%2 == 0}}}
	}
	m.groups[0].columns[0].pages.statistics = statistics{min: []byte{}, nulls: 3}
	b := encode(nil, &m)
	var back metadata
	n, err := decode(slices.Concat(b, []byte("more")), &back)
	if err != nil || n != len(b) || !bytes.Equal(encode(nil, &back), b) || back.schema[19].members.v != -19 || back.groups[0].columns[0].pages.statistics.min == nil {
		t.Errorf("%d of %d bytes, %v: %+v", n, len(b), err, back)
	}
	if n, err := decode(b, new(empty)); err != nil || n != len(b) {
		t.Errorf("passed over %d of %d bytes: %v", n, len(b), err)
	}
	for i := range b {
		if _, err := decode(b[:i], new(metadata)); err == nil {
			t.Fatalf("%d of %d bytes are taken for all", i, len(b))
		}
	}
}
