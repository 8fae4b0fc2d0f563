package stats

import (
	"cmp"
	"fmt"
	"math"
	"math/bits"
	"slices"

	"gonum.org/v1/gonum/stat/distuv"
)

// Copies says whether a generated sample holds training events, as they are or nearly.
type Copies struct {
	// Nearer is the share of the generated events whose nearest neighbour, of the training and held-out events together, is a training
	// event. Without copies that is the share of training events among these, NullMean: what the sample gets wrong does not
	// matter, as it favours neither. P is of so many or more.
	Nearer Test `json:"nearer"`
	// Copied is the share of copies that would make the excess of Nearer, and its error.
	Copied      float64 `json:"copied"`
	CopiedError float64 `json:"copied_error"`
	Training    int     `json:"training_events"` // among which neighbours were looked for
	HeldOut     int     `json:"held_out_events"`
	// Duplicates are the generated events that agree with a training event in every column, out of all. Columns of few values have some by
	// chance: DuplicatesP is the probability that so many of the values that are among equally many training and held-out events are among the former alone.
	Duplicates        int     `json:"duplicates"`
	DuplicatesHeldOut int     `json:"duplicates_held_out"` // the same with the held-out events
	DuplicatesP       float64 `json:"duplicates_p"`
	Cannot            string  `json:"cannot,omitempty"` // why none of it is known; where that is so of neighbours alone, Nearer says it
}

const (
	mostCompared = 10000  // generated events
	mostSearched = 400000 // training and held-out events, for up to 10 columns: the time of a search grows with their number and more with that of columns
)

// NewCopies compares generated events with those of the training and with others of the same kind, held out of it: validation or test
// events. Weights play no part: training and held-out events differ by chance alone, whatever each weighs.
func NewCopies(training, heldOut, gen Sample, o QualityOptions) (c Copies) {
	training.Weights, heldOut.Weights, gen.Weights = nil, nil, nil
	for i, s := range []Sample{training, gen, heldOut} {
		name := []string{"training", "generated", "held-out"}[i]
		if len(s.Columns) == 0 || len(s.Columns) != len(gen.Columns) {
			return Copies{Cannot: fmt.Sprintf("there are %d columns of %s events, %d of generated ones", len(s.Columns), name, len(gen.Columns))}
		}
		if cannot := s.unfit(); cannot != "" {
			return Copies{Cannot: fmt.Sprintf("the sample of %s events %s", name, cannot)}
		}
	}
	c.duplicates(training, heldOut, gen, o)
	c.nearer(training, heldOut, gen, o)
	return c
}

// duplicates counts events that agree to the last digit.
func (c *Copies) duplicates(training, heldOut, gen Sample, o QualityOptions) {
	t, h, g := training.hashes(), heldOut.hashes(), gen.hashes()
	c.Duplicates, c.DuplicatesHeldOut = common(g, t), common(g, h)
	n := min(len(t), len(h))
	equal := func(s Sample, all []uint64) []uint64 {
		if len(all) > n {
			return s.pick(n, o.source(partChoose)).hashes()
		}
		return all
	}
	t, h, g = slices.Compact(equal(training, t)), slices.Compact(equal(heldOut, h)), slices.Compact(g)
	var both []uint64
	for _, v := range g {
		if has(t, v) && has(h, v) {
			both = append(both, v)
		}
	}
	inTraining, inHeldOut := common(g, t)-len(both), common(g, h)-len(both)
	c.DuplicatesP = 1
	if n := inTraining + inHeldOut; inTraining > 0 {
		c.DuplicatesP = distuv.Binomial{N: float64(n), P: 0.5}.Survival(float64(inTraining - 1))
	}
}

// hashes are one number an event, ascending. That two of a million events agree in it by chance happens once in 10^7 samples.
func (s Sample) hashes() []uint64 {
	h := make([]uint64, s.len())
	for _, c := range s.Columns {
		for i, v := range c {
			hi, lo := bits.Mul64(h[i]^math.Float64bits(v+0)^0x9E3779B97F4A7C15, 0xD6E8FEB86659FD93) // v+0: -0 is 0
			h[i] = bits.RotateLeft64(hi^lo, 23) + 0xA0761D6478BD642F
		}
	}
	slices.Sort(h)
	return h
}

