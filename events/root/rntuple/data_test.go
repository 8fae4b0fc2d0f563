package rntuple_test

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/sluice-hep/sluice/events/column"
	"github.com/sluice-hep/sluice/events/root"
	"github.com/sluice-hep/sluice/internal/reference"
)

// ints are whole numbers from first on, step apart, as texts.
func ints(first, step, n int) string {
	all := make([]string, n)
	for i := range all {
		all[i] = fmt.Sprint(first + step*i)
	}
	return strings.Join(all, " ")
}

// The files of ROOT 6.34 to 6.36 in scikit-hep-testdata. Values are those of JSROOT 7.11.2, or of the names of the files;
// where JSROOT cannot read a column, of the macro that wrote it.
func TestDataValues(t *testing.T) {
	const version = "_rntuple_v1-0-0-0"
	lv := func(p, v string) string {
		return strings.Join(slices.Repeat([]string{v}, 4), "\n")
	}
	for _, c := range []struct {
		name, key string
		opts      root.Options
		names     string
		values    string
	}{
		{name: "test_int_float" + version, names: "one_integers two_floats", values: "9 8 7 6 5 4 3 2 1 0\n9.9 8.8 7.7 6.6 5.5 4.4 3.3 2.2 1.1 0"},
		{name: "test_bit" + version, names: "one_bit", values: "1 0 0 1 0 0 1 0 0 1"},
		{name: "test_splitint_rntuple_v1-0-1-0", names: "int16 int32 int64", values: `0 1 -1 16384 -16384 32767 -32768
0 1 -1 1073741824 -1073741824 2147483647 -2147483648
0 1 -1 4611686018427387904 -4611686018427387904 9223372036854775807 -9223372036854775808`},
		{name: "test_multiple_representations" + version, names: "real", values: "1 2 3"},
		{name: "test_atomic_bitset" + version, opts: root.Options{Columns: []string{"atomic_int", "bitset[0]", "bitset[1]", "bitset[3]", "bitset[15]", "bitset[41]"}},
			names: "atomic_int bitset[0] bitset[1] bitset[3] bitset[15] bitset[41]", values: "1 2 3\n0 0 0\n1 1 0\n1 1 1\n0 1 1\n0 0 0"}, // 42, 43690, 34952
		{name: "test_float_types" + version, opts: root.Options{Columns: []string{"trunc10", "trunc31", "quant1", "quant8", "quant25"}},
			names: "trunc10 trunc31 quant1 quant8 quant25", values: `1 1.319414e+13 -4.2351647e-22 -1.5
1.2345679 1.4660154e+13 -6.2875986e-22 -1.9060667
3 3 -2 -2
1.2352941 1.6666666 0 -1.9019607
1.2345679 1.6666665 -5.9604645e-08 -1.9060668`},
		{name: "rntviewer-testfile-multiple-rntuples-v1-0-0-0", key: "A", names: "f", values: ints(0, 1, 100)},
		{name: "rntviewer-testfile-multiple-rntuples-v1-0-0-0", key: "B", names: "g", values: ints(0, 100, 100)},
		{name: "test_nested_structs" + version, names: "my_struct.i my_struct.sub_struct.i my_struct.sub_struct.sub_sub_struct.i",
			values: ints(0, 1, 10) + "\n" + ints(1, 1, 10) + "\n" + ints(2, 1, 10)},
		{name: "test_nested_structs" + version, opts: root.Options{Columns: []string{"my_struct.sub_struct.sub_sub_struct.v[1]"}},
			names: "my_struct.sub_struct.sub_sub_struct.v[1]", values: ints(1, 1, 10)},
		{name: "test_class_inheritance_rntuple_v1-0-0-1", opts: root.Options{Columns: []string{"child.base_a1", "child.child_2", "grandchild.base_a3[2]", "multi_parent.base_b"}},
			names:  "child.base_a1 child.child_2 grandchild.base_a3[2] multi_parent.base_b",
			values: ints(0, 1, 10) + "\n" + ints(0, 20, 10) + "\n" + ints(0, 2, 10) + "\n" + ints(0, 10, 10)},
		{name: "test_int_vfloat_tlv_vtlv" + version, names: "one_integers three_LV.pt three_LV.eta three_LV.phi three_LV.mass",
			values: "9 8 7 6 5\n" + lv("three_LV", "19 18 17 17 16")},
		{name: "test_int_vfloat_tlv_vtlv" + version, opts: root.Options{Flatten: "two_v_floats"}, names: "event two_v_floats",
			values: "0 0 0 0 1 1 1 2 2 3 3 4\n9 8 7 6 5 4 3 2 1 0 -1 -2"},
		{name: "test_stl_containers" + version, opts: root.Options{Columns: []string{"string", "vector_int32[1]", "array_float[2]", "tuple_int32_string._1", "pair_int32_string._0", "vector_tuple_int32_string._0[3]", "array_lv[1].mass"}},
			names: "string vector_int32[1] array_float[2] tuple_int32_string._1 pair_int32_string._0 vector_tuple_int32_string._0[3] array_lv[1].mass", values: `one two three four five
NaN 2 2 2 2
1 2 3 4 5
one two three four five
1 2 3 4 5
NaN NaN NaN 4 4
1 2 3 4 5`},
	} {
		path := reference.Data(t, "rntuple/"+c.name+".root")
		c.opts.Key = c.key
		want(t, read(t, path, c.opts), c.names, c.values)
		if t.Failed() {
			t.Fatal(c.name)
		}
	}
}

