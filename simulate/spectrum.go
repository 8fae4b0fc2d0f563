package simulate

import (
	"fmt"
	"math"
	"slices"

	"github.com/sluice-hep/sluice/stats"
	"github.com/sluice-hep/sluice/uhi"
)

// spectrum is the histogram of a column over all draws of the events, each of weight 1/draws. The draws of an event are not as many events, and its objects not
// independent: the variance of a bin is the sum over generated events of the squares of all that the event adds to it. That is the variance of a sum over a Poisson
// number of independent events, between events and within them.
type spectrum struct {
	column     int // of objects; -1 for the number of them
	name, unit string
	whole      bool // integers
	generated  bool // of objects that were generated, without fakes
	edges      []float64
	// By bin, those below and above the edges first and last.
	sum, variance []float64
	naive         []float64 // the variance if all draws were of different events
	event         []float64 // what the event at hand has added so far
}

// spectrumBins is how many a histogram over all draws has, but for one of integers.
const spectrumBins = 50

// newSpectra takes the edges from quantiles of the events from e to before to, the first ones.
func (b *assembly) newSpectra(e, to int) []*spectrum {
	r := b.run
	var all []*spectrum
	add := func(s spectrum, x []float64) {
		if len(x) == 0 {
			return
		}
		slices.Sort(x)
		s.setEdges(stats.Quantile(x, 0.001), stats.Quantile(x, 0.999))
		all = append(all, &s)
	}
	for k, o := range r.objects {
		var x []float64
		for d := range b.tables {
			x = append(x, slices.DeleteFunc(b.tables[d].values(o.name), math.IsNaN)...)
		}
		add(spectrum{column: k, name: o.name, unit: o.unit, whole: o.integer}, x)
		if o.name == r.plan.Order && r.judged { // beside a full simulation without fakes
			add(spectrum{column: k, name: o.name, unit: o.unit, generated: true}, x)
		}
	}
	var numbers []float64
	for n := e; n < to; n++ {
		for d := range r.Draws {
			numbers = append(numbers, float64(len(b.event(n, d))))
		}
	}
	add(spectrum{column: -1, name: "n" + r.plan.Reconstructed, whole: true}, numbers)
	return all
}

// setEdges chooses bins from lo to hi: of integers one each, where they are not too many.
func (s *spectrum) setEdges(lo, hi float64) {
	n := spectrumBins
	switch {
	case s.whole:
		step := math.Ceil((hi - lo + 1) / (2 * spectrumBins))
		n = int(math.Ceil((hi - lo + 1) / step))
		lo, hi = lo-0.5, lo-0.5+float64(n)*step
	case !(lo < hi):
		lo, hi = lo-0.5, lo+0.5
	}
	edges := make([]float64, n+1)
	for i := range edges {
		edges[i] = lo + (hi-lo)*float64(i)/float64(n)
	}
	s.begin(edges)
}

func (s *spectrum) begin(edges []float64) {
	s.edges = edges
	for _, cells := range []*[]float64{&s.sum, &s.variance, &s.naive, &s.event} {
		*cells = make([]float64, len(edges)+1)
	}
}

// add adds a value of the event at hand, with a weight.
func (s *spectrum) add(v, w float64) {
	k, found := slices.BinarySearch(s.edges, v)
	if found {
		k++
	}
	s.event[k] += w
}

// end ends an event, of which each value had weight w.
func (s *spectrum) end(w float64) {
	for k, v := range s.event {
		s.sum[k] += v
		s.variance[k] += v * v
		s.naive[k] += v * w
		s.event[k] = 0
	}
}

// shares are the contents of the bins and their errors in units of a total.
func (s *spectrum) shares(total float64) (share, err, naive []float64) {
	for k := range len(s.edges) - 1 {
		share, err, naive = append(share, s.sum[k+1]/total), append(err, math.Sqrt(s.variance[k+1])/total), append(naive, math.Sqrt(s.naive[k+1])/total)
	}
	return share, err, naive
}

// fill adds a draw of an event to all spectra.
func (b *assembly) fill(found []placed) {
	w := b.run.weight()
	for _, s := range b.run.spectra {
		if s.column < 0 {
			s.add(float64(len(found)), w)
			continue
		}
		for _, p := range found {
			if v := b.tables[p.table].object[s.column].Float(p.row); !math.IsNaN(v) && (p.generated >= 0 || !s.generated) {
				s.add(v, w)
			}
		}
	}
}

// histograms are those of the file, by name.
func (r *run) histograms() map[string]*uhi.Histogram {
	all := map[string]*uhi.Histogram{}
	for _, s := range r.spectra {
		if s.generated {
			continue
		}
		all[s.name] = &uhi.Histogram{
			Axes:   []uhi.Axis{{Edges: s.edges, Underflow: true, Overflow: true, Metadata: uhi.Metadata{"name": s.name, "unit": s.unit}}},
			Values: s.sum, Variances: s.variance,
			Metadata: uhi.Metadata{"title": fmt.Sprintf("%s, %d draws of each event, errors by the generated events", s.name, r.Draws)},
		}
	}
	return all
}
