package events

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
)

func floats(n int, f func(i int) float32) Column {
	c := Column{Type: Float32}
	for i := range n {
		c.F32 = append(c.F32, f(i))
	}
	return c
}

// spread are values between 0 and 1 that all differ (multiples of the golden ratio).
func spread(i int) float32 {
	_, f := math.Modf(float64(i) * 0.6180339887498949)
	return float32(f)
}

func TestKinds(t *testing.T) {
	const n = 10000
	nan := float32(math.NaN())
	for want, c := range map[Kind]Column{
		KindContinuous: floats(n, spread),
		KindInteger:    floats(n, func(i int) float32 { return float32(i % 7) }),
		KindDiscrete:   floats(n, func(i int) float32 { return []float32{0, 1.08, 2.17}[i%3] }),
		KindConstant:   floats(n, func(i int) float32 { return 3 }),
		KindText:       {Type: Text, Str: []string{"s", "b", "s"}},
		KindAtoms: floats(n, func(i int) float32 {
			switch {
			case i%4 == 0:
				return -999
			case i%50 == 1:
				return 0
			}
			return spread(i)
		}),
	} {
		s := summarise(&c)
		if s.Kind != want {
			t.Errorf("%s column is taken for %s: %+v", want, s.Kind, s)
		}
		if want == KindAtoms && (len(s.Atoms) != 2 || s.Atoms[0] != (Atom{-999, 0.25}) || s.Atoms[1] != (Atom{0, 0.02})) {
			t.Errorf("atoms: %+v", s.Atoms)
		}
	}
	if s := summarise(&Column{Type: Float32, F32: []float32{nan, nan}}); s.Kind != KindConstant || s.NaN != 2 || s.FirstNaN != 1 {
		t.Errorf("nothing but missing values: %+v", s)
	}
}

func TestSummary(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	s := Summarise(&Table{Columns: []Column{
		{Name: "x", Unit: "GeV", Type: Float64, F64: []float64{1e9 + 1, 1e9 + 2, nan, 1e9 + 3, inf, 1e9 + 4.5}},
		{Name: "l", Type: Text, Str: []string{"a", "", "b", "a", "", "c"}},
	}})
	x := s[0]
	if x.Count != 6 || x.NaN != 1 || x.FirstNaN != 3 || x.Inf != 1 || x.Min != 1e9+1 || x.Max != 1e9+4.5 || x.Mean != 1e9+2.625 || x.Distinct != 5 {
		t.Errorf("%+v", x)
	}
	// Of -1.625 -0.625 0.375 1.875; a sum of squares would have lost all digits.
	if want := math.Sqrt((1.625*1.625 + 0.625*0.625 + 0.375*0.375 + 1.875*1.875) / 4); math.Abs(x.Std-want) > 1e-6 {
		t.Errorf("std %g, want %g", x.Std, want)
	}
	if s[1].Distinct != 3 || s[1].NaN != 2 || s[1].FirstNaN != 2 {
		t.Errorf("%+v", s[1])
	}
	b, err := json.Marshal(s)
	if err != nil || !strings.Contains(string(b), `"name":"x","unit":"GeV","type":"float64","kind":"continuous","count":6,"nan":1`) {
		t.Errorf("%s %v", b, err)
	}
}

// The columns of real data: b-tags, missing values marked -999, labels.
func TestSummaryOfRealData(t *testing.T) {
	higgs, err := ReadAll([]string{data(t, "higgs_15k_noheader.csv.gz")}, Options{Columns: []string{"col0", "col1", "col9"}})
	if err != nil {
		t.Fatal(err)
	}
	atlas, err := ReadAll([]string{data(t, "atlas_higgs14_22k.csv.gz")}, Options{Columns: []string{"DER_mass_MMC", "Label", "PRI_jet_num", "DER_mass_vis"}})
	if err != nil {
		t.Fatal(err)
	}
	got := append(Summarise(higgs), Summarise(atlas)...)
	for i, want := range []Kind{KindInteger, KindContinuous, KindDiscrete, KindAtoms, KindText, KindInteger, KindContinuous} {
		if got[i].Kind != want {
			t.Errorf("%s: %s, want %s (%+v)", got[i].Name, got[i].Kind, want, got[i])
		}
	}
	if a := got[3].Atoms; len(a) != 1 || a[0].Value != -999 {
		t.Errorf("atoms of DER_mass_MMC: %+v", a)
	}
}
