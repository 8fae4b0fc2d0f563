package profile

import (
	"math"
	"slices"
	"sort"
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
		f.values = append(f.values, x[f.next])
		f.next += f.stride
	}
	f.next -= len(x)
}

// rest are the kept numbers, counted from at, in order and without the given values; those of cells of a width are spread
// over them.
func (f *few) rest(without []Atom, at, width float64) []float64 {
	var x []float64
	for _, v := range f.values {
		if v += at; v-v == 0 && !slices.ContainsFunc(without, func(a Atom) bool { return a.Value == v }) {
			x = append(x, v)
		}
	}
	slices.Sort(x)
	if width > 0 {
		for i := range x {
			_, u := math.Modf(float64(i) * 0.6180339887498949) // the golden ratio: even in every run
			x[i] += u * width
		}
		slices.Sort(x)
	}
	return x
}

// outline finds what bounds a column of numbers: an angle's range, or edges. Cells of a grid reach step beyond their value.
func (r *Summary) outline(f *few, at float64) {
	width := r.Step
	x := f.rest(r.Atoms, at, width)
	if r.Kind == KindContinuous && isAngle(r, x) {
		r.Angle = true
		return
	}
	atEnd := func(v float64) bool {
		return slices.ContainsFunc(r.Atoms, func(a Atom) bool { return a.Value == v })
	}
	if !atEnd(r.Min) {
		r.LowEdge = edge(x, r.Min, width == 0)
	}
	if !atEnd(r.Max) {
		turned := make([]float64, len(x))
		for i, v := range x {
			turned[len(x)-1-i] = -v
		}
		if e := edge(turned, -r.Max-width, width == 0); e != nil {
			high := -*e + 0 // -0 + 0 is 0
			r.HighEdge = &high
		}
	}
}

// fullTurns are the ranges of angles.
var fullTurns = [][2]float64{{-math.Pi, math.Pi}, {0, 2 * math.Pi}, {-180, 180}, {0, 360}}

// isAngle: values reach both ends of a full turn, and do not become rare there. The range becomes the turn's.
func isAngle(r *Summary, x []float64) bool {
	const beyond, seam, least, events = 1e-6, 0.05, 0.05, 500
	reach := max(2e-3, 10/float64(len(x)))
	for _, t := range fullTurns {
		turn := t[1] - t[0]
		if len(x) < events || math.Abs(r.Min-t[0]-reach*turn/2) > (reach/2+beyond)*turn || math.Abs(t[1]-r.Max-reach*turn/2) > (reach/2+beyond)*turn {
			continue
		}
		near := sort.SearchFloat64s(x, t[0]+seam/2*turn) + len(x) - sort.SearchFloat64s(x, t[1]-seam/2*turn)
		if float64(near) < least*seam*float64(len(x)) {
			return false
		}
		low, high := min(t[0], r.Min), max(t[1], r.Max)
		r.LowEdge, r.HighEdge = &low, &high
		return true
	}
	return false
}

const (
	edgeSample = 200 // values without which no edge is looked for
	edgePower  = 1.3 // see edge
	nearZero   = 0.05
)

// edge is where a column with values x, in order and none below least, ends at a hard edge; nil for none. Where the density
// is proportional to d^a at a distance d from the edge, the k nearest have a mean of log(d_k/d) of 1/(1+a) (Hill, Ann.
// Statist. 3 (1975) 1163); a is 0 at a cut. A tail that thins out looks like a of 2 and more. 0 is the edge of
// columns that come near it and are never negative. Only an edge that is free lies elsewhere than least.
func edge(x []float64, least float64, free bool) *float64 {
	n := len(x)
	if n < edgeSample {
		return nil
	}
	k := min(100, n/20)
	sum, near, far := 0.0, 0.0, x[k]-least
	for _, v := range x[:k] {
		if v > least {
			sum += math.Log(far / (v - least))
			near++
		}
	}
	if near > 0 && near < edgePower*sum {
		if free {
			least = limit(least, 6*far/float64(k))
		}
		return &least
	}
	if zero := 0.0; free && least >= 0 && least < nearZero*x[n/2] {
		return &zero
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