// Fields of test_extension_columns were added after 200 and after 400 events.
func TestDataLateColumns(t *testing.T) {
	have := read(t, reference.Data(t, "rntuple/test_extension_columns_rntuple_v1-0-0-0.root"), root.Options{Columns: []string{"int_field", "float_field", "intvec_field[0]", "intvec_field[1]"}})
	for i := range 600 {
		if have[0].I64[i] != int64(i%200) {
			t.Fatalf("event %d: int_field %d", i, have[0].I64[i])
		}
		if x := have[1].F32[i]; i < 200 && x != 0 || i >= 400 && x == 0 && i%200 > 0 {
			t.Fatalf("event %d: float_field %v", i, x)
		}
		if x := have[2].F64[i]; (i < 400) != (x != x) {
			t.Fatalf("event %d: intvec_field[0] %v", i, x)
		}
	}
}

// The muons of a TTree of 2012, and its first 1000 events as ROOT imported them to an RNTuple.
func TestDataAgainstTree(t *testing.T) {
	ntuple := reference.Data(t, "rntuple/Run2012BC_DoubleMuParked_Muons_1000evts_rntuple_v1-0-0-0.root")
	tree := reference.Data(t, "cms_doublemu2012_100k_jagged.root")
	for _, opts := range []root.Options{{}, {Flatten: "Muon"}, {Columns: []string{"Muon_pt[0]", "Muon_charge[1]", "nMuon", "Muon_eta[4]"}}} {
		have := read(t, ntuple, opts)
		in, err := root.Open(tree, opts)
		if err != nil {
			t.Fatal(err)
		}
		defer in.Close()
		n := have[0].Len()
		first := make([]column.Column, len(have))
		for i, c := range in.Columns() {
			first[i] = column.New(c.Name, c.Unit, c.Type, 0)
		}
		for first[0].Len() < n {
			block, err := in.Read(n - first[0].Len())
			if err != nil {
				t.Fatal(err)
			}
			for i := range block {
				first[i].Append(&block[i])
			}
		}
		if fmt.Sprint(have) != fmt.Sprint(first) {
			t.Errorf("%+v differ", opts)
		}
	}
}

// Every file is read, or refused for a reason that its test states.
func TestDataFiles(t *testing.T) {
	files, err := filepath.Glob(reference.Data(t, "rntuple/*.root"))
	if err != nil || len(files) < 21 {
		t.Fatalf("%d files (%v)", len(files), err)
	}
	refused := map[string]string{
		"rntviewer-testfile-multiple-rntuples-v1-0-0-0.root": "holds 2 trees; name one, as in file.root:A; there is A (100 events), B (100 events)",
		"test_1jag_int_float_rntuple_v1-0-0-0.root":          "flatten one_v_integers",
		"test_emptystruct_invalidvar_rntuple_v1-0-0-0.root":  `column "empty_struct" is a structure without members`,
	}
	for _, path := range files {
		name := filepath.Base(path)
		r, err := root.Open(path, root.Options{})
		if err != nil {
			if refused[name] == "" || !strings.Contains(err.Error(), refused[name]) {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		events := int64(0)
		for events < r.Rows() {
			block, err := r.Read(1 << 17)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			events += int64(block[0].Len())
		}
		t.Logf("%s: %d events of %d columns", name, events, len(r.Columns()))
		r.Close()
	}
}
