package root

import (
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/sluice-hep/sluice/events/column"
)

// wholeTable reads all events, n at a time.
func wholeTable(t testing.TB, r column.Reader, n int) []column.Column {
	t.Helper()
	all := slices.Clone(r.Columns())
	for {
		block, err := r.Read(n)
		if err == io.EOF {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		for k := range all {
			c, b := &all[k], &block[k]
			if b.Name != c.Name || b.Type != c.Type || b.Len() != block[0].Len() || b.Len() == 0 || b.Len() > n {
				t.Fatalf("a block with %q (%s) of %d for %q (%s)", b.Name, b.Type, b.Len(), c.Name, c.Type)
			}
			c.Append(b)
		}
	}
}

func table(t testing.TB, path string, opts Options) []column.Column {
	t.Helper()
	r, err := Open(path, opts)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	return wholeTable(t, r, 1000)
}

// groot is a file that groot wrote in one codec: trees t and sub/deep, of 60 events
// with a branch of every kind. groottest holds what groot reads in it.
func groot(codec string) string { return "testdata/groot-" + codec + ".root" }

func TestEveryCodec(t *testing.T) {
	opts := Options{Key: "t", Columns: []string{"B", "I8", "U8", "I16", "U16", "I32", "U32", "I64", "U64", "F32", "F64", "F16", "D32",
		"Text", "Arr[0]", "Arr[2]", "Mat[0][1]", "N", "Pt[0]", "Pt[2]", "Q[1]", "Vec[1]"}}
	want := table(t, groot("none"), opts)
	for _, codec := range []string{"zlib", "lz4", "zstd", "lzma"} {
		for _, opts.Key = range []string{"t", "sub/deep"} {
			got := table(t, groot(codec), opts)
			for k := range want {
				// as text, where NaN equals NaN
				if g, w := fmt.Sprint(got[k]), fmt.Sprint(want[k]); g != w || want[k].Len() != 60 {
					t.Errorf("%s, %s: %s, and without a codec %s", codec, opts.Key, g, w)
				}
			}
		}
	}
}

func TestNativeTypes(t *testing.T) {
	want := map[string]column.Type{"B": column.Int64, "I8": column.Int64, "U8": column.Int64, "I16": column.Int64, "U16": column.Int64, "I32": column.Int64,
		"U32": column.Int64, "I64": column.Int64, "U64": column.Uint64, "F16": column.Float32, "D32": column.Float32, "F32": column.Float32, "F64": column.Float64,
		"Text": column.Text, "Arr[2]": column.Float64, "Mat[1][0]": column.Int64, "Vec[1]": column.Float64, "Q[0]": column.Float64}
	var names []string
	for n := range want {
		names = append(names, n)
	}
	for _, c := range table(t, groot("zlib"), Options{Key: "t", Columns: names}) {
		if c.Type != want[c.Name] {
			t.Errorf("%s is %s", c.Name, c.Type)
		}
	}
	c := table(t, groot("zlib"), Options{Key: "t", Columns: []string{"U64", "I8"}, Types: map[string]column.Type{"U64": column.Float32, "I8": column.Float32}})
	if c[0].F32[3] != 1<<62 || c[1].F32[8] != -8 {
		t.Errorf("%v", c)
	}
}

func TestTreesByName(t *testing.T) {
	for key, want := range map[string]string{"t": "", "/t": "", "t;1": "", "sub/deep": "",
		"":    "holds 2 trees; name one, as in file.root:t; there is t (60 events), sub/deep (60 events)",
		"b":   `holds no tree "b"; there is t (60 events), sub/deep (60 events)`,
		"t;2": `holds no tree "t;2"; there is t (60 events), sub/deep (60 events)`,
	} {
		r, err := Open(groot("zlib"), Options{Key: key})
		switch {
		case err == nil && want != "", err != nil && err.Error() != want:
			t.Errorf("%q: %v", key, err)
		case err == nil:
			if r.Rows() != 60 {
				t.Errorf("%q: %d events", key, r.Rows())
			}
			r.Close()
		}
	}
}

func TestFlatten(t *testing.T) {
	path := "testdata/skhep_HZZ.root"
	for _, name := range []string{"Muon", "NMuon", "Muon_Px"} {
		c := table(t, path, Options{Flatten: name})
		var names []string
		for i := range c {
			names = append(names, c[i].Name)
		}
		if got := strings.Join(names, " "); got != "event Muon_Px Muon_Py Muon_Pz Muon_E Muon_Charge Muon_Iso" || c[0].Len() != 3825 {
			t.Errorf("%s: %d of %s", name, c[0].Len(), got)
		}
	}
	// A column of events is repeated; the number of muons of each event comes out.
	c := table(t, path, Options{Flatten: "Muon", Columns: []string{"NMuon", "event", "Muon_E"}})
	count := make(map[int64]int64)
	for _, e := range c[1].I64 {
		count[e]++
	}
	for i, e := range c[1].I64 {
		if c[0].I64[i] != count[e] {
			t.Fatalf("event %d has %d muons and %d rows", e, c[0].I64[i], count[e])
		}
	}
}

func TestRefusals(t *testing.T) {
	hzz := "testdata/skhep_HZZ.root"
	for want, opts := range map[string]Options{
		`column "Muon_Px" holds any number of values an event; name Muon_Px[0] for the first, or flatten Muon`: {Columns: []string{"Muon_Px"}},
		`no column "Muon_pt[0]"`:                                                  {Columns: []string{"Muon_pt[0]"}},
		`no column "MET_pxx"; did you mean "MET_px"`:                              {Columns: []string{"MET_pxx"}},
		`holds nothing to flatten as "Tau"; there is Jet, Muon, Electron, Photon`: {Flatten: "Tau"},
		`column "Jet_Px" holds any number of values an event; name Jet_Px[0] for`: {Flatten: "Muon", Columns: []string{"Jet_Px"}},
		`column "MET_px" holds float32 and cannot be read as text`:                {Types: map[string]column.Type{"MET_px": column.Text}},
		`column "MET_px" is asked for twice`:                                      {Columns: []string{"MET_px", "MET_px"}},
		`holds no tree "ev"`:                                                      {Key: "ev"},
	} {
		if _, err := Open(hzz, opts); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", want, err)
		}
	}
	r, err := Open(hzz, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	want := `column "Photon_Iso" holds any number of values an event; name Photon_Px[0] for the first, or flatten Photon`
	if left := r.Skipped(); left[len(left)-1].String() != want || len(left.Say(false)) != 4 {
		t.Errorf("%q", left)
	}
}

func TestNoROOTFile(t *testing.T) {
	for text, want := range map[string]string{
		"":                                  "is not a ROOT file",
		"pt,eta\n1,2\n":                     "is not a ROOT file",
		"root":                              "its header ends",
		"root" + strings.Repeat("\x00", 60): "was not closed by the program that wrote it",
	} {
		path := filepath.Join(t.TempDir(), "x.root")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(path, Options{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", text, err)
		}
	}
	if _, err := Open(filepath.Join(t.TempDir(), "none.root"), Options{}); err == nil {
		t.Error("opened a file that is not there")
	}
}

// The packed floats of ROOT against values worked out from its formulas
// (TBufferFile::WriteDouble32).
func TestShortFloats(t *testing.T) {
	for _, c := range []struct {
		title string
		full  int
		raw   []byte
		want  float64
	}{
		{"x/d[0,10,8]", 0, []byte{0, 0, 0, 128}, 5},
		{"x/d[-pi,pi]", 0, []byte{255, 255, 255, 255}, math.Pi},
		{"x/d[0,0,10]", 0, []byte{127, 0x02, 0x00}, 1.5},
		{"x", 12, []byte{128, 0x2c, 0x00}, -3.5},
		{"x", 0, []byte{0x40, 0x20, 0, 0}, 2.5},
		{"x[3]/d[0,10,8]", 0, []byte{0, 0, 0, 128}, 5},
		{"at the vertex [cm, lab frame]", 0, []byte{0x40, 0x20, 0, 0}, 2.5}, // no numbers are 0, and so no range
		{"angle [ -2*PI , twopi, 16 ] of the track [rad]", 0, []byte{0, 0, 128, 0}, 0},
		{"x/d[0,10,99]", 0, []byte{255, 255, 255, 255}, 10}, // ROOT takes 32 bits for as many as there are not
	} {
		n, ok := spanIn(c.title).number(c.full)
		if !ok {
			t.Fatal(c.title)
		}
		one := column.New("", "", n.Native(), 1)
		n.Decode(&one, c.raw, 0)
		if got := one.Float(0); math.Abs(got-c.want) > 1e-14 { // rounding of the range's ends
			t.Errorf("%s: %v is %v, not %v", c.title, c.raw, got, c.want)
		}
	}
}
