package events

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/sluice-hep/sluice/events/column"
	"github.com/sluice-hep/sluice/internal/reference"
)

// sums are the sums of the columns, by name.
func sums(t *Table) map[string]float64 {
	s := make(map[string]float64)
	for i := range t.Columns {
		c := &t.Columns[i]
		for k := range c.Len() {
			s[c.Name] += c.Float(k)
		}
	}
	return s
}

// The same Z -> mu mu events in every format: files of others, and our own in each format that can be written.
func TestZmumuAgreesBetweenFormats(t *testing.T) {
	want, err := ReadAll([]string{reference.Data(t, "io/zmumu_numeric.csv")}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if want.Len() != 10851 || len(want.Columns) != 19 {
		t.Fatalf("%d events of %d columns", want.Len(), len(want.Columns))
	}
	var paths []string
	for _, name := range []string{"zmumu_numeric.csv", "zmumu.npz", "zmumu_structured.npy", "zmumu_fortran_be_f4.npy",
		"zmumu_duckdb_gzip.parquet", "zmumu_duckdb_lz4raw.parquet", "zmumu_duckdb_none.parquet", "zmumu_duckdb_snappy.parquet",
		"zmumu_duckdb_zstd.parquet", "zmumu_duckdb_zstd_v2.parquet"} {
		paths = append(paths, reference.Data(t, "io/"+name))
	}
	written := []string{"t.csv.zst", "t.npy", "t.npz", "t.parquet", "t.root"}
	if haveHDF5(t) {
		for _, name := range []string{"compound_latest.h5", "gzip_shuffle.h5:events", "gzip_shuffle.h5:matrix_lzf"} {
			paths = append(paths, reference.Data(t, "io/zmumu_h5py_"+name))
		}
		for _, name := range []string{"fixed.h5", "fixed_blosc.h5", "table_blosc_lz4.h5", "table_strings.h5", "table_zlib.h5"} {
			paths = append(paths, reference.Data(t, "io/zmumu_pandas_"+name))
		}
		written = append(written, "t.h5")
	}
	for _, name := range written {
		path := filepath.Join(t.TempDir(), name)
		writeTable(t, path, want)
		paths = append(paths, path)
	}
	for _, path := range paths {
		got, err := ReadAll([]string{path}, Options{})
		if err != nil {
			t.Error(err)
			continue
		}
		compareSums(t, filepath.Base(path), got, want)
	}
}

// compareSums compares column by column; a table without names has the columns in order.
func compareSums(t *testing.T, name string, got, want *Table) {
	t.Helper()
	exact, found := sums(want), sums(got)
	// In float64 only the order of the sums differs. In float32 each value is off by at most 2^-24 of itself.
	tolerance := 1e-12
	unnamed := got.Columns[0].Name == "col0"
	if unnamed { // the arrays without names hold float32
		tolerance = 0x1p-24
	}
	for k, c := range want.Columns {
		sum, ok := found[c.Name]
		if unnamed {
			sum, ok = found[fmt.Sprintf("col%d", k)]
		}
		scale := 0.0
		for i := range c.Len() {
			scale += math.Abs(c.Float(i))
		}
		if d := math.Abs(sum - exact[c.Name]); !ok || !(d <= tolerance*scale) {
			t.Errorf("%s: sum of %s off by %g of %g", name, c.Name, d, scale)
		}
	}
}

// Every flat file of the test data is read, with the number of events that its
// README states.
func TestDataFiles(t *testing.T) {
	for name, want := range map[string][2]int{
		"lhco_rnd_100k_core.csv.gz": {100000, 14}, "lhco_rnd_100k_core.parquet": {100000, 14},
		"higgs_15k_noheader.csv.gz": {15000, 29}, "cms_dimuon_2012_os_pairs.csv.gz": {37183, 9},
		"cms_dimuon_2011A_50k.csv.gz": {50661, 21}, "atlas_higgs14_22k.csv.gz": {22889, 35}, "magic04.csv.gz": {19020, 11},
		"two_moons/two_moons_train.npy": {10000, 2}, "splits/higgs24_train.npy": {28000, 24}, "splits/lhco4_test.npy": {9999, 4},
		"sbibm/slcp_obs1_observation.csv": {1, 8}, "io/cms_nano_dimuon.parquet": {40, 1279},
		"io/parquet-testing/alltypes_plain.parquet": {8, 11}, "io/parquet-testing/byte_stream_split.zstd.parquet": {300, 2},
		"io/parquet-testing/float16_nonzeros_and_nans.parquet": {8, 1}, "io/parquet-testing/nested_lists.snappy.parquet": {3, 1},
		"io/parquet-testing/rle-dict-snappy-checksum.parquet": {1000, 2}, "io/parquet-testing/lz4_raw_compressed.parquet": {4, 3},
	} {
		got, err := ReadAll([]string{reference.Data(t, name)}, Options{})
		if err != nil {
			t.Error(err)
			continue
		}
		if got.Len() != want[0] || len(got.Columns) != want[1] {
			t.Errorf("%s: %d events of %d columns, want %v", name, got.Len(), len(got.Columns), want)
		}
		for i := range got.Columns {
			if got.Columns[i].Len() != want[0] {
				t.Errorf("%s: column %s holds %d events", name, got.Columns[i].Name, got.Columns[i].Len())
			}
		}
	}
}

// The same LHCO events as text and as Parquet.
func TestLHCOAgrees(t *testing.T) {
	a, err := ReadAll([]string{reference.Data(t, "lhco_rnd_100k_core.csv.gz")}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	b, err := ReadAll([]string{reference.Data(t, "lhco_rnd_100k_core.parquet")}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	for k := range a.Columns {
		for i := range a.Len() {
			// The text has 6 digits.
			x, y := a.Columns[k].Float(i), b.Columns[k].Float(i)
			if math.Abs(x-y) > 1e-5*math.Abs(x) && !(math.IsNaN(x) && math.IsNaN(y)) {
				t.Fatalf("event %d, %s: %g and %g", i, a.Columns[k].Name, x, y)
			}
		}
	}
}

// Hundreds of nested columns are one line.
func TestNestedColumnsAreOneNote(t *testing.T) {
	c, err := OpenAll([]string{reference.Data(t, "io/cms_nano_dimuon.parquet")}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if s := c.Skipped().Say(false); len(s) != 1 || !strings.Contains(s[0], "columns, each of which is nested: CorrT1METJet_area, ") {
		t.Errorf("%q", s)
	}
}

func TestStructureOfParquetIsColumns(t *testing.T) {
	got, err := ReadAll([]string{reference.Data(t, "io/parquet-testing/nulls.snappy.parquet")}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	c := &got.Columns[0]
	if len(got.Columns) != 1 || c.Name != "b_struct.b_c_int" || c.Len() != 8 || !math.IsNaN(c.Float(0)) {
		t.Errorf("%v", got.Columns)
	}
}

func TestDamagedParquetIsAnError(t *testing.T) {
	for name, want := range map[string]string{
		"io/parquet-testing/datapage_v1-corrupt-checksum.parquet": "checksum",
	} {
		if _, err := ReadAll([]string{reference.Data(t, name)}, Options{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := ReadAll([]string{reference.Data(t, "io/cms_nano_dimuon.parquet")}, Options{Columns: []string{"Muon_pt"}}); err == nil || !strings.Contains(err.Error(), `"Muon_pt" is`) {
		t.Error(err)
	}
}

// Apache's file of delta encoding, beside the values that it should hold.
func TestDeltaEncoding(t *testing.T) {
	want, err := ReadAll([]string{reference.Data(t, "io/parquet-testing/delta_binary_packed_expect.csv")}, Options{Header: HeaderYes})
	if err != nil {
		t.Fatal(err)
	}
	got, err := ReadAll([]string{reference.Data(t, "io/parquet-testing/delta_binary_packed.parquet")}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	for i := range want.Columns {
		w := &want.Columns[i]
		g, err := got.Column(w.Name)
		if err != nil {
			t.Fatal(err)
		}
		for k := range w.Len() {
			if w.Type == Int64 && w.I64[k] != g.I64[k] || w.Float(k) != g.Float(k) {
				t.Fatalf("%s, row %d: %v, want %v", w.Name, k+1, g.Float(k), w.Float(k))
			}
		}
	}
}

// A row an object: of every muon of the real events, its event beside it, and a column of the events where asked for.
func TestFlatten(t *testing.T) {
	path := reference.Data(t, "cms_doublemu2012_100k_jagged.root")
	columns := []string{"event", "Muon_pt", "nMuon"}
	got, err := ReadAll([]string{path}, Options{Flatten: "Muon", Columns: columns})
	if err != nil {
		t.Fatal(err)
	}
	perEvent, err := ReadAll([]string{path}, Options{Columns: []string{"nMuon", "Muon_pt[0]"}})
	if err != nil {
		t.Fatal(err)
	}
	if perEvent.Len() != 100000 || !slices.Equal(got.Names(), columns) {
		t.Fatalf("%d events, columns %q", perEvent.Len(), got.Names())
	}
	muons, next := 0, 0
	for event := range perEvent.Len() {
		n := int(perEvent.Columns[0].Float(event))
		first := perEvent.Columns[1].Float(event)
		if n == 0 && first == first || n > 0 && first != got.Columns[1].Float(next) {
			t.Fatalf("event %d: the first of %d muons is %g", event, n, first)
		}
		for range n {
			if got.Columns[0].I64[next] != int64(event) || int(got.Columns[2].Float(next)) != n {
				t.Fatalf("muon %d: event %d of %g muons, want %d of %d", next, got.Columns[0].I64[next], got.Columns[2].Float(next), event, n)
			}
			next++
		}
		muons += n
	}
	if got.Len() != muons {
		t.Errorf("%d muons, want %d", got.Len(), muons)
	}
}

func TestFlattenErrors(t *testing.T) {
	for path, want := range map[string]string{
		write(t, "t.csv", "x\n1\n"):                            `t.csv: holds one value of a column an event: there is no "Jet" to flatten`,
		reference.Data(t, "higgs_20k.root:sig_tree"):           "holds nothing to flatten: every column has one value",
		reference.Data(t, "cms_doublemu2012_100k_jagged.root"): `nothing to flatten as "Jet"; there is`,
	} {
		if _, err := ReadAll([]string{path}, Options{Flatten: "Jet"}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", path, err)
		}
	}
}

// A key follows any file that is there, or pattern of some, whatever its ending.
func TestKeyBehindAnyFile(t *testing.T) {
	dir := t.TempDir()
	x := column.New("x", "", Float64, 2)
	writeTable(t, filepath.Join(dir, "x.root"), &Table{Columns: []Column{x}})
	for _, name := range []string{"DAOD.pool.root.1", "a:b.dat2"} {
		if err := os.Rename(filepath.Join(dir, "x.root"), filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
		for _, path := range []string{name + ":events", name, strings.Replace(name, "o", "?", 1) + ":events"} {
			if got, err := ReadAll([]string{filepath.Join(dir, path)}, Options{}); err != nil || got.Len() != 2 {
				t.Errorf("%s: %v", path, err)
			}
		}
		if _, err := ReadAll([]string{filepath.Join(dir, name) + ":none"}, Options{}); err == nil || !strings.Contains(err.Error(), `holds no tree "none"`) {
			t.Error(err)
		}
		if err := os.Rename(filepath.Join(dir, name), filepath.Join(dir, "x.root")); err != nil {
			t.Fatal(err)
		}
	}
}
