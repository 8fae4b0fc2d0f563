package anomaly

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/sluice-hep/sluice/bump"
	"github.com/sluice-hep/sluice/card"
	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/fit"
	"github.com/sluice-hep/sluice/internal/rng"
	"github.com/sluice-hep/sluice/prep"
	"github.com/sluice-hep/sluice/stats"
)

// toy is a falling spectrum of background whose two features lean on the mass, and signal of 3.5, narrow in all three.
func toy(background, signal int) *card.Card {
	r := rng.New(7, rng.StreamTest, 1)
	columns := make([][]float64, 4)
	for i := range background + signal {
		m, label := 2+1.2*-math.Log(1-r.Float64()*0.97), 0.0
		x, y := 0.3*(m-3)+r.NormFloat64(), r.NormFloat64()
		if i >= background {
			m, x, y, label = 3.5+0.06*r.NormFloat64(), 2+0.15*r.NormFloat64(), -1.5+0.15*r.NormFloat64(), 1
		}
		for c, v := range []float64{m, x, y, label} {
			columns[c] = append(columns[c], v)
		}
	}
	t := &events.Table{}
	for c, name := range []string{"m", "x", "y", "label"} {
		t.Columns = append(t.Columns, events.Column{Name: name, Type: events.Float64, F64: columns[c]})
	}
	c, err := card.Parse([]byte(`files: [none.csv]
features: [x, y]
context: {m: TeV}
prepare: [standardise]
prepare_context: [standardise]
flow: {type: maf, transforms: 2, hidden: [16]}
train: {epochs: 12, batch: 128}
anomaly: {signal_region: [3.3, 3.7], sidebands: [2, 6], label: label, signal_events: 150, folds: 2, networks: 1, samples: 2, experiments: 200}
`), "toy.yaml")
	if err != nil {
		panic(err)
	}
	c.Files, c.Table = nil, t
	return c
}

// Each method finds the signal, the supervised limit most of it, and the sidebands tell the background.
func TestMethodsFindTheSignal(t *testing.T) {
	c := toy(30_000, 400)
	r, err := Run(context.Background(), c, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if got := *r.Events.Signal; got != 150 {
		t.Errorf("%d signal events are left, not 150", got)
	}
	for _, name := range card.AnomalyMethods() {
		m := r.Methods[name]
		if m == nil || m.MaxSIC == nil {
			t.Fatalf("%s: no SIC", name)
		}
		t.Logf("%-12s max SIC %.2f +- %.2f, AUC %.3f, %.1f s", name, *m.MaxSIC, *m.MaxSICError, *m.AUC, m.Seconds)
		if *m.AUC < 0.8 || *m.MaxSIC < 2 { // a random score has 0.5 and about 1
			t.Errorf("%s: max SIC %.2f and AUC %.3f do not find it", name, *m.MaxSIC, *m.AUC)
		}
		if best := *r.Methods["supervised"].AUC; *m.AUC > best+0.02 {
			t.Errorf("%s: an AUC of %.3f is above the limit of %.3f", name, *m.AUC, best)
		}
	}
	b := r.Background
	if pull := (b.Estimate - b.Truth.Events) / math.Hypot(b.Error, math.Sqrt(b.Truth.Events)); math.Abs(pull) > 3.5 {
		t.Errorf("%.0f +- %.0f background events by the sidebands, truly %.0f", b.Estimate, b.Error, b.Truth.Events)
	}
	if h := r.Hunt; h == nil || h.Window[1] <= 3.3 || h.Window[0] >= 3.7 || h.LocalP > 1e-3 {
		t.Errorf("the hunt found %+v", h)
	}
	if _, err := json.Marshal(r); err != nil {
		t.Error(err)
	}
	page, err := r.Page(c)
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	if err := page.Render(&text); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"Significance improvement", "Background in the signal region", "lacathode", "signal_events: [150]"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("the page lacks %q", want)
		}
	}
}

