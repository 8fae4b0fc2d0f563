package prep

import (
	"encoding/json"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/events/profile"
	"github.com/sluice-hep/sluice/internal/rng"
)

// jets has columns that are -999 where there are too few jets, or together.
func jets(n int) *events.Table {
	g := rng.New(21, rng.StreamToy, 0)
	c := []events.Column{
		{Name: "pt", F32: make([]float32, n)}, {Name: "mjj", Type: events.Float64, F64: make([]float64, n)},
		{Name: "njet", Type: events.Int64, I64: make([]int64, n)}, {Name: "deta", Type: events.Float64, F64: make([]float64, n)},
		{Name: "cent", Type: events.Float64, F64: make([]float64, n)}, {Name: "mmc", F32: make([]float32, n)}, {Name: "mmc2", F32: make([]float32, n)}, {Name: "other", F32: make([]float32, n)},
	}
	for i := range n {
		k := g.IntN(4)
		c[2].I64[i] = int64(k)
		c[0].F32[i], c[1].F64[i], c[3].F64[i], c[4].F64[i], c[5].F32[i], c[6].F32[i], c[7].F32[i] = -999, -999, -999, -999, -999, -999, -999
		if k > 0 {
			c[0].F32[i] = float32(30 * math.Pow(1-g.Float64(), -0.3))
		}
		if k > 1 {
			c[1].F64[i], c[3].F64[i], c[4].F64[i] = 50-100*math.Log(1-g.Float64()), 2*g.NormFloat64(), math.Round(1000*max(0, g.Float64()-0.2))/1000
		}
		if g.IntN(5) > 0 {
			c[5].F32[i], c[6].F32[i] = float32(90+10*g.NormFloat64()), float32(g.NormFloat64())
		}
		if g.IntN(5) > 0 {
			c[7].F32[i] = float32(g.NormFloat64())
		}
	}
	return &events.Table{Columns: c}
}

func together(t *testing.T, tab *events.Table, names ...string) *Pipeline {
	t.Helper()
	p := mustFit(t, tab, names, Spec{})
	if _, err := p.Together(tab); err != nil {
		t.Fatal(err)
	}
	return p
}

// comesBack checks that Apply and Invert are inverse, with log-determinants whose sum is at most off: y is a float32.
func comesBack(t *testing.T, p *Pipeline, tab *events.Table, off float64) {
	t.Helper()
	cols, d, err := p.Apply(tab, nil)
	if err != nil {
		t.Fatal(err)
	}
	back, e, err := p.Invert(cols)
	if err != nil {
		t.Fatal(err)
	}
	for i := range d {
		for k := range tab.Columns {
			if v, w := tab.Columns[k].Float(i), back.Columns[k].Float(i); math.Abs(v-w) > 1e-4*(1+math.Abs(v)) {
				t.Fatalf("%s, event %d: %g comes back as %g", tab.Columns[k].Name, i, v, w)
			}
		}
		if math.Abs(d[i]+e[i]) > off {
			t.Fatalf("event %d: log-dets %g and %g", i, d[i], e[i])
		}
	}
}

