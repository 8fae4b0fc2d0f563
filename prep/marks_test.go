package prep

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/internal/rng"
)

// nested are the momenta of up to three jets, -999 for those that are not there, none above 300, and a column with a mark of its own.
func nested(n int) *events.Table {
	g := rng.New(5, rng.StreamToy, 0)
	c := []events.Column{{Name: "pt1", F32: make([]float32, n)}, {Name: "pt2", F32: make([]float32, n)}, {Name: "pt3", F32: make([]float32, n)},
		{Name: "eta3", F32: make([]float32, n)}, {Name: "iso", F32: make([]float32, n)}}
	for i := range n {
		jets, last := g.IntN(4), 400.
		for k := range 3 {
			c[k].F32[i] = -999
			if k < jets {
				last = 30 + (last-30)*math.Sqrt(g.Float64())
				c[k].F32[i] = float32(min(last, 300))
			}
		}
		c[3].F32[i] = -999
		if jets > 2 {
			c[3].F32[i] = float32(g.NormFloat64())
		}
		if g.IntN(5) > 0 {
			c[4].F32[i] = float32(g.NormFloat64() * g.NormFloat64())
		}
	}
	return &events.Table{Columns: c}
}

// pattern is which of its values an event has and which marks, by the marks of the columns.
func pattern(t *events.Table, i int) string {
	text := ""
	for k := range t.Columns {
		switch v := t.Columns[k].Float(i); v {
		case -999, 300:
			text += fmt.Sprintf(" %g", v)
		default:
			text += " x"
		}
	}
	return text
}

// However a flow draws, the combinations are those of the data, with their frequencies where it draws a normal, and no value is one that the
// column has not.
func TestCombinationsOfMarksAreThoseOfTheData(t *testing.T) {
	tab := nested(20000)
	p := mustFit(t, tab, tab.Names(), Spec{})
	said, err := p.Together(tab)
	if err != nil || len(said) != 1 || !strings.HasPrefix(said[0], "single values (-999 or 300 in pt1, pt2, pt3; -999 in eta3) come in ") {
		t.Fatalf("%q, %v", said, err)
	}
	if p.column("iso").Marked != nil || p.Dim() != 6 || p.InFlow()[0] != hiddenName {
		t.Errorf("%v is in the flow", p.InFlow())
	}
	p = reloaded(t, p)
	const n = 20000
	g := rng.New(3, rng.StreamToy, 0)
	cols := make([][]float32, p.Dim())
	for i := range cols {
		for range n {
			cols[i] = append(cols[i], float32(g.NormFloat64()))
		}
	}
	back, _, err := p.Invert(cols)
	if err != nil {
		t.Fatal(err)
	}
	seen, made := map[string]float64{}, map[string]float64{}
	tab.Columns, back.Columns = tab.Columns[:4], back.Columns[:4]
	for i := range n {
		seen[pattern(tab, i)]++
		made[pattern(back, i)]++
		for k := range 3 {
			if v := back.Columns[k].Float(i); v != -999 && (v < 30 || v > 300) {
				t.Fatalf("event %d: a momentum of %g", i, v)
			}
		}
	}
	for text, events := range made {
		if want := seen[text]; want == 0 || math.Abs(events-want) > 4*math.Sqrt(2*want) {
			t.Errorf("%s: %g events, want %g", text, events, want)
		}
	}
}

// Apply and Invert are inverse, with their log-determinants; a combination that training had not is told.
func TestMarksRoundTrip(t *testing.T) {
	tab := nested(4000)
	p := together(t, tab, tab.Names()...)
	comesBack(t, p, tab, 2e-2)
	if n, ranges, err := p.OutOfRange(tab); err != nil || n != 0 {
		t.Errorf("%d of the training events are out of range: %+v, %v", n, ranges, err)
	}
	one := tab.Take([]int32{0, 1, 2})
	for k, v := range []float32{-999, 40, -999, 1} {
		one.Columns[k].F32[1] = v
	}
	n, ranges, err := p.OutOfRange(one)
	if err != nil || n != 1 || ranges[0].Column != "pt1" || ranges[0].Unseen != 1 || ranges[0].First != 1 || ranges[0].Value != "pt1 -999, pt3 -999" {
		t.Errorf("%d events, %+v, %v", n, ranges, err)
	}
	if _, d, err := p.Apply(one, nil); err != nil || !finite(d...) {
		t.Errorf("log-dets %v, %v", d, err)
	}
}

