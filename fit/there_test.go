package fit

import (
	"math"
	"strings"
	"testing"

	"github.com/sluice-hep/sluice/card"
	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/internal/rng"
)

// A copy in other units, both missing or both -999 in some events, is told although it follows in the other events alone.
func TestDependentWhereThere(t *testing.T) {
	for _, none := range []float64{math.NaN(), -999} {
		g := rng.New(5, rng.StreamToy, 0)
		c := []events.Column{{Name: "pt", Type: events.Float64}, {Name: "jet", Type: events.Float64}, {Name: "jetMeV", Type: events.Float64}}
		for i := range 3000 {
			v := 20 - 10*math.Log(1-g.Float64())
			c[0].F64, c[1].F64, c[2].F64 = append(c[0].F64, 30+g.NormFloat64()), append(c[1].F64, v), append(c[2].F64, 1000*v)
			if i%4 == 0 {
				c[1].F64[i], c[2].F64[i] = none, none
			}
		}
		k, err := card.Parse([]byte("files: [x]\nfeatures: [pt, jet, jetMeV]\nmissing: model\n"), "x.yaml")
		if err != nil {
			t.Fatal(err)
		}
		k.Files, k.Table = nil, &events.Table{Columns: c}
		d, err := Load(t.Context(), k, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if text := strings.Join(d.Warnings, "\n"); !strings.Contains(text, "jetMeV follows from jet (jetMeV = 1000 jet) in the 1") {
			t.Errorf("%g: %q", none, d.Warnings)
		}
	}
}
