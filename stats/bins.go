package stats

import (
	"cmp"
	"math"
	"slices"
	"sort"
)

// Bins divide the values of a column for a picture: single values that hold many events apart, all others in a histogram.
type Bins struct {
	Edges []float64
	// Log says that the axis is logarithmic, and that bins are parts of decades.
	Log bool
	// Width is that of the bins before some were divided: in the column's unit, or in decades where Log is set.
	Width float64
	// Apart are markers such as -999 and exact zeros, ascending.
	Apart []float64
}

// An axis of positive values is logarithmic where the 99 % quantile is more than a thousand times that at 1 %, or more than a hundred times
// with a tenth of the values in less than 1/250 of the range shown, a fraction of a bin, as a spectrum of narrow resonances has. An
// exponential, a Gaussian tail and what is even down to 0 are neither.
const (
	manyDecades = 1e3
	someDecades = 1e2
	crowded     = 1. / 250
)

// NewBins chooses about n bins for a picture of two or more samples, by the first. They span its quantiles 0.1 % to 99.9 %, widened by a
// twentieth on each side but not beyond the extremes, nor to values that lie far out, and lie at round numbers; integers get bins of
// whole width around them. Bins in which the density has a structure of its own, such as a narrow peak, are divided.
func NewBins(ref, gen *CDF, n int, more ...*CDF) Bins {
	n = min(max(n, 1), 1<<20)
	b := Bins{Apart: apart(append([]*CDF{ref, gen}, more...))}
	var x []float64
	whole := true
	for _, v := range ref.x {
		if !slices.Contains(b.Apart, v) {
			// quarters keep any range finite; beyond 2^52 every float64 is whole and means nothing
			x = append(x, min(max(v, -math.MaxFloat64/4), math.MaxFloat64/4))
			whole = whole && v == math.Trunc(v) && math.Abs(v) < 1<<52
		}
	}
	lo, hi := bulk(x)
	switch {
	case isLog(x, lo, hi):
		b.Log = true
		b.Edges, b.Width = logEdges(x, n)
		if whole {
			b.Edges = betweenIntegers(b.Edges)
		}
	case whole:
		b.Edges = wholeEdges(math.Floor(lo), math.Ceil(hi), n)
	default:
		b.Edges = roundEdges(lo, hi, n)
	}
	if !b.Log {
		b.Width = b.Edges[1] - b.Edges[0]
	}
	if !whole {
		b.divide(ref, x[0], x[len(x)-1])
	}
	return b
}

// bulk is the range to show of ascending values.
func bulk(x []float64) (lo, hi float64) {
	x = near(x)
	lo, hi = x[0], x[len(x)-1]
	qlo, qhi := x[len(x)/1000], x[len(x)-1-len(x)/1000]
	if qhi > qlo {
		margin := (qhi - qlo) / 20
		lo, hi = max(lo, qlo-margin), min(hi, qhi+margin)
	}
	return lo, hi
}

// farOut is by how many times the range of the central 90 % a value lies beyond it that does not belong into a picture.
const farOut = 5

// near leaves out of ascending values those that lie far out.
func near(x []float64) []float64 {
	k := len(x) / 20
	lo, hi := x[k], x[len(x)-1-k]
	reach := farOut * (hi - lo)
	if k == 0 || reach == 0 {
		return x
	}
	return x[sort.SearchFloat64s(x, lo-reach):sort.Search(len(x), func(i int) bool { return x[i] > hi+reach })]
}

func isLog(x []float64, lo, hi float64) bool {
	q := func(p float64) float64 { return x[int(p*float64(len(x)-1))] }
	if x[len(x)/1000] < smallestLog || hi > 1/smallestLog {
		return false
	}
	ratio := q(0.99) / q(0.01)
	return ratio > manyDecades || ratio > someDecades && densestTenth(x) < crowded*(hi-lo)
}

// densestTenth is the width of the narrowest range that holds a tenth of ascending values.
func densestTenth(x []float64) float64 {
	width, k := math.Inf(1), len(x)/10
	for i := range x[k:] {
		width = min(width, x[i+k]-x[i])
	}
	return width
}

const smallestLog = 1e-300 // beyond are numbers of fewer digits

// logEdges covers the bulk of positive values by bins of a round part of a decade, or of whole decades.
func logEdges(x []float64, n int) (edges []float64, width float64) {
	logs := make([]float64, 0, len(x))
	for _, v := range x {
		if v >= smallestLog {
			logs = append(logs, math.Log10(v))
		}
	}
	lo, hi := bulk(logs)
	raw := (hi - lo) / float64(n)
	width = math.Ceil(raw)
	for _, w := range []float64{0.5, 0.25, 0.2, 0.1, 0.05, 0.04, 0.025, 0.02, 0.01} {
		if w >= raw {
			width = w
		}
	}
	last := -math.Log10(smallestLog)
	for k := math.Floor(lo/width + 1e-9); len(edges) < 2 || (k-1)*width < hi-1e-9; k++ {
		edges = append(edges, math.Pow(10, min(max(k*width, -last), last)))
	}
	if first := x[len(x)-len(logs)]; lo == logs[0] { // which logarithms round
		edges[0] = min(edges[0], first)
	}
	if hi == logs[len(logs)-1] {
		edges[len(edges)-1] = max(edges[len(edges)-1], x[len(x)-1])
	}
	return edges, width
}