// Without labels a search has no SIC, and says the same for any number of threads.
func TestWithoutLabels(t *testing.T) {
	c := toy(3000, 100)
	c.Table.Columns = c.Table.Columns[:3]
	c.Anomaly.Label, c.Anomaly.SignalEvents, c.Anomaly.Methods, c.Train.Epochs = "", nil, []string{"cathode"}, 2
	var texts []string
	for _, threads := range []int{1, 2} {
		r, err := Run(context.Background(), c, Options{Threads: threads})
		if err != nil {
			t.Fatal(err)
		}
		if r.Methods["cathode"].MaxSIC != nil || r.Background.Truth != nil || r.Events.Signal != nil {
			t.Error("there is a truth that nobody told")
		}
		r.Seconds, r.Methods["cathode"].Seconds = 0, 0
		text, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		texts = append(texts, string(text))
	}
	if texts[0] != texts[1] {
		t.Errorf("with one thread\n%s\nwith two\n%s", texts[0], texts[1])
	}
}

// Several amounts of signal, other signal regions and events without signal are searched in one call; the excess is in its region, and nowhere else.
func TestInjectionsRegionsAndClosure(t *testing.T) {
	c := toy(12_000, 400)
	a := &c.Anomaly
	a.SignalEvents, a.Methods, a.Seeds = card.Counts{200, 80}, []string{"r-anode", "cathode"}, 2
	a.Slide, a.Pseudo, a.Experiments = card.Slide{From: 2.9, To: 4.1}, 10, 50
	c.Train.Epochs, a.SignalEpochs = 6, 20
	r, err := Run(context.Background(), c, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Injections) != 2 || r.Injections[0].Signal != 200 || r.Injections[1].Signal != 80 || !(r.Injections[0].Ratio > r.Injections[1].Ratio) {
		t.Fatalf("injections %+v", r.Injections)
	}
	for _, in := range r.Injections {
		if m := in.Methods["r-anode"]; len(m.Seeds) != 2 || !(m.Share.Fitted > *m.Share.Truth/2 && m.Share.Fitted < 0.5) { // what p_B, trained for too short, leaves is in it
			t.Errorf("%d signal events: %+v of %+v", in.Signal, m.Share, in)
		}
	}
	if w := r.Slide.Windows; len(w) != 3 || w[1].Low != 3.3 || w[1].LocalP > 1e-3 || min(w[0].LocalP, w[2].LocalP) < 0.01 || r.Slide.GlobalP > 3e-3 {
		t.Errorf("regions %+v", r.Slide)
	}
	if k := r.Closure; k.Method != "cathode" || len(k.GlobalP) != 10 || k.KSP < 1e-3 || slices.Min(k.GlobalP) == slices.Max(k.GlobalP) {
		t.Errorf("closure %+v", k)
	}
	page, err := r.Page(c)
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	if err := page.Render(&text); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"Against the amount of signal", "Share of signal", "Other signal regions", "Closure without signal"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("the page lacks %q", want)
		}
	}
}

// The likeliest share is that of the mixture that was drawn, within its error.
func TestLikeliestShare(t *testing.T) {
	r := rng.New(5, rng.StreamTest, 1)
	var ratio []float64
	for i := range 20_000 {
		x := r.NormFloat64()
		if i < 400 {
			x = 2 + 0.2*x
		}
		signal := -(x-2)*(x-2)/(2*0.04) - math.Log(0.2)
		ratio = append(ratio, signal+x*x/2)
	}
	if w, e := likeliestShare(ratio); math.Abs(w-0.02) > 3*e || e < 0.0005 || e > 0.003 {
		t.Errorf("a share of %.4f +- %.4f, not 0.02", w, e)
	}
}

// allAre has all events with one label.
func allAre(c *card.Card, label float64) {
	of := c.Table.Columns[3].F64
	for i := range of {
		of[i] = label
	}
}

