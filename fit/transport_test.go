package fit

import (
	"math"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/sluice-hep/sluice/card"
	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/flow"
	"github.com/sluice-hep/sluice/model"
	"github.com/sluice-hep/sluice/prep"
	"github.com/sluice-hep/sluice/toy"
)

// moons are two moons, moved and scaled.
func moons(t *testing.T, n int, seed uint64, scale, shift float64) *events.Table {
	t.Helper()
	all, err := toy.Generate("two-moons", n, seed, toy.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for i := range all.Columns {
		c := &all.Columns[i]
		for e := range c.F64 {
			c.F64[e] = scale*c.F64[e] + shift
		}
		for e := range c.F32 {
			c.F32[e] = float32(scale)*c.F32[e] + float32(shift)
		}
	}
	return all
}

func learned(t *testing.T, c *card.Card) (*model.Model, *Data) {
	t.Helper()
	d, err := Load(t.Context(), c, Options{})
	if err != nil {
		t.Fatal(err)
	}
	m, _, err := d.Train(t.Context(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	return m, d
}

func meanNLL(t *testing.T, m *model.Model, of *events.Table) (nll float64) {
	t.Helper()
	logProb, err := m.LogProb(of, 1)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range logProb {
		nll -= v / float64(len(logProb))
	}
	return nll
}

// A flow on the model of many events learns those of another sample, much like them, from fewer than a flow of its own needs.
func TestFlowOnATrainedModel(t *testing.T) {
	if testing.Short() {
		t.Skip("it trains three flows")
	}
	path := filepath.Join(t.TempDir(), "base.safetensors")
	many := &card.Card{Table: moons(t, 8000, 1, 1, 0), Features: []string{"x1", "x2"}, Seed: 1, Flow: flow.Spec{Transforms: 3, Hidden: []int{32}}}
	many.Train.Epochs = 100
	old, _ := learned(t, many)
	if err := old.Save(path); err != nil {
		t.Fatal(err)
	}
	few := &card.Card{Table: moons(t, 500, 2, 1.05, 0.1), Features: []string{"x2", "x1"}, Seed: 2, Flow: flow.Spec{Type: "maf", Transforms: 2, Hidden: []int{16}}}
	alone := *few
	alone.Flow = many.Flow
	few.BaseModel = path
	on, d := learned(t, few)
	by, _ := learned(t, &alone)
	test := moons(t, 4000, 3, 1.05, 0.1)
	before, after, own := meanNLL(t, old, test), meanNLL(t, on, test), meanNLL(t, by, test)
	t.Logf("NLL of %d events: %.3f of the base, %.3f on it, %.3f without it", test.Len(), before, after, own)
	if !(after < before-1 && after < own-0.05) {
		t.Errorf("NLL: %.3f of the base, %.3f on it, %.3f without it", before, after, own)
	}
	if !reflect.DeepEqual(d.Features.InFlow(), old.Features.InFlow()) {
		t.Errorf("the features are %v, those of the base %v", d.Features.InFlow(), old.Features.InFlow())
	}
	if f, ok := on.Density.(*flow.Flow); !ok || f.On() == nil || !reflect.DeepEqual(f.On().Params(), old.Density.(*flow.Flow).Params()) {
		t.Error("the base is not the flow of the model")
	}
	if said := strings.Join(d.Notices, "\n"); !strings.Contains(said, "the base of the flow is the density of "+path) {
		t.Errorf("notices: %s", said)
	}
}

// What is no base of the card's flow is one line.
func TestModelsThatAreNoBase(t *testing.T) {
	dir := t.TempDir()
	save := func(name string, change func(c *card.Card)) string {
		c := &card.Card{Table: moons(t, 400, 1, 1, 0), Features: []string{"x1", "x2"}, Seed: 1, Flow: flow.Spec{Type: "maf", Transforms: 1, Hidden: []int{4}}}
		c.Train.Epochs = 1
		change(c)
		m, _ := learned(t, c)
		path := filepath.Join(dir, name)
		if err := m.Save(path); err != nil {
			t.Fatal(err)
		}
		return path
	}
	plain := save("plain", func(*card.Card) {})
	given := save("given", func(c *card.Card) { c.Context = []string{"moon"} })
	ensemble := save("ensemble", func(c *card.Card) { c.Train.Ensemble = 2 })
	mixture := save("mixture", func(c *card.Card) { c.Mixture.Components = 2 })
	codes := save("codes", func(c *card.Card) { c.Features = append(c.Features, "moon") })
	nested := save("nested", func(c *card.Card) { c.BaseModel = plain })
	save("given-on", func(c *card.Card) { c.BaseModel, c.Context = given, []string{"moon"} })
	for _, c := range []struct {
		path, want string
		change     func(c *card.Card)
	}{
		{filepath.Join(dir, "none"), "base_model: model: open ", nil},
		{plain, "its features must be those of the card: it has x2, which the card lacks; name the same", func(c *card.Card) { c.Features = []string{"x1"} }},
		{plain, "its context must be those of the card: the card has moon, which it lacks; name the same", func(c *card.Card) { c.Context = []string{"moon"} }},
		{given, "its context must be those of the card: it has moon, which the card lacks; name the same", nil},
		{ensemble, "not this model (ensemble of 2: ", nil},
		{mixture, "not this model (mixture of 2: ", nil},
		{codes, "not this model (1 x (affine autoregressive), beside probabilities of 1 categorical feature)", func(c *card.Card) { c.Features = append(c.Features, "moon") }},
		{nested, "not this model (1 x (affine autoregressive) on the flow of a trained model)", nil},
	} {
		of := &card.Card{Table: moons(t, 400, 1, 1, 0), Features: []string{"x1", "x2"}, Seed: 1, BaseModel: c.path}
		if c.change != nil {
			c.change(of)
		}
		if _, err := Load(t.Context(), of, Options{}); err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%v, want %s", err, c.want)
		}
	}
}

// Angles of the base whose ends are one point have circular layers above them, and an event a turn further is the same.
func TestFlowOnAnglesOfATrainedModel(t *testing.T) {
	angles := func(n int, shift float64) *events.Table {
		all := moons(t, n, 3, 1, 0)
		c := events.Column{Name: "phi", Type: events.Float64}
		for e := range n {
			c.F64 = append(c.F64, math.Remainder(2*math.Pi*float64(e)/float64(n)+shift, 2*math.Pi))
		}
		all.Columns = append(all.Columns, c)
		return all
	}
	c := &card.Card{Table: angles(600, 0), Features: []string{"x1", "phi"}, Seed: 1, Flow: flow.Spec{Transforms: 1, Hidden: []int{8}}}
	c.Prepare.Columns = map[string][]prep.StepSpec{"phi": {{Kind: "periodic", Options: map[string]float64{"low": -math.Pi, "high": math.Pi, "circle": 1}}}}
	c.Train.Epochs = 1
	old, d := learned(t, c)
	if !d.Features.Columns[1].Circle() {
		t.Fatal("phi is no circle in this preparation")
	}
	path := filepath.Join(t.TempDir(), "base.safetensors")
	if err := old.Save(path); err != nil {
		t.Fatal(err)
	}
	on := &card.Card{Table: angles(300, 0.3), Features: c.Features, Seed: 1, Flow: flow.Spec{Transforms: 1, Hidden: []int{8}}, BaseModel: path}
	on.Train.Epochs = 1
	m, d := learned(t, on)
	if len(d.Warnings) > 0 {
		t.Errorf("warnings: %q", d.Warnings)
	}
	at := &events.Table{Columns: []events.Column{{Name: "x1", Type: events.Float64, F64: []float64{0.2, 0.2}}, {Name: "phi", Type: events.Float64, F64: []float64{math.Pi - 1e-6, 1e-6 - math.Pi}}}}
	logProb, err := m.LogProb(at, 1)
	if err != nil {
		t.Fatal(err)
	}
	if math.Abs(logProb[0]-logProb[1]) > 1e-3 {
		t.Errorf("the density has a seam: %v", logProb)
	}
	on.Flow = flow.Spec{Layers: []flow.Part{{Kind: "lu"}, {Kind: "coupling"}}}
	d, err = Load(t.Context(), on, Options{})
	if err == nil {
		_, _, err = d.Train(t.Context(), Options{})
	}
	if err == nil || !strings.Contains(err.Error(), "base_model: its phi is an angle whose ends are one point") {
		t.Errorf("linear layers on an angle: %v", err)
	}
}
