package prep

import (
	"math"
	"slices"
	"sort"
)

// scale is a coordinate of probabilities in which the plainest distribution that has such edges is a straight line: a
// uniform one between two, an exponential one from one on, a normal one without.
type scale struct{ low, high bool }

// of takes p and q = 1-p, so that neither end loses its digits.
func (s scale) of(p, q float64) float64 {
	switch {
	case s.low && s.high:
		return p
	case s.low:
		return -math.Log(q)
	case s.high:
		return math.Log(p)
	}
	return normalQuantile(p, q)
}

// back is p, q and dp/dz.
func (s scale) back(z float64) (p, q, slope float64) {
	switch {
	case s.low && s.high:
		return z, 1 - z, 1
	case s.low:
		return -math.Expm1(-z), math.Exp(-z), math.Exp(-z)
	case s.high:
		return math.Exp(z), -math.Expm1(z), math.Exp(z)
	}
	return normalCDF(z), normalCDF(-z), math.Exp(logNormal(z))
}

// knot is a place x with its probability on the scale, and dz/dx.
type knot struct {
	x, z, slope float64
	gap         bool // between this knot and the next nothing was seen
}

// shape is the distribution of a column as a spline of rational quadratics on a scale of probability: from the lower
// edge, or where a few events lie below, to the upper. Knots follow the events, however far apart these lie.
type shape struct {
	scale
	e     *empirical
	most  int // intervals
	knots []knot
}

const (
	tailEvents = 50 // training events beyond the outermost knots
	maxTailZ   = 3.7
	// Of more events than this an even selection is taken: 30 knots then cost 6e-5 nats for being fitted.
	fitEvents   = 1 << 18
	startBins   = 4
	minPerKnot  = 25  // effective events a new interval must hold
	significant = 1.7 // deviation, in units of 1/sqrt(events), at which an interval is divided
	straightFit = 1.0 // and up to which a line with two parameters will do: beyond lie 1 % of normal samples (Lilliefors)
	leastP      = 1e-6

	// How far from straight a plain shape may be: in probability, in standard deviations beyond the outermost knots, and in
	// density.
	plainFit, plainTail, plainSlope = 0.09, 3, 6
)

// fitShape takes edges, infinite where there is none.
func fitShape(e *empirical, low, high float64, most int) *shape {
	s := &shape{scale{!math.IsInf(low, 0), !math.IsInf(high, 0)}, e, most, nil}
	first, last := s.ends(low, high)
	line, misfit := s.straight(first, last)
	if misfit*math.Sqrt(s.e.n) < straightFit && s.tailsHold(line) {
		s.knots = line
		return s
	}
	s.knots = []knot{first, last}
	s.divideAtGaps()
	s.start()
	s.slopes()
	for range 24 {
		if !s.refine() {
			break
		}
		s.slopes()
	}
	if misfit < plainFit && s.plain(line) {
		s.knots = line
	}
	return s
}

// plain reports whether a flow that is given the straight line instead learns the rest as well, and the column together
// with others better: no edge, no gap, no peak, nothing far out.
func (s *shape) plain(line []knot) bool {
	_, _, most := s.back(0) // density of the line in the middle
	slope := line[0].slope
	lo, hi := s.e.value[0], s.e.value[len(s.e.value)-1]
	if s.low || s.high || line[0].x-lo > plainTail/slope || hi-line[1].x > plainTail/slope {
		return false
	}
	for k := range len(s.knots) - 1 {
		a, b := &s.knots[k], &s.knots[k+1]
		pa, _, _ := s.back(a.z)
		pb, _, _ := s.back(b.z)
		width := (b.x - a.x) * slope
		if a.gap || pb-pa > plainSlope*most*width || (b.z-a.z)*plainSlope < width {
			return false
		}
	}
	return true
}

// tailP is the probability beyond an outermost knot that is no edge.
func (e *empirical) tailP() float64 {
	return min(max(tailEvents/e.n, normalCDF(-maxTailZ)), 0.1)
}