// What is wrong is said in a line with its remedy.
func TestBadInput(t *testing.T) {
	for _, c := range []struct {
		change func(c *card.Card)
		want   string
	}{
		{func(c *card.Card) { c.Anomaly = card.Anomaly{} }, "no search without signal_region"},
		{func(c *card.Card) {
			c.Anomaly.SignalRegion.Low, c.Anomaly.SignalRegion.High = 8, 9
			c.Anomaly.Sidebands.High = 10
		}, "0 events are in the signal region"},
		{func(c *card.Card) { c.Anomaly.Sidebands.High = 3.71 }, "in the upper sideband"},
		{func(c *card.Card) { c.Anomaly.Sidebands.Low = 3.4 }, "on both sides"},
		{func(c *card.Card) { c.Anomaly.Label = "" }, "anomaly.label"},
		{func(c *card.Card) {
			c.Anomaly.Label, c.Anomaly.SignalEvents, c.Anomaly.Methods = "", nil, []string{"supervised"}
		}, "supervised is a limit"},
		{func(c *card.Card) { c.Anomaly.Label = "x" }, "must not be seen"},
		{func(c *card.Card) { c.Anomaly.Label = "none" }, "none"},
		{func(c *card.Card) { c.Anomaly.SignalEvents = card.Counts{150, 151} }, "151 are to stay in the signal region"},
		{func(c *card.Card) { c.Anomaly.Methods = []string{"cathod"} }, "did you mean cathode"},
		{func(c *card.Card) { c.Table.Columns[3].F64[5] = 2 }, "label is 2 in event 6"},
		{func(c *card.Card) { c.Table.Columns[0].F64[5] = -1; c.Anomaly.Sidebands.Low = -2 }, "above 0"},
		{func(c *card.Card) { c.Context = nil }, "one context column"},
		{func(c *card.Card) { c.Weight = "label" }, "without weights"},
		{func(c *card.Card) { c.Anomaly.SignalEvents = card.Counts{100, 100} }, "comes twice"},
		{func(c *card.Card) { c.Anomaly.Slide = card.Slide{From: 2.5, To: 4.5, Step: 0.2} }, "overlap"},
		{func(c *card.Card) { c.Anomaly.Slide = card.Slide{From: 1.9, To: 4.5} }, "no events on both sides"},
		{func(c *card.Card) { c.Anomaly.Slide = card.Slide{From: 3, To: 3.2} }, "no signal region of width 0.4"},
		{func(c *card.Card) { c.Anomaly.Slide = card.Slide{From: 2.5, To: 5.9} }, "change anomaly.slide"},
		{func(c *card.Card) { c.Anomaly.Slide = card.Slide{From: 2.5, To: math.NaN()} }, "must be numbers"},
		{func(c *card.Card) { c.Anomaly.Pseudo = 3 }, "not between 10 and"},
		{func(c *card.Card) { c.Anomaly.Sidebands, c.Anomaly.SignalRegion.High = prep.Limits{}, 9 }, "m from 9 on, and a search takes at least 100; the events have m from 2"},
		{func(c *card.Card) { c.Anomaly.Sidebands, c.Table.Columns[0].F64[5] = prep.Limits{}, -1 }, "m is -1 in some events"},
		{func(c *card.Card) { c.Table.Columns[0].F64[5] = math.NaN() }, "drop_nan: true in the card (or --set drop_nan=true)"},
		{func(c *card.Card) { c.Table.Columns[0].F64[5], c.Missing.All = math.NaN(), prep.Gap{Model: true} }, "values is missing"},
		{func(c *card.Card) { c.Anomaly.Nearby, c.Anomaly.Methods = 1e-6, []string{"cwola"} }, "change anomaly.nearby"},
		{func(c *card.Card) { allAre(c, 0) }, "it has 0 with label 1"},
		{func(c *card.Card) { allAre(c, 1); c.Anomaly.SignalEvents = card.Counts{50} }, "50 events are in the signal region once signal is thinned"},
		{func(c *card.Card) { allAre(c, 1); c.Anomaly.SignalEvents = nil }, "have label 0, and the limits idealised and supervised"},
		{func(c *card.Card) {
			allAre(c, 1)
			c.Anomaly.SignalEvents, c.Anomaly.Methods, c.Anomaly.Pseudo = nil, []string{"cathode"}, 10
		}, "anomaly.pseudo: 0 events have label 0"},
		{func(c *card.Card) { allAre(c, 1); c.Anomaly.SignalEvents, c.Anomaly.BackgroundOnly = nil, true }, "0 events are in the signal region once signal is thinned"},
	} {
		job := toy(1500, 150)
		c.change(job)
		if _, err := Run(context.Background(), job, Options{}); err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q is not in: %v", c.want, err)
		}
	}
}