// A number of jets that counts no more than two tells the marks of two jets, and is tied to those of the third: no event has a third jet without
// the second, nor with one jet counted. It comes back as the integer that it was.
func TestMarksTiedToAFewValues(t *testing.T) {
	tab := nested(12000)
	njet := events.Column{Name: "njet", Type: events.Int64}
	for i := range tab.Len() {
		n := 0
		for k := range 2 {
			if tab.Columns[k].F32[i] != -999 {
				n++
			}
		}
		njet.I64 = append(njet.I64, int64(n))
	}
	tab.Columns = append(tab.Columns[:3], njet)
	for k := range 3 { // without clip values
		for i, v := range tab.Columns[k].F32 {
			if v == 300 {
				tab.Columns[k].F32[i] = 30 + 0.27*float32(i*7919%1000)
			}
		}
	}
	p := mustFit(t, tab, tab.Names(), Spec{})
	said, err := p.Together(tab)
	if err != nil || len(said) != 3 || !strings.HasPrefix(said[2], "single values (-999 in pt3; 0, 1 or 2 in njet) come in 4 combinations") {
		t.Fatalf("%q, %v", said, err)
	}
	if p = reloaded(t, p); p.Dim() != 4 {
		t.Fatalf("the flow sees %v", p.InFlow())
	}
	g := rng.New(4, rng.StreamToy, 0)
	cols := make([][]float32, p.Dim())
	for k := range cols {
		for range 20000 {
			cols[k] = append(cols[k], float32(1.2*g.NormFloat64()))
		}
	}
	back, d, err := p.Invert(cols)
	if err != nil {
		t.Fatal(err)
	}
	has := func(k, i int) bool { return back.Columns[k].F32[i] != -999 }
	for i := range back.Len() {
		if n := back.Columns[3].I64[i]; has(0, i) != (n > 0) || has(1, i) != (n > 1) || has(2, i) && n < 2 {
			t.Fatalf("event %d: %d jets, %v %v %v", i, n, has(0, i), has(1, i), has(2, i))
		}
	}
	again, e, err := p.Apply(back, nil)
	if err != nil {
		t.Fatal(err)
	}
	if back, _, err = p.Invert(again); err != nil {
		t.Fatal(err)
	}
	for i := range d {
		if !finite(d[i], e[i]) || back.Columns[3].I64[i] < 0 {
			t.Fatalf("event %d: log-dets %g and %g", i, d[i], e[i])
		}
	}
	if n, ranges, err := p.OutOfRange(tab); n != 0 || err != nil {
		t.Errorf("%d events, %+v, %v", n, ranges, err)
	}
	tab.Columns[3].I64[5] = 9
	if n, _, err := p.OutOfRange(tab); n != 1 || err != nil {
		t.Errorf("%d events, %v", n, err)
	}
}

// A file may hold a mark that is no float32 as it was rounded to one, or before that.
func TestMarksOfAnotherPrecision(t *testing.T) {
	single, double := &events.Table{}, &events.Table{}
	for _, c := range nested(4000).Columns[:2] {
		d := events.Column{Name: c.Name, Type: events.Float64}
		for i, v := range c.F32 {
			if v == -999 {
				c.F32[i] = -999.9
				d.F64 = append(d.F64, -999.9)
			} else {
				d.F64 = append(d.F64, float64(v))
			}
		}
		single.Columns, double.Columns = append(single.Columns, c), append(double.Columns, d)
	}
	for _, c := range [][2]*events.Table{{single, double}, {double, single}} {
		p := together(t, c[0], "pt1", "pt2")
		_, a, _ := p.Apply(c[0], nil)
		_, b, err := p.Apply(c[1], nil)
		n, ranges, _ := p.OutOfRange(c[1])
		if err != nil || n != 0 || !slices.Equal(a, b) {
			t.Errorf("%d events, %+v, %v", n, ranges, err)
		}
	}
}

