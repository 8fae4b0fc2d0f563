package fit_test

import (
	"context"
	"math"
	"testing"

	"github.com/sluice-hep/sluice/card"
	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/fit"
	"github.com/sluice-hep/sluice/internal/rng"
)

// Of a twentieth of narrow events over a known background, the share and the place are found.
func TestExcess(t *testing.T) {
	const n, share = 6000, 0.05
	r := rng.New(3, rng.StreamTest, 1)
	x, y := make([]float64, n), make([]float64, n)
	for i := range x {
		x[i], y[i] = r.NormFloat64(), r.NormFloat64()
		if i < share*n {
			x[i], y[i] = 1.5+0.1*x[i], -1+0.1*y[i]
		}
	}
	c, err := card.Parse([]byte(`files: [none.csv]
features: [x, y]
flow: {type: maf, transforms: 2, hidden: [16], base: normal}
train: {epochs: 60, batch: 256, test: 0}
prepare: [standardise]
`), "test.yaml")
	if err != nil {
		t.Fatal(err)
	}
	c.Files, c.Table = nil, &events.Table{Columns: []events.Column{{Name: "x", Type: events.Float64, F64: x}, {Name: "y", Type: events.Float64, F64: y}}}
	d, err := fit.Load(context.Background(), c, fit.Options{})
	if err != nil {
		t.Fatal(err)
	}
	background := make([]float64, d.Held.Len())
	for i := range background {
		a, b := d.Held.Columns[0].Float(i), d.Held.Columns[1].Float(i)
		background[i] = -(a*a+b*b)/2 - math.Log(2*math.Pi)
	}
	e, err := d.TrainExcess(context.Background(), fit.Options{}, 0.01, background)
	if err != nil {
		t.Fatal(err)
	}
	if math.Abs(e.Share-share) > 0.02 { // 0.003 by chance, and p_S takes up what chance did to the background
		t.Errorf("a share of %.4f, not %g", e.Share, share)
	}
	drawn, err := e.Sample(2000, nil, 1, 0)
	if err != nil {
		t.Fatal(err)
	}
	for k, want := range []float64{1.5, -1} {
		var near int
		for i := range drawn.Len() {
			if math.Abs(drawn.Columns[k].Float(i)-want) < 0.4 {
				near++
			}
		}
		if near < 1600 {
			t.Errorf("%d of 2000 draws have column %d near %g", near, k, want)
		}
	}
	if _, err := d.TrainExcess(context.Background(), fit.Options{}, 0.01, background[:5]); err == nil {
		t.Error("densities of fewer events are taken")
	}
}