// What is generated has its marks where the data have them, in every event, and no value beyond the edge that the others have.
func TestMarksComeTogether(t *testing.T) {
	tab := jets(6000)
	p := mustFit(t, tab, tab.Names(), Spec{})
	said, err := p.Together(tab)
	want := []string{"always -999 where njet is 0, and only there: pt; ", "always -999 where njet is 0 or 1, and only there: mjj, deta, cent; ", "single values (-999 in mmc, mmc2) come in 2 combinations"}
	if err != nil || len(said) != len(want) {
		t.Fatalf("%q, %v", said, err)
	}
	for i := range want {
		if !strings.HasPrefix(said[i], want[i]) {
			t.Errorf("%q, want %q", said[i], want[i])
		}
	}
	p = reloaded(t, p)
	g := rng.New(2, rng.StreamToy, 0)
	cols := make([][]float32, p.Dim())
	for i := range cols {
		for range 5000 {
			cols[i] = append(cols[i], float32(1.3*g.NormFloat64()))
		}
	}
	back, _, err := p.Invert(cols)
	if err != nil {
		t.Fatal(err)
	}
	at := func(name string, i int) float64 {
		c, _ := back.Column(name)
		return c.Float(i)
	}
	for i := range 5000 {
		k := at("njet", i)
		switch {
		case (at("pt", i) == -999) != (k == 0), (at("mjj", i) == -999) != (k < 2), (at("deta", i) == -999) != (k < 2), (at("mmc", i) == -999) != (at("mmc2", i) == -999):
			t.Fatalf("event %d has marks and values that no event has", i)
		case k > 1 && (at("cent", i) < 0 || at("cent", i) > 0.8 || math.Round(1000*at("cent", i))/1000 != at("cent", i)):
			t.Fatalf("event %d: a fraction of %v", i, at("cent", i))
		case k > 0 && at("pt", i) < 30, k > 1 && at("mjj", i) < 50, at("mmc", i) > -999 && at("mmc", i) < 0:
			t.Fatalf("event %d: pt %g, mjj %g, mmc %g", i, at("pt", i), at("mjj", i), at("mmc", i))
		}
	}
	tab.Columns[0].F32[7] = map[bool]float32{true: 40, false: -999}[tab.Columns[0].F32[7] == -999]
	n, ranges, err := p.OutOfRange(tab)
	if err != nil || n != 1 || ranges[0].Column != "pt" || ranges[0].Unseen != 1 || ranges[0].First != 7 {
		t.Errorf("%d events, %+v, %v", n, ranges, err)
	}
}

// Apply and Invert are inverse, with their log-determinants, also where a column has no value.
func TestTogetherRoundTrip(t *testing.T) {
	tab := jets(3000)
	tab.Columns = tab.Columns[:7]
	p := together(t, tab, tab.Names()...)
	comesBack(t, p, tab, 1e-2)
}

// The density of a flow, summed over the events without a value and integrated over the others, is 1, whatever the flow knows of
// the two columns together.
func TestTogetherIsADensity(t *testing.T) {
	const rho, draws, points = 0.7, 1024, 1000
	tab := jets(6000)
	p := together(t, tab, "njet", "mjj")
	density := func(njet int64, mjj ...float64) float64 {
		n := len(mjj)
		at := &events.Table{Columns: []events.Column{{Name: "njet", Type: events.Int64, I64: slices.Repeat([]int64{njet}, n)}, {Name: "mjj", Type: events.Float64, F64: mjj}}}
		sum := 0.0
		for draw := range draws {
			y, logDet, _, err := p.ApplyDraw(at, draw, draws)
			if err != nil {
				t.Fatal(err)
			}
			for i := range n {
				a, b := float64(y[0][i]), float64(y[1][i])
				sum += math.Exp(logDet[i]-(a*a-2*rho*a*b+b*b)/(2*(1-rho*rho))) / (2 * math.Pi * math.Sqrt(1-rho*rho)) / draws
			}
		}
		return sum
	}
	q := p.Columns[1].Steps[len(p.Columns[1].Steps)-1].(*quantile)
	lo, hi := q.X[0], q.X[len(q.X)-1]
	mjj := make([]float64, points)
	for i := range mjj {
		mjj[i] = lo + (hi-lo)*(float64(i)+0.5)/points
	}
	total := 0.0
	for k, want := range map[int64]float64{0: 0.25, 1: 0.25, 2: 0.25, 3: 0.25} {
		got := 0.0
		if k < 2 {
			got = density(k, -999)
		} else {
			got = density(k, mjj...) * (hi - lo) / points
		}
		if math.Abs(got-want) > 0.02 { // as many as the sample has
			t.Errorf("%d jets: %.4f, want %.2f", k, got, want)
		}
		total += got
	}
	if math.Abs(total-1) > 4e-3 { // of the draws, the middles of 1024 parts and the mass beyond the last knot
		t.Errorf("the density has an integral of %.5f", total)
	}
}

