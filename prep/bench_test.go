package prep

import (
	"fmt"
	"math"
	"testing"

	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/internal/rng"
)

// collisions has 28 columns such as those of a search: momenta, angles, masses with a narrow peak, and four columns of
// three values.
func collisions(n int) *events.Table {
	g := rng.New(17, rng.StreamToy, 0)
	tab := &events.Table{}
	for k := range 28 {
		x := make([]float32, n)
		for i := range x {
			switch {
			case k%7 == 6:
				x[i] = []float32{0, 1.0865, 2.1731}[g.IntN(3)]
			case k%7 < 2:
				x[i] = float32(math.Exp(0.6 * g.NormFloat64()))
			case k%7 < 4:
				x[i] = float32(2 * math.Pi * (g.Float64() - 0.5))
			case g.Float64() < 0.4:
				x[i] = float32(0.99 + 0.01*g.NormFloat64())
			default:
				x[i] = float32(0.5 - math.Log(g.Float64()))
			}
		}
		tab.Columns = append(tab.Columns, events.Column{Name: fmt.Sprint("x", k), F32: x})
	}
	return tab
}

// Streamed training prepares every event again in every epoch: beside a flow at 10^6 events/s, 1,000 ns an event, that
// must be little.
func BenchmarkPipeline(b *testing.B) {
	const n = 16384
	tab := collisions(n)
	p, _, err := Fit(tab, tab.Names(), Spec{}, 1)
	if err != nil {
		b.Fatal(err)
	}
	cols, _, err := p.Apply(tab, nil)
	if err != nil {
		b.Fatal(err)
	}
	for _, dir := range []struct {
		name string
		f    func() error
	}{
		{"Apply", func() error { _, _, err := p.Apply(tab, nil); return err }},
		{"Invert", func() error { _, _, err := p.Invert(cols); return err }},
	} {
		b.Run(dir.name, func(b *testing.B) {
			for range b.N {
				if err := dir.f(); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/event")
		})
	}
}

// One step of a column, there and back.
func BenchmarkStep(b *testing.B) {
	tab := collisions(4096)
	for _, c := range []struct {
		kind   string
		column int
	}{{"quantile", 0}, {"quantile", 2}, {"quantile", 4}, {"levels", 6}} {
		x, err := tab.Columns[c.column].Floats(nil)
		if err != nil {
			b.Fatal(err)
		}
		steps, err := build([]StepSpec{{Kind: c.kind}})
		if err == nil {
			err = steps[0].Fit(x, nil)
		}
		if err != nil {
			b.Fatal(err)
		}
		y, logDet := append([]float64(nil), x...), make([]float64, len(x))
		steps[0].Apply(y, nil)
		for _, dir := range []struct {
			name string
			from []float64
			f    func(x, logDet []float64)
		}{{"Apply", x, steps[0].Apply}, {"Invert", y, steps[0].Invert}} {
			b.Run(fmt.Sprint(c.kind, c.column, dir.name), func(b *testing.B) {
				v := make([]float64, len(x))
				for range b.N {
					copy(v, dir.from)
					dir.f(v, logDet)
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(x)), "ns/value")
			})
		}
	}
}
