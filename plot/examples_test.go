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
		"overlay_log":    exampleOverlay(),
		"overlay_linear": linearOverlay(),
		"overlay_scaled": scaledOverlay(),
	} {
		p, err := d.Picture()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		all[name] = p
	}
	return all
}

// TestWriteExamples writes the example pictures for looking at, to the folder in SLUICE_PICTURES.
func TestWriteExamples(t *testing.T) {
	dir := os.Getenv("SLUICE_PICTURES")
	if dir == "" {
		t.Skip("SLUICE_PICTURES names no folder to write the example pictures to")
	}
	for name, p := range pictured(t) {
		svg, err := p.SVG()
		if err != nil {
			t.Fatal(err)
		}
		png, err := p.PNG(1000)
		if err != nil {
			t.Fatal(err)
		}
		for ext, data := range map[string][]byte{".svg": svg, ".png": png} {
			if err := os.WriteFile(filepath.Join(dir, name+ext), data, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// histogramOf fills n bins from lo to hi with unit weights.
func histogramOf(x []float64, n int, lo, hi float64) Histogram {
	h := Histogram{Edges: make([]float64, n+1), W: make([]float64, n), Events: len(x)}
	for i := range h.Edges {
		h.Edges[i] = lo + (hi-lo)*float64(i)/float64(n)
	}
	for _, v := range x {
		if i := int(math.Floor((v - lo) / (hi - lo) * float64(n))); i >= 0 && i < n {
			h.W[i]++
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
		Reference: Histogram{Edges: edges, W: []float64{-3, 0, 120, 90, 12, 40}, W2: []float64{9, 0, 130, 99, 14, 60}, Events: 283},
		Generated: Histogram{Edges: edges, W: []float64{2, 10, 2100, 2300, 500, 300}, Events: 1234567}}
}
