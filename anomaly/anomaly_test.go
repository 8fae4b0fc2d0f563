package anomaly

import (
	"context"
	"encoding/json"
	"math"
	"strings"
	"testing"

	"github.com/sluice-hep/sluice/card"
	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/internal/rng"
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
anomaly: {signal_region: [3.3, 3.7], sidebands: [2, 6], label: label, signal_events: 150, folds: 2, networks: 1, samples: 2}
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
	if pull := (b.Estimate - *b.Truth) / math.Hypot(b.Error, math.Sqrt(*b.Truth)); math.Abs(pull) > 3.5 {
		t.Errorf("%.0f +- %.0f background events by the sidebands, truly %.0f", b.Estimate, b.Error, *b.Truth)
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
	for _, want := range []string{"Significance improvement", "Background in the signal region", "lacathode", "signal_events: 150"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("the page lacks %q", want)
		}
	}
}

// Without labels a search has no SIC, and says the same for any number of threads.
func TestWithoutLabels(t *testing.T) {
	c := toy(3000, 100)
	c.Table.Columns = c.Table.Columns[:3]
	c.Anomaly.Label, c.Anomaly.SignalEvents, c.Anomaly.Methods, c.Train.Epochs = "", 0, []string{"cathode"}, 2
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
			c.Anomaly.Label, c.Anomaly.SignalEvents, c.Anomaly.Methods = "", 0, []string{"supervised"}
		}, "supervised is a limit"},
		{func(c *card.Card) { c.Anomaly.Label = "x" }, "must not be seen"},
		{func(c *card.Card) { c.Anomaly.Label = "none" }, "none"},
		{func(c *card.Card) { c.Anomaly.SignalEvents = 151 }, "151 are to stay in the signal region"},
		{func(c *card.Card) { c.Anomaly.Methods = []string{"cathod"} }, "did you mean cathode"},
		{func(c *card.Card) { c.Table.Columns[3].F64[5] = 2 }, "label is 2 in event 6"},
		{func(c *card.Card) { c.Table.Columns[0].F64[5] = -1; c.Anomaly.Sidebands.Low = -2 }, "above 0"},
		{func(c *card.Card) { c.Context = nil }, "one context column"},
		{func(c *card.Card) { c.Weight = "label" }, "without weights"},
	} {
		job := toy(1500, 150)
		c.change(job)
		if _, err := Run(context.Background(), job, Options{}); err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q is not in: %v", c.want, err)
		}
	}
}