// without is background alone: a spectrum of the smooth function, whose features lean on the mass.
func without(n int, seed uint64) *card.Card {
	r := rng.New(seed, rng.StreamTest, 2)
	density := func(m float64) float64 { return math.Pow(1-m/12, 6) / math.Pow(m/12, 4) }
	columns := make([][]float64, 3)
	for len(columns[0]) < n {
		m := 2.3 + 3.7*r.Float64()
		if r.Float64()*density(2.3) > density(m) {
			continue
		}
		for c, v := range []float64{m, 0.3*(m-3) + r.NormFloat64(), r.NormFloat64()} {
			columns[c] = append(columns[c], v)
		}
	}
	c := toy(10, 1)
	c.Table = &events.Table{}
	for k, name := range []string{"m", "x", "y"} {
		c.Table.Columns = append(c.Table.Columns, events.Column{Name: name, Type: events.Float64, F64: columns[k]})
	}
	c.Anomaly.Label, c.Anomaly.SignalEvents, c.Anomaly.Methods = "", nil, []string{"cathode"}
	c.Anomaly.SignalRegion, c.Anomaly.Sidebands = prep.Limits{Low: 3.2, High: 3.7}, prep.Limits{Low: 2.3, High: 6}
	c.Train.Epochs, c.Seed = 5, seed
	return c
}

// The local p of what a classifier selects in the signal region is uniform without signal. It was too small, a tenth below 0.05, where the events of the
// sidebands that are counted had also taught the density of background.
func TestLocalPWithoutSignal(t *testing.T) {
	if testing.Short() {
		t.Skip("200 searches")
	}
	p := make([]float64, 200)
	var workers sync.WaitGroup
	for w := range 2 {
		workers.Go(func() {
			for k := w; k < len(p); k += 2 {
				p[k] = localP(t, without(15_000, 1000+uint64(k)))
			}
		})
	}
	workers.Wait()
	if chance := stats.Uniform(p).P; chance < 0.05 {
		t.Errorf("KS p %.2g; %.3g of them are below 0.05", chance, shareBelow(p, 0.05))
	}
}

// localP is that of a selection of 5 %, some 77 events.
func localP(t *testing.T, c *card.Card) float64 {
	ctx := context.Background()
	err := c.CheckAnomaly()
	d, loadErr := load(ctx, c)
	if err = errors.Join(err, loadErr); err != nil {
		t.Error(err)
		return 1
	}
	of, err := d.trial(c.Seed, 0, 1)
	if err != nil {
		t.Error(err)
		return 1
	}
	b, err := of.learnBackground(ctx, fit.Options{Threads: 1})
	if err != nil {
		t.Error(err)
		return 1
	}
	defer b.close()
	s := &scored{}
	score, err := of.scores(ctx, "cathode", b, s)
	if err == nil {
		err = of.judge(s, score)
	}
	selected := of.spectrum.Of(of.masses(s.chosen(0.05)))
	f, fitErr := of.beside(selected)
	if err = errors.Join(err, fitErr); err != nil {
		t.Error(err)
		return 1
	}
	e := of.estimated(f, all)
	return bump.P(selected.Sum(selected.Bins(3.2, 3.7)), e.Estimate, e.Error)
}