func (s *shape) ends(low, high float64) (first, last knot) {
	p := s.e.tailP()
	first, last = knot{x: low, z: s.of(0, 1)}, knot{x: high, z: s.of(1, 0)}
	if !s.low {
		first = knot{x: s.e.at(p), z: s.of(p, 1-p)}
	}
	if !s.high {
		last = knot{x: s.e.at(1 - p), z: s.of(1-p, p)}
	}
	if !(first.x < last.x) { // nearly all events have one value
		if v := s.e.value; !s.low {
			first.x = v[0]
		}
		if v := s.e.value; !s.high {
			last.x = v[len(v)-1]
		}
	}
	return first, last
}

// straight is a line by least squares of quantiles, which no event far out can turn, and how far from it the events lie
// in probability: 1 where there is no line.
func (s *shape) straight(first, last knot) (line []knot, misfit float64) {
	const points = 64
	var x, z, zz, xz float64
	for i := range points {
		p := (float64(i) + 0.5) / points
		a, b := s.e.at(p), s.of(p, 1-p)
		x, z, zz, xz = x+a, z+b, zz+b*b, xz+a*b
	}
	var from, unit float64 // x = from + unit z
	switch {
	case s.low && s.high:
		from, unit = first.x, last.x-first.x
	case s.low:
		from, unit = first.x, (xz-first.x*z)/zz
	case s.high:
		from, unit = last.x, (xz-last.x*z)/zz
	default:
		unit = (xz - x*z/points) / (zz - z*z/points)
		from = (x - unit*z) / points
	}
	first.x, last.x = from+unit*first.z, from+unit*last.z
	first.slope, last.slope = 1/unit, 1/unit
	if !(unit > 0) || !finite(1/unit, first.x, last.x) || !(first.x < last.x) {
		return nil, 1
	}
	for j, v := range s.e.value {
		p, _, _ := s.back((v - from) / unit)
		misfit = max(misfit, math.Abs(p-s.e.below[j]))
	}
	return []knot{first, last}, misfit
}

// tailsHold reports whether the events beyond a line are as many as they should be, within three standard deviations.
func (s *shape) tailsHold(line []knot) bool {
	want := s.e.tailP()
	low := s.e.massBelow(sort.SearchFloat64s(s.e.value, line[0].x))
	high := 1 - s.e.massBelow(sort.SearchFloat64s(s.e.value, line[1].x))
	off := 3 * math.Sqrt(want/s.e.n)
	return (s.low || math.Abs(low-want) < off) && (s.high || math.Abs(high-want) < off)
}

// massBelow is the fraction below value j.
func (e *empirical) massBelow(j int) float64 {
	if j == len(e.value) {
		return 1
	}
	return e.below[j] - e.mass[j]/2
}

// A gap is far wider than the room that gapEvents values take on either side of it.
//
// gapP is the most of the probability that it gets: some, as a float32 must tell its ends apart.
const gapEvents, gapWidths, gapP = 20, 3, 1e-5

// gapAfter reports whether a gap lies between v[j] and v[j+1] of distinct values in order.
func gapAfter(v []float64, j int) bool {
	a, b := v[j], v[j+1]
	return b-a > gapWidths*(a-v[j-gapEvents]) && b-a > gapWidths*(v[j+1+gapEvents]-b)
}

// divideAtGaps puts knots at both ends of each gap, with next to no probability between them.
func (s *shape) divideAtGaps() {
	v := s.e.value
	first, last := s.knots[0], s.knots[1]
	found := s.knots[:1:1]
	for j := gapEvents; j+gapEvents+1 < len(v); j++ {
		if a, b := v[j], v[j+1]; gapAfter(v, j) && a > first.x && b < last.x {
			p := s.e.massBelow(j + 1)
			half := min(max(leastP, 0.1/s.e.n), gapP) / 2
			found = append(found, knot{x: a, z: s.of(p-half, 1-p+half), gap: true}, knot{x: b, z: s.of(p+half, 1-p-half)})
			if len(found) > s.most {
				break
			}
		}
	}
	s.knots = append(found, last)
}