func TestSavedMarksThatCannotBeAreRefused(t *testing.T) {
	text, err := json.Marshal(together(t, jets(3000), "njet", "mjj", "deta"))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range [][2]string{{`"by":"njet"`, `"by":"mjj"`}, {`"by":"njet"`, `"by":"z"`}, {`"when":[0,1]`, `"when":[]`}} {
		bad := strings.Replace(string(text), c[0], c[1], 1)
		if bad == string(text) || new(Pipeline).UnmarshalJSON([]byte(bad)) == nil {
			t.Errorf("%s for %s was taken", c[1], c[0])
		}
	}
}

// A clip value of 0.3 % of the events at the end of a column survives beside a mark that another column tells.
func TestClipValueBesideToldMark(t *testing.T) {
	const n = 20000
	g := rng.New(11, rng.StreamToy, 0)
	njet, pt := events.Column{Name: "njet", Type: events.Int64}, events.Column{Name: "pt"}
	clips := 0
	for range n {
		k, v := g.IntN(2), -999.
		if k > 0 {
			if v = 20 - 50*math.Log(1-g.Float64()); v > 20+50*5.1 {
				v, clips = 275, clips+1
			}
		}
		njet.I64, pt.F32 = append(njet.I64, int64(k)), append(pt.F32, float32(v))
	}
	tab := &events.Table{Columns: []events.Column{njet, pt}}
	seen := map[string]profile.Summary{}
	for _, s := range profile.Summarise(tab) {
		seen[s.Name] = s
	}
	p, _, err := Fit(tab.Slice(0, n*4/5), tab.Names(), Spec{Seen: seen}, 1)
	if err == nil {
		_, err = p.Together(tab.Slice(0, n*4/5))
	}
	if err != nil || p.column("pt").Told == nil {
		t.Fatalf("%+v, %v", p.Columns, err)
	}
	var cols [2][]float32
	for range 50000 {
		cols[0], cols[1] = append(cols[0], float32(g.NormFloat64())), append(cols[1], float32(g.NormFloat64()))
	}
	back, _, err := p.Invert(cols[:])
	if err != nil {
		t.Fatal(err)
	}
	at := 0
	for _, v := range back.Columns[1].F32 {
		if v == 275 {
			at++
		} else if v > 275 || v < 20 && v != -999 {
			t.Fatalf("a momentum of %g", v)
		}
	}
	if share, want := float64(at)/50000, float64(clips)/n; math.Abs(share-want) > 0.2*want {
		t.Errorf("%.5f of the events are clipped, want %.5f", share, want)
	}
}

// Of a cell without a value, where another column tells that there is one, the word is said, and not the number that stands for it within.
func TestTellsOfCellsWithoutValueInWords(t *testing.T) {
	tab := &events.Table{Columns: []events.Column{{Name: "njet", Type: events.Int64, I64: make([]int64, 400)}, {Name: "mjj", Type: events.Float64, F64: make([]float64, 400)}}}
	g := rng.New(4, rng.StreamToy, 0)
	for i := range 400 {
		tab.Columns[0].I64[i], tab.Columns[1].F64[i] = int64(i%4), math.NaN()
		if i%4 > 1 {
			tab.Columns[1].F64[i] = 100 + g.NormFloat64()
		}
	}
	p, _, err := Fit(tab, []string{"njet", "mjj"}, Spec{Mixed: true, Missing: Missing{All: Gap{Model: true}}}, 1)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Together(tab); err != nil || p.column("mjj").Told == nil {
		t.Fatalf("njet tells nothing: %v", err)
	}
	tab.Columns[1].F64[6] = math.NaN()
	_, ranges, err := p.OutOfRange(tab)
	if err != nil || len(ranges) == 0 || ranges[len(ranges)-1].Value != "missing" || ranges[len(ranges)-1].First != 6 {
		t.Errorf("%+v, %v", ranges, err)
	}
}
