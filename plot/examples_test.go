package plot

import (
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
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
		"overlay_2":       severalOverlay(2, true),
		"overlay_3":       severalOverlay(3, false),
		"overlay_6":       severalOverlay(6, true),
		"roc":             exampleROC(),
		"sic":             exampleSIC(),
		"coverage":        exampleCoverage(),
		"ranks":           exampleRanks(),
		"differences":     exampleDifferences(),
		"oversampling":    exampleOversampling(),
		"shapes_28":       exampleShapes(28),
		"shapes_6":        exampleShapes(6),
		"ratio":           exampleLogRatio(),
		"corner_2":        exampleCorner(2, 1),
		"corner_4":        exampleCorner(4, 2),
		"corner_8":        exampleCorner(8, 1),
		"correlations_28": exampleCorrelations(28),
		"correlations_50": exampleCorrelations(50),
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
		Generated: []Histogram{histogramOf(draws(10000, 2, mass), 50, 0, 1)}}
}

func linearOverlay() *Overlay {
	o := &Overlay{Label: "tau21_1",
		Reference: histogramOf(draws(9999, 1, func(r *rand.Rand) float64 { return 0.6 + 0.15*r.NormFloat64() }), 40, 0, 1.2),
		Generated: []Histogram{histogramOf(draws(10000, 2, func(r *rand.Rand) float64 { return 0.62 + 0.16*r.NormFloat64() }), 40, 0, 1.2)}}
	o.Reference.Name = "Held-out data"
	return o
}

// scaledOverlay has bins of several widths, negative contents, empty bins and a very different number of events.
func scaledOverlay() *Overlay {
	edges := []float64{-2e6, -1e6, 0, 1e6, 1.5e6, 2e6, 4e6}
	return &Overlay{Label: "a rather long name of a column, with <angles> & more", Unit: "keV",
		Reference: Histogram{Edges: edges, SumW: []float64{-3, 0, 120, 90, 12, 40}, SumW2: []float64{9, 0, 130, 99, 14, 60}, Events: 283},
		Generated: []Histogram{{Edges: edges, SumW: []float64{2, 10, 2100, 2300, 500, 300}, Events: 1234567, Over: 321}}}
}

// apartOverlay is of a quantity over decades, with a marker and exact zeros.
func apartOverlay() *Overlay {
	var ref Histogram
	for k := range 41 {
		ref.Edges = append(ref.Edges, math.Pow(10, float64(k)/10-1))
	}
	for k := range 40 {
		ref.SumW = append(ref.SumW, math.Round(400*math.Exp(-math.Pow(float64(k-18)/8, 2))))
	}
	ref.Apart = []float64{7080, 300}
	gen := ref
	gen.SumW, gen.Apart = nil, []float64{7060, 340}
	for _, w := range ref.SumW {
		gen.SumW = append(gen.SumW, math.Round(1.05*w))
	}
	return &Overlay{Label: "mass", Unit: "GeV", Log: true, Width: 0.1, Reference: ref, Generated: []Histogram{gen}, Apart: []float64{-999, 0}}
}