// The density of a flow, summed over the combinations and integrated over the values that are there, is 1, whatever the flow knows.
func TestMarksAreADensity(t *testing.T) {
	const rho, draws, points = 0.6, 128, 64
	tab := nested(8000)
	for k := range 3 { // clip values make more combinations than an integral needs
		for i, v := range tab.Columns[k].F32 {
			if v == 300 {
				tab.Columns[k].F32[i] = 30 + 0.27*float32(i*7919%1000)
			}
		}
	}
	p := together(t, tab, "pt1", "pt2")
	if p.Marks == nil || len(p.Marks.Patterns) != 3 {
		t.Fatalf("%+v", p.Marks)
	}
	// y = (h, a, b) is normal, each correlated with that before
	flow := func(h, a, b float64) float64 {
		s := math.Sqrt(1 - rho*rho)
		return math.Exp(logNormal(h)+logNormal((a-rho*h)/s)+logNormal((b-rho*a)/s)) / (s * s)
	}
	density := func(x, y []float32) float64 {
		at := &events.Table{Columns: []events.Column{{Name: "pt1", F32: x}, {Name: "pt2", F32: y}}}
		sum := 0.0
		for draw := range draws {
			cols, logDet, placed, err := p.ApplyDraw(at, draw, draws)
			if err != nil || slices.Contains(placed, false) {
				t.Fatal(err, "events without a place")
			}
			for i := range x {
				sum += math.Exp(logDet[i]) * flow(float64(cols[0][i]), float64(cols[1][i]), float64(cols[2][i])) / draws
			}
		}
		return sum
	}
	grid := func(name string) (x []float32, width float64) {
		q := p.column(name).Steps[len(p.column(name).Steps)-1].(*quantile)
		lo, hi := q.X[0], q.X[len(q.X)-1]
		width = (hi - lo) / points
		for i := range points {
			x = append(x, float32(lo+width*(float64(i)+0.5)))
		}
		return x, width
	}
	x, dx := grid("pt1")
	y, dy := grid("pt2")
	none := slices.Repeat([]float32{-999}, points)
	total := density(none[:1], none[:1]) + dx*density(x, none)
	for i := range x {
		total += dx * dy * density(slices.Repeat(x[i:i+1], points), y)
	}
	if math.Abs(total-1) > 0.01 { // of the draws and the grid
		t.Errorf("the density has an integral of %.4f", total)
	}
}

// Of more combinations than a flow learns, the marks of the most events remain, and the others are told.
func TestManyCombinationsOfMarks(t *testing.T) {
	const n, columns = 20000, 9
	g := rng.New(8, rng.StreamToy, 0)
	tab := &events.Table{}
	for k := range columns {
		c := events.Column{Name: fmt.Sprintf("x%d", k), F32: make([]float32, n)}
		for i := range n {
			c.F32[i] = float32(g.NormFloat64())
			if g.IntN(3) == 0 || k > 0 && k%2 == 0 && tab.Columns[k-1].F32[i] == -9 {
				c.F32[i] = -9
			}
		}
		tab.Columns = append(tab.Columns, c)
	}
	p := mustFit(t, tab, tab.Names(), Spec{})
	said, err := p.Together(tab)
	if err != nil || len(said) != 2 || !strings.Contains(said[0], "more than 64 combinations") || len(p.Marks.Patterns) > mostPatterns || len(p.Marks.Columns) < 4 {
		t.Errorf("%q, %v", said, err)
	}
}

