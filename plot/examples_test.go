package plot

import (
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
)

// pictured are the pictures that the tests look at, by name.
func pictured(t *testing.T) map[string]*Picture {
	t.Helper()
	all := map[string]*Picture{}
	for name, d := range map[string]interface{ Picture() (*Picture, error) }{
		"overlay_log":     exampleOverlay(),
		"overlay_linear":  linearOverlay(),
		"overlay_scaled":  scaledOverlay(),
		"overlay_apart":   apartOverlay(),
		"correlations_4":  exampleCorrelations(4),
		"correlations_12": exampleCorrelations(12),
		"correlations_25": exampleCorrelations(25),
		"loss":            exampleLoss(60),
		"loss_short":      &Loss{Train: []float64{2, 1.5, 1.4}, Valid: []float64{1.9, math.NaN(), 1.5}, Best: 3},
		"loss_one":        &Loss{Train: []float64{-3.25}},
		"flow_steps":      exampleSteps(),
		"latent":          exampleLatent(),
		"density":         exampleDensity(),
	} {
		p, err := d.Picture()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		all[name] = p
	}
	return all
}

// written is a picture as each kind of file.
func written(t *testing.T, p *Picture) map[string][]byte {
	t.Helper()
	pdf, err := p.PDF()
	if err != nil {
		t.Fatal(err)
	}
	png, err := p.PNG()
	if err != nil {
		t.Fatal(err)
	}
	return map[string][]byte{"svg": p.SVG(), "pdf": pdf, "png": png}
}

