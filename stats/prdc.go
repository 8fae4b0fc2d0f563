package stats

import (
	"fmt"
	"math"
	"slices"
	"sort"

	"github.com/sluice-hep/sluice/internal/rng"
)

// PRDC are precision, recall, density and coverage with k = 5 (arXiv:2002.09797), from balls about each event that reach to its k-th
// neighbour of the same sample: the shares of the generated events in a ball of the reference, and of the reference in a ball of the
// generated sample; the number of balls of the reference that a generated event is in, over k; and the share of the reference whose balls
// hold a generated event. A column's unit is half the range of the central 68 % of the reference.
//
// Only density is 1 for samples of one distribution: ByChance has what each number then is, from permutations of the events between the
// samples, and its P is of a difference so large, up or down; P is that of the largest of the four differences. Neighbours equally near are
// taken in an order by chance, so that this holds for columns of a few values as well.
type PRDC struct {
	Precision float64         `json:"precision"`
	Recall    float64         `json:"recall"`
	Density   float64         `json:"density"`
	Coverage  float64         `json:"coverage"`
	ByChance  map[string]Test `json:"by_chance,omitempty"` // by the names above
	P         float64         `json:"p"`
	Reference int             `json:"reference_events"` // taken of the reference
	Generated int             `json:"generated_events"`
	Cannot    string          `json:"cannot,omitempty"`
}

const (
	neighbours      = 5
	mostNeighboured = 10000 // events of either sample, for up to 25 columns
	mostUnequal     = 4     // times as many of one sample as of the other
	prdcDraws       = 499
)

// NewPRDC takes at most 10,000 events of either sample. Of events with weights it takes some by the size of their weights, so that all
// that are left count the same but for their sign; shares are of signed weights, and an event counts as a neighbour whatever its sign. That
// is right where the share of negative weights is the same everywhere.
func NewPRDC(ref, gen Sample, o QualityOptions) PRDC {
	if cannot := unfit(ref, gen); cannot != "" {
		return PRDC{Cannot: cannot}
	}
	most := mostNeighboured
	if d := len(ref.Columns); d > 25 {
		most = int(float64(most) * math.Sqrt(25/float64(d)))
	}
	return newPRDCOf(ref, gen, most, prdcDraws, o)
}

// newPRDCOf takes at most so many events of either sample.
func newPRDCOf(ref, gen Sample, most, draws int, o QualityOptions) PRDC {
	r, g := ref.unweighted(most, o.source(partChoose)), gen.unweighted(most, o.source(partChoose+1))
	unequal := mostUnequal
	if r.Weights != nil || g.Weights != nil {
		unequal = 1 // of equally many events permutations tell the scatter for any share of negative weights
	}
	r, g = r.pick(unequal*g.len(), o.source(partChoose+2)), g.pick(unequal*r.len(), o.source(partChoose+3))
	for i, s := range []Sample{r, g} {
		if n := s.effective(); n < fewest || !(s.total() > 0) {
			name := []string{"reference", "generated sample"}[i]
			return PRDC{Cannot: fmt.Sprintf("the weights of the %s differ so much that %d of its events stand for all, %.3g effective ones", name, s.len(), n)}
		}
	}
	scaled := byBulk(r, g)
	return newPRDC(scaled[0], scaled[1], neighbours, draws, o)
}

// unweighted takes at most n events, each with a probability in proportion to its |weight|, and leaves them the signs, if any is negative.
func (s Sample) unweighted(n int, src *rng.Source) Sample {
	if s.Weights == nil {
		return s.pick(n, src)
	}
	var largest float64
	for _, w := range s.Weights {
		largest = max(largest, math.Abs(w))
	}
	var taken []int32
	for _, e := range src.Perm(s.len()) {
		if len(taken) < n && src.Float64()*largest < math.Abs(s.Weights[e]) {
			taken = append(taken, e)
		}
	}
	c := s.Take(taken)
	negative := false
	for i, w := range c.Weights {
		c.Weights[i] = math.Copysign(1, w)
		negative = negative || w < 0
	}
	if !negative {
		c.Weights = nil
	}
	return c
}

// byBulk divides the columns of samples by half the range of the central 68 % of the first, or where that is a single value by its
// standard deviation. What is farther out than any square may be is moved in.
func byBulk(samples ...Sample) []Sample {
	scaled := make([]Sample, len(samples))
	for i, s := range samples {
		scaled[i].Weights = s.Weights
	}
	for k, c := range samples[0].Columns {
		sorted := slices.Clone(c)
		slices.Sort(sorted)
		unit := (Quantile(sorted, 0.84) - Quantile(sorted, 0.16)) / 2
		if !(unit > 0) {
			unit = NewMoments(c, nil).Std
		}
		if !(unit > 0 && finite(unit)) {
			unit = 1
		}
		for i, s := range samples {
			x := make([]float64, len(s.Columns[k]))
			for e, v := range s.Columns[k] {
				x[e] = min(max(v/unit, -outermost), outermost)
			}
			scaled[i].Columns = append(scaled[i].Columns, x)
		}
	}
	return scaled
}

const outermost = 1e150

func newPRDC(ref, gen Sample, k, draws int, o QualityOptions) PRDC {
	n, m := ref.len(), gen.len()
	g := newGraph(ref, gen, k, 16*(n+m)/min(n, m), o)
	value := g.prdcOf(n)
	null := make([][4]float64, draws)
	o.spread(draws, func(i int) {
		permuted := make([]bool, n+m)
		for j, e := range o.source(partPermute + uint32(i)).Perm(n + m) {
			permuted[j] = int(e) < n
		}
		null[i] = g.prdc(permuted)
	})
	p := PRDC{Precision: value[0], Recall: value[1], Density: value[2], Coverage: value[3], Reference: n, Generated: m}
	p.against(value, null)
	return p
}

