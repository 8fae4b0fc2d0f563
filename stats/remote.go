package stats

import (
	"fmt"
	"math"
	"slices"
	"sort"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/sluice-hep/sluice/internal/rng"
)

// So many simulated events are neighbours, and as many are ranked, at most and at least; a distance is that to this neighbour.
const (
	mostNeighbours, leastNeighbours = 2000, 50
	neighbour                       = 10
)

// Remote says how far each of some observations lies from simulated events: the distance to its 10th neighbour among half of these, in normal scores,
// among the distances of the other half. As the scores too are those of the first half, an observation that is a simulated event is exchangeable with the
// second, and p, at least 1/(n+1), holds for any distribution (a conformal p-value). NaN is a value below all others. Weights of the simulated
// events count.
func Remote(observed, simulated Sample, seed uint64) ([]Test, error) {
	if err := check(Sample{Columns: sunk(observed.Columns)}, Sample{Columns: sunk(simulated.Columns), Weights: simulated.Weights}); err != nil {
		return nil, err
	}
	n, each := simulated.len(), make([]Test, observed.len())
	if n < 2*leastNeighbours {
		for i := range each {
			each[i] = Test{Cannot: fmt.Sprintf("there are %d simulated events, fewer than %d", n, 2*leastNeighbours)}
		}
		return each, nil
	}
	places := rng.New(seed, rng.StreamTest, pickFirst).Perm(n)
	half := min(n/2, mostNeighbours)
	near, others := simulated.Take(places[:half]), simulated.Take(places[half:2*half])
	r := newRemoteness(near.Columns)
	usual := r.distances(others.Columns)
	for i, d := range r.distances(observed.Columns) {
		each[i] = Surprise(d, usual, others.Weights)
		each[i].Value, each[i].NullMean = -d, -each[i].NullMean
	}
	return each, nil
}

// sunk are columns with 0 for what is no number, which a score has a place for.
func sunk(columns [][]float64) (out [][]float64) {
	for _, x := range columns {
		x = slices.Clone(x)
		for i, v := range x {
			if notFinite(v) {
				x[i] = 0
			}
		}
		out = append(out, x)
	}
	return out
}

// remoteness holds events, one after the other in normal scores, and what makes scores of others.
type remoteness struct {
	sorted [][]float64
	width  []float64 // half of the 16 to 84 % range of each column
	rows   []float64
}

func newRemoteness(columns [][]float64) *remoteness {
	r := &remoteness{}
	for _, x := range columns {
		s := lowered(x)
		slices.Sort(s)
		w := (s[len(s)*84/100] - s[len(s)*16/100]) / 2
		if !(w > 0) || notFinite(w) {
			w = 1
		}
		r.sorted, r.width = append(r.sorted, s), append(r.width, w)
	}
	r.rows = r.scores(columns)
	return r
}

// lowered has -Inf for NaN.
func lowered(x []float64) []float64 {
	y := slices.Clone(x)
	for i, v := range y {
		if v != v {
			y[i] = math.Inf(-1)
		}
	}
	return y
}

// mostBeyond is how many widths beyond all events a score goes on growing.
const mostBeyond = 100

// scores are the normal quantiles of the ranks among the sorted values, and beyond these grow with the distance.
func (r *remoteness) scores(columns [][]float64) []float64 {
	s := Sample{}
	for k, x := range columns {
		z, sorted := make([]float64, len(x)), r.sorted[k]
		last := len(sorted) - 1
		for i, v := range lowered(x) {
			below := sort.SearchFloat64s(sorted, v)
			upTo := sort.Search(len(sorted), func(i int) bool { return sorted[i] > v })
			z[i] = distuv.UnitNormal.Quantile((float64(below+upTo) + 1) / 2 / float64(len(sorted)+1))
			if v > sorted[last] {
				z[i] += min((v-sorted[last])/r.width[k], mostBeyond)
			}
			if v < sorted[0] {
				z[i] -= min((sorted[0]-v)/r.width[k], mostBeyond)
			}
		}
		s.Columns = append(s.Columns, z)
	}
	return s.rows()
}

// distances are those to the neighbours; negative, so that few are as low as that of what lies far out.
func (r *remoteness) distances(columns [][]float64) []float64 {
	rows, d := r.scores(columns), len(columns)
	out := make([]float64, len(rows)/d)
	each(len(out), 0, func() func(int) {
		all := make([]float64, len(r.rows)/d)
		return func(i int) {
			for k := range all {
				all[k] = squared(rows[i*d:][:d], r.rows[k*d:][:d])
			}
			slices.Sort(all)
			out[i] = -math.Sqrt(all[min(neighbour, len(all))-1])
		}
	})
	return out
}