// severalOverlay is of n generated samples, the better the earlier; the last has events far out, and none of the values apart.
func severalOverlay(n int, apart bool) *Overlay {
	mass := func(shift float64) func(r *rand.Rand) float64 {
		return func(r *rand.Rand) float64 { return 91 + 3*math.Tan(1.5*(r.Float64()-0.5)) + shift + 4*r.NormFloat64() }
	}
	o := &Overlay{Label: "m_ll", Unit: "GeV", Reference: histogramOf(draws(20000, 1, mass(0)), 50, 70, 110)}
	o.Reference.Name = "Held-out data"
	for k := range n {
		h := histogramOf(draws(20000+3000*k, uint64(k)+2, mass(0.4*float64(k))), 50, 70, 110)
		h.Name = []string{"spline coupling, 8 layers", "MAF", "RealNVP", "reweighted RealNVP", "continuous", "mixture"}[k%6]
		if k == n-1 {
			h.Over = 17
		}
		o.Generated = append(o.Generated, h)
	}
	if apart {
		o.Apart, o.Reference.Apart = []float64{-999, 0}, []float64{4000, 900}
		for k := range o.Generated {
			o.Generated[k].Apart = []float64{4100 + 100*float64(k), 800 - 100*float64(k)}
		}
	}
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
	if n >= 12 {
		m.Errors, m.Sigmas = slices.Repeat([][]float64{slices.Repeat([]float64{0.02}, n)}, n), 2.5
	}
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

// scored are the efficiencies of two normals of unit width, d apart, cut at many thresholds, with n events of each.
func scored(d float64) (signal, background []float64) {
	tail := func(t float64) float64 { return math.Erfc(t/math.Sqrt2) / 2 }
	for k := range 2000 {
		t := 5.5 - 8.5*float64(k)/1999
		signal, background = append(signal, tail(t-d)), append(background, tail(t))
	}
	return signal, background
}

func exampleROC() *Curves {
	var curves []Curve
	for k, name := range []string{"log-density ratio", "classifier", "τ21"} {
		s, b := scored(3 - float64(k))
		u := Curve{Name: name, X: s}
		for i := range s {
			y, e := 1/b[i], 1/math.Sqrt(20000*b[i])
			u.Y, u.Low, u.High = append(u.Y, y), append(u.Low, y*(1-e)), append(u.High, y*(1+e))
		}
		curves = append(curves, u)
	}
	return ROC(curves...)
}

func exampleSIC() *Curves {
	var curves []Curve
	for k, name := range []string{"log-density ratio", "classifier"} {
		s, b := scored(2.5 - float64(k))
		u := Curve{Name: name}
		for i := range s {
			if b[i]*20000 < 5 {
				continue
			}
			y, e := s[i]/math.Sqrt(b[i]), 0.5/math.Sqrt(20000*b[i])
			u.X, u.Y, u.Low, u.High = append(u.X, s[i]), append(u.Y, y), append(u.Low, y*(1-e)), append(u.High, y*(1+e))
		}
		curves = append(curves, u)
	}
	return SIC(curves...)
}

func exampleCoverage() *Curves {
	curves := []Curve{{Name: "TARP"}, {Name: "highest density"}}
	for k := range curves {
		for i := range 21 {
			a := float64(i) / 20
			y := math.Pow(a, 1+0.3*float64(k))
			e := 1.96 * math.Sqrt(y*(1-y)/500)
			u := &curves[k]
			u.X, u.Y, u.Low, u.High = append(u.X, a), append(u.Y, y), append(u.Low, y-e), append(u.High, y+e)
		}
	}
	return Coverage(curves...)
}

func exampleRanks() *Curves {
	a := histogramOf(draws(4000, 3, (*rand.Rand).Float64), 20, 0, 1)
	b := histogramOf(draws(4000, 4, func(r *rand.Rand) float64 { return 0.5 + 0.5*math.Tanh(0.5*r.NormFloat64()) }), 20, 0, 1)
	return Ranks("PIT of m_jj", 200, 173, 228, "95 % of calibrated bins", Curve{Name: "spline", X: a.Edges, Y: a.SumW}, Curve{Name: "affine", X: b.Edges, Y: b.SumW})
}

func exampleDifferences() *Curves {
	var curves []Curve
	for k, name := range []string{"good", "shifted"} {
		u := Curve{Name: name}
		for i := range 400 {
			x := -4 + float64(i)/50
			u.X = append(u.X, x)
			u.Y = append(u.Y, (0.002+0.02*float64(k))*math.Exp(-x*x/2)+0.002*math.Sin(9*x)*math.Exp(-x*x/4))
		}
		curves = append(curves, u)
	}
	return Differences("pT", "GeV", 0.0136, "95 % band (Kolmogorov)", curves...)
}

// exampleShapes are those of the events with the largest and smallest ratios, which differ from all in every third column.
func exampleShapes(n int) *Shapes {
	s := &Shapes{Alt: "Where the ratio is largest and smallest"}
	for i := range n {
		q := Shape{Label: []string{"m_jj", "transverse momentum of the leading jet", "Δη_jj", "n_b"}[i%4], Unit: []string{"GeV", "GeV", "", ""}[i%4]}
		for k, name := range []string{"All generated events", "1 % with the largest r", "1 % with the smallest r"} {
			x := draws([]int{20000, 2000, 2000}[k], uint64(10*i+k), func(r *rand.Rand) float64 {
				return 100 + 15*r.NormFloat64() + map[bool]float64{true: 20}[i%3 == 0]*[]float64{0, 1, -1}[k]
			})
			h := histogramOf(x, 30, 50, 150)
			h.Name = name
			h.Over = float64(40 * k * (i % 2))
			q.Histograms = append(q.Histograms, h)
		}
		s.Panels = append(s.Panels, q)
	}
	return s
}

func exampleLogRatio() *Shapes {
	q := Shape{Label: "log r(x)", Vertical: Logarithmic}
	for k, name := range []string{"Held-out data", "Generated"} {
		h := histogramOf(draws(20000, uint64(k), func(r *rand.Rand) float64 {
			return 0.3*r.NormFloat64() + 0.05*float64(1-2*k) - 0.3*r.ExpFloat64()*float64(k)
		}), 60, -3, 3)
		h.Name = name
		q.Histograms = append(q.Histograms, h)
	}
	return &Shapes{Panels: []Shape{q}, Alt: "The density ratio in both samples"}
}

// exampleCorner has columns of several kinds: of two modes, over decades, whole numbers, bounded ones.
func exampleCorner(columns, generated int) *Corner {
	o := &Corner{}
	sample := func(name string, n int, seed uint64, shift float64) Points {
		p := Points{Name: name, Columns: make([][]float64, columns)}
		r := rand.New(rand.NewPCG(seed, 9))
		for range n {
			z := r.NormFloat64() + shift
			mode := float64(r.IntN(2))
			for i := range columns {
				u := r.NormFloat64()
				v := []float64{91 + 2*z + u, math.Exp(2*z + 2*u), 3*mode + 0.4*u + 0.3*z, math.Floor(math.Abs(3*u + z)), z*z + 0.3*u, math.Tanh(u + z*0.3), -math.Log(r.Float64()), 1e6 * (z + 0.2*u)}[i%8]
				p.Columns[i] = append(p.Columns[i], v)
			}
		}
		return p
	}
	o.Reference = sample("Held-out data", 20000, 1, 0)
	for k := range generated {
		o.Generated = append(o.Generated, sample([]string{"spline", "affine"}[k%2], 20000, uint64(k)+2, 0.2+0.2*float64(k)))
	}
	for i := range columns {
		o.Columns = append(o.Columns, Axis{Label: []string{"m_ll", "pT", "η", "jets", "m²", "tagger score of the leading jet", "τ21", "energy"}[i%8], Unit: []string{"GeV", "GeV", "", "", "GeV²", "", "", "keV"}[i%8]})
	}
	return o
}

// exampleOversampling is of 100 draws for each of 500 events.
func exampleOversampling() *Oversampling {
	o := &Oversampling{Label: "m_jj", Unit: "GeV", Draws: 100}
	for k := range 31 {
		o.Edges = append(o.Edges, 50+5*float64(k))
	}
	r := rand.New(rand.NewPCG(6, 6))
	for k := range 30 {
		p := 0.1 * math.Exp(-math.Pow(float64(k-12)/6, 2)/2) / 1.5
		e := math.Sqrt(p / 500)
		o.Reference, o.ReferenceError = append(o.Reference, max(p+e*r.NormFloat64(), 0)), append(o.ReferenceError, e)
		o.Generated, o.Error, o.Naive = append(o.Generated, p+0.5*e*r.NormFloat64()), append(o.Error, 0.6*e), append(o.Naive, e/10)
	}
	return o
}