// A column of which a mark is told and another tied is part of the combinations, unless these are too many: then it is told as before.
func TestToldAndTiedMarks(t *testing.T) {
	const n = 12000
	g := rng.New(13, rng.StreamToy, 0)
	tab := &events.Table{Columns: []events.Column{{Name: "njet", Type: events.Int64, I64: make([]int64, n)}, {Name: "pt", F32: make([]float32, n)}, {Name: "ht", F32: make([]float32, n)}}}
	for i := range n {
		k, x := g.IntN(2), -50*math.Log(1-g.Float64())
		pt, ht := -999., x
		if k > 0 {
			if pt, ht = 25+x, min(60+x, 200); x > 170 {
				pt, ht = 195, 200
			}
		}
		tab.Columns[0].I64[i], tab.Columns[1].F32[i], tab.Columns[2].F32[i] = int64(k), float32(pt), float32(ht)
	}
	p := together(t, tab, tab.Names()...)
	if pt := p.column("pt"); pt.Told != nil || pt.Marked == nil || !slices.Equal(pt.Marked.Marks, []float64{-999, 195}) || p.column("njet").InFlow() {
		t.Errorf("%+v", p.Marks)
	}
	for k := range 8 { // pairs of flags that are never set together
		c := events.Column{Name: fmt.Sprintf("flag%d", k), Type: events.Int64, I64: make([]int64, n)}
		for i := range n {
			if k%2 == 0 || tab.Columns[k+2].I64[i] == 0 {
				c.I64[i] = int64(g.IntN(2))
			}
		}
		tab.Columns = append(tab.Columns, c)
	}
	p = mustFit(t, tab, tab.Names(), Spec{})
	said, err := p.Together(tab)
	if pt := p.column("pt"); err != nil || pt.Told == nil || pt.Marked != nil || len(said) != 3 {
		t.Errorf("%q, %v", said, err)
	}
	reloaded(t, p)
}

// A value or a combination that only events without a positive weight have is none that is learned, and the preparation can be saved.
func TestMarksOfNoWeight(t *testing.T) {
	for _, weight := range []float64{0, -1} {
		tab := nested(6000)
		count := events.Column{Name: "count", Type: events.Int64}
		w := events.Column{Name: "w", Type: events.Float64}
		for i := range tab.Len() {
			n, own := int64(0), 1.
			for k := range 2 {
				if tab.Columns[k].F32[i] != -999 {
					n++
				}
			}
			if i%50 == 0 {
				n, own = 7, weight
			}
			count.I64, w.F64 = append(count.I64, n), append(w.F64, own)
		}
		tab.Columns, tab.Weight = append(tab.Columns[:3], count, w), "w"
		p := reloaded(t, together(t, tab, "pt1", "pt2", "pt3", "count"))
		if slices.Contains(p.InFlow(), "count") || slices.Contains(p.column("count").Marked.Marks, 7) {
			t.Errorf("%+v, %v", p.column("count").Marked, p.InFlow())
		}
		if _, d, err := p.Apply(tab, nil); err != nil || !finite(d...) {
			t.Errorf("log-dets are not finite, or %v", err)
		}
		if n, _, err := p.OutOfRange(tab); err != nil || n != 120 {
			t.Errorf("%d events have what was not learned, want 120; %v", n, err)
		}
	}
}

// A column of so many marks that the one which is told is not among those taken stays told, and no other of its marks is taken.
func TestToldMarkOfMany(t *testing.T) {
	const n = 20000
	g := rng.New(15, rng.StreamToy, 0)
	tab := &events.Table{Columns: []events.Column{{Name: "njet", Type: events.Int64, I64: make([]int64, n)}, {Name: "pt", F32: make([]float32, n)}, {Name: "ht", F32: make([]float32, n)}}}
	for i := range n {
		pt, ht, atom := float32(20+g.NormFloat64()), float32(100+g.NormFloat64()), g.IntN(32)
		if g.IntN(3) == 0 {
			ht = 200
		}
		if atom < 20 && (atom > 0 || ht < 200) {
			pt = float32(10 + atom)
		}
		if tab.Columns[0].I64[i] = 1; g.IntN(80) == 0 {
			tab.Columns[0].I64[i], pt = 0, -999
		}
		tab.Columns[1].F32[i], tab.Columns[2].F32[i] = pt, ht
	}
	p := reloaded(t, together(t, tab, tab.Names()...))
	if pt := p.column("pt"); pt.Told == nil || pt.Marked != nil {
		t.Errorf("%+v, %+v", pt.Told, pt.Marked)
	}
}

