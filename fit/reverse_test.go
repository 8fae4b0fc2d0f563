package fit

import (
	"math"
	"path/filepath"
	"testing"

	"github.com/sluice-hep/sluice/card"
	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/flow"
	"github.com/sluice-hep/sluice/model"
	"github.com/sluice-hep/sluice/train"
)

// A flow that is trained by reverse KL on a potential is a model as any other: saved and read again, it draws the same events, its density
// integrates to 1, and the bound on the logarithm of the integral lies below that by no more than what the flow lacks.
func TestReverseKL(t *testing.T) {
	c := &card.Card{
		Name: "u", Toy: card.Toy{Name: "U1", Events: 4000}, Features: []string{"x1", "x2"}, Seed: 3,
		Flow:  flow.Spec{Repeat: 12, Layers: []flow.Part{{Kind: "planar"}}},
		Train: train.Config{Objective: "reverse-kl", Epochs: 40, LR: 1e-2},
	}
	if err := c.Validate(); err != nil {
		t.Fatal(err)
	}
	d, err := Load(t.Context(), c, Options{})
	if err != nil {
		t.Fatal(err)
	}
	m, r, err := d.Train(t.Context(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if r.Unit.String() != "nats" || r.HistoryUnit == "" || math.IsNaN(float64(r.TestNLL)) {
		t.Errorf("losses in %s and %s, a test NLL of %v", r.Unit, r.HistoryUnit, r.TestNLL)
	}
	if last := float64(r.History[len(r.History)-1].ValidNLL); last < -0.02 || last > 0.3 { // of 400 draws
		t.Errorf("a KL of %v", last)
	}
	path := filepath.Join(t.TempDir(), "m.safetensors")
	if err := m.Save(path); err != nil {
		t.Fatal(err)
	}
	again, err := model.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	info, err := model.ReadInfo(path)
	if err != nil || !info.Inverted {
		t.Errorf("%+v, %v", info, err)
	}
	a, err := m.Sample(1000, nil, 1, 0)
	if err != nil {
		t.Fatal(err)
	}
	b, err := again.Sample(1000, nil, 1, 0)
	if err != nil {
		t.Fatal(err)
	}
	for i := range a.Len() {
		if a.Columns[0].Float(i) != b.Columns[0].Float(i) {
			t.Fatalf("event %d of the model that was saved is another", i)
		}
	}
	const step, reach = 0.1, 7
	var x, y []float64
	for u := -reach + step/2; u < reach; u += step {
		for v := -reach + step/2; v < reach; v += step {
			x, y = append(x, u), append(y, v)
		}
	}
	logProb, err := again.LogProb(&events.Table{Columns: []events.Column{{Name: "x1", Type: events.Float64, F64: x}, {Name: "x2", Type: events.Float64, F64: y}}}, 1)
	if err != nil {
		t.Fatal(err)
	}
	sum := 0.0
	for _, l := range logProb {
		sum += math.Exp(l) * step * step
	}
	if math.Abs(sum-1) > 0.02 { // of a step that the narrowest width is four of
		t.Errorf("the density integrates to %v", sum)
	}
	e, err := Bounded(c, again, 20_000)
	if err != nil || e == nil {
		t.Fatal(e, err)
	}
	if gap := e.LogIntegral - e.Bound; gap < -4*e.BoundError || gap > 0.3 {
		t.Errorf("log Z is %v, the bound %v +- %v", e.LogIntegral, e.Bound, e.BoundError)
	}
	c.Toy.Name = "banana"
	if e, err := Bounded(c, again, 10); e != nil || err != nil {
		t.Errorf("the banana has a bound: %v, %v", e, err)
	}
}