// betweenIntegers moves edges to halves.
func betweenIntegers(edges []float64) []float64 {
	last := len(edges) - 1
	for i, e := range edges[:last] {
		edges[i] = math.Ceil(e) - 0.5
	}
	edges[last] = math.Floor(edges[last]) + 0.5
	return slices.Compact(edges)
}

// wholeEdges puts the integers lo to hi into at most n bins of equal whole width.
func wholeEdges(lo, hi float64, n int) []float64 {
	width := math.Ceil((hi - lo + 1) / float64(n))
	bins := math.Ceil((hi - lo + 1) / width)
	return grid(lo-0.5, lo-0.5+width*bins, int(bins))
}

// roundEdges covers lo to hi by bins of a round width.
func roundEdges(lo, hi float64, n int) []float64 {
	raw := (hi - lo) / float64(n)
	// a range of a few float64 steps, or one value: there is nothing to resolve
	if tiny := 1e-12 * max(math.Abs(lo), math.Abs(hi)); raw <= tiny || raw < 1e-300 {
		half := max(1e-3*max(math.Abs(lo), math.Abs(hi)), 0.5)
		return grid(lo/2+hi/2-half, lo/2+hi/2+half, n)
	}
	decade := math.Pow(10, math.Floor(math.Log10(raw)))
	width := 10 * decade
	for _, m := range []float64{1, 1.25, 1.5, 2, 2.5, 3, 4, 5, 6, 8} {
		if m*decade >= raw*(1-1e-9) {
			width = m * decade
			break
		}
	}
	first, last := math.Floor(lo/width), math.Ceil(hi/width)
	if first*width > lo { // the quotients round
		first--
	}
	if last*width < hi {
		last++
	}
	return grid(first*width, last*width, max(int(last-first), 1))
}

// grid is n bins of equal width.
func grid(lo, hi float64, n int) []float64 {
	e := make([]float64, n+1)
	for i := range e {
		t := float64(i) / float64(n)
		e[i] = lo*(1-t) + hi*t
	}
	return e
}

const (
	finest       = 800  // bins that a picture can show
	mostParts    = 16   // of a bin
	structured   = 0.25 // root of the mean squared deviation of the density from a straight line, in units of its mean
	structuredBy = 1e-6 // and the probability of as much by chance
	leastEvents  = 20   // effective ones of a bin that is divided
	perCell      = 8    // different values in its smallest parts, where values repeat: else they may only be rounded
)

// divide halves bins, and their halves, down to a sixteenth, where the density in them differs from a line through the neighbours by
// much, and by more than chance.
func (b *Bins) divide(ref *CDF, lo, hi float64) {
	most, n := 1, len(b.Edges)-1
	for most < mostParts && 2*most*n <= finest {
		most *= 2
	}
	c := cells{edges: b.split(most), lo: lo, hi: hi}
	if len(c.edges) != n*most+1 {
		return // too narrow for float64
	}
	c.Histogram = ref.Histogram(Bins{Edges: c.edges, Apart: b.Apart})
	c.count(ref)
	b.Edges = nil
	for i := range n {
		b.Edges = c.divided(b.Edges, i*most, most)
	}
	b.Edges = append(b.Edges, c.edges[n*most])
}

// split gives the edges with every bin in n parts, equal on the axis.
func (b *Bins) split(n int) (edges []float64) {
	last := len(b.Edges) - 1
	for i, lo := range b.Edges[:last] {
		edges = append(edges, lo)
		for k := 1; k < n; k++ {
			if t := float64(k) / float64(n); b.Log {
				edges = append(edges, lo*math.Pow(b.Edges[i+1]/lo, t))
			} else {
				edges = append(edges, lo*(1-t)+b.Edges[i+1]*t)
			}
		}
	}
	return slices.Compact(append(edges, b.Edges[last]))
}

// cells are the finest bins that there may be, of events between lo and hi.
type cells struct {
	*Histogram
	edges            []float64
	lo, hi           float64
	events, distinct []float64 // values in each, and different ones
}

func (c *cells) count(of *CDF) {
	c.events, c.distinct = make([]float64, len(c.SumW)), make([]float64, len(c.SumW))
	for i := range c.SumW {
		from, to := sort.SearchFloat64s(of.x, c.edges[i]), sort.SearchFloat64s(of.x, c.edges[i+1])
		c.events[i] = float64(to - from)
		for k := from; k < to; k++ {
			if k == from || of.x[k] != of.x[k-1] {
				c.distinct[i]++
			}
		}
	}
}

