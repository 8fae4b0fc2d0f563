package background

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sluice-hep/sluice/card"
	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/internal/rng"
	"github.com/sluice-hep/sluice/internal/stages"
	"github.com/sluice-hep/sluice/pyhf"
)

// toy is events of two control variables u and v, which are independent but for the correlation, a falling mass and a feature x that lean on both. Signal is
// a narrow mass at large u and v. Simulation has another slope of x.
func toy(n, signal int, correlation, slope float64, seed uint64) *events.Table {
	r := rng.New(seed, rng.StreamTest, 3)
	columns := make([][]float64, 5)
	for i := range n + signal {
		u := r.Float64()
		v := min(max(r.Float64()+correlation*(u-0.5)*(r.Float64()-0.2), 0), 1)
		mass, x, label := 100-60*(1+0.3*u+0.2*v)*math.Log(r.Float64()), slope*u-v+r.NormFloat64(), 0.0
		if i >= n {
			u, v = 0.75+0.25*r.Float64(), 0.75+0.25*r.Float64()
			mass, label = 250+6*r.NormFloat64(), 1
		}
		for c, value := range []float64{u, v, mass, x, label} {
			columns[c] = append(columns[c], value)
		}
	}
	t := &events.Table{}
	for c, name := range []string{"u", "v", "mass", "x", "label"} {
		t.Columns = append(t.Columns, events.Column{Name: name, Type: events.Float64, F64: columns[c]})
	}
	return t
}

const toyCard = `files: [none.csv]
features: {mass: GeV, x: ""}
context: [u, v]
prepare_context: [standardise]
flow: {type: maf, transforms: 2, hidden: [16]}
train: {epochs: 8, batch: 256, lr: 5e-3}
background:
  regions:
    - {u1: u < 0.4, u2: 0.4 <= u && u < 0.75, u3: u >= 0.75}
    - {v1: v < 0.4, v2: 0.4 <= v && v < 0.75, v3: v >= 0.75}
  signal: u3 v3
  search: mass
  label: label
  bins: 20
  bootstrap: 200
`

func toyJob(t *testing.T, table *events.Table) *card.Card {
	t.Helper()
	c, err := card.Parse([]byte(toyCard), "toy.yaml")
	if err != nil {
		t.Fatal(err)
	}
	c.Files, c.Table = nil, table
	return c
}

// Of independent variables ABCD gives the truth, with the error that resampled events have; the shapes close, and the files hold what is said.
func TestConditional(t *testing.T) {
	c := toyJob(t, toy(12_000, 0, 0, 1, 1))
	folder := t.TempDir()
	r, err := Run(context.Background(), c, Options{Folder: folder})
	if err != nil {
		t.Fatal(err)
	}
	if pull := (r.Yield - *r.Truth) / math.Hypot(r.Stat, math.Sqrt(*r.Truth)); math.Abs(pull) > 3 {
		t.Errorf("%.1f +- %.1f events expected, truly %g", r.Yield, r.Stat, *r.Truth)
	}
	if ratio := r.Bootstrap / r.Stat; math.Abs(ratio-1) > 0.2 { // 200 resamplings tell it to 5 %
		t.Errorf("the statistical error is %.2f, of resampled events %.2f", r.Stat, r.Bootstrap)
	}
	if len(r.Closure) != 8 {
		t.Fatalf("%d closures", len(r.Closure))
	}
	if s := r.Systematic; s.Chi2NDF > 1.5 || s.Chi2NDF < 0.7 || s.PullRMS > 2 || s.Yield > 0.1 {
		t.Errorf("closure: %+v", s)
	}
	if math.Abs(r.Error-math.Hypot(r.Stat, r.Closing)) > 1e-9*r.Error {
		t.Errorf("%g is not the sum of %g and %g", r.Error, r.Stat, r.Closing)
	}
	if _, err := json.Marshal(r); err != nil {
		t.Error(err)
	}
	drawn, err := events.ReadAll([]string{filepath.Join(folder, "events.parquet")}, events.Options{})
	if err != nil {
		t.Fatal(err)
	}
	w, err := drawn.Column("weight")
	if err != nil {
		t.Fatal(err)
	}
	var sum float64
	for i := range w.Len() {
		sum += w.Float(i)
	}
	if math.Abs(sum/r.Yield-1) > 1e-9 {
		t.Errorf("the weights add up to %g, not %g", sum, r.Yield)
	}
	for _, tt := range r.templates {
		for _, v := range r.variations(tt) {
			for k, n := range v.SumW {
				if v.name != "data" && !(n > 0) {
					t.Errorf("bin %d of %s of %s holds %g", k, v.name, tt.Feature, n)
				}
			}
		}
	}
	text, err := os.ReadFile(r.Workspace)
	if err != nil {
		t.Fatal(err)
	}
	var made pyhf.Workspace
	if err := json.Unmarshal(text, &made); err != nil {
		t.Fatal(err)
	}
	for _, v := range made.Channels[0].Samples {
		for k, n := range v.Data {
			if !(n > 0) {
				t.Errorf("bin %d of %s of the workspace holds %g", k, v.Name, n)
			}
		}
	}
	page, err := r.Page(c)
	if err != nil {
		t.Fatal(err)
	}
	var html strings.Builder
	if err := page.Render(&html); err != nil {
		t.Fatal(err)
	}
}