// common counts the x that are among ascending values.
func common(x, among []uint64) (n int) {
	for _, v := range x {
		if has(among, v) {
			n++
		}
	}
	return n
}

func has(among []uint64, v uint64) bool {
	_, found := slices.BinarySearch(among, v)
	return found
}

// nearer looks for the nearest of the training and held-out events. These are in an order by chance, and of equally near ones the first is
// taken, so that its being a training event is by chance too. Several generated events may have one neighbour: the variance is that of
// labels dealt out to the neighbours.
func (c *Copies) nearer(training, heldOut, gen Sample, o QualityOptions) {
	most := mostSearched
	if d := float64(len(gen.Columns)); d > 10 {
		most = int(float64(most) * 100 / d / d)
	}
	share := min(1, float64(most)/float64(training.len()+heldOut.len()))
	take := func(s Sample, part uint32) Sample {
		return s.pick(int(share*float64(s.len())), o.source(partChoose+part))
	}
	t, h, g := take(training, 0), take(heldOut, 1), gen.pick(mostCompared, o.source(partChoose+2))
	c.Training, c.HeldOut = t.len(), h.len()
	if min(c.Training, c.HeldOut) < fewest {
		c.Nearer.Cannot = fmt.Sprintf("of %d training and %d held-out events too few can be searched for neighbours", training.len(), heldOut.len())
		return
	}
	scaled := byBulk(t, h, g)
	t, h, g = scaled[0], scaled[1], scaled[2]
	n := c.Training + c.HeldOut
	order := o.source(partDivide).Perm(n)
	tree := newTree(t, h, order)
	nearest := make([]int32, g.len())
	const together = 64
	o.spread((len(nearest)+together-1)/together, func(part int) {
		x := make([]float64, len(g.Columns))
		for i := part * together; i < min((part+1)*together, len(nearest)); i++ {
			for k, col := range g.Columns {
				x[k] = col[i]
			}
			nearest[i] = tree.nearest(x)
		}
	})
	c.count(nearest, order)
}

// count compares the labels of the nearest events with chance: the mean and variance of a sum over labels dealt out without replacement.
func (c *Copies) count(nearest, order []int32) {
	n, q := float64(len(order)), float64(len(nearest))
	times := map[int32]float64{}
	var labels float64
	for _, place := range nearest {
		times[place]++
		if int(order[place]) < c.Training {
			labels++
		}
	}
	var shared float64
	for _, v := range times {
		shared += v * v // whole numbers: the sum is exact in any order
	}
	e := float64(c.Training) / n
	t := &c.Nearer
	t.Value, t.NullMean, t.Events = labels/q, e, len(nearest)
	t.NullStd = math.Sqrt(e*(1-e)*n/(n-1)*max(shared-q*q/n, 0)) / q
	t.Error = math.Sqrt(t.Value*(1-t.Value)*shared) / q
	t.P = 1
	if t.NullStd > 0 {
		t.P = math.Erfc((t.Value-e)/t.NullStd/math.Sqrt2) / 2
	}
	c.Copied, c.CopiedError = max(0, (t.Value-e)/(1-e)), t.NullStd/(1-e)
}

// tree is a k-d tree over distinct points (Friedman, Bentley and Finkel, ACM TOMS 3 (1977) 209): a node is a range of points, those
// below and above the median of the column in which they are spread the most.
type tree struct {
	rows  []float64 // in the order of the leaves
	place []int32   // of each in the random order of the events
	nodes []node
	d     int
}

type node struct {
	first, last int32 // of the points of a leaf
	left, right int32 // nodes; 0 for a leaf
	column      int32
	at          float64
}

const leaf = 24

