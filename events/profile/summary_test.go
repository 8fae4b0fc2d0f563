package profile

import (
	"bytes"
	"encoding/json"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/internal/reference"
)

func floats(n int, f func(i int) float32) events.Column {
	c := events.Column{Type: events.Float32}
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
	for want, c := range map[Kind]events.Column{
		KindContinuous: floats(n, spread),
		KindInteger:    floats(n, func(i int) float32 { return float32(i % 7) }),
		KindDiscrete:   floats(n, func(i int) float32 { return []float32{0, 1.08, 2.17}[i%3] }),
		KindConstant:   floats(n, func(i int) float32 { return 3 }),
		KindText:       {Type: events.Text, Str: []string{"s", "b", "s"}},
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
		s := Summarise(&events.Table{Columns: []events.Column{c}})[0]
		if s.Kind != want {
			t.Errorf("%s column is taken for %s: %+v", want, s.Kind, s)
		}
		if want == KindAtoms && (len(s.Atoms) != 2 || s.Atoms[0] != (Atom{-999, 0.25}) || s.Atoms[1] != (Atom{0, 0.02})) {
			t.Errorf("atoms: %+v", s.Atoms)
		}
	}
	if s := Summarise(&events.Table{Columns: []events.Column{{F32: []float32{nan, nan}}}})[0]; s.Kind != KindConstant || s.NaN != 2 || s.FirstNaN != 1 {
		t.Errorf("nothing but missing values: %+v", s)
	}
}

