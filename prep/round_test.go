package prep

import (
	"math"
	"slices"
	"strconv"
	"testing"

	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/internal/rng"
)

// What comes back of a column of three decimals has three, also beside a mark and in single precision, none lies beyond an edge,
// and the density is that of the column without the step.
func TestRoundedColumnsComeBackRounded(t *testing.T) {
	g := rng.New(3, rng.StreamToy, 0)
	pt, missing, single := events.Column{Name: "pt", Type: events.Float64}, events.Column{Name: "missing", Type: events.Float64}, events.Column{Name: "single"}
	for range 4000 {
		v := math.Round(20e3-30e3*math.Log(1-g.Float64())) / 1000
		pt.F64, single.F32 = append(pt.F64, v), append(single.F32, float32(v))
		if g.IntN(4) == 0 {
			v = -999
		}
		missing.F64 = append(missing.F64, v)
	}
	tab := &events.Table{Columns: []events.Column{pt, missing, single}}
	p := mustFit(t, tab, tab.Names(), Spec{})
	cols := make([][]float32, 3)
	for i := range cols {
		for range 3000 {
			cols[i] = append(cols[i], float32(1.5*g.NormFloat64()))
		}
	}
	back, _, err := p.Invert(cols)
	if err != nil {
		t.Fatal(err)
	}
	for k, bits := range []int{64, 64, 32} {
		if s := p.Columns[k].Spec; s[len(s)-2].String() != "{round: {step: 0.001}}" && s[0].String() != "{round: {step: 0.001}}" {
			t.Errorf("%s: %v", p.Columns[k].Name, s)
		}
		for i := range 3000 {
			v := back.Columns[k].Float(i)
			if text := strconv.FormatFloat(v, 'f', -1, bits); len(text) > 4 && text[len(text)-4:][0] != '.' && text[len(text)-3:][0] != '.' && text[len(text)-2:][0] != '.' {
				t.Fatalf("%s: %s", p.Columns[k].Name, text)
			}
			if v < 20 && v != -999 {
				t.Fatalf("%s: %v", p.Columns[k].Name, v)
			}
		}
	}
	plain := mustFit(t, tab, []string{"pt"}, Spec{All: p.Columns[0].Spec[1:]})
	_, a, _ := plain.Apply(tab, nil)
	_, b, err := mustFit(t, tab, []string{"pt"}, Spec{}).Apply(tab, nil)
	for i := range a {
		if a[i] != b[i] || err != nil {
			t.Fatalf("log-det %v, %v without the step; %v", b[i], a[i], err)
		}
	}
	stated := mustFit(t, tab, []string{"pt"}, Spec{Ranges: map[string]Limits{"pt": {19.9995, 1e4 + 0.0005}}})
	back, _, err = stated.Invert([][]float32{{-40, -5, 5, 40}})
	if x := back.Columns[0].F64; err != nil || slices.Min(x) != 20 || slices.Max(x) > 1e4 {
		t.Errorf("%v, %v", x, err)
	}
	spec := Spec{All: []StepSpec{{"round", map[string]float64{"step": 0.1}}, {Kind: "quantile"}}}
	if _, _, err := Fit(tab, []string{"pt"}, spec, 1); err == nil {
		t.Error("steps of 0.1 were taken")
	}
}