// Simulation that leans otherwise on a control variable is carried to data, by either way.
func TestSimulationIsCarried(t *testing.T) {
	if testing.Short() {
		t.Skip("trains nine flows")
	}
	folder := t.TempDir()
	path := filepath.Join(folder, "simulation.csv")
	w, err := events.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Write(toy(12_000, 0, 0, 0.3, 2)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	for _, objective := range []string{"likelihood", "mmd"} {
		c := toyJob(t, toy(12_000, 0, 0, 1, 1))
		c.Background.Simulation.Files, c.Train.Objective = []string{path}, objective
		c.Background.Closure = []string{"u2 v2", "u1 v2", "u2 v3"}
		r, err := Run(context.Background(), c, Options{})
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%s: %s chi2/ndf %.2f", objective, r.Method, r.Systematic.Chi2NDF)
		if s := r.Systematic; s.Chi2NDF > 1.6 {
			t.Errorf("%s: closure: %+v", objective, s)
		}
		if c := r.Closure[0]; c.Before < 2 {
			t.Errorf("%s of simulation as it is: chi2/ndf %.2f", c.Region, c.Before)
		}
	}
}

// An estimate that was interrupted goes on to what one alone gives, and trains nothing again.
func TestGoesOn(t *testing.T) {
	c := toyJob(t, toy(4000, 0, 0, 1, 1))
	c.Train.Epochs, c.Background.Closure = 1, []string{"u1 v1", "u2 v2", "u3 v2"}
	run := func(folder string, stop string) (text string, began []string, err error) {
		kept, err := stages.Open(folder, "a card")
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		r, err := Run(ctx, c, Options{Folder: folder, Kept: kept, Stage: func(name string) {
			if began = append(began, name); name == stop {
				cancel()
			}
		}})
		if err != nil {
			return "", began, err
		}
		r.Seconds, r.Events, r.Histograms, r.Templates, r.Workspace = 0, "", "", "", ""
		all, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"events.parquet", "templates.json", "templates.root", "workspace.json"} {
			b, err := os.ReadFile(filepath.Join(folder, name))
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, b...)
		}
		return string(all), began, kept.Done()
	}
	whole, _, err := run(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	if _, _, err := run(folder, "closure 3 of 3: u3 v2"); !errors.Is(err, context.Canceled) {
		t.Fatalf("%v is no interruption", err)
	}
	kept, err := stages.Open(folder, "a card")
	if err != nil || kept.Kept != 3 {
		t.Errorf("%d stages are kept (%v)", kept.Kept, err)
	}
	again, _, err := run(folder, "")
	if err != nil {
		t.Fatal(err)
	}
	if again != whole {
		t.Error("what goes on ends elsewhere")
	}
}