// newTree has of equal points that which comes first in the order: a search would find it in any case.
func newTree(t, h Sample, order []int32) *tree {
	d, n := len(t.Columns), len(order)
	all := &tree{rows: make([]float64, n*d), place: make([]int32, n), d: d}
	for i, e := range order {
		s, e := t, int(e)
		if e >= t.len() {
			s, e = h, e-t.len()
		}
		for k, c := range s.Columns {
			all.rows[i*d+k] = c[e]
		}
		all.place[i] = int32(i)
	}
	points := all.distinct()
	all.nodes = append(all.nodes, node{})
	all.divide(0, points, 0)
	rows := make([]float64, len(points)*d)
	for i, p := range points {
		copy(rows[i*d:], all.row(p))
	}
	all.rows, all.place = rows, points
	return all
}

func (t *tree) row(i int32) []float64 { return t.rows[int(i)*t.d:][:t.d] }

// distinct gives of equal rows the first.
func (t *tree) distinct() []int32 {
	points := slices.Clone(t.place)
	slices.SortFunc(points, func(a, b int32) int { return cmp.Or(slices.Compare(t.row(a), t.row(b)), cmp.Compare(a, b)) })
	return slices.CompactFunc(points, func(a, b int32) bool { return slices.Equal(t.row(a), t.row(b)) })
}

// divide makes a node of points, which lie from number first in the order of the leaves, and sorts them into that order.
func (t *tree) divide(at int, points []int32, first int) {
	column, width := 0, 0.0
	for k := range t.d {
		lo, hi := math.Inf(1), math.Inf(-1)
		for _, p := range points {
			v := t.rows[int(p)*t.d+k]
			lo, hi = min(lo, v), max(hi, v)
		}
		if hi-lo > width {
			column, width = k, hi-lo
		}
	}
	if len(points) <= leaf {
		t.nodes[at] = node{first: int32(first), last: int32(first + len(points))}
		return
	}
	half := len(points) / 2
	t.halve(points, half, column)
	left := len(t.nodes)
	t.nodes = append(t.nodes, node{}, node{})
	t.nodes[at] = node{left: int32(left), right: int32(left + 1), column: int32(column), at: t.rows[int(points[half])*t.d+column]}
	t.divide(left, points[:half], first)
	t.divide(left+1, points[half:], first+half)
}

// halve brings the points of the half smallest values of a column to the front (Hoare's quickselect).
func (t *tree) halve(points []int32, half, column int) {
	value := func(i int) float64 { return t.rows[int(points[i])*t.d+column] }
	for lo, hi := 0, len(points)-1; lo < hi; {
		pivot := value(lo + (hi-lo)/2)
		i, j := lo, hi
		for i <= j {
			for value(i) < pivot {
				i++
			}
			for value(j) > pivot {
				j--
			}
			if i <= j {
				points[i], points[j] = points[j], points[i]
				i++
				j--
			}
		}
		switch {
		case half <= j:
			hi = j
		case half >= i:
			lo = i
		default:
			return
		}
	}
}

// nearest is the place of the point nearest to x, the first of equally near ones.
func (t *tree) nearest(x []float64) int32 {
	s := search{tree: t, x: x, off: make([]float64, t.d), best: math.Inf(1), found: math.MaxInt32}
	s.visit(0, 0)
	return s.found
}

// search goes down a tree with the distance from x to the box of each node: off is what each column adds to it.
type search struct {
	*tree
	x, off []float64
	best   float64
	found  int32
}

func (s *search) visit(at int32, bound float64) {
	n := &s.nodes[at]
	if n.left == 0 {
		for i := n.first; i < n.last; i++ {
			if v := squared(s.x, s.row(i)); v < s.best || v == s.best && s.found > s.place[i] {
				s.best, s.found = v, s.place[i]
			}
		}
		return
	}
	near, far := n.left, n.right
	diff := s.x[n.column] - n.at
	if diff > 0 {
		near, far = far, near
	}
	s.visit(near, bound)
	was := s.off[n.column]
	beyond := bound - was*was + diff*diff
	if beyond*(1-1e-12) <= s.best { // rounding must not hide what is equally near
		s.off[n.column] = diff
		s.visit(far, beyond)
		s.off[n.column] = was
	}
}
