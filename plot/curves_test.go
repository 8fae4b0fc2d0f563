package plot

import (
	"math"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// Whatever curves hold, the picture holds finite numbers.
func TestAnyCurvesCanBeDrawn(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		value := rapid.OneOf(rapid.Float64Range(-5, 5), rapid.Float64Range(0, 1e9), rapid.SampledFrom([]float64{math.NaN(), math.Inf(1), math.Inf(-1), 1e300, -1e300, 0, 1e-300}))
		v := &Curves{X: Axis{Label: "x", Scale: Scale(rapid.IntRange(0, 2).Draw(t, "x scale"))}, Y: Axis{Label: "y", Scale: Scale(rapid.IntRange(0, 2).Draw(t, "y scale"))}}
		for range rapid.IntRange(1, 4).Draw(t, "curves") {
			n := rapid.IntRange(1, 30).Draw(t, "points")
			u := Curve{Name: "c", Expected: rapid.Bool().Draw(t, "expected"), Y: rapid.SliceOfN(value, n, n).Draw(t, "y")}
			x := rapid.Float64Range(-5, 5).Draw(t, "x")
			for range n + rapid.IntRange(0, 1).Draw(t, "steps") {
				u.X = append(u.X, x)
				x += rapid.Float64Range(0.01, 3).Draw(t, "dx")
			}
			if rapid.Bool().Draw(t, "band") {
				for range n {
					a, b := value.Draw(t, "low"), value.Draw(t, "high")
					if a > b {
						a, b = b, a
					}
					u.Low, u.High = append(u.Low, a), append(u.High, b)
				}
			}
			v.Curves = append(v.Curves, u)
		}
		if _, err := texts(svgOf(t, v)); err != nil {
			t.Fatal(err)
		}
	})
}

func TestBadCurves(t *testing.T) {
	line := Curve{Name: "c", X: []float64{0, 1}, Y: []float64{0, 1}}
	changed := func(change func(*Curve)) *Curves {
		u := line
		change(&u)
		return &Curves{Curves: []Curve{u}}
	}
	for want, v := range map[string]*Curves{
		"0 curves":                                 {},
		"13 curves":                                {Curves: slices.Repeat([]Curve{line}, 13)},
		`curve 1 ("c"): 0 points`:                  changed(func(u *Curve) { u.Y = nil }),
		"4 values of x and 2 of y":                 changed(func(u *Curve) { u.X = make([]float64, 4) }),
		"a band of 1 lower and 0 upper ends":       changed(func(u *Curve) { u.Low = []float64{1} }),
		"a band of 1 lower and 1 upper ends for 2": changed(func(u *Curve) { u.Low, u.High = []float64{1}, []float64{1} }),
		"the band at point 1 is from 3 to 2":       changed(func(u *Curve) { u.Low, u.High = []float64{1, 3}, []float64{1, 2} }),
		"x 1 is NaN":                               changed(func(u *Curve) { u.X = []float64{0, math.NaN()} }),
		"edges 1 and 2, 1 and 1, do not increase":  changed(func(u *Curve) { u.X = []float64{0, 1, 1} }),
		`the axis of "e": from 1 to 0 is not`:      {Curves: []Curve{line}, X: Axis{Label: "e", Min: 1}},
		"a logarithmic axis cannot begin at 0":     {Curves: []Curve{line}, Y: Axis{Scale: Logarithmic, Max: 1}},
		"there is no scale 3":                      {Curves: []Curve{line}, Y: Axis{Scale: 3}},
	} {
		if _, err := v.Picture(); err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "plot: ") {
			t.Errorf("the error is %v, not about %q", err, want)
		}
	}
}

// Bands have room, but one that is far wider than the curve does not flatten it; an expected band is always whole.
func TestAxesOfCurves(t *testing.T) {
	a := Axis{}
	if y := a.up([]float64{1, 2}, []float64{0.9, 2.1}); y.min > 0.9 || y.max < 2.1 || y.max > 2.3 || y.log {
		t.Errorf("a narrow band: %+v", y)
	}
	if y := a.up([]float64{1, 2}, []float64{-100, 100}); y.max > 3 || y.min < 0 {
		t.Errorf("a wide band: from %g to %g", y.min, y.max)
	}
	if y := a.up([]float64{1, 1000, math.Inf(1)}, []float64{-1}); !y.log || y.max < 1000 || y.max > 2000 {
		t.Errorf("three decades: %+v", y)
	}
	a.Scale = Logarithmic
	if y := a.up([]float64{0, 0.5, 1}, nil); !y.log || y.min > 0.5 || y.min < 0.4 {
		t.Errorf("a logarithmic one by request: %+v", y)
	}
	if y := a.up([]float64{0, -1}, nil); y.log {
		t.Error("a logarithmic axis without a positive value")
	}
	if y := a.up([]float64{1e-300}, nil); !y.log || !(y.min > 0 && y.max > 1e-300) {
		t.Errorf("one value: %+v", y)
	}
	all, err := texts(svgOf(t, Differences("x", "", 0.25, "95 %", Curve{X: []float64{0, 1}, Y: []float64{0.001, 0}})))
	if err != nil || !slices.Contains(all, "0.2") {
		t.Errorf("the axis has no room for the band: %q, %v", all, err)
	}
}

// A curve of very many points is drawn by as many as can be seen.
func TestCurvesAreThinned(t *testing.T) {
	u := Curve{Name: "c"}
	for i := range 200_000 {
		x := float64(i) / 200_000
		u.X, u.Y, u.Low, u.High = append(u.X, x), append(u.Y, x*x), append(u.Low, x*x-0.1), append(u.High, x*x+0.1)
	}
	if svg := svgOf(t, &Curves{Curves: []Curve{u}}); len(svg) > 100_000 {
		t.Errorf("%d bytes", len(svg))
	}
}
