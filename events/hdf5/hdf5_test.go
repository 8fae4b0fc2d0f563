package hdf5

import (
	"encoding/csv"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/sluice-hep/sluice/events/column"
)

// needLibrary skips a test where the HDF5 library is missing, except in CI.
func needLibrary(t testing.TB) {
	t.Helper()
	if _, err := load(); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
}

// readTable reads a whole table in blocks of n events.
func readTable(path string, n int, opts Options) ([]column.Column, *Reader, error) {
	r, err := Open(path, opts)
	if err != nil {
		return nil, nil, err
	}
	defer r.Close()
	all := slices.Clone(r.Columns())
	for {
		block, err := r.Read(n)
		if err == io.EOF {
			return all, r, nil
		}
		if err != nil {
			return nil, r, err
		}
		for k := range all {
			all[k].Append(&block[k])
		}
	}
}

func mustRead(t *testing.T, file string, n int, opts Options) ([]column.Column, *Reader) {
	t.Helper()
	all, r, err := readTable(filepath.Join("testdata", file), n, opts)
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	return all, r
}

func namesOf(columns []column.Column) []string {
	var names []string
	for _, c := range columns {
		names = append(names, c.Name)
	}
	return names
}

// zmumu is the table of testdata/zmumu.csv by column.
func zmumu(t *testing.T) ([]string, map[string][]string) {
	t.Helper()
	f, err := os.Open("testdata/zmumu.csv")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	columns := map[string][]string{}
	for k, name := range rows[0] {
		for _, row := range rows[1:] {
			columns[name] = append(columns[name], row[k])
		}
	}
	return rows[0], columns
}

// sameValues compares a column with texts, exactly, from event first on.
func sameValues(t *testing.T, file string, c *column.Column, want []string) {
	t.Helper()
	if c.Len() != len(want) {
		t.Fatalf("%s: column %q has %d events, want %d", file, c.Name, c.Len(), len(want))
	}
	for i := range want {
		got := c.Format(i)
		if got == want[i] {
			continue
		}
		g, _ := strconv.ParseFloat(got, 64)
		w, err := strconv.ParseFloat(want[i], 64)
		if err != nil || g != w {
			t.Fatalf("%s: column %q, event %d: %s, want %s", file, c.Name, i, got, want[i])
		}
	}
}

func TestFramesHoldTheEventsOfTheCSV(t *testing.T) {
	needLibrary(t)
	names, want := zmumu(t)
	numbers := slices.DeleteFunc(slices.Clone(names), func(s string) bool { return strings.HasPrefix(s, "Type") })
	for file, columns := range map[string][]string{
		"fixed.h5": numbers, "fixed_blosc.h5": numbers, "table.h5": names, "table_columns.h5": names,
		"table_blosclz.h5": numbers, "table_lz4.h5": numbers, "table_lz4hc.h5": numbers,
		"table_snappy.h5": numbers, "table_zlib.h5": numbers, "table_zstd.h5": numbers,
	} {
		for _, n := range []int{1, 7, 64, 1000} {
			got, r := mustRead(t, file, n, Options{})
			if !slices.Equal(namesOf(got), columns) {
				t.Fatalf("%s: columns %v, want %v", file, namesOf(got), columns)
			}
			if r.Rows() != 300 || len(r.Skipped()) > 0 {
				t.Errorf("%s: %d events, left out %v", file, r.Rows(), r.Skipped())
			}
			for k := range got {
				sameValues(t, file, &got[k], want[got[k].Name])
			}
		}
	}
}

func TestColumnsAreTakenByName(t *testing.T) {
	needLibrary(t)
	_, want := zmumu(t)
	for _, file := range []string{"fixed.h5", "fixed_blosc.h5", "table.h5", "table_columns.h5"} {
		got, _ := mustRead(t, file, 100, Options{Columns: []string{"M", "Run"}, Types: map[string]column.Type{"Run": column.Float64}})
		if !slices.Equal(namesOf(got), []string{"M", "Run"}) || got[1].Type != column.Float64 {
			t.Fatalf("%s: %v", file, got)
		}
		sameValues(t, file, &got[0], want["M"])
		sameValues(t, file, &got[1], want["Run"])
	}
	_, err := Open("testdata/fixed.h5", Options{Columns: []string{"m"}})
	if err == nil || !strings.Contains(err.Error(), `no column "m"; did you mean "M"`) {
		t.Error(err)
	}
}