// Integers beyond what a float32 tells apart are values of their own.
func TestMarksOfLargeIntegers(t *testing.T) {
	const code = 1000010020
	tab := nested(8000)
	c := events.Column{Name: "code", Type: events.Int64}
	for i := range tab.Len() {
		n := int64(code)
		for k := range 2 {
			if tab.Columns[k].F32[i] != -999 {
				n++
			}
		}
		c.I64 = append(c.I64, n)
	}
	tab.Columns = append(tab.Columns[:3], c)
	p := reloaded(t, together(t, tab, tab.Names()...))
	if slices.Contains(p.InFlow(), "code") {
		t.Fatal(p.InFlow())
	}
	cols, _, err := p.Apply(tab, nil)
	if err != nil {
		t.Fatal(err)
	}
	back, _, err := p.Invert(cols)
	if err != nil || !slices.Equal(back.Columns[3].I64, c.I64) {
		t.Errorf("codes come back as others, or %v", err)
	}
	c.I64[3] = code + 3
	if n, _, err := p.OutOfRange(tab); n != 1 || err != nil {
		t.Errorf("%d events, %v", n, err)
	}
}

// Integers have marks where a value at their end is far from all others.
func TestMarksOfIntegers(t *testing.T) {
	for _, mark := range []int64{-999, -1, 1000} {
		integersWith(t, mark)
	}
}

func integersWith(t *testing.T, mark int64) {
	t.Helper()
	tab := nested(12000)
	g := rng.New(18, rng.StreamToy, 0)
	c := events.Column{Name: "tracks", Type: events.Int64}
	for i := range tab.Len() {
		n := mark
		if tab.Columns[1].F32[i] != -999 {
			n = 200 + int64(10*g.NormFloat64())
		}
		c.I64 = append(c.I64, n)
	}
	tab.Columns = append(tab.Columns[:2], c)
	p := reloaded(t, together(t, tab, tab.Names()...))
	cols := make([][]float32, p.Dim())
	for k := range cols {
		for range 20000 {
			cols[k] = append(cols[k], float32(1.2*g.NormFloat64()))
		}
	}
	back, d, err := p.Invert(cols)
	if err != nil || !finite(d...) {
		t.Fatal(err)
	}
	for i, n := range back.Columns[2].I64 {
		if (n == mark) != (back.Columns[1].F32[i] == -999) || n != mark && (n < 100 || n > 300) {
			t.Fatalf("event %d: %d tracks, a momentum of %g", i, n, back.Columns[1].F32[i])
		}
	}
	if n, ranges, err := p.OutOfRange(tab); n != 0 || err != nil {
		t.Errorf("%d events, %+v, %v", n, ranges, err)
	}
	cols, _, err = p.Apply(tab, nil)
	if err != nil {
		t.Fatal(err)
	}
	if back, _, err = p.Invert(cols); err != nil || !slices.Equal(back.Columns[2].I64, c.I64) {
		t.Errorf("the integers do not come back, or %v", err)
	}
}

