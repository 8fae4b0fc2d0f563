package rntuple_test

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/sluice-hep/sluice/events/column"
	"github.com/sluice-hep/sluice/events/root"
	"github.com/sluice-hep/sluice/events/root/rntuple"
)

func save(t testing.TB, b []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "made.root")
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func open(t testing.TB, path string, opts root.Options) column.Reader {
	t.Helper()
	r, err := root.Open(path, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	if _, ok := r.(*rntuple.Reader); !ok {
		t.Fatalf("%T", r)
	}
	return r
}

// rest reads what is left, n events at a time.
func rest(r column.Reader, n int) ([]column.Column, error) {
	all := slices.Clone(r.Columns())
	for {
		block, err := r.Read(n)
		if err == io.EOF {
			return all, nil
		}
		if err != nil {
			return nil, err
		}
		for k := range all {
			c, b := &all[k], &block[k]
			if b.Name != c.Name || b.Type != c.Type || b.Unit != c.Unit || b.Len() != block[0].Len() || b.Len() == 0 || b.Len() > n {
				return nil, fmt.Errorf("a block with %q (%s) of %d for %q (%s)", b.Name, b.Type, b.Len(), c.Name, c.Type)
			}
			c.Append(b)
		}
	}
}

func read(t testing.TB, path string, opts root.Options) []column.Column {
	t.Helper()
	var first []column.Column
	for _, n := range []int{1000, 1, 3} {
		all, err := rest(open(t, path, opts), n)
		if err != nil {
			t.Fatal(err)
		}
		if first == nil {
			first = all
		} else if fmt.Sprint(all) != fmt.Sprint(first) {
			t.Fatalf("in blocks of %d: %v, and of 1000: %v", n, all, first)
		}
	}
	return first
}

// want compares columns with what they hold, written as fmt does.
func want(t testing.TB, have []column.Column, names, values string) {
	t.Helper()
	var got, all []string
	for i := range have {
		c := &have[i]
		got = append(got, c.Name)
		var v []string
		for i := range c.Len() {
			v = append(v, c.Format(i))
		}
		all = append(all, strings.Join(v, " "))
	}
	if g := strings.Join(got, " "); g != names {
		t.Errorf("columns %s, not %s", g, names)
	}
	if g := strings.Join(all, "\n"); g != strings.TrimSpace(values) {
		t.Errorf("have\n%s\nand not\n%s", g, strings.TrimSpace(values))
	}
}

var update = flag.Bool("update", false, "write the files of testdata anew")

// The files that the tests of other packages read are those that are tested here.
func TestFiles(t *testing.T) {
	for name, m := range map[string]*made{"shapes": shapes(""), "late": late()} {
		path, b := "testdata/"+name+".root", file(t, m)
		if *update {
			if err := os.WriteFile(path, b, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		kept, err := os.ReadFile(path)
		if err != nil || !bytes.Equal(kept, b) {
			t.Errorf("%s is another file than is written (%v)", path, err)
		}
	}
}

func TestXXH3(t *testing.T) {
	b := make([]byte, 5000)
	for i := range b {
		b[i] = byte(i*7 + i/256)
	}
	for n, want := range map[int]uint64{ // of github.com/zeebo/xxh3 v1.1.0
		0: 0x2d06800538d394c2, 1: 0xc44bdff4074eecdb, 3: 0xc3489259e968ad9e, 4: 0xd3d60c1519014e89, 8: 0xb88dee77f6bf6980,
		9: 0x3688dcad730d826, 16: 0x9da23836adf2be1e, 17: 0xf34c3c9cf5a112d1, 128: 0x65f3c2c00fa93185, 129: 0x28065c6ec25f5b25,
		240: 0x4917a75c0ef8eed7, 241: 0x541b19226f0052e8, 1024: 0x71bee625238addb4, 1025: 0xd9b414f4e1bbf7ad, 5000: 0xed0146266d138bd8,
	} {
		if got := rntuple.XXH3(b[:n]); got != want {
			t.Errorf("%d bytes: %#x, not %#x", n, got, want)
		}
	}
}

// numbers are values of a column type, with the type and the texts that they are read as.
var numbers = []struct {
	kind   int
	native column.Type
	values []uint64
	texts  string
}{
	{kBit, column.Int64, []uint64{1, 0, 1, 1, 0}, "1 0 1 1 0"},
	{kByte, column.Int64, []uint64{0, 1, 127, 128, 255}, "0 1 127 128 255"},
	{kChar, column.Int64, []uint64{0, 1, 127, 128, 255}, "0 1 127 -128 -1"},
	{kInt8, column.Int64, []uint64{0, 1, 127, 128, 255}, "0 1 127 -128 -1"},
	{kUInt8, column.Int64, []uint64{0, 1, 127, 128, 255}, "0 1 127 128 255"},
	{kInt16, column.Int64, []uint64{0, 1, 1<<15 - 1, 1 << 15, 1<<16 - 1}, "0 1 32767 -32768 -1"},
	{kUInt16, column.Int64, []uint64{0, 1, 1<<15 - 1, 1 << 15, 1<<16 - 1}, "0 1 32767 32768 65535"},
	{kInt32, column.Int64, []uint64{0, 1, 1<<31 - 1, 1 << 31, 1<<32 - 1}, "0 1 2147483647 -2147483648 -1"},
	{kUInt32, column.Int64, []uint64{0, 1, 1<<31 - 1, 1 << 31, 1<<32 - 1}, "0 1 2147483647 2147483648 4294967295"},
	{kInt64, column.Int64, []uint64{0, 1<<53 + 1, 1<<63 - 1, 1 << 63, 1<<64 - 1}, "0 9007199254740993 9223372036854775807 -9223372036854775808 -1"},
	{kUInt64, column.Uint64, []uint64{0, 1<<53 + 1, 1<<63 - 1, 1 << 63, 1<<64 - 1}, "0 9007199254740993 9223372036854775807 9223372036854775808 18446744073709551615"},
	{kReal16, column.Float32, []uint64{half(0), half(1), half(-1.5), 0x7c00, 0x7e00}, "0 1 -1.5 +Inf NaN"},
	{kReal32, column.Float32, []uint64{f32(0), f32(-0.1), f32(1e-45), f32(3e38), 0x7fc00000}, "0 -0.1 1e-45 3e+38 NaN"},
	{kReal64, column.Float64, []uint64{f64(0), f64(-0.1), f64(5e-324), f64(1e308), f64(math.NaN())}, "0 -0.1 5e-324 1e+308 NaN"},
	{kSplitInt16, column.Int64, []uint64{0, 1, 1<<15 - 1, 1 << 15, 1<<16 - 1}, "0 1 32767 -32768 -1"},
	{kSplitUInt16, column.Int64, []uint64{0, 1, 258, 1 << 15, 1<<16 - 1}, "0 1 258 32768 65535"},
	{kSplitInt32, column.Int64, []uint64{0, 1, 1<<31 - 1, 1 << 31, 1<<32 - 1}, "0 1 2147483647 -2147483648 -1"},
	{kSplitUInt32, column.Int64, []uint64{0, 1, 0x01020304, 1 << 31, 1<<32 - 1}, "0 1 16909060 2147483648 4294967295"},
	{kSplitInt64, column.Int64, []uint64{0, 1<<53 + 1, 1<<63 - 1, 1 << 63, 1<<64 - 1}, "0 9007199254740993 9223372036854775807 -9223372036854775808 -1"},
	{kSplitUInt64, column.Uint64, []uint64{0, 0x0102030405060708, 1<<63 - 1, 1 << 63, 1<<64 - 1}, "0 72623859790382856 9223372036854775807 9223372036854775808 18446744073709551615"},
	{kSplitReal16, column.Float32, []uint64{half(0), half(1), half(-1.5), 0x7c00, 0x7e00}, "0 1 -1.5 +Inf NaN"},
	{kSplitReal32, column.Float32, []uint64{f32(0), f32(-0.1), f32(1e-45), f32(3e38), 0x7fc00000}, "0 -0.1 1e-45 3e+38 NaN"},
	{kSplitReal64, column.Float64, []uint64{f64(0), f64(-0.1), f64(5e-324), f64(1e308), f64(math.NaN())}, "0 -0.1 5e-324 1e+308 NaN"},
}

// Every type of column, in pages of one, some and no values, over clusters and groups of them, packed or not.
func TestEveryColumnType(t *testing.T) {
	for _, codec := range []string{"", "zlib", "zstd"} {
		m := &made{name: "ntuple", codec: codec, unsafe: codec == "zlib", large: codec == "zlib"}
		var names, texts []string
		for _, n := range numbers {
			m.plain(fmt.Sprintf("x%d", n.kind), "T", n.kind)
			names = append(names, fmt.Sprintf("x%d", n.kind))
			w := strings.Fields(n.texts)
			texts = append(texts, strings.Join(slices.Concat(w, w[:2], slices.Repeat(w, 20)), " "))
		}
		long := madeCluster{events: 100, pages: map[int][]madePage{}}
		whole := madeCluster{events: 5, pages: map[int][]madePage{}}
		short := madeCluster{events: 2, pages: map[int][]madePage{}}
		for k, n := range numbers {
			whole.pages[k] = []madePage{m.page(k, n.values[:1]...), m.page(k), m.page(k, n.values[1:4]...), m.page(k, n.values[4])}
			short.pages[k] = []madePage{m.page(k, n.values[:2]...)}
			long.pages[k] = []madePage{m.page(k, slices.Repeat(n.values, 20)...)} // long enough to be packed
		}
		m.groups = [][]madeCluster{{whole, {pages: map[int][]madePage{}}, short}, {long}}
		have := read(t, save(t, file(t, m)), root.Options{})
		want(t, have, strings.Join(names, " "), strings.Join(texts, "\n"))
		for i, n := range numbers {
			if have[i].Type != n.native {
				t.Errorf("%s is %s, not %s", have[i].Name, have[i].Type, n.native)
			}
		}
	}
}

// Truncated floats are the highest bits of a float32, quantised ones steps of a range; of any number of bits.
func TestShortFloats(t *testing.T) {
	m := &made{name: "ntuple"}
	var names, texts []string
	c := madeCluster{events: 3, pages: map[int][]madePage{}}
	add := func(kind, width int, typeName string, low, high float64, values []uint64, text string) {
		k := m.plain(fmt.Sprintf("x%d", len(names)), typeName, kind)
		m.columns[k].width, m.columns[k].low, m.columns[k].high = width, low, high
		c.pages[k] = []madePage{m.page(k, values...)}
		names, texts = append(names, fmt.Sprintf("x%d", len(names))), append(texts, text)
	}
	for _, width := range []int{10, 11, 16, 17, 24, 31} {
		cut := uint(32 - width)
		x := [3]float32{}
		values := []uint64{f32(1) >> cut, f32(-1.5) >> cut, f32(math.Pi) >> cut}
		for i, v := range values {
			x[i] = math.Float32frombits(uint32(v << cut))
		}
		add(kReal32Trunc, width, "float", 0, 0, values, fmt.Sprintf("1 -1.5 %v", x[2]))
	}
	for _, width := range []int{1, 2, 7, 8, 9, 25, 31, 32} {
		top := uint64(1)<<width - 1
		middle := top / 3
		x := 10*float64(middle)/float64(top) - 5
		for _, typeName := range []string{"float", "double"} {
			text := fmt.Sprint(x)
			if typeName == "float" {
				text = fmt.Sprint(float32(x))
			}
			add(kReal32Quant, width, typeName, -5, 5, []uint64{0, top, middle}, "-5 5 "+text)
		}
	}
	m.groups = [][]madeCluster{{c}}
	have := read(t, save(t, file(t, m)), root.Options{})
	var got []string
	for i := range have {
		c, w := &have[i], strings.Fields(texts[i])
		got = append(got, c.Name)
		for j := range w {
			var x float64
			fmt.Sscan(w[j], &x)
			if math.Abs(c.Float(j)-x) > 2e-15 && c.Format(j) != w[j] { // the two ways to scale differ by a rounding
				t.Errorf("%s (%d bits): %s, not %s", c.Name, m.columns[i].width, c.Format(j), w[j])
			}
		}
	}
	if !slices.Equal(got, names) {
		t.Error(got)
	}
}

// shapes is an RNTuple of everything that a field can be, of 5 events in 2 clusters.
func shapes(codec string) *made {
	m := &made{name: "events", codec: codec}
	one, two := madeCluster{events: 3, pages: map[int][]madePage{}}, madeCluster{events: 2, pages: map[int][]madePage{}}
	fill := func(k int, first, second []uint64) {
		for i, v := range first { // a page a value
			_ = i
			one.pages[k] = append(one.pages[k], m.page(k, v))
		}
		if one.pages[k] == nil {
			one.pages[k] = []madePage{}
		}
		two.pages[k] = []madePage{m.page(k, second...)}
	}
	// a structure with a base class and a structure in it
	f := m.field("s", "S", -1, recordRole)
	base := m.field(":_0", "B", f, recordRole)
	fill(m.column(m.field("b", "std::int32_t", base, leafRole), kSplitInt32), []uint64{1, 2, 3}, []uint64{4, 5})
	in := m.field("in", "In", f, recordRole)
	fill(m.column(m.field("x", "float", in, leafRole), kReal32), []uint64{f32(.5), f32(1.5), f32(2.5)}, []uint64{f32(3.5), f32(4.5)})
	m.fields[in+1].title = "momentum [GeV]"
	// enumerations and atomics
	f = m.field("enum", "Color", -1, leafRole)
	fill(m.column(m.field("_0", "std::uint8_t", f, leafRole), kUInt8), []uint64{7, 8, 9}, []uint64{7, 8})
	// arrays of numbers, of arrays, of structures; bits
	f = m.field("a", "std::array<double,2>", -1, leafRole)
	m.fields[f].repeats = 2
	fill(m.column(m.field("_0", "double", f, leafRole), kSplitReal64), []uint64{f64(1), f64(2), f64(3), f64(4), f64(5), f64(6)}, []uint64{f64(7), f64(8), f64(9), f64(10)})
	f = m.field("aa", "std::array<std::array<std::int16_t,2>,2>", -1, leafRole)
	m.fields[f].repeats = 2
	f = m.field("_0", "std::array<std::int16_t,2>", f, leafRole)
	m.fields[f].repeats = 2
	k := m.column(m.field("_0", "std::int16_t", f, leafRole), kInt16)
	one.pages[k] = []madePage{m.page(k, 0, 1, 2), m.page(k, 3, 10, 11, 12, 13, 20), m.page(k, 21, 22, 23)}
	two.pages[k] = []madePage{m.page(k, 30, 31, 32, 33, 40, 41, 42, 43)}
	f = m.field("bits", "std::bitset<3>", -1, leafRole)
	m.fields[f].repeats = 3
	fill(m.column(f, kBit), []uint64{1, 0, 0, 0, 1, 0, 0, 0, 1}, []uint64{1, 1, 1, 0, 0, 0})
	// an array of optional integers
	f = m.field("maybe", "std::array<std::optional<std::int64_t>,2>", -1, leafRole)
	m.fields[f].repeats = 2
	f = m.field("_0", "std::optional<std::int64_t>", f, listRole)
	fill(m.column(f, kSplitIndex32), []uint64{1, 1, 1, 2, 2, 2}, []uint64{1, 2, 2, 2})
	fill(m.column(m.field("_0", "std::int64_t", f, leafRole), kInt64), []uint64{11, 22}, []uint64{33, 34})
	// a pointer to a structure
	f = m.field("ptr", "std::unique_ptr<P>", -1, listRole)
	fill(m.column(f, kIndex64), []uint64{0, 1, 1}, []uint64{1, 2})
	f = m.field("_0", "P", f, recordRole)
	fill(m.column(m.field("y", "double", f, leafRole), kReal64), []uint64{f64(.25)}, []uint64{f64(.5), f64(.75)})
	// text
	f = m.field("name", "std::string", -1, leafRole)
	fill(m.column(f, kSplitIndex64), []uint64{2, 2, 5}, []uint64{1, 3})
	fill(m.column(f, kChar), []uint64{'h', 'i', 'y', 'o', 'u'}, []uint64{'o', 'n', 'e'})
	// a vector
	f = m.field("vec", "std::vector<float>", -1, listRole)
	fill(m.column(f, kSplitIndex64), []uint64{2, 2, 3}, []uint64{0, 1})
	fill(m.column(m.field("_0", "float", f, leafRole), kSplitReal32), []uint64{f32(1), f32(2), f32(3)}, []uint64{f32(4)})
	// untyped structures, with a projected count and a projected vector
	f = m.field("_muons", "", -1, listRole)
	ends := m.column(f, kSplitIndex64)
	fill(ends, []uint64{1, 3, 3}, []uint64{2, 3})
	f = m.field("_0", "", f, recordRole)
	pt := m.field("Muon_pt", "float", f, leafRole)
	values := m.column(pt, kReal32)
	fill(values, []uint64{f32(10), f32(20), f32(21)}, []uint64{f32(40), f32(41), f32(50)})
	fill(m.column(m.field("charge", "std::int8_t", f, leafRole), kInt8), []uint64{1, 255, 1}, []uint64{255, 255, 1})
	f = m.field("Muon_pt", "ROOT::VecOps::RVec<float>", -1, listRole)
	m.fields[f].source = 1
	m.aliases = append(m.aliases, [2]int{ends, f})
	f = m.field("_0", "float", f, leafRole)
	m.fields[f].source = pt + 1
	m.aliases = append(m.aliases, [2]int{values, f})
	f = m.field("nMuon", "ROOT::RNTupleCardinality<std::uint32_t>", -1, leafRole)
	m.fields[f].source = 1
	m.aliases = append(m.aliases, [2]int{ends, f})
	// what cannot be read
	f = m.field("deep", "std::vector<std::vector<float>>", -1, listRole)
	fill(m.column(f, kIndex64), []uint64{0, 0, 0}, []uint64{0, 0})
	f = m.field("_0", "std::vector<float>", f, listRole)
	fill(m.column(f, kIndex64), nil, nil)
	fill(m.column(m.field("_0", "float", f, leafRole), kReal32), nil, nil)
	f = m.field("either", "std::variant<float,double>", -1, variantRole)
	fill(m.column(f, kSwitch), []uint64{0, 0, 0}, []uint64{0, 0})
	f = m.field("object", "TH1F", -1, streamerRole)
	fill(m.column(f, kIndex64), []uint64{0, 0, 0}, []uint64{0, 0})
	fill(m.column(f, kByte), nil, nil)
	f = m.field("later", "half_float", -1, leafRole)
	k = m.column(f, 0x99)
	m.columns[k].width = 24
	fill(k, []uint64{0, 0, 0}, []uint64{0, 0})
	f = m.field("empties", "std::array<Empty,2>", -1, leafRole)
	m.fields[f].repeats = 2
	m.field("_0", "Empty", f, recordRole)
	m.groups = [][]madeCluster{{one}, {two}}
	return m
}

func TestShapes(t *testing.T) {
	for _, codec := range []string{"", "zstd"} {
		path := save(t, file(t, shapes(codec)))
		r := open(t, path, root.Options{})
		if u := r.Columns()[1]; u.Name != "s.in.x" || u.Unit != "GeV" || r.Rows() != 5 {
			t.Errorf("%+v, %d rows", u, r.Rows())
		}
		wrong := []string{
			`column "deep" holds any number of lists an event, which cannot be read`,
			`column "either" holds values of several types (std::variant<float,double>), which cannot be read`,
			`column "object" holds objects (TH1F), which cannot be read`,
			`column "later" holds values of type 153 of 24 bits, which are not known here`,
			`column "empties" is a structure without members`,
			`column "vec" holds any number of values an event; name vec[0] for the first, or flatten vec`,
			`column "_muons.charge" holds any number of values an event; name _muons.charge[0] for the first, or flatten Muon`,
			`column "Muon_pt" holds any number of values an event; name _muons.charge[0] for the first, or flatten Muon`,
		}
		if s := r.Skipped(); !slices.Equal(s.Say(true), wrong) {
			t.Errorf("left out\n%s", strings.Join(s.Say(true), "\n"))
		}
		want(t, read(t, path, root.Options{}),
			"s.b s.in.x enum a[0] a[1] aa[0][0] aa[0][1] aa[1][0] aa[1][1] bits[0] bits[1] bits[2] maybe[0] maybe[1] ptr.y name nMuon", `
1 2 3 4 5
0.5 1.5 2.5 3.5 4.5
7 8 9 7 8
1 3 5 7 9
2 4 6 8 10
0 10 20 30 40
1 11 21 31 41
2 12 22 32 42
3 13 23 33 43
1 0 0 1 0
0 1 0 1 0
0 0 1 1 0
11 NaN NaN 33 NaN
NaN 22 NaN 34 NaN
NaN 0.25 NaN 0.5 0.75
hi  you o ne
1 2 0 2 1`)
		want(t, read(t, path, root.Options{Columns: []string{"Muon_pt[1]", "a[1]", "_muons.charge[0]", "vec[0]", "Muon_pt[0]"}}),
			"Muon_pt[1] a[1] _muons.charge[0] vec[0] Muon_pt[0]", `
NaN 21 NaN 41 NaN
2 4 6 8 10
1 -1 NaN -1 1
1 NaN 3 NaN 4
10 20 NaN 40 50`)
		asText := map[string]column.Type{"s.b": column.Text, "_muons.charge[0]": column.Text}
		want(t, read(t, path, root.Options{Columns: []string{"s.b", "_muons.charge[0]"}, Types: asText}), "s.b _muons.charge[0]", "1 2 3 4 5\n1 -1  -1 1")
		for _, name := range []string{"Muon", "nMuon", "Muon_pt"} {
			want(t, read(t, path, root.Options{Flatten: name}), "event _muons.charge Muon_pt", `
0 1 1 3 3 4
1 -1 1 -1 -1 1
10 20 21 40 41 50`)
		}
		want(t, read(t, path, root.Options{Flatten: "Muon", Columns: []string{"s.b", "Muon_pt", "name"}}), "s.b Muon_pt name", `
1 2 2 4 4 5
10 20 21 40 41 50
hi   o o ne`)
		want(t, read(t, path, root.Options{Flatten: "vec"}), "event vec", "0 0 2 4\n1 2 3 4")
		for _, c := range []struct {
			opts root.Options
			err  string
		}{
			{root.Options{Columns: []string{"vec"}}, `column "vec" holds any number of values an event; name vec[0] for the first, or flatten vec`},
			{root.Options{Columns: []string{"either"}}, `column "either" holds values of several types`},
			{root.Options{Columns: []string{"s.c"}}, `no column "s.c"; did you mean "s.b"?`},
			{root.Options{Flatten: "jets"}, `holds nothing to flatten as "jets"; there is vec, Muon`},
			{root.Options{Key: "event"}, `holds no tree "event"; did you mean "events"?`},
			{root.Options{Columns: []string{"s.in.x"}, Types: map[string]column.Type{"s.in.x": column.Text}}, "cannot be read as text"},
		} {
			if _, err := root.Open(path, c.opts); err == nil || !strings.Contains(err.Error(), c.err) {
				t.Errorf("%+v: %v", c.opts, err)
			}
		}
	}
}

// late is an RNTuple of which fields were added while it was written: after the first of three groups, and in the middle of
// a cluster.
func late() *made {
	m := &made{name: "events"}
	x := m.plain("x", "float", kReal32)
	m.late = [3]int{1, 1, 0}
	y := m.plain("y", "std::int32_t", kInt32) // from event 3 on, in the middle of the second cluster
	m.columns[y].first = 3
	f := m.field("v", "std::vector<double>", -1, listRole)
	ends := m.column(f, kSplitIndex64)
	m.columns[ends].first = 3
	v := m.column(m.field("_0", "double", f, leafRole), kReal64)
	f = m.field("a", "std::array<float,2>", -1, leafRole)
	m.fields[f].repeats = 2
	a := m.column(m.field("_0", "float", f, leafRole), kReal32)
	m.columns[a].first = 6
	m.columns = append(m.columns, madeColumn{kind: kReal64, width: 64, field: 0, version: 1, first: -4}) // x, later as doubles
	xx := len(m.columns) - 1
	m.groups = [][]madeCluster{
		{{events: 2, pages: map[int][]madePage{x: {m.page(x, f32(1), f32(2))}}, count: 1}},
		{
			{events: 2, pages: map[int][]madePage{x: {m.page(x, f32(3), f32(4))}, y: {m.page(y, 44)}, ends: {m.page(ends, 2)},
				v: {m.page(v, f64(1), f64(2))}, a: {m.page(a, f32(.5), f32(.25))}}},
			{events: 1, pages: map[int][]madePage{xx: {m.page(xx, f64(5.1))}, y: {m.page(y, 55)}, ends: {m.page(ends, 1)},
				v: {m.page(v, f64(3))}, a: {m.page(a, f32(1), f32(2))}}},
		},
	}
	return m
}

// What was added late is 0 before, and a column can change its representation from cluster to cluster.
func TestLateColumns(t *testing.T) {
	path := save(t, file(t, late()))
	have := read(t, path, root.Options{})
	want(t, have, "x y a[0] a[1]", "1 2 3 4 5.1\n0 0 0 44 55\n0 0 0 0.5 1\n0 0 0 0.25 2")
	if have[0].Type != column.Float64 {
		t.Errorf("x is %s", have[0].Type)
	}
	want(t, read(t, path, root.Options{Flatten: "v", Columns: []string{"event", "v", "x"}}), "event v x", "3 3 4\n1 2 3\n4 4 5.1")
}

// Reading goes on at each cluster, of events and of objects, as if it had come there in order.
func TestMarks(t *testing.T) {
	path := save(t, file(t, shapes("")))
	for _, opts := range []root.Options{{}, {Flatten: "Muon"}, {Flatten: "vec"}} {
		r, other := open(t, path, opts), open(t, path, opts)
		marks := 0
		for {
			m, ok := r.Mark()
			if ok {
				marks++
				if err := other.Seek(m); err != nil {
					t.Fatal(err)
				}
				if again, ok := other.Mark(); !ok || again != m {
					t.Errorf("%v at %v", again, m)
				}
				tail, err := rest(other, 2)
				if err != nil {
					t.Fatal(err)
				}
				if err := r.Seek(m); err != nil {
					t.Fatal(err)
				}
				inOrder, err := rest(r, 1)
				if err != nil || fmt.Sprint(tail) != fmt.Sprint(inOrder) {
					t.Fatalf("from %v: %v, and in order %v (%v)", m, tail, inOrder, err)
				}
				if err := r.Seek(m); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := r.Read(2); err == io.EOF {
				break
			} else if err != nil {
				t.Fatal(err)
			}
		}
		due := 3 // two clusters, and the end
		if opts.Flatten == "Muon" {
			due = 2 // event 3 has none, and is passed on the way to the next
		}
		if marks != due {
			t.Errorf("%+v: %d marks", opts, marks)
		}
		if err := r.Seek(column.Mark{Row: 1, Offset: 1}); !errors.Is(err, column.ErrMark) {
			t.Error(err)
		}
	}
}

// A later version of the format may add to records, which is passed, and set flags, which is refused.
func TestLaterVersions(t *testing.T) {
	m := shapes("")
	plain := fmt.Sprint(read(t, save(t, file(t, m)), root.Options{}))
	m.more = 7
	if have := fmt.Sprint(read(t, save(t, file(t, m)), root.Options{})); have != plain {
		t.Errorf("%s, without more in records %s", have, plain)
	}
	m.more = 0
	for want, change := range map[string]func(m *made){
		"its header needs feature 5 of the format, which is not known here":                           func(m *made) { m.flags = []uint64{32} },
		"its header needs feature 0 of the format (nested deferred columns), which is not known here": func(m *made) { m.flags = []uint64{1} },
		"its header needs feature 64 of the format, which is not known here":                          func(m *made) { m.flags = []uint64{1 << 63, 2} },
		"is of version 2.0.1.0 of the format, and 1 can be read":                                      func(m *made) { m.version = 2 },
		"has a cluster of some columns only, which cannot be read":                                    func(m *made) { m.groups[0][0].flags = 1 },
	} {
		m := shapes("")
		change(m)
		_, err := root.Open(save(t, file(t, m)), root.Options{})
		if err == nil || !strings.HasPrefix(err.Error(), `RNTuple "events": `) || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, and not %s", err, want)
		}
	}
	m.groups[0][0].flags = 2 // which means nothing yet
	read(t, save(t, file(t, m)), root.Options{})
}

// Of several RNTuples one is named.
func TestSeveral(t *testing.T) {
	a, b := shapes(""), late()
	a.name = "shapes"
	path := save(t, file(t, a, b))
	for _, order := range [][]*made{{a, b}, {b, a}} {
		if _, err := root.Open(save(t, file(t, order...)), root.Options{}); err == nil || err.Error() != "holds 2 trees; name one, as in file.root:shapes; there is shapes (5 events), events (5 events)" {
			t.Error(err)
		}
	}
	if r := open(t, path, root.Options{Key: "events"}); len(r.Columns()) != 4 {
		t.Errorf("%v", r.Columns())
	}
}

// Columns of which values lack, or whose pages do, take no others with them.
func TestBrokenColumns(t *testing.T) {
	m := shapes("")
	p := m.groups[1][0].pages
	p[0] = []madePage{m.page(0, 4)}
	r := open(t, save(t, file(t, m)), root.Options{})
	if s := r.Skipped(); len(r.Columns()) != 16 || s[5].String() != `column "s.b" holds 1 of 2 values of the cluster of events 4 to 5` {
		t.Errorf("%d columns, left out %q", len(r.Columns()), s)
	}
	m = shapes("")
	delete(m.groups[0][0].pages, 0)
	if r := open(t, save(t, file(t, m)), root.Options{}); !strings.Contains(fmt.Sprint(r.Skipped()), `column "s.b" holds 0 of 3 values of the cluster of events 1 to 3`) {
		t.Errorf("left out %q", r.Skipped())
	}
}

// Pages that go on behind a block lie outside of the collector's heap, whatever their lengths, and are gone with the reader.
func TestHeldPages(t *testing.T) {
	const columns, events = 8, 1 << 20
	m := &made{name: "events", codec: "zstd"}
	c := madeCluster{events: events, pages: map[int][]madePage{}}
	for k := range columns {
		m.plain(fmt.Sprint("x", k), "float", kSplitReal32)
		for at, n := 0, 1<<10; at < events; at, n = at+n, min(4*n, events-at-n) {
			values := make([]uint64, n)
			for i := range values {
				values[i] = f32(float32((at + i + k) % 1000))
			}
			c.pages[k] = append(c.pages[k], m.page(k, values...))
		}
	}
	m.groups = [][]madeCluster{{c}}
	r := open(t, save(t, file(t, m)), root.Options{})
	first, _ := r.Mark()
	for range 2 {
		if err := r.Seek(first); err != nil {
			t.Fatal(err)
		}
		for at := 0; at < events; {
			block, err := r.Read(3000)
			if err != nil {
				t.Fatal(err)
			}
			for k := range block {
				for i, v := range block[k].F32 {
					if v != float32((at+i+k)%1000) {
						t.Fatalf("value %d of column %d is %v", at+i, k, v)
					}
				}
			}
			at += block[0].Len()
		}
	}
	if runtime.GOOS == "linux" || runtime.GOOS == "darwin" {
		var m runtime.MemStats
		runtime.GC()
		if runtime.ReadMemStats(&m); m.HeapAlloc > columns*4<<18 {
			t.Errorf("%d bytes of the heap are held", m.HeapAlloc)
		}
	}
	if err := r.Seek(first); err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Read(3000); !errors.Is(err, os.ErrClosed) {
		t.Errorf("a closed reader: %v", err)
	}
}