// Extended ABCD of 2 x 3 and 3 x 3 regions is the formula of the paper, and abcd of 2 x 2 that of the textbook, with its error.
func TestFormulas(t *testing.T) {
	n := []float64{1000, 620, 350, 480, 300, 210, 260, 190, 150}
	cells := func(at ...int) (c []cell, of []int) {
		for k, i := range at {
			c = append(c, cell{n[i], n[i]})
			if k < len(at)-1 {
				of = append(of, k)
			}
		}
		return c, of
	}
	for _, k := range []struct {
		grid
		at          []int
		power       []float64
		independent bool
	}{
		{grid{nx: 2, ny: 2}, []int{0, 1, 3, 4}, []float64{-1, 1, 1}, true},
		{grid{nx: 2, ny: 3, extended: true}, []int{0, 1, 2, 3, 4, 5}, []float64{1, -2, 1, -1, 2}, false},
		{grid{nx: 3, ny: 2, extended: true}, []int{0, 1, 3, 4, 6, 7}, []float64{1, -1, -2, 2, 1}, false},
		{grid{nx: 3, ny: 3, extended: true}, []int{0, 1, 2, 3, 4, 5, 6, 7, 8}, []float64{-1, 2, -1, 2, -4, 2, -1, 2}, false},
	} {
		c, of := cells(k.at...)
		want, variance := 1.0, 0.0
		for i, p := range k.power {
			want *= math.Pow(c[i].Sum, p)
			variance += p * p / c[i].Sum
		}
		y, f, err := k.yield(c, of, len(of))
		if err != nil {
			t.Fatal(err)
		}
		if math.Abs(y.Predicted/want-1) > 1e-6 || math.Abs(y.Error/(want*math.Sqrt(variance))-1) > 1e-6 || f.ndf != 0 {
			t.Errorf("%+v: %g +- %g, not %g +- %g", k.grid, y.Predicted, y.Error, want, want*math.Sqrt(variance))
		}
	}
	c, of := cells(0, 1, 2, 3, 4, 5, 6, 7, 8)
	if y, f, err := (grid{nx: 3, ny: 3}).yield(c, of, 8); err != nil || f.ndf != 3 || y.Error <= 0 {
		t.Errorf("%+v, %v", y, err)
	}
	if _, err := (grid{nx: 2, ny: 2}).fit(c, []int{0, 1}); err == nil {
		t.Error("two regions determine three coefficients")
	}
}

// The pull of a yield has a width of 1 over pseudo-experiments, with weights too.
func TestPulls(t *testing.T) {
	var sum, square float64
	const times = 300
	for k := range times {
		r := rng.New(uint64(k), rng.StreamTest, 4)
		s := &sample{}
		for range 4000 {
			s.region = append(s.region, 3*int(min(2, 4*r.Float64()))+int(min(2, 5*r.Float64())))
			s.weight = append(s.weight, 0.5+r.Float64())
		}
		y, _, err := (grid{nx: 3, ny: 3}).yield(s.count(9), []int{0, 1, 2, 3, 4, 5, 6, 7}, 8)
		if err != nil {
			t.Fatal(err)
		}
		sum += y.Pull
		square += y.Pull * y.Pull
	}
	if mean, width := sum/times, math.Sqrt(square/times); math.Abs(mean) > 0.2 || math.Abs(width-1) > 0.15 { // 0.06 and 0.04 by chance
		t.Errorf("the pulls have a mean of %.3f and a width of %.3f", mean, width)
	}
}