func TestObjectsOfPythonAreLeftOut(t *testing.T) {
	needLibrary(t)
	got, r := mustRead(t, "fixed_objects.h5", 100, Options{})
	if len(got) != 19 || got[0].Len() != 5 {
		t.Errorf("%d columns of %d events, want 19 of 5", len(got), got[0].Len())
	}
	if s := strings.Join(r.Skipped().Say(false), "\n"); s != `2 columns, each of which holds Python objects; save texts in a frame of format "table": Type1, Type2` {
		t.Errorf("left out: %q", s)
	}
}

func TestMissingValuesOfFrames(t *testing.T) {
	needLibrary(t)
	got, _ := mustRead(t, "table_missing.h5", 100, Options{})
	if !slices.Equal(got[0].Str, []string{"a", "", "b"}) || got[1].Float(0) != 1 || !math.IsNaN(got[1].Float(1)) {
		t.Errorf("%v", got)
	}
}

func TestBloscOfEveryKind(t *testing.T) {
	needLibrary(t)
	value := map[string]func(i int) float64{
		"u1": func(i int) float64 { return float64(i % 251) },
		"i2": func(i int) float64 { return float64(i % 5 * 7) },
		"f4": func(i int) float64 { return float64(i / 3) },
		"f8": func(i int) float64 { return float64(i) / 4 },
	}
	for _, codec := range []string{"blosclz", "lz4", "lz4hc", "snappy", "zlib", "zstd"} {
		for _, order := range []string{"plain", "shuffle", "bitshuffle"} {
			key := codec + "/" + order
			got, _ := mustRead(t, "blosc.h5", 400, Options{Key: key})
			if len(got) != len(value) || got[0].Len() != 1500 {
				t.Fatalf("%s: %d events of %v", key, got[0].Len(), namesOf(got))
			}
			for _, c := range got {
				for i := range c.Len() {
					if want := value[c.Name](i); c.Float(i) != want {
						t.Fatalf("%s/%s: event %d: %g, want %g", key, c.Name, i, c.Float(i), want)
					}
				}
			}
		}
	}
	got, _ := mustRead(t, "blosc.h5", 400, Options{Key: "record"})
	for i := range 1500 {
		if got[0].Float(i) != float64(i)/4 || got[1].I64[i] != int64(i) || got[2].Str[i] != "event"+strconv.Itoa(i) {
			t.Fatalf("record: event %d: %s %d %q", i, got[0].Format(i), got[1].I64[i], got[2].Str[i])
		}
	}
}

func TestTypesInEitherByteOrder(t *testing.T) {
	needLibrary(t)
	for _, order := range []string{"little", "big"} {
		got, _ := mustRead(t, "types.h5", 13, Options{Key: order})
		if len(got) != 11 {
			t.Fatalf("%s: %v", order, namesOf(got))
		}
		for k := range got {
			c := &got[k]
			want := map[string]column.Type{"f2": column.Float32, "f4": column.Float32, "f8": column.Float64, "u8": column.Uint64}[c.Name]
			if c.Name[0] != 'f' && c.Name != "u8" {
				want = column.Int64
			}
			if c.Type != want {
				t.Errorf("%s is %s", c.Name, c.Type)
			}
			for i := range 50 {
				want := 10 - i
				if c.Name[0] == 'u' {
					want = i
				}
				if got := c.Format(i); got != strconv.Itoa(want) {
					t.Fatalf("%s %s: event %d: %s, want %d", order, c.Name, i, got, want)
				}
			}
		}
	}
}

func TestOtherTypes(t *testing.T) {
	needLibrary(t)
	for name, value := range map[string]func(i int) string{
		"bool":        func(i int) string { return strconv.Itoa((i + 1) % 2) },
		"fixed":       func(i int) string { return "event " + strconv.Itoa(i) },
		"text":        func(i int) string { return "événement " + strconv.Itoa(i) },
		"packed_text": func(i int) string { return "event " + strconv.Itoa(i) },
		"column":      strconv.Itoa,
	} {
		got, _ := mustRead(t, "types.h5", 13, Options{Key: "other/" + name})
		for i := range 50 {
			if s := got[0].Format(i); s != value(i) {
				t.Fatalf("%s: event %d: %q, want %q", name, i, s, value(i))
			}
		}
	}
	got, _ := mustRead(t, "types.h5", 13, Options{Key: "other/complex"})
	if !slices.Equal(namesOf(got), []string{"r", "i"}) || got[1].Float(4) != 8 {
		t.Errorf("complex: %v", namesOf(got))
	}
}

