package fit

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/sluice-hep/sluice/card"
	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/internal/reference"
	"github.com/sluice-hep/sluice/internal/rng"
	"github.com/sluice-hep/sluice/mix"
	"github.com/sluice-hep/sluice/model"
)

// mixedModel is a model of a card, for a table in memory where there is one.
func mixedModel(t *testing.T, text string, tab *events.Table) (*Data, *model.Model) {
	t.Helper()
	c, err := card.Parse([]byte(text), "x.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if tab != nil {
		c.Files, c.Table = nil, tab
	}
	m, d := learned(t, c)
	return d, m
}

// at is an event of one row.
func at(names []string, x ...float64) *events.Table {
	t := &events.Table{}
	for i, name := range names {
		t.Columns = append(t.Columns, events.Column{Name: name, Type: events.Float64, F64: []float64{x[i]}})
	}
	return t
}

// counted is a table of a count, a code, a number with an atom at 0 that not every event has, and a flag.
func counted(n int) *events.Table {
	g := rng.New(17, rng.StreamToy, 0)
	c := []events.Column{{Name: "n", Type: events.Int64}, {Name: "code", Type: events.Int64}, {Name: "x", Type: events.Float64}}
	for range n {
		k := int64(0)
		for p := g.Float64(); p > math.Exp(-2); p *= g.Float64() {
			k++
		}
		code := []int64{11, -11, 211, 2212}[min(int(k)+g.IntN(2), 3)]
		x := g.NormFloat64() + float64(k)
		switch g.IntN(4) {
		case 0:
			x = 0
		case 1:
			x = math.NaN()
		}
		c[0].I64, c[1].I64, c[2].F64 = append(c[0].I64, k), append(c[1].I64, code), append(c[2].F64, x)
	}
	return &events.Table{Columns: c}
}

