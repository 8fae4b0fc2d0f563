package root_test

import (
	"errors"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/events/formula"
	"github.com/sluice-hep/sluice/internal/reference"
)

func read(t *testing.T, name string, columns ...string) *events.Table {
	t.Helper()
	table, err := events.ReadAll([]string{name}, events.Options{Columns: columns})
	if err != nil {
		t.Fatal(err)
	}
	return table
}

func floats(t *testing.T, table *events.Table, name string) []float64 {
	t.Helper()
	c, err := table.Column(name)
	if err != nil {
		t.Fatal(err)
	}
	x, err := c.Floats(nil)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

func sum(x []float64) (s float64) {
	for _, v := range x {
		s += v
	}
	return s
}

// The same events in every codec of ROOT.
func TestDataCodecs(t *testing.T) {
	want := read(t, reference.Data(t, "io/skhep_Zmumu.root"))
	for _, name := range []string{"skhep_Zmumu-lz4.root", "skhep_Zmumu-lzma.root", "skhep_Zmumu-zstd.root"} {
		got := read(t, reference.Data(t, "io/"+name))
		for i, c := range want.Columns {
			if g := got.Columns[i]; g.Name != c.Name || !slices.Equal(g.F64, c.F64) || !slices.Equal(g.I64, c.I64) || !slices.Equal(g.Str, c.Str) {
				t.Errorf("%s: column %q differs", name, c.Name)
			}
		}
		if got.Len() != 2304 {
			t.Errorf("%s: %d events", name, got.Len())
		}
	}
}

// NanoAOD: every column of one value, in ROOT and in Parquet.
func TestDataNanoAOD(t *testing.T) {
	want := read(t, reference.Data(t, "io/cms_nano_dimuon.parquet"))
	var names []string
	for _, c := range want.Columns {
		if c.Type != events.Text {
			names = append(names, c.Name)
		}
	}
	got := read(t, reference.Data(t, "io/cms_nano_dimuon.root:Events"), names...)
	for _, name := range names {
		if g, w := floats(t, got, name), floats(t, want, name); !slices.Equal(g, w) && !math.IsNaN(sum(w)) {
			t.Errorf("%s differs: %v and %v", name, g[:3], w[:3])
		}
	}
	if len(names) < 1000 {
		t.Errorf("%d columns compared", len(names))
	}
}

// The muon pairs of the CSV file were picked from the jagged ROOT file; elements
// of its columns and the same selection give them again.
func TestDataElements(t *testing.T) {
	table := read(t, reference.Data(t, "cms_doublemu2012_100k_jagged.root"),
		"nMuon", "Muon_pt[0]", "Muon_pt[1]", "Muon_eta[0]", "Muon_eta[1]", "Muon_charge[0]", "Muon_charge[1]")
	opposite, err := formula.CompileCondition(table.Columns, "nMuon == 2 && `Muon_charge[0]` != `Muon_charge[1]`")
	if err != nil {
		t.Fatal(err)
	}
	rows, err := opposite.Rows(table.Columns)
	if err != nil {
		t.Fatal(err)
	}
	pairs := table.Take(rows)
	csv := read(t, reference.Data(t, "cms_dimuon_2012_os_pairs.csv.gz"))
	if pairs.Len() != csv.Len() {
		t.Fatalf("%d pairs, and %d in the CSV file (%v)", pairs.Len(), csv.Len(), csv.Names())
	}
	for theirs, ours := range map[string]string{ // the two muons may have changed places
		"min(pt1, pt2)": "min(`Muon_pt[0]`, `Muon_pt[1]`)", "max(pt1, pt2)": "max(`Muon_pt[0]`, `Muon_pt[1]`)",
		"min(eta1, eta2)": "min(`Muon_eta[0]`, `Muon_eta[1]`)",
	} {
		if err := errors.Join(events.Define(pairs, "x", ours), events.Define(csv, "x", theirs)); err != nil {
			t.Fatal(err)
		}
		x, y := floats(t, pairs, "x"), floats(t, csv, "x")
		for i := range x {
			if math.Abs(x[i]-y[i]) > 1e-6*math.Abs(x[i])+1e-6 { // the seven digits of the text
				t.Fatalf("%s of pair %d is %g, and %g in the CSV file", theirs, i+1, x[i], y[i])
			}
		}
	}
}

func TestDataRefused(t *testing.T) {
	for name, want := range map[string]string{
		"higgs_20k.root":               "holds 2 trees; name one, as in file.root:sig_tree",
		"io/cms_nano_dimuon.root":      "holds 2 trees",
		"io/cms_nano_dimuon.root:Muon": `holds no tree "Muon"`,
	} {
		if _, err := events.OpenAll([]string{reference.Data(t, name)}, events.Options{}); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), filepath.Base(name)) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