// The chi2 of events and of others of the same density has a mean of 1, with few values too.
func TestShape(t *testing.T) {
	r := rng.New(1, rng.StreamTest, 5)
	sample := func(n int, few bool) (s weighted) {
		for range n {
			x := r.NormFloat64()
			if few {
				x = math.Floor(x)
			}
			s.x, s.w = append(s.x, x), append(s.w, 0.2+r.Float64())
		}
		return s
	}
	for _, few := range []bool{false, true} {
		var chi2, ndf float64
		for range 200 {
			s := shape(sample(800, few), sample(1600, few), 20)
			chi2, ndf = chi2+s.Chi2, ndf+float64(s.NDF)
		}
		if math.Abs(chi2/ndf-1) > 0.08 || few && ndf > 200*8 { // 0.03 by chance
			t.Errorf("chi2/ndf is %.3f of %g", chi2/ndf, ndf)
		}
	}
}

// What cannot be is told in a line with its remedy.
func TestBadInput(t *testing.T) {
	for _, k := range []struct {
		change func(c *card.Card)
		want   string
	}{
		{func(c *card.Card) { c.Background = card.Background{} }, "regions"},
		{func(c *card.Card) { c.Background.Regions[0] = c.Background.Regions[0][:1] }, "4 or more"},
		{func(c *card.Card) { c.Background.Signal = "" }, "which is the region of interest"},
		{func(c *card.Card) { c.Background.Signal = "u3 v4" }, "there is no region"},
		{func(c *card.Card) { c.Background.Control = []string{"u1 v1", "u3 v3", "u1 v2"} }, "region of interest, from which nothing may be learned"},
		{func(c *card.Card) { c.Background.Control = []string{"u1 v1", "u2 v2"} }, "fewer than the 4"},
		{func(c *card.Card) { c.Background.Control = []string{"u1 v1", "u2 v2", "u3 v2"} }, "expects no number"},
		{func(c *card.Card) { c.Background.Regions[0][1].Expr = "u < 0.75" }, "u2 overlaps other bins of its variable: 391 events are in two of them"},
		{func(c *card.Card) { c.Background.Regions[0][1].Expr = "u > 2" }, `0 events are in the control region, "u2 v1"`},
		{func(c *card.Card) { c.Background.Regions[0][2].Expr = "u > 2" }, "0 events are in the"},
		{func(c *card.Card) { c.Background.Regions[0][1].Expr = "u >" }, "u2"},
		{func(c *card.Card) { c.Background.Regions[0][1].Expr = "nothing < 3" }, `background.regions: data: events: no column "nothing"`},
		{func(c *card.Card) { c.Background.Yield = "abdc" }, "did you mean abcd"},
		{func(c *card.Card) { c.Background.Label = "x" }, "must not be seen"},
		{func(c *card.Card) { c.Table.Columns[4].F64[5] = 2 }, "label is 2 in event 6"},
		{func(c *card.Card) { c.Weight = "label" }, `the weights of the 162 events in the control region, "u1 v1", add up to 0`},
		{func(c *card.Card) { c.Context = nil }, "control variables"},
		{func(c *card.Card) { c.Background.Search = "masse" }, "did you mean mass"},
		{func(c *card.Card) { c.Train.Objective = "mmd"; c.Background.Simulation.Where = "u > 2" }, "simulation"},
		{func(c *card.Card) { c.Background.Simulation.Where = "u > 0.5" }, "0 events of the simulation are in the"},
		{func(c *card.Card) { c.Background.Simulation.Weight = "nothing" }, `simulation: events: no column "nothing"`},
		{func(c *card.Card) { c.Table.Columns[4].F64[5] = math.NaN() }, "data: column \"label\": 1 of 1000 values is missing (NaN), the first in row 6; drop_nan: true in the card (or --set drop_nan=true)"},
	} {
		c := toyJob(t, toy(1000, 0, 0, 1, 1))
		k.change(c)
		folder := t.TempDir()
		if _, err := Run(context.Background(), c, Options{Folder: folder}); err == nil || !strings.Contains(err.Error(), k.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q is not in: %v", k.want, err)
		}
		if left, err := os.ReadDir(folder); err != nil || len(left) > 0 {
			t.Errorf("%q: %v are left (%v)", k.want, left, err)
		}
	}
}
