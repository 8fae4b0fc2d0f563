package fit

import (
	"math"
	"strings"
	"testing"

	"github.com/sluice-hep/sluice/card"
	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/internal/rng"
)

// Two angles, back to back to 0.3: the density closes around the circle wherever the turn is cut, in any flow whose layers go feature by
// feature. Their entropy is log(2 pi) + log(0.3 sqrt(2 pi e)).
func TestAnglesAcrossTheCut(t *testing.T) {
	g := rng.New(4, rng.StreamToy, 0)
	phi1, phi2 := events.Column{Name: "phi1", Type: events.Float64}, events.Column{Name: "phi2", Type: events.Float64}
	for range 6000 {
		a := math.Pi * (2*g.Float64() - 1)
		phi1.F64 = append(phi1.F64, a)
		phi2.F64 = append(phi2.F64, math.Remainder(a+math.Pi+0.3*g.NormFloat64(), 2*math.Pi))
	}
	load := func(flow string) (*Data, error) {
		c, err := card.Parse([]byte("files: [x]\nfeatures: [phi1, phi2]\nseed: 2\ntrain: {epochs: 15, batch: 128, lr: 0.003}\n"+flow), "x.yaml")
		if err != nil {
			return nil, err
		}
		c.Files, c.Table = nil, &events.Table{Columns: []events.Column{phi1, phi2}}
		return Load(t.Context(), c, Options{})
	}
	entropy := math.Log(2*math.Pi) + math.Log(0.3*math.Sqrt(2*math.Pi*math.E))
	for _, flow := range []string{"flow: {transforms: 2, hidden: [32]}", "flow: {type: nsf, transforms: 4, hidden: [32]}"} {
		d, err := load(flow)
		if err != nil {
			t.Fatal(err)
		}
		m, r, err := d.Train(t.Context(), Options{})
		if err != nil {
			t.Fatal(err)
		}
		if !d.Features.Columns[0].Circle() || math.Abs(float64(r.TestNLL)-entropy) > 0.05 {
			t.Errorf("%s: %s; test NLL %.3f, the entropy is %.3f", flow, d.Features.Columns[0].Why, r.TestNLL, entropy)
		}
		s, err := m.Sample(20000, nil, 1, 0)
		if err != nil {
			t.Fatal(err)
		}
		var far int
		for e, a := range s.Columns[0].F64 {
			if math.Abs(math.Remainder(s.Columns[1].F64[e]-a-math.Pi, 2*math.Pi)) > 1.5 { // five standard deviations
				far++
			}
		}
		if far > 400 {
			t.Errorf("%s: %d of 20000 pairs are not back to back", flow, far)
		}
	}
	d, err := load("flow: {linear: lu}")
	if err != nil || d.Features.Columns[0].Circle() {
		t.Errorf("a layer that mixes features: %v, %s", err, d.Features.Columns[0].Why)
	}
	d, err = load("flow: {linear: lu}\nprepare: {phi1: [{periodic: {circle: true}}]}")
	if err == nil {
		_, _, err = d.Train(t.Context(), Options{})
	}
	if want := "prepare: phi1: a circle is for a flow of couplings"; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("%v, want %q", err, want)
	}
}