// against compares the numbers with those of permutations, each in standard deviations of these.
func (p *PRDC) against(value [4]float64, null [][4]float64) {
	p.ByChance = map[string]Test{}
	largest := make([]float64, len(null)+1) // of the four, in each draw, and in the samples
	for k, name := range []string{"precision", "recall", "density", "coverage"} {
		x := make([]float64, len(null))
		for i := range null {
			x[i] = null[i][k]
		}
		t := newTest(value[k], x)
		far := func(v float64) float64 {
			if t.NullStd == 0 {
				return 0
			}
			return math.Abs(v-t.NullMean) / t.NullStd
		}
		deviations := make([]float64, len(largest))
		for i, v := range append(x, value[k]) {
			deviations[i] = far(v)
			largest[i] = max(largest[i], deviations[i])
		}
		t.P = upperShare(deviations)
		p.ByChance[name] = t
	}
	p.P = upperShare(largest)
}

// upperShare is the share of the numbers that are not less than the last.
func upperShare(x []float64) float64 {
	n := 0
	for _, v := range x {
		if v >= x[len(x)-1] {
			n++
		}
	}
	return float64(n) / float64(len(x))
}

// graph is the nearest neighbours of each event of two samples together, nearest first.
type graph struct {
	order   []int32 // of the events; those of the reference come first in the numbering. All else is by place in this order
	rows    []float64
	weights []float64
	near    [][]int32
	d, k    int
}

// newGraph finds the nearest neighbours of each event. The order is by chance, and what is equally near comes in that order.
func newGraph(ref, gen Sample, k, nearest int, o QualityOptions) *graph {
	n, m, d := ref.len(), gen.len(), len(ref.Columns)
	g := &graph{order: o.source(partDivide).Perm(n + m), rows: make([]float64, (n+m)*d), weights: make([]float64, n+m), near: make([][]int32, n+m), d: d, k: k}
	for i, e := range g.order {
		s, e := ref, int(e)
		if e >= n {
			s, e = gen, e-n
		}
		for j, c := range s.Columns {
			g.rows[i*d+j] = c[e]
		}
		g.weights[i] = weight(s.Weights, e)
	}
	const together = 64
	o.spread((n+m+together-1)/together, func(part int) {
		distance := make([]float64, n+m)
		for i := part * together; i < min((part+1)*together, n+m); i++ {
			g.distances(i, distance)
			g.near[i] = nearestOf(i, min(nearest, n+m-1), distance, nil)
		}
	})
	return g
}

// nearestOf gives the places of the n events nearest to that at place i, of those marked as it is; of all without marks.
func nearestOf(i, n int, distance []float64, mark []bool) []int32 {
	places, at := make([]int32, 0, n+1), make([]float64, 0, n+1)
	for j, v := range distance {
		if j == i || len(at) == n && !(v < at[n-1]) || mark != nil && mark[j] != mark[i] {
			continue
		}
		k := sort.Search(len(at), func(k int) bool { return at[k] > v })
		places, at = slices.Insert(places, k, int32(j)), slices.Insert(at, k, v)
		places, at = places[:min(len(places), n)], at[:min(len(at), n)]
	}
	return places
}

// distances are the squared ones from the event at place i to all.
func (g *graph) distances(i int, distance []float64) {
	x := g.rows[i*g.d:][:g.d]
	for j := range distance {
		distance[j] = squared(x, g.rows[j*g.d:][:g.d])
	}
}

func squared(x, y []float64) float64 {
	var s, t float64
	y = y[:len(x)]
	k := 0
	for ; k+1 < len(x); k += 2 {
		a, b := x[k]-y[k], x[k+1]-y[k+1]
		s += a * a
		t += b * b
	}
	if k < len(x) {
		s += (x[k] - y[k]) * (x[k] - y[k])
	}
	return s + t
}

// prdcOf are the four numbers of the samples as they are, the reference one of n events.
func (g *graph) prdcOf(n int) [4]float64 {
	first := make([]bool, len(g.order))
	for i, e := range g.order {
		first[i] = int(e) < n
	}
	return g.prdc(first)
}

// prdc are the four numbers where the events so marked are those of the reference.
func (g *graph) prdc(first []bool) (value [4]float64) {
	inside := make([]bool, len(first)) // whether an event is in any ball of the other sample
	var total, covered, balls [2]float64
	for i, one := range first {
		s := 0
		if !one {
			s = 1
		}
		w := g.weights[i]
		total[s] += w
		held := 0
		for _, j := range g.ball(i, first) {
			if first[j] != one {
				inside[j] = true
				balls[s] += g.weights[j]
				held++
			}
		}
		if held > 0 {
			covered[s] += w
		}
	}
	var share [2]float64
	for i, one := range first {
		if inside[i] && one {
			share[0] += g.weights[i]
		} else if inside[i] {
			share[1] += g.weights[i]
		}
	}
	return [4]float64{share[1] / total[1], share[0] / total[0], balls[0] / total[1] / float64(g.k), covered[0] / total[0]}
}

// ball is the places of the events nearer than the k-th neighbour of the same sample to the event at place i.
func (g *graph) ball(i int, first []bool) []int32 {
	same := 0
	for n, j := range g.near[i] {
		if first[j] == first[i] {
			if same++; same == g.k {
				return g.near[i][:n]
			}
		}
	}
	// the other sample crowds here
	distance := make([]float64, len(first))
	g.distances(i, distance)
	last := nearestOf(i, g.k, distance, first)[g.k-1]
	var inside []int32
	for j, v := range distance {
		if j != i && (v < distance[last] || v == distance[last] && int32(j) < last) {
			inside = append(inside, int32(j))
		}
	}
	return inside
}