// TestWriteExamples writes the example pictures for looking at, to the folder in SLUICE_PICTURES.
func TestWriteExamples(t *testing.T) {
	dir := os.Getenv("SLUICE_PICTURES")
	if dir == "" {
		t.Skip("SLUICE_PICTURES names no folder to write the example pictures to")
	}
	for name, p := range pictured(t) {
		for kind, data := range written(t, p) {
			if err := os.WriteFile(filepath.Join(dir, name+"."+kind), data, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// histogramOf fills n bins from lo to hi with unit weights.
func histogramOf(x []float64, n int, lo, hi float64) Histogram {
	h := Histogram{Edges: make([]float64, n+1), SumW: make([]float64, n), Events: len(x)}
	for i := range h.Edges {
		h.Edges[i] = lo + (hi-lo)*float64(i)/float64(n)
	}
	for _, v := range x {
		if i := int(math.Floor((v - lo) / (hi - lo) * float64(n))); i >= 0 && i < n {
			h.SumW[i]++
		}
	}
	return h
}

func draws(n int, seed uint64, f func(*rand.Rand) float64) []float64 {
	r := rand.New(rand.NewPCG(seed, 1))
	x := make([]float64, n)
	for i := range x {
		x[i] = f(r)
	}
	return x
}

func exampleOverlay() *Overlay {
	mass := func(r *rand.Rand) float64 { return 0.05 + 0.08*(r.ExpFloat64()+r.ExpFloat64()) }
	return &Overlay{Label: "lower jet mass", Unit: "TeV",
		Reference: histogramOf(draws(10000, 1, mass), 50, 0, 1),
		Generated: histogramOf(draws(10000, 2, mass), 50, 0, 1)}
}

func linearOverlay() *Overlay {
	return &Overlay{Label: "tau21_1",
		Reference:     histogramOf(draws(9999, 1, func(r *rand.Rand) float64 { return 0.6 + 0.15*r.NormFloat64() }), 40, 0, 1.2),
		Generated:     histogramOf(draws(10000, 2, func(r *rand.Rand) float64 { return 0.62 + 0.16*r.NormFloat64() }), 40, 0, 1.2),
		ReferenceName: "Held-out data"}
}

// scaledOverlay has bins of several widths, negative contents, empty bins and a very different number of events.
func scaledOverlay() *Overlay {
	edges := []float64{-2e6, -1e6, 0, 1e6, 1.5e6, 2e6, 4e6}
	return &Overlay{Label: "a rather long name of a column, with <angles> & more", Unit: "keV",
		Reference: Histogram{Edges: edges, SumW: []float64{-3, 0, 120, 90, 12, 40}, SumW2: []float64{9, 0, 130, 99, 14, 60}, Events: 283},
		Generated: Histogram{Edges: edges, SumW: []float64{2, 10, 2100, 2300, 500, 300}, Events: 1234567, Over: 321}}
}

// apartOverlay is of a quantity over decades, with a marker and exact zeros.
func apartOverlay() *Overlay {
	o := &Overlay{Label: "mass", Unit: "GeV", Log: true, Width: 0.1,
		Apart: []Apart{{-999, 7080, 7080, 7060, 7060}, {0, 300, 300, 340, 340}}}
	for k := range 41 {
		o.Reference.Edges = append(o.Reference.Edges, math.Pow(10, float64(k)/10-1))
	}
	for k := range 40 {
		y := 400 * math.Exp(-math.Pow(float64(k-18)/8, 2))
		o.Reference.SumW, o.Generated.SumW = append(o.Reference.SumW, math.Round(y)), append(o.Generated.SumW, math.Round(y*1.05))
	}
	o.Generated.Edges = o.Reference.Edges
	return o
}

// exampleCorrelations falls off with the distance of two columns, with noise between the two samples.
func exampleCorrelations(n int) *Correlations {
	m := &Correlations{GeneratedName: "Generated (10,000 events)"}
	r := rand.New(rand.NewPCG(7, 7))
	for i := range n {
		m.Columns = append(m.Columns, []string{"mjj", "pt_lead", "missing_energy_phi", "m_bb"}[i%4]+"_"+string(rune('a'+i%26)))
		ref, gen := make([]float64, n), make([]float64, n)
		for j := range n {
			ref[j] = math.Cos(float64(i-j)) * math.Exp(-math.Abs(float64(i-j))/3)
			if gen[j] = ref[j]; j != i {
				gen[j] += 0.02 * r.NormFloat64()
			}
		}
		m.Reference, m.Generated = append(m.Reference, ref), append(m.Generated, gen)
	}
	m.Generated[0][n-1], m.Generated[n-1][0] = math.NaN(), math.NaN()
	return m
}

func exampleLoss(epochs int) *Loss {
	truth := 1.12
	l := &Loss{Best: epochs * 3 / 4, Truth: &truth}
	r := rand.New(rand.NewPCG(3, 3))
	for e := range epochs {
		fall := math.Exp(-float64(e) / 4)
		l.Train = append(l.Train, 1.13+5*fall*fall+0.3*fall+0.002*r.NormFloat64())
		l.Valid = append(l.Valid, 1.145+5*fall*fall+0.3*fall+0.004*r.NormFloat64())
		l.LR = append(l.LR, 5e-4*(1+math.Cos(math.Pi*float64(e)/float64(epochs))))
	}
	return l
}

// moons are two half circles, which turn to a normal as t goes from 0 to 1.
func moons(n int, t float64) (x, y []float64, half []int) {
	r := rand.New(rand.NewPCG(5, 5))
	for i := range n {
		a, k := math.Pi*r.Float64(), i%2
		sin, cos := math.Sincos(a)
		if k == 1 {
			sin, cos = 0.5-sin, 1-cos
		}
		u, v := r.NormFloat64(), r.NormFloat64()
		x = append(x, (1-t)*(cos+0.05*u)+t*u)
		y = append(y, (1-t)*(sin+0.05*v)+t*v)
		half = append(half, k)
	}
	return x, y, half
}

func exampleSteps() *Panels {
	p := &Panels{Alt: "The steps of a flow"}
	for i := range 3 {
		x, y, _ := moons(5000, float64(i)/2)
		title := "after transform " + string(rune('0'+i))
		if i == 0 {
			title = "data"
		}
		p.Panels = append(p.Panels, Panel{Title: title, X: x, Y: y})
	}
	return p
}

func exampleLatent() *Panels {
	x, y, half := moons(5000, 1)
	dx, dy, _ := moons(3000, 0)
	return &Panels{Alt: "Latent space", Panels: []Panel{
		{Title: "data", XLabel: "x1", YLabel: "x2", X: dx, Y: dy, Group: half[:3000]},
		{Title: "latent", XLabel: "z0", YLabel: "z1", X: x, Y: y, Group: half, Sigmas: 3},
	}}
}

func exampleDensity() *Panels {
	x, y, _ := moons(100000, 0.2)
	return &Panels{Alt: "Density", Panels: []Panel{{Title: "generated", XLabel: "x1 [cm]", YLabel: "x2 [cm]", X: x, Y: y}}}
}
