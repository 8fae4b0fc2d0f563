package profile

import (
	"math"
	"slices"
)

// few keeps an even selection of the values of a stream, of bounded size: every one at first, and of more every second,
// fourth and so on.
type few struct {
	values []float64
	stride int
	next   int // until the next is taken
}

const mostKept = 1 << 15

func (f *few) add(x []float64) {
	f.stride = max(f.stride, 1)
	for f.next < len(x) {
		if len(f.values) == mostKept {
			for i := range mostKept / 2 {
				f.values[i] = f.values[2*i]
			}
			f.values = f.values[:mostKept/2]
			f.stride *= 2
		}
		if n := len(f.values); n == cap(f.values) {
			f.values = slices.Grow(f.values, min(max(3*n, partLen), mostKept-n)) // append would take a fourth more, again and again
		}
		f.values = append(f.values, x[f.next])
		f.next += f.stride
	}
	f.next -= len(x)
}

// sorted are the kept finite numbers, counted from at, in order.
func (f *few) sorted(at float64) []float64 {
	x := make([]float64, 0, len(f.values))
	for _, v := range f.values {
		if v += at; v-v == 0 {
			x = append(x, v)
		}
	}
	slices.Sort(x)
	return x
}

// rest are numbers x, in order, without the given values; those of cells of a width are spread over them. It changes x.
func rest(x []float64, without []Atom, width float64) []float64 {
	if len(without) > 0 {
		x = slices.DeleteFunc(x, func(v float64) bool {
			return slices.ContainsFunc(without, func(a Atom) bool { return a.Value == v })
		})
	}
	if width == 0 {
		return x
	}
	for i, end := 0, 0; i < len(x); i = end {
		for end = i + 1; end < len(x) && x[end] == x[i]; {
			end++
		}
		for k := i; k < end; k++ {
			_, u := math.Modf(float64(k) * 0.6180339887498949) // the golden ratio: even in every run
			x[k] += u * width
		}
		slices.Sort(x[i:end])
	}
	if !slices.IsSorted(x) { // cells overlap by their rounding
		slices.Sort(x)
	}
	return x
}

// outline finds what bounds a column of numbers, of which x are some, in order: an angle's range, or edges. They stand spacing apart,
// 0 for any; the cells of a grid reach step beyond their value.
func (r *Summary) outline(x []float64, spacing float64) {
	turned := make([]float64, len(x))
	for i, v := range x {
		turned[len(x)-1-i] = -v
	}
	if (r.Kind == KindContinuous || r.Step > 0) && r.isAngle(x, turned, spacing) {
		return
	}
	atEnd := func(v float64) bool {
		return slices.ContainsFunc(r.Atoms, func(a Atom) bool { return a.Value == v })
	}
	free := r.Step == 0
	if !atEnd(r.Min) {
		r.LowEdge = edge(x, r.Min, r.Min, free)
	}
	if e := polarEnd(x, turned); e != nil && free && !atEnd(r.Max) {
		r.HighEdge = e
	} else if !atEnd(r.Max) {
		if e := edge(turned, -r.Max-r.Step, -r.Max-spacing, free); e != nil {
			high := -*e + 0 // -0 + 0 is 0
			r.HighEdge = &high
		}
	}
}

// fullTurns are the ranges of angles.
var fullTurns = [][2]float64{{-math.Pi, math.Pi}, {0, 2 * math.Pi}, {-180, 180}, {0, 360}}

// isAngle: values reach both ends of a full turn, to a step of theirs, beyond which others are missing. The range becomes the turn's; of a grid, that of its
// cells, which are a turn too. The values x are given from the other end too.
func (r *Summary) isAngle(x, turned []float64, spacing float64) bool {
	const beyond, events = 1e-6, 500
	if len(x) < events {
		return false
	}
	reach := max(2e-3, 10/float64(len(x)))
	for _, t := range fullTurns {
		turn := t[1] - t[0]
		near := func(inside float64) bool { // of an end, which rounding may pass by half a step
			return inside >= -beyond*turn-0.5001*spacing && inside <= max(reach*turn, spacing)+beyond*turn
		}
		if spacing > turn/mostSteps || !near(r.Min-t[0]) || !near(t[1]-r.Max) {
			continue
		}
		low, high := min(t[0], r.Min), max(t[1], r.Max)
		end := high + spacing
		if r.Step > 0 {
			low, high = r.Min, r.Max+r.Step
			end = high
		}
		if min(missing(x, low), missing(turned, -end)) < mostMissing/2 {
			return false
		}
		r.LowEdge, r.HighEdge, r.Angle = &low, &high, true
		return true
	}
	return false
}

const (
	edgeSample  = 200 // values without which no edge is looked for
	mostMissing = 6.0 // events, see missing
	mostSteps   = 32  // of a turn make an angle of a grid
	nearZero    = 0.1 // of the median is how near to 0 a column comes that ends there
	vanishing   = 2. / 3
	// mostUnlikely is by how many nats a power must be likelier than a normal tail.
	mostUnlikely = 2
)