// divided appends the lower edges of what n cells are to be divided into.
func (c *cells) divided(edges []float64, first, n int) []float64 {
	if n == 1 || !c.structured(first, n) {
		return append(edges, c.edges[first])
	}
	return c.divided(c.divided(edges, first, n/2), first+n/2, n/2)
}

func (c *cells) structured(first, n int) bool {
	content := func(from int) (w float64) {
		return sum(c.SumW[min(max(from, 0), len(c.SumW)):min(max(from+n, 0), len(c.SumW))])
	}
	w, w2 := content(first), sum(c.SumW2[first:first+n])
	events := effective(w, w2)
	if different := sum(c.distinct[first : first+n]); !(w > 0) || events < leastEvents || different < float64(n*perCell) && 2*different < sum(c.events[first:first+n]) {
		return false
	}
	slope := min(max((content(first+n)-content(first-n))/(2*w), -1.9), 1.9) // from end to end, in units of the mean
	line, total := make([]float64, n), 0.0
	for k := range line {
		from, to := c.edges[first+k], c.edges[first+k+1]
		inside := max(0, min(to, c.hi)-max(from, c.lo)) / (to - from)
		line[k] = inside * (1 + slope*((float64(k)+0.5)/float64(n)-0.5))
		total += line[k]
	}
	chi2 := 0.0
	for k, share := range line {
		if share > 0 {
			expected := w * share / total
			chi2 += (c.SumW[first+k] - expected) * (c.SumW[first+k] - expected) / (expected * w2 / w)
		}
	}
	return chi2-float64(n-1) > structured*structured*events && Chi2P(chi2, n-1) < structuredBy
}

const (
	mostApart   = 4
	apartShare  = 100 // a value of one in so many events is drawn apart,
	rareShare   = 1000
	rareEvents  = 64 // or of one in rareShare if there are so many,
	apartTimes  = 10 // which are so many times those of the values near it
	apartNear   = 8  // on each side; this is for columns of more than
	apartFew    = 32 // values
	apartBeyond = 2  // or if it lies beyond all others by more than so many times their range
)

// apart are the values that hold many events of any sample, but do not belong to the others around them.
func apart(all []*CDF) (values []float64) {
	for _, c := range all {
		values = append(values, c.markers()...)
	}
	share := func(v float64) (most float64) {
		for _, c := range all {
			most = max(most, c.eventsAt(v))
		}
		return most
	}
	slices.SortFunc(values, func(v, w float64) int { return cmp.Or(cmp.Compare(share(w), share(v)), cmp.Compare(v, w)) })
	values = slices.Compact(values)
	values = values[:min(len(values), mostApart)]
	slices.Sort(values)
	if len(values) > 0 && !slices.ContainsFunc(all[0].x, func(v float64) bool { return !slices.Contains(values, v) }) {
		return nil // the reference has nothing else
	}
	return values
}

// eventsAt is the share of the events at a value.
func (c *CDF) eventsAt(v float64) float64 {
	return float64(c.upTo(v)-sort.SearchFloat64s(c.x, v)) / float64(len(c.x))
}

func (c *CDF) markers() (values []float64) {
	n, distinct := len(c.x), 0
	var many []float64
	for i := 0; i < n; distinct++ {
		j := i + 1
		for j < n && c.x[j] == c.x[i] {
			j++
		}
		if events := j - i; events > 4 && events*apartShare > n || events >= rareEvents && events*rareShare > n {
			many = append(many, c.x[i])
		}
		i = j
	}
	for _, v := range many {
		if events := c.eventsAt(v); distinct > apartFew && events > apartTimes*c.usualNear(v) || c.isBeyond(v) {
			values = append(values, v)
		}
	}
	return values
}

// usualNear is the median share of events of the values next to v.
func (c *CDF) usualNear(v float64) float64 {
	var shares []float64
	for i, k := sort.SearchFloat64s(c.x, v)-1, 0; i >= 0 && k < apartNear; k++ {
		shares = append(shares, c.eventsAt(c.x[i]))
		i = sort.SearchFloat64s(c.x, c.x[i]) - 1
	}
	for i, k := c.upTo(v), 0; i < len(c.x) && k < apartNear; k++ {
		shares = append(shares, c.eventsAt(c.x[i]))
		i = c.upTo(c.x[i])
	}
	slices.Sort(shares)
	return shares[len(shares)/2]
}

// isBeyond: v lies farther below or above all other values, but for one in a thousand, than these span.
func (c *CDF) isBeyond(v float64) bool {
	below, above := c.x[:sort.SearchFloat64s(c.x, v)], c.x[c.upTo(v):]
	if few := len(above) / rareShare; len(below) <= few && len(above) > 0 {
		span := above[len(above)-1-few] - above[0]
		return span > 0 && above[0]-v > apartBeyond*span
	}
	if few := len(below) / rareShare; len(above) <= few && len(below) > 0 {
		span := below[len(below)-1] - below[few]
		return span > 0 && v-below[len(below)-1] > apartBeyond*span
	}
	return false
}