func TestStructuresInStructures(t *testing.T) {
	needLibrary(t)
	for key, want := range map[string][]string{
		"record":            {"id", "in/x", "in/v0", "in/v1", "name", "label"},
		"record_of_numbers": {"id", "in/x", "in/v0", "in/v1"},
	} {
		got, _ := mustRead(t, "types.h5", 7, Options{Key: key})
		if !slices.Equal(namesOf(got), want) {
			t.Fatalf("%s: %v", key, namesOf(got))
		}
		for i := range 50 {
			if got[0].I64[i] != int64(i) || got[1].Float(i) != float64(i)/2 || got[2].Float(i) != 0 || got[3].Float(i) != float64(i) {
				t.Fatalf("%s: event %d", key, i)
			}
			if len(got) > 4 && (got[4].Str[i] != "mu" || got[5].Str[i] != "no "+strconv.Itoa(i)) {
				t.Fatalf("%s: event %d: %q %q", key, i, got[4].Str[i], got[5].Str[i])
			}
		}
	}
}

func TestValuesBeyondOtherTypes(t *testing.T) {
	needLibrary(t)
	large, _ := mustRead(t, "types.h5", 5, Options{Key: "other/large"})
	far, _ := mustRead(t, "types.h5", 5, Options{Key: "other/far"})
	if large[0].Type != column.Uint64 || large[0].U64[7] != 1<<63 || far[0].Type != column.Float64 || far[0].F64[7] != 1e300 {
		t.Errorf("%s %s, %s %s", large[0].Type, large[0].Format(7), far[0].Type, far[0].Format(7))
	}
	for key, want := range map[string]string{
		"large": `row 8: column "large": "9223372036854775808" is not held by int64`,
		"far":   `row 8: column "far": "1e+300" is beyond float32`,
	} {
		types := map[string]column.Type{"large": column.Int64, "far": column.Float32}
		if _, _, err := readTable("testdata/types.h5", 5, Options{Key: "other/" + key, Types: types}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", key, err)
		}
	}
}

func TestStorageOfEveryKind(t *testing.T) {
	needLibrary(t)
	for _, file := range []string{"storage.h5", "storage_latest.h5"} {
		for _, key := range []string{"contiguous", "chunks", "stripes", "shuffled", "lzf", "lzf_checked", "scaleoffset", "szip", "compact", "growing", "holes"} {
			for _, n := range []int{1, 16, 25, 100} {
				wanted := []string{"e", "b"}
				if key == "holes" {
					wanted = []string{"col4", "col1"}
				}
				got, _ := mustRead(t, file, n, Options{Key: key, Columns: wanted})
				for i := range 70 {
					first, second := 400+float64(i), 100+float64(i)
					if key == "holes" && (i < 20 || i >= 30) {
						first, second = -999, -999
					}
					a, _ := strconv.ParseFloat(got[0].Format(i), 64)
					b, _ := strconv.ParseFloat(got[1].Format(i), 64)
					if a != first || b != second {
						t.Fatalf("%s:%s in blocks of %d: event %d: %g %g, want %g %g", file, key, n, i, a, b, first, second)
					}
				}
			}
		}
	}
}