// missing is how many more events a column of values x, in order, would have below end if it did not end there: those of the
// normal tail through the k outermost. As many are there by chance, a Poisson number, so that a column is cut, but in one case of
// exp(mostMissing), where more are missing than that. The normal law is the lightest that is taken for a tail: of one that is heavier (a convex
// function of the normal: van Zwet, Convex Transformations of Random Variables, 1964), such as an exponential one or a power, the
// outermost event lies further out in units of the mean distance, and fewer seem to be missing. A density that falls towards
// its end to a fifth within the k events is told from a tail; values that are rounded count from the middle of
// their cells to the end of the last.
//
// With the threshold u exceeded by a fraction p, and z = Phi^-1(1-p), the mean excess of a normal variable is s (phi(z)/p - z),
// which gives its scale s.
func missing(x []float64, end float64) float64 {
	t := tailOf(x)
	return float64(len(x)) * math.Erfc(t.at(end)/math.Sqrt2) / 2
}

// normalTail is that through the outermost events of a column: t = z + (far-x) scale is normal beyond z.
type normalTail struct{ z, far, scale, p float64 }

func tailOf(x []float64) normalTail {
	k := outermost(x)
	mean, p := 0.0, float64(k)/float64(len(x))
	for _, v := range x[:k] {
		mean += (x[k] - v) / float64(k)
	}
	z := math.Sqrt2 * math.Erfcinv(2*p)
	excess := math.Exp(-z*z/2)/math.Sqrt(2*math.Pi)/p - z
	return normalTail{z, x[k], excess / mean, p}
}

func (t normalTail) at(x float64) float64 { return t.z + t.scale*(t.far-x) }

// outermost is how many events at an end of a column tell how it ends.
func outermost(x []float64) int { return max(min(200, len(x)/5), 1) }

// edge is where a column with values x, in order and none below least, ends at a hard edge; nil for none. Their cells reach to
// end. 0 is the edge of columns that end there as a power does. Only an edge that is free lies elsewhere than least.
func edge(x []float64, least, end float64, free bool) *float64 {
	if len(x) < edgeSample {
		return nil
	}
	k, zero := outermost(x), 0.0
	above := free && least >= 0 && fromZero(x)
	switch {
	case above && vanishes(x[:k+1]):
		return &zero
	case missing(x, end) > mostMissing:
		if free {
			least = limit(least, 6*(x[k]-least)/float64(k))
		}
		return &least
	case above:
		return &zero
	}
	return nil
}

// fromZero: values x, in order, come near 0, and a density proportional to x^a makes the outermost of them likelier than a normal tail that goes on
// below. Those that are 0, by rounding, tell of no power.
func fromZero(x []float64) bool {
	if x[0] < 0 {
		return false
	}
	if x = positive(x); len(x) < edgeSample || x[0] >= nearZero*x[len(x)/2] {
		return false
	}
	k, t := outermost(x), tailOf(x)
	a, likelier := power(x[:k+1]), 0.0
	for _, v := range x[:k] {
		z := t.at(v)
		likelier += math.Log((1+a)/t.far) + a*math.Log(v/t.far) + z*z/2 - math.Log(t.scale/t.p/math.Sqrt(2*math.Pi))
	}
	return likelier > mostUnlikely
}

// positive are those of the values x, in order and none negative, that are not 0.
func positive(x []float64) []float64 {
	n := 0
	for n < len(x) && x[n] == 0 {
		n++
	}
	return x[n:]
}

// power is a where the density is proportional to x^a, for the values x of which the last bounds the others: they have a mean of log(far/x) of 1/(1+a)
// below far (Hill, Ann. Statist. 3 (1975) 1163).
func power(x []float64) float64 {
	far, sum := x[len(x)-1], 0.0
	for _, v := range x {
		sum += math.Log(far / v)
	}
	return float64(len(x)-1)/sum - 1
}

// vanishes: the density falls to 0 with a power. Values that a cut left, far from 0 beside the distance between them, do not tell.
func vanishes(x []float64) bool {
	x = positive(x)
	return len(x) > 1 && 4*x[0] < x[len(x)-1]-x[0] && power(x) > vanishing
}

// polarEnds are where angles from 0 on end, as powers do.
var polarEnds = []float64{math.Pi, 180}

// polarEnd is that of a column of values x, none negative, given from the other end too; nil for none.
func polarEnd(x, turned []float64) *float64 {
	for _, end := range polarEnds {
		if len(x) < edgeSample || x[0] < 0 || x[len(x)-1] > end {
			continue
		}
		below := make([]float64, len(x))
		for i, v := range turned {
			below[i] = end + v
		}
		if fromZero(below) && (vanishes(below[:outermost(x)+1]) || fromZero(x)) {
			return &end
		}
	}
	return nil
}

// limit is the round number that a column from v on was cut at, if there is one within room below: 0, a multiple of pi/2, or
// one of two digits; else v.
func limit(v, room float64) float64 {
	if v >= 0 && v <= room {
		return 0
	}
	const quarter = math.Pi / 2
	if l := math.Floor(v/quarter) * quarter; v-l <= room && room < quarter/10 && math.Abs(l) <= 2*math.Pi {
		return l
	}
	size := math.Floor(math.Log10(math.Abs(v)))
	for _, e := range []float64{size, size - 1} {
		unit := math.Pow(10, math.Abs(e)) // exact where a power of 0.1 is not
		l := math.Floor(v/unit+1e-9) * unit
		if e < 0 {
			l = math.Floor(v*unit+1e-9) / unit
		}
		if v-l <= room {
			return min(l, v)
		}
	}
	return v
}