// The probabilities of counts, codes, atoms and missing cells, and the density of the numbers, sum to 1; what is generated has the fractions that the
// probabilities say, and values that the data have; a saved model is the same.
func TestProbabilitiesOfAMixedTableSumToOne(t *testing.T) {
	d, m := mixedModel(t, "files: [x]\nfeatures: [n, code, x]\nmissing: model\nflow: {transforms: 2, hidden: [16]}\ncategorical: {hidden: [16]}\ntrain: {epochs: 3, batch: 128}\n", counted(3000))
	if _, ok := m.Density.(*mix.Table); !ok || !strings.Contains(strings.Join(d.Notices, "\n"), "missing or 0 in x") {
		t.Fatalf("%T, %q", m.Density, d.Notices)
	}
	names := []string{"n", "code", "x"}
	score := func(tab *events.Table) []float64 {
		l, err := m.LogProb(tab, 1)
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	pairs := map[[2]float64]bool{} // that training had: others count as the most similar, with a probability of 1/(events+1)
	for _, r := range d.Rows.Train {
		pairs[[2]float64{d.Held.Columns[0].Float(int(r)), d.Held.Columns[1].Float(int(r))}] = true
	}
	grid := at(names, 0, 0, 0)
	const lo, hi, points = -20.0, 40.0, 6000
	total := 0.0
	for pair := range pairs {
		for _, x := range []float64{0, math.NaN()} {
			total += math.Exp(score(at(names, pair[0], pair[1], x))[0])
		}
		for i := range 2 {
			grid.Columns[i].F64 = slices.Repeat(pair[i:i+1], points)
		}
		grid.Columns[2].F64 = make([]float64, points)
		for i := range points {
			grid.Columns[2].F64[i] = lo + (hi-lo)*(float64(i)+0.5)/points
		}
		for _, l := range score(grid) {
			total += math.Exp(l) * (hi - lo) / points
		}
	}
	if math.Abs(total-1) > 2e-3 {
		t.Errorf("the density of %d pairs has an integral of %.5f", len(pairs), total)
	}
	drawn, err := m.Sample(20000, nil, 3, 0)
	if err != nil {
		t.Fatal(err)
	}
	missing, zero := 0.0, 0.0
	for i, x := range drawn.Columns[2].F64 {
		if x != x {
			missing++
		} else if x == 0 {
			zero++
		}
		if code := drawn.Columns[1].I64[i]; !slices.Contains([]int64{11, -11, 211, 2212}, code) {
			t.Fatalf("a code of %d", code)
		}
	}
	if math.Abs(missing/20000-0.25) > 0.03 || math.Abs(zero/20000-0.25) > 0.03 {
		t.Errorf("%g missing, %g at 0 of 20000", missing, zero)
	}
	path := t.TempDir() + "/m.safetensors"
	if err := m.Save(path); err != nil {
		t.Fatal(err)
	}
	again, err := model.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	l, err := again.LogProb(d.Held, 0)
	if want := score(d.Held); err != nil || len(l) != len(want) || math.Abs(l[5]-want[5]) > 1e-5 {
		t.Errorf("a loaded model gives %v, not %v (%v)", l[:6], want[:6], err)
	}
	var text strings.Builder
	info, err := again.Info()
	if err == nil {
		err = info.Describe(&text)
	}
	if err != nil || !strings.Contains(text.String(), "x (code) (3)") || !strings.Contains(text.String(), "without a value where a code says so: x") {
		t.Errorf("%v\n%s", err, text.String())
	}
}

// chain are events of a column after the other, each correlated with that before by rho, and cells missing in so many.
func chain(n, columns int, rho, missing float64, seed uint64) *events.Table {
	g := rng.New(seed, rng.StreamToy, 0)
	tab := &events.Table{}
	for k := range columns {
		tab.Columns = append(tab.Columns, events.Column{Name: string(rune('a' + k)), Type: events.Float64, F64: make([]float64, n)})
	}
	for i := range n {
		x := g.NormFloat64()
		for k := range columns {
			if tab.Columns[k].F64[i] = x; g.Float64() < missing {
				tab.Columns[k].F64[i] = math.NaN()
			}
			x = rho*x + math.Sqrt(1-rho*rho)*g.NormFloat64()
		}
	}
	return tab
}

// aboveTheChain is by how much the NLL of a model is above that of the truth, a cell that is there: that of the cells that are missing, and of the numbers of the others.
func aboveTheChain(t *testing.T, m *model.Model, tab *events.Table, rho, missing float64) float64 {
	t.Helper()
	l, err := m.LogProb(tab, 0)
	if err != nil {
		t.Fatal(err)
	}
	above, cells := 0.0, 0.0
	for i := range l {
		truth, last, gap := 0.0, 0.0, math.Inf(1)
		for k := range tab.Columns {
			x := tab.Columns[k].F64[i]
			if gap++; x != x {
				truth += math.Log(missing)
				continue
			}
			r := math.Pow(rho, gap)
			v := 1 - r*r
			truth += -(x-r*last)*(x-r*last)/(2*v) - 0.5*math.Log(2*math.Pi*v)
			if missing > 0 {
				truth += math.Log(1 - missing)
			}
			last, gap, cells = x, 0, cells+1
		}
		above += truth - l[i]
	}
	return above / cells
}

// With a fifth of the cells missing at random, the density of those that are there is learned as well as from all: within 0.02 nats a cell.
func TestCellsMissingAtRandom(t *testing.T) {
	if testing.Short() {
		t.Skip("two trainings")
	}
	const n, columns, rho = 12000, 4, 0.8
	const text = "files: [x]\nfeatures: [a, b, c, d]\nmissing: model\nflow: {transforms: 3, hidden: [32], bins: 6}\ncategorical: {hidden: [16]}\ntrain: {epochs: 15, batch: 128, test: 0}\nthreads: 1\n"
	var above [2]float64
	for i, missing := range []float64{0, 0.2} {
		_, m := mixedModel(t, text, chain(n, columns, rho, missing, 1))
		above[i] = aboveTheChain(t, m, chain(n, columns, rho, missing, 2), rho, missing)
	}
	t.Logf("above the truth: %.4f nats a cell with all, %.4f with a fifth missing", above[0], above[1])
	if above[0] < -0.01 || above[1] < -0.01 || above[1] > above[0]+0.02 {
		t.Errorf("%v nats a cell above the truth", above)
	}
}

// A flow with a layer that mixes all features gets numbers alone, and says so; missing cells are an error that names the layer.
func TestFlowsThatCannotLeaveCellsOut(t *testing.T) {
	load := func(text string) (*Data, error) {
		c, err := card.Parse([]byte("files: [x]\nfeatures: [n, code, x]\nflow: {transforms: 1, linear: lu}\n"+text), "x.yaml")
		if err != nil {
			t.Fatal(err)
		}
		c.Files, c.Table = nil, counted(1000)
		return Load(t.Context(), c, Options{})
	}
	d, err := load("drop_nan: true\ncategorical: {dropout: 0.2}\n")
	if err != nil || d.Features.Mixed || !strings.Contains(strings.Join(d.Notices, "\n"), "numbers with noise") ||
		!strings.Contains(strings.Join(d.Notices, "\n"), "the key categorical is without effect") {
		t.Fatalf("%v", err)
	}
	if _, err := load("missing: model\n"); err == nil || !strings.Contains(err.Error(), "cells of x are missing") || !strings.Contains(err.Error(), "(lu)") {
		t.Error(err)
	}
}

// Of the ATLAS table, no generated event has a pattern of -999 that the data have not, and each single value comes as often as there, within three
// standard deviations of both samples.
func TestMixedTableOfATLAS(t *testing.T) {
	if testing.Short() {
		t.Skip("a training")
	}
	file := reference.Data(t, "atlas_higgs14_22k.csv.gz")
	const text = `
features: [DER_mass_MMC, DER_deltaeta_jet_jet, DER_mass_jet_jet, DER_lep_eta_centrality, PRI_tau_pt, PRI_met, PRI_jet_num, PRI_jet_leading_pt,
  PRI_jet_leading_eta, PRI_jet_subleading_pt, PRI_jet_subleading_eta, PRI_jet_all_pt]
flow: {transforms: 2, hidden: [32], bins: 4}
train: {epochs: 15}
threads: 1
`
	d, m := mixedModel(t, "files: ["+file+"]"+text, nil)
	const n = 20000
	drawn, err := m.Sample(n, nil, 5, 0)
	if err != nil {
		t.Fatal(err)
	}
	pattern := func(tab *events.Table, i int) (text string) {
		for k := range d.Features.Columns {
			text += map[bool]string{true: "-", false: "x"}[tab.Columns[k].Float(i) == -999]
		}
		return text
	}
	seen := map[string]bool{}
	for i := range d.Held.Len() {
		seen[pattern(d.Held, i)] = true
	}
	for i := range n {
		if p := pattern(drawn, i); !seen[p] {
			t.Fatalf("event %d has the pattern %s", i, p)
		}
	}
	for k := range d.Features.Columns {
		for _, v := range []float64{-999, 0, 1, 2, 3} {
			share := func(tab *events.Table) (s float64) {
				for i := range tab.Len() {
					if tab.Columns[k].Float(i) == v {
						s += 1 / float64(tab.Len())
					}
				}
				return s
			}
			a, b := share(d.Held), share(drawn)
			if a < 1e-3 || a > 1-1e-3 {
				continue
			}
			if err := math.Sqrt(a * (1 - a) * (1/float64(d.Held.Len()) + 1./n)); math.Abs(a-b) > 3*err {
				t.Errorf("%s is %g in %.4f of the events, %.4f of those generated: %.1f standard deviations", drawn.Columns[k].Name, v, a, b, (b-a)/err)
			}
		}
	}
}