func TestTablesAreFoundByKey(t *testing.T) {
	needLibrary(t)
	for _, c := range []struct {
		file, key string
		names     string
		units     string
	}{
		{"layouts.h5", "xy", "x0 x1 x2 x3 x4 y", "GeV,GeV,rad,,cm,"},
		{"layouts.h5", "xy/x", "col0 col1 col2 col3 col4", "GeV,GeV,rad,,cm"},
		{"layouts.h5", "/named/", "a b c d e", ",,,,"},
		{"layouts.h5", "named/events", "a b c d e", ",,,,"},
		{"layouts.h5", "nested", "jet1/pt jet2/pt", "GeV,"},
		{"layouts.h5", "nested/jet2", "pt", ""},
		{"layouts.h5", "ragged/b", "b", ""},
		{"two_frames.h5", "background", "Run Event E1", ",,"},
		{"two_frames.h5", "signal/muons", "Run Event E1", ",,"},
		{"two_frames.h5", "signal", "Run Event E1", ",,"},
	} {
		got, _ := mustRead(t, c.file, 100, Options{Key: c.key})
		names := strings.Join(namesOf(got), " ")
		if !strings.HasPrefix(names+" ", c.names+" ") || c.file == "layouts.h5" && names != c.names {
			t.Errorf("%s:%s: columns %s, want %s", c.file, c.key, names, c.names)
		}
		var units []string
		for _, c := range got {
			units = append(units, c.Unit)
		}
		if s := strings.Join(units, ","); !strings.HasPrefix(s, c.units) {
			t.Errorf("%s:%s: units %s, want %s", c.file, c.key, s, c.units)
		}
	}
	empty, r := mustRead(t, "layouts.h5", 10, Options{Key: "empty"})
	if r.Rows() != 0 || empty[0].Len() != 0 {
		t.Error("empty: there are events")
	}
}

func TestRefusalsSayWhy(t *testing.T) {
	needLibrary(t)
	for _, c := range []struct{ file, key, want string }{
		{"two_frames.h5", "", "holds 2 tables; name one, as in file.h5:background; there are background (a pandas frame of 20 events), signal/muons (a pandas frame of 10 events)"},
		{"levels.h5", "", `holds no column that can be read: block "df/block0_values" has columns whose names are of several levels (a MultiIndex), which are not read; join them in pandas`},
		{"two_frames.h5", "backgroud", `holds no "backgroud"; there is background`},
		{"layouts.h5", "scalar", `has 0 dimensions, and the first of a table counts events`},
		{"layouts.h5", "side", "it lies on its side; transpose it"},
		{"layouts.h5", "virtual", "keeps its values in other files"},
		{"layouts.h5", "outside", "keeps its values in other files"},
		{"layouts.h5", "elsewhere", `holds no "elsewhere"`},
		{"types.h5", "other/lists", "has lists of different lengths"},
		{"types.h5", "other/long_double", "are not IEEE's half, single or double"},
	} {
		_, err := Open(filepath.Join("testdata", c.file), Options{Key: c.key})
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s:%s: %v\nwant %s", c.file, c.key, err, c.want)
		}
	}
}

func TestLinksAreListedAsLeftOut(t *testing.T) {
	needLibrary(t)
	_, r := mustRead(t, "layouts.h5", 100, Options{Key: "xy"})
	if s := strings.Join(r.Skipped().Say(false), "\n"); !strings.Contains(s, "2 names, each of which is a link to another name or file and not followed: elsewhere, soft") {
		t.Errorf("left out: %s", s)
	}
}

func TestAnEmptyTableIsNoChoice(t *testing.T) {
	needLibrary(t)
	for _, c := range []struct {
		lengths []int64
		want    string
	}{
		{[]int64{0, 4}, ""},
		{[]int64{4, 0, 0}, ""},
		{[]int64{0, 4, 3}, "holds 3 tables"},
		{[]int64{0, 0}, "holds 2 tables"},
	} {
		path := filepath.Join(t.TempDir(), "events.h5")
		w, err := NewWriter(path)
		if err != nil {
			t.Fatal(err)
		}
		defer w.Abort()
		err = do(func(l *library) error {
			for i, n := range c.lengths {
				dims, values := []int64{n, 2}, make([]float32, 2*n+1)
				space := l.spaceCreate(2, pointer(dims), nil)
				id := l.setCreate(w.file, fmt.Sprint("table", i), *l.float32, space, 0, 0, 0)
				l.spaceClose(space)
				if id < 0 || l.write(id, *l.float32, 0, 0, 0, pointer(values)) < 0 {
					return l.failed("cannot be written")
				}
			}
			return nil
		})
		if err == nil {
			err = w.close()
		}
		if err != nil {
			t.Fatal(err)
		}
		r, err := Open(path, Options{})
		switch {
		case c.want != "":
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%d: %v", c.lengths, err)
			}
		case err != nil:
			t.Errorf("%d: %v", c.lengths, err)
		default:
			if got, most := r.Rows(), slices.Max(c.lengths); got != most {
				t.Errorf("%d: %d events", c.lengths, got)
			}
			r.Close()
		}
	}
}