// start divides what holds many events into a few parts.
func (s *shape) start() {
	lo, _, _ := s.back(s.knots[0].z)
	hi, _, _ := s.back(s.knots[len(s.knots)-1].z)
	bins := min(s.most, startBins, int(s.e.n*(hi-lo)/minPerKnot))
	for k := 1; k < bins; k++ {
		p := lo + (hi-lo)*float64(k)/float64(bins)
		s.insert(s.e.at(p), p)
	}
}

// insert adds a knot at x with p below, unless it lies too close to another or in a gap, and reports whether it did.
func (s *shape) insert(x, p float64) bool {
	const digits = 0x1p-46 // of x: 64 steps of a float64
	z := s.of(p, 1-p)
	k := sort.Search(len(s.knots), func(i int) bool { return s.knots[i].x >= x })
	if k == 0 || k == len(s.knots) || s.knots[k-1].gap {
		return false
	}
	a, b, least := s.knots[k-1], s.knots[k], digits*math.Abs(x)
	pa, _, _ := s.back(a.z)
	pb, _, _ := s.back(b.z)
	if !(x-a.x > least && b.x-x > least && p-pa > leastP && pb-p > leastP && a.z < z && z < b.z) {
		return false
	}
	s.knots = slices.Insert(s.knots, k, knot{x: x, z: z})
	return true
}

// bin is the spline from knot k to the next.
func (s *shape) bin(k int) bin {
	a, b := &s.knots[k], &s.knots[k+1]
	return newBin(a.x, b.x, a.z, b.z, a.slope, b.slope)
}

// slopes sets dz/dx at the knots of each part between gaps.
func (s *shape) slopes() {
	for lo := 0; lo < len(s.knots); {
		hi := lo
		for !s.knots[hi].gap && hi < len(s.knots)-1 {
			hi++
		}
		setSlopes(s.knots[lo : hi+1])
		lo = hi + 1
	}
}

// setSlopes interpolates the logarithm of dz/dx linearly in z between the middles of the neighbouring intervals, where it
// is that of the secant. So it is positive for any distribution, and second-order accurate for a smooth one.
func setSlopes(k []knot) {
	secant := func(i int) float64 { return (k[i+1].z - k[i].z) / (k[i+1].x - k[i].x) }
	for i := 1; i < len(k)-1; i++ {
		a := (k[i+1].z - k[i].z) / (k[i+1].z - k[i-1].z)
		k[i].slope = math.Pow(secant(i-1), a) * math.Pow(secant(i), 1-a)
	}
	switch n := len(k); n {
	case 1:
	case 2:
		k[0].slope, k[1].slope = secant(0), secant(0)
	default:
		k[0].slope = endSlope(secant(0), k[1].slope)
		k[n-1].slope = endSlope(secant(n-2), k[n-2].slope)
	}
}

// endSlope extrapolates in the same way, within limits.
func endSlope(secant, inner float64) float64 {
	return secant * min(max(secant/inner, 0.2), 5)
}

// refine divides every interval in which the events do not lie as the spline says, at the place where they deviate most,
// and reports whether there was one.
func (s *shape) refine() bool {
	type point struct{ x, p float64 }
	var add []point
	for k := range len(s.knots) - 1 {
		a, b := &s.knots[k], &s.knots[k+1]
		if a.gap {
			continue
		}
		lo, hi := sort.SearchFloat64s(s.e.value, a.x), sort.SearchFloat64s(s.e.value, b.x)
		pa, _, _ := s.back(a.z)
		pb, _, _ := s.back(b.z)
		mass, spline := pb-pa, s.bin(k)
		var worst, at, below float64
		for j := lo; j < hi; j++ {
			z, _ := spline.at((s.e.value[j] - a.x) / spline.width)
			p, _, _ := s.back(z)
			if d := math.Abs(p - s.e.below[j]); d > worst {
				worst, at, below = d, s.e.value[j], s.e.below[j]
			}
		}
		if worst*math.Sqrt(s.e.n/mass) > significant && mass*s.e.n > 2*minPerKnot {
			add = append(add, point{at, below})
		}
	}
	done := false
	for _, p := range add {
		if len(s.knots) <= s.most && s.insert(p.x, p.p) {
			done = true
		}
	}
	return done
}