func TestSummary(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	s := Summarise(&events.Table{Columns: []events.Column{
		{Name: "x", Unit: "GeV", Type: events.Float64, F64: []float64{1e9 + 1, 1e9 + 2, nan, 1e9 + 3, inf, 1e9 + 4.5}},
		{Name: "l", Type: events.Text, Str: []string{"a", "", "b", "a", "", "c"}},
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
	higgs, err := events.ReadAll([]string{reference.Data(t, "higgs_15k_noheader.csv.gz")}, events.Options{Columns: []string{"col0", "col1", "col9"}})
	if err != nil {
		t.Fatal(err)
	}
	atlas, err := events.ReadAll([]string{reference.Data(t, "atlas_higgs14_22k.csv.gz")}, events.Options{Columns: []string{"DER_mass_MMC", "Label", "PRI_jet_num", "DER_mass_vis"}})
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

// blocks cuts a table into tables of 1, 2, 3 and more events.
func blocks(t *events.Table) []*events.Table {
	var all []*events.Table
	for at, n := 0, 1; at < t.Len(); at, n = at+n, n+1+n/8 {
		all = append(all, t.Slice(at, min(at+n, t.Len())))
	}
	return all
}

// late are n values that all differ, but for 1 in 3 that is 0 from the start on, and 1 in 25 of the last half that is
// -1, as is one alone long before.
func late(n int) events.Column {
	c := floats(n, func(i int) float32 {
		switch {
		case i > n/2 && i%25 == 0, i == n/4:
			return -1
		case i%3 == 0:
			return 0
		}
		return 1 + float32(i)/16
	})
	c.Name = "late"
	return c
}

// A summary is the same to the last bit wherever the blocks end.
func TestSummariesOfBlocks(t *testing.T) {
	const n = 100_000
	mixed := &events.Table{Columns: []events.Column{
		late(n), floats(n, spread), floats(n, func(i int) float32 { return float32(i % 2000) }),
		floats(n, func(i int) float32 { return float32(math.Log(float64(i % 11))) }),
		{Name: "text", Type: events.Text, Str: make([]string, n)}, {Name: "id", Type: events.Int64, I64: make([]int64, n)},
	}}
	for i := range n {
		mixed.Columns[4].Str[i] = strings.Repeat("ab", i%5)
		mixed.Columns[5].I64[i] = int64(i) << 40
	}
	want := Summarise(mixed)
	var s Summariser
	for _, b := range blocks(mixed) {
		if err := s.Add(b, "", nil); err != nil {
			t.Fatal(err)
		}
	}
	if !s.Unsure() {
		t.Error("an atom that came late is taken for certain")
	}
	atLeast := s.Summaries()[0].Atoms
	for _, b := range blocks(mixed) {
		s.Recount(b)
	}
	got := s.Summaries()
	for i := range want {
		a, _ := json.Marshal(want[i])
		b, _ := json.Marshal(got[i])
		if !bytes.Equal(a, b) {
			t.Errorf("in blocks:\n%s, not\n%s", b, a)
		}
	}
	for i, n := range map[int]int{0: MaxDistinct, 1: MaxDistinct, 2: MaxDistinct, 3: 11, 4: 4, 5: MaxDistinct} {
		if got[i].Distinct != n || got[i].DistinctAtLeast != (n == MaxDistinct) {
			t.Errorf("column %d has %d values (at least: %t), not %d", i, got[i].Distinct, got[i].DistinctAtLeast, n)
		}
	}
	late := []Atom{{0, float64(n/3+1-(n/2/75+1)) / n}, {-1, float64(n/2/25-1+1) / n}}
	if !slices.Equal(got[0].Atoms, late) {
		t.Errorf("atoms %v, not %v", got[0].Atoms, late)
	}
	if want := []Atom{late[0], {-1, float64(n/2/25-1) / n}}; !slices.Equal(atLeast, want) {
		t.Errorf("before the second pass atoms are %v, not %v", atLeast, want)
	}
}

// The number of different values is exact up to the bound, and says when it is beyond.
func TestDistinctAtTheBound(t *testing.T) {
	for _, n := range []int{999, 1000, 1001, 1025, 5000} {
		c := floats(3*n, func(i int) float32 { return float32(i % n) })
		text := events.Column{Type: events.Text}
		for i := range 3 * n {
			text.Str = append(text.Str, strconv.Itoa(i%n))
		}
		for _, s := range Summarise(&events.Table{Columns: []events.Column{c, text}}) {
			if s.Distinct != min(n, 1000) || s.DistinctAtLeast != (n > 1000) {
				t.Errorf("%s of %d values: %d (at least: %t)", s.Type, n, s.Distinct, s.DistinctAtLeast)
			}
		}
	}
}

// Integers that one float64 stands for are different values, of which neither kind, number nor deviation are lost.
func TestLargeIntegers(t *testing.T) {
	const at = 1550083467346370000
	id := events.Column{Name: "id", Type: events.Int64, I64: []int64{at + 1, at, at + 1, at + 2, at + 1}}
	hash := events.Column{Name: "hash", Type: events.Uint64}
	wide := events.Column{Name: "wide", Type: events.Int64, I64: []int64{math.MinInt64, math.MaxInt64, -1, 0, 1}}
	run := events.Column{Name: "run", Type: events.Int64, I64: slices.Repeat([]int64{at + 7}, 5)}
	for _, v := range id.I64 {
		hash.U64 = append(hash.U64, math.MaxUint64-at+uint64(v)-2)
	}
	few := events.Column{Name: "few", Type: events.Int64, I64: []int64{at, 2, 2, 2, 2}}
	s := Summarise(&events.Table{Columns: []events.Column{id, hash, wide, run, few}})
	for i, want := range []Summary{
		{Kind: KindInteger, Distinct: 3, Min: at, Max: at + 2, Std: math.Sqrt(0.4)},
		{Kind: KindInteger, Distinct: 3, Min: math.MaxUint64, Max: math.MaxUint64, Std: math.Sqrt(0.4)},
		{Kind: KindInteger, Distinct: 5, Min: math.MinInt64, Max: math.MaxInt64, Std: math.Sqrt(0.4) * (1 << 63)},
		{Kind: KindConstant, Distinct: 1, Min: at + 7, Max: at + 7},
		{Kind: KindInteger, Distinct: 2, Min: 2, Max: at, Std: 0.4 * at},
	} {
		if g := s[i]; g.Kind != want.Kind || g.Distinct != want.Distinct || g.Min != want.Min || g.Max != want.Max || math.Abs(g.Std-want.Std) > 1e-12*want.Std {
			t.Errorf("%+v", g)
		}
	}
}

// No value with more than 1/512 of the events is missed, whatever the order, and the counts are within their bounds.
func TestFrequentBounds(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 9))
	for _, order := range []string{"shuffled", "rising", "falling", "often first", "often last"} {
		var x []float64
		exact := map[float64]int64{}
		for v := range 20_000 { // value v comes once, or some 20,000/v times, up to 1000
			for range 1 + min(20_000/(v+1), 1000)*r.IntN(2) {
				x = append(x, float64(v))
				exact[float64(v)]++
			}
		}
		switch order {
		case "shuffled":
			r.Shuffle(len(x), func(i, j int) { x[i], x[j] = x[j], x[i] })
		case "falling":
			slices.Reverse(x)
		case "often first":
			slices.SortFunc(x, func(a, b float64) int { return int(exact[b] - exact[a]) })
		case "often last":
			slices.SortFunc(x, func(a, b float64) int { return int(exact[a] - exact[b]) })
		}
		var f frequent
		for _, v := range x {
			f.add([]uint64{math.Float64bits(v)})
		}
		if f.lost == 0 || f.lost > int64(len(x)/512) {
			t.Errorf("%s: lost %d of %d", order, f.lost, len(x))
		}
		for v, n := range exact {
			var c counted
			if k := f.index[f.slot(math.Float64bits(v))]; k > 0 {
				c = f.values[k-1]
			}
			switch {
			case c.seen > n, c.seen+f.lost < n, c.exact && c.seen != n:
				t.Fatalf("%s: %g came %d times; there is %+v, lost %d", order, v, n, c, f.lost)
			}
		}
	}
}

func BenchmarkSummarise(b *testing.B) {
	const n = 1 << 20
	for _, c := range []struct {
		name string
		of   func(i int) float32
	}{
		{"continuous", spread},
		{"integer", func(i int) float32 { return float32(i % 7) }},
		{"atoms", func(i int) float32 { return spread(i) * float32(i%4) }},
	} {
		b.Run(c.name, func(b *testing.B) {
			t := &events.Table{Columns: []events.Column{floats(n, c.of)}}
			b.SetBytes(4 * n)
			for b.Loop() {
				Summarise(t)
			}
		})
	}
}
