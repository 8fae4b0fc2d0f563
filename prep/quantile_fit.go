package prep

import (
	"fmt"
	"math"
	"slices"
	"sort"
)

func (s *quantile) Fit(x, w []float64) error {
	if err := inside("quantile", x, s.low, s.high); err != nil {
		return err
	}
	e := newEmpirical(every(fitEvents, x, w))
	if len(e.value) < 2 { // the selection missed what differs
		e = newEmpirical(x, w)
	}
	if len(e.value) < 2 {
		return errConstant
	}
	f := fitShape(e, s.low, s.high, s.Knots)
	s.EdgeLow, s.EdgeHigh = f.low, f.high
	knots := f.knots
	if f.low || f.high {
		knots = f.normal()
	}
	if !f.low {
		below := e.beyond(knots[0].x, -1)
		knots = append(outwards(knots[0], below, -1, e.n), knots...)
	}
	if !f.high {
		above := e.beyond(knots[len(knots)-1].x, 1)
		more := outwards(knots[len(knots)-1], above, 1, e.n)
		slices.Reverse(more)
		knots = append(knots, more...)
	}
	s.set(knots)
	if err := s.check(); err != nil {
		return fmt.Errorf("no smooth map to a normal: %w", err)
	}
	return nil
}

// inside refuses values beyond the limits of a step, with their number and the first.
func inside(step string, x []float64, low, high float64) error {
	n, first := 0, 0
	for i, v := range x {
		if v < low || v > high {
			if n++; n == 1 {
				first = i
			}
		}
	}
	if n == 0 {
		return nil
	}
	limits := fmt.Sprintf("from %.10g to %.10g", low, high)
	if math.IsInf(low, 0) {
		limits = fmt.Sprintf("up to %.10g", high)
	} else if math.IsInf(high, 0) {
		limits = fmt.Sprintf("from %.10g on", low)
	}
	return &rowError{first, fmt.Sprintf("%s takes values %s, not %.10g; %d of %d lie outside", step, limits, x[first], n, len(x))}
}

// set takes knots in order; z is y here.
func (s *quantile) set(knots []knot) {
	s.X, s.Y, s.Slope = nil, nil, nil
	for _, k := range knots {
		s.X, s.Y, s.Slope = append(s.X, k.x), append(s.Y, k.z), append(s.Slope, k.slope)
	}
	s.Lower, s.Upper = farIndex, farIndex
}

// edgeEvents is how many events a column's edge stands for, so that its latent value is finite: those that are not
// on it lie further in, and an event beyond the training range by less than their distance costs a few nats.
const edgeEvents = 0.1

// normal is the shape with edges as knots of a map to a normal, so close that its slope is right to a thousandth.
func (s *shape) normal() []knot {
	const step = 0.2 // of y
	var low, high float64
	if s.low {
		low = edgeEvents / s.e.n
	}
	if s.high {
		high = edgeEvents / s.e.n
	}
	room := 1 - low - high
	at := func(k knot) knot {
		p, q, slope := s.back(k.z)
		y := normalQuantile(low+room*p, high+room*q)
		return knot{x: k.x, z: y, slope: k.slope * slope * room * math.Exp(-logNormal(y))}
	}
	out := []knot{at(s.knots[0])}
	for k := range len(s.knots) - 1 {
		spline, from, to := s.bin(k), at(s.knots[k]), at(s.knots[k+1])
		n := math.Ceil((to.z - from.z) / step)
		for i := 1.0; i < n; i++ {
			y := from.z + (to.z-from.z)*i/n
			z := s.of((normalCDF(y)-low)/room, (normalCDF(-y)-high)/room)
			t := spline.solve(z)
			z, slope := spline.at(t)
			out = append(out, at(knot{x: spline.x + t*spline.width, z: z, slope: slope}))
		}
		out = append(out, to)
	}
	return slices.CompactFunc(out, func(b, a knot) bool { return b.x <= a.x || b.z <= a.z })
}

// A tail is taken to tailEnd by the law that its events follow, where a training of some billion events ends, and beyond
// by a heavy power law, so that an event however far out costs few nats. It is given up earlier where it has come
// farRanges away.
const (
	tailEnd   = 6
	farIndex  = 0.3
	farRanges = 1000
)

// apartTimes is how much further out than the next an event is none of the tail.
const apartTimes = 1000

// tailLaws are what a tail may be, from light to heavy: a normal one, straight in y, and indices of power laws, of
// which the largest is next to exponential.
var tailLaws = []float64{math.Inf(1), 100, 8, 5, 3, 2, 1.5, 1, 0.5}

// A law that is heavier, or a slope at the knot that is another by a factor of sqrt(2), must make the events likelier by so many
// nats, the fewer they are the more. The slope may be far less than where the bulk ends, or else an exponential tail beneath a
// narrow peak would be taken for a power law.
const lawCost, lawEvents, mostSlopeCost = 0.5, 25, 3

// outwards is the tail beyond a knot as knots, from outside to within: the likeliest law for events at such distances.
func outwards(k knot, away []float64, sign, n float64) []knot {
	var best tail
	most := math.Inf(-1)
	price := lawCost + lawEvents/(1+float64(len(away)))
	for i, index := range tailLaws {
		for j := -14; j <= 2; j++ {
			t := tail{0, math.Abs(k.z), k.slope * math.Exp2(float64(j)/2), index}
			sum := -price * float64(i+min(max(j, -j), mostSlopeCost))
			for _, d := range away {
				sum += t.logDensity(d)
			}
			if sum > most {
				best, most = t, sum
			}
		}
	}
	width := 0.0
	if len(away) > 0 {
		width = away[len(away)-1]
	}
	width = max(width, 1/best.Slope)
	var out []knot
	steps := math.Ceil((tailEnd - best.Y) / 0.4)
	for i := 1.0; i <= steps; i++ {
		y := best.Y + (tailEnd-best.Y)*i/steps
		d, logSlope := best.invert(y)
		if d > farRanges*width {
			break
		}
		out = append(out, knot{x: k.x + sign*d, z: sign * y, slope: math.Exp(logSlope)})
	}
	slices.Reverse(out)
	return out
}

// beyond are the distances of the events beyond x, nearest first, by weight, without those that lie apart from the others, more
// than apartTimes as far as the next: they are no part of a tail.
func (e *empirical) beyond(x, sign float64) (away []float64) {
	j := sort.SearchFloat64s(e.value, x)
	lo, hi := 0, j
	if sign > 0 {
		lo, hi = j, len(e.value)
	}
	for i := lo; i < hi; i++ {
		if d := sign * (e.value[i] - x); d > 0 {
			for range max(1, int(math.Round(e.mass[i]*e.n))) {
				away = append(away, d)
			}
		}
	}
	slices.Sort(away)
	for i := max(1, len(away)/4); i < len(away); i++ {
		if away[i] > apartTimes*away[i-1] {
			return away[:i]
		}
	}
	return away
}

// logDensity is that at a distance beyond the knot if y is standard normal.
func (t tail) logDensity(d float64) float64 {
	if math.IsInf(t.Index, 0) {
		return math.Log(t.Slope) + logNormal(t.Y+t.Slope*d)
	}
	y, l := t.apply(d)
	return l + logNormal(y)
}