// What is tied in some events is so in all.
func TestTiesOfManyEvents(t *testing.T) {
	const n = 200_000
	for _, c := range []struct {
		where int // of which words
		tied  bool
	}{{1, true}, {(n/64 + tiedWords) / tiedWords, false}} {
		g := rng.New(16, rng.StreamToy, 0)
		x, y := make([]float64, n), make([]float64, n)
		for i := range x {
			x[i], y[i] = float64(g.IntN(2)), float64(g.IntN(2))
			if x[i] == 1 && i/64%c.where == 0 {
				y[i] = 0
			}
		}
		a, b := marksOf(0, x, []float64{1}, false), marksOf(1, y, []float64{1}, false)
		if got := tied(&a[0], &b[0]); got != c.tied {
			t.Errorf("never together in every word of %d: tied %v", c.where, got)
		}
	}
}

// 40 columns of 16 values, in a million events.
func BenchmarkTies(b *testing.B) {
	const n = 1_000_000
	g := rng.New(17, rng.StreamToy, 0)
	p := &Pipeline{}
	var values [][]float64
	for range 40 {
		s := &levels{}
		x := make([]float64, n)
		for i := range x {
			x[i] = float64(g.IntN(16))
		}
		for v := range 16 {
			s.Value = append(s.Value, float64(v))
		}
		p.Columns, values = append(p.Columns, Column{Steps: Steps{s}}), append(values, x)
	}
	for b.Loop() {
		p.candidates(values)
	}
}

func TestSavedCombinationsThatCannotBeAreRefused(t *testing.T) {
	text, err := json.Marshal(together(t, nested(4000), "pt1", "pt2", "pt3"))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range [][2]string{{`"columns":["pt1"`, `"columns":["pt9"`}, {`"patterns":[[`, `"patterns":[[9,`}, {`"patterns":[[0,0,0]`, `"patterns":[[0,0,-1]`},
		{`"patterns":[[0,0,0]`, `"patterns":[[0,0,5]`}, {`"marked":{"marks":[`, `"marked":{"marks":[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,`}} {
		bad := strings.Replace(string(text), c[0], c[1], 1)
		if bad == string(text) || new(Pipeline).UnmarshalJSON([]byte(bad)) == nil {
			t.Errorf("%s for %s was taken", c[1], c[0])
		}
	}
}

// An inspection of files says what their columns tell of each other.
func TestInspectionSaysWhatComesTogether(t *testing.T) {
	tab := nested(3000)
	tab.Columns = append(tab.Columns, leptons(3000).Columns[:2]...)
	path := filepath.Join(t.TempDir(), "a.csv")
	out, err := events.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := cmp.Or(out.Write(tab), out.Close()); err != nil {
		t.Fatal(err)
	}
	r, err := Inspect(t.Context(), []string{path}, events.Options{})
	if err != nil || len(r.Notes) != 3 || !strings.HasPrefix(r.Notes[2], "in all events pt") || !strings.HasPrefix(r.Notes[0], "charge follows from pdg") || !strings.HasPrefix(r.Notes[1], "single values (-999 or 300 in pt1") {
		t.Errorf("%q, %v", r.Notes, err)
	}
}

// A mark of integers that comes with those of other columns is told by inspect as by a training.
func TestInspectionSaysIntegerMarks(t *testing.T) {
	src := rand.New(rand.NewPCG(1, 2))
	n, pt := events.Column{Name: "hits", Type: events.Int64}, events.Column{Name: "pt", Type: events.Float64}
	for range 4000 {
		if src.Float64() < 0.2 {
			n.I64, pt.F64 = append(n.I64, -999), append(pt.F64, -999)
			continue
		}
		n.I64, pt.F64 = append(n.I64, int64(100+40*src.NormFloat64())), append(pt.F64, src.ExpFloat64())
	}
	path := filepath.Join(t.TempDir(), "marks.csv")
	out, err := events.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := cmp.Or(out.Write(&events.Table{Columns: []events.Column{n, pt}}), out.Close()); err != nil {
		t.Fatal(err)
	}
	r, err := Inspect(t.Context(), []string{path}, events.Options{})
	if err != nil || len(r.Notes) != 1 || !strings.Contains(r.Notes[0], "-999 in hits, pt") {
		t.Errorf("%q, %v", r.Notes, err)
	}
}
