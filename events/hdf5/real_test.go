package hdf5

import (
	"encoding/csv"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/sluice-hep/sluice/events/column"
	"github.com/sluice-hep/sluice/internal/reference"
)

// sums adds up the numbers of each column, and the bytes of texts.
func sums(columns []column.Column) map[string]float64 {
	all := map[string]float64{}
	for _, c := range columns {
		s := 0.0
		for i := range c.Len() {
			if c.Type == column.Text {
				s += float64(len(c.Str[i]))
			} else {
				s += c.Float(i)
			}
		}
		all[c.Name] = s
	}
	return all
}

// csvSums is the same of a CSV file.
func csvSums(t *testing.T, path string) map[string]float64 {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]float64{}
	for k, name := range rows[0] {
		for _, row := range rows[1:] {
			v, err := strconv.ParseFloat(row[k], 64)
			if err != nil {
				t.Fatal(err)
			}
			all[name] += v
		}
	}
	return all
}

func TestRealFilesHaveTheSumsOfTheCSV(t *testing.T) {
	needLibrary(t)
	folder := reference.Data(t, "io")
	want := csvSums(t, filepath.Join(folder, "zmumu_numeric.csv"))
	for _, file := range []struct{ name, key string }{
		{"zmumu_h5py_compound_latest.h5", ""}, {"zmumu_h5py_gzip_shuffle.h5", "events"}, {"zmumu_pandas_fixed.h5", ""},
		{"zmumu_pandas_fixed_blosc.h5", ""}, {"zmumu_pandas_table_blosc_lz4.h5", ""}, {"zmumu_pandas_table_strings.h5", ""},
		{"zmumu_pandas_table_zlib.h5", ""}, {"zmumu_h5py_gzip_shuffle.h5", "matrix_lzf"},
	} {
		columns, _, err := readTable(filepath.Join(folder, file.name), 3000, Options{Key: file.key})
		if err != nil {
			t.Errorf("%s: %v", file.name, err)
			continue
		}
		// The sums add the same numbers in the same order; lzf's matrix is float32.
		tolerance := 0.0
		if file.key == "matrix_lzf" {
			tolerance = 6e-8 // half a unit in the last place of each value
			for k, name := range []string{"Run", "Event", "E1", "px1", "py1", "pz1", "pt1", "eta1", "phi1", "Q1",
				"E2", "px2", "py2", "pz2", "pt2", "eta2", "phi2", "Q2", "M"} {
				columns[k].Name = name
			}
		}
		got := sums(columns)
		for name, w := range want {
			if math.Abs(got[name]-w) > tolerance*sumOfMagnitudes(columns, name) {
				t.Errorf("%s: column %s sums to %v, want %v", file.name, name, got[name], w)
			}
		}
	}
}

func sumOfMagnitudes(columns []column.Column, name string) float64 {
	s := 0.0
	for _, c := range columns {
		if c.Name == name {
			for _, v := range c.F32 {
				s += math.Abs(float64(v))
			}
		}
	}
	return s
}

// The figures are those that h5py 3.7 and pandas 1.5 with PyTables 3.7 give, added in float64 in the order of the events.
func TestRealFilesHaveTheSumsOfOtherReaders(t *testing.T) {
	needLibrary(t)
	folder := reference.Data(t, "")
	for _, file := range []struct {
		name    string
		rows    int64
		columns int
		sums    map[string]float64
	}{
		{"lhco_rnd_100k.h5", 100000, 46, map[string]float64{"mjj": 318020645.67626953, "tau3_1": 3491.3586512872716, "label": 9059.0}},
		{"io/lhco_tiny_pandas_fixed_blosc.h5", 1000, 2101, map[string]float64{"0": 979.6433598697186, "1": -1499.5023423085804, "700": 83.26764616579749, "2099": 0.0, "2100": 93.0}},
		{"io/fact_gamma_percolumn.hdf5", 1000, 263, map[string]float64{"arrival_time_mean": 49749.55565686378, "width": 7280.020771920236, "run_id": 12867542.0, "ceres_raw_event_data_is_signed": 0.0, "runtype": 4000}},
	} {
		got, r, err := readTable(filepath.Join(folder, file.name), 3000, Options{})
		if err != nil {
			t.Errorf("%s: %v", file.name, err)
			continue
		}
		if r.Rows() != file.rows || len(got) != file.columns {
			t.Errorf("%s: %d events of %d columns, want %d of %d", file.name, r.Rows(), len(got), file.rows, file.columns)
		}
		s := sums(got)
		for name, want := range file.sums {
			if s[name] != want {
				t.Errorf("%s: column %s sums to %v, want %v", file.name, name, s[name], want)
			}
		}
	}
}
