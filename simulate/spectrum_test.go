package simulate

import (
	"math"
	"slices"
	"testing"

	"github.com/sluice-hep/sluice/card"
	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/internal/rng"
)

// repeat is a simulation of a Poisson number of events, each with some objects whose values have much in common, drawn by hand.
func repeat(seed uint64, draws int) (*run, *events.Table) {
	s := rng.New(seed, rng.StreamTest, 5)
	r := &run{Simulation: Simulation{Draws: draws}, plan: (&card.Card{}).Simulation(), objects: []object{{name: "Jet_pt"}}, result: &Simulated{}}
	var means []float64
	for at := -math.Log(s.Float64()); at < 150; at -= math.Log(s.Float64()) {
		r.events.first = append(r.events.first, len(means))
		common := s.NormFloat64()
		for range 1 + s.IntN(4) {
			means = append(means, common+0.3*s.NormFloat64())
		}
	}
	r.events.first = append(r.events.first, len(means))
	x := events.Column{Name: "Jet_pt", Type: events.Float64}
	of := events.Column{Name: fakeOf, Type: events.Int64}
	for range draws {
		for _, mean := range means {
			x.F64, of.I64 = append(x.F64, mean+0.5*s.NormFloat64()), append(of.I64, -1)
		}
	}
	return r, &events.Table{Columns: []events.Column{x, of}}
}

// The stated error of each bin is the scatter of its content in repetitions with other events; that of as many independent draws is too small.
func TestErrorsOfHistograms(t *testing.T) {
	const repeats, perEvent = 600, 10
	edges := []float64{-2, -1.2, -0.4, 0.4, 1.2, 2}
	for _, number := range []bool{false, true} {
		var contents [][]float64
		stated, naive := make([]float64, 7), make([]float64, 7)
		for i := range repeats {
			r, table := repeat(uint64(i), perEvent)
			s := &spectrum{}
			if number {
				s.column = -1
				s.begin([]float64{0.5, 1.5, 2.5, 3.5, 4.5, 5.5})
			} else {
				s.begin(edges)
			}
			r.spectra = []*spectrum{s}
			b, err := r.assemble(table, 0, r.events.len())
			if err != nil {
				t.Fatal(err)
			}
			b.columns(0, r.events.len())
			contents = append(contents, s.sum)
			for k := range stated {
				stated[k] += s.variance[k] / repeats
				naive[k] += s.naive[k] / repeats
			}
		}
		for k := 1; k < 5-map[bool]int{true: 1}[number]; k++ {
			var mean, square float64
			for _, c := range contents {
				mean += c[k] / repeats
			}
			for _, c := range contents {
				square += (c[k] - mean) * (c[k] - mean) / (repeats - 1)
			}
			ratio, small := math.Sqrt(stated[k]/square), math.Sqrt(naive[k]/square)
			if math.Abs(ratio-1) > 4/math.Sqrt(2*repeats) { // the error of a standard deviation of so many repetitions
				t.Errorf("number %v, bin %d: the stated error is %.3f times the scatter", number, k, ratio)
			}
			if small > 0.75 {
				t.Errorf("number %v, bin %d: the error of independent draws is %.3f times the scatter: the test cannot tell it from the right one", number, k, small)
			}
		}
	}
}

// Histograms have bins of whole numbers for integers, and every value has a place in them.
func TestEdgesOfHistograms(t *testing.T) {
	s := &spectrum{whole: true}
	s.setEdges(2, 6)
	if want := []float64{1.5, 2.5, 3.5, 4.5, 5.5, 6.5}; !slices.Equal(s.edges, want) {
		t.Errorf("%v, not %v", s.edges, want)
	}
	for _, v := range []float64{-7, 2, 6, 1e9} {
		s.add(v, 0.5)
	}
	s.end(0.5)
	if want := []float64{0.5, 0.5, 0, 0, 0, 0.5, 0.5}; !slices.Equal(s.sum, want) {
		t.Errorf("%v, not %v", s.sum, want)
	}
	wide := &spectrum{whole: true}
	if wide.setEdges(0, 999); len(wide.edges) > 2*spectrumBins+1 || wide.edges[0] != -0.5 || wide.edges[len(wide.edges)-1] < 999.5 {
		t.Errorf("from %g to %g in %d bins", wide.edges[0], wide.edges[len(wide.edges)-1], len(wide.edges)-1)
	}
	one := &spectrum{}
	if one.setEdges(3, 3); !(one.edges[0] < 3 && one.edges[len(one.edges)-1] > 3) {
		t.Errorf("of one value: %v", one.edges)
	}
}

// Draws and fakes are taken apart as they were put together, also where the two models keep a column in different types.
func TestDrawsAndFakes(t *testing.T) {
	r := &run{Simulation: Simulation{Draws: 2}, plan: (&card.Card{}).Simulation(), objects: []object{{name: "Jet_pt"}, {name: "Jet_id"}}, fakes: &fakes{}, result: &Simulated{}}
	r.events.first = []int{0, 2, 3}
	columns := []events.Column{{Name: "r_pt", F32: []float32{1, 2, 3, 4, 5, 6}}, {Name: "Jet_pt", F32: []float32{10, 20, 30, 40, 50, 60}}, {Name: "Jet_id", Type: events.Int64, I64: []int64{1, 2, 3, 4, 5, 6}}}
	more := &events.Table{Columns: []events.Column{{Name: "Jet_pt", F32: []float32{15, 35}}, {Name: "Jet_id", F32: []float32{7, 8}}}}
	table := &events.Table{Columns: append(below(columns, more), events.Column{Name: fakeOf, Type: events.Int64, I64: []int64{-1, -1, -1, -1, -1, -1, 0, 3}})}
	b, err := r.assemble(table, 0, 2)
	if err != nil {
		t.Fatal(err)
	}
	var pt, id []float64
	for _, c := range b.columns(0, 2) {
		for i := range c.Len() {
			switch c.Name {
			case "Jet_pt":
				pt = append(pt, c.Float(i))
			case "Jet_id":
				id = append(id, c.Float(i))
			}
		}
	}
	if want := []float64{20, 15, 10, 50, 40, 30, 60, 35}; !slices.Equal(pt, want) {
		t.Errorf("pt %v, not %v", pt, want)
	}
	if want := []float64{2, 7, 1, 5, 4, 3, 6, 8}; !slices.Equal(id, want) {
		t.Errorf("id %v, not %v", id, want)
	}
	if r.result.Reconstructed != 6 || r.result.Fakes != 2 {
		t.Errorf("%d objects and %d fakes", r.result.Reconstructed, r.result.Fakes)
	}
	if _, err := r.assemble(table.Slice(0, 3), 0, 2); err == nil {
		t.Error("a block with too few draws is taken")
	}
}
