package stats

import (
	"math"
	"slices"
)

// Edges chooses about n bins for a picture of x. They span the quantiles 0.1 % to 99.9 %, widened by a
// twentieth on each side but not beyond the extremes, and lie at round numbers; integers get bins of whole
// width around them. Values that are not finite are left out; with none left, the range is 0 to 1.
func Edges(x []float64, n int) []float64 {
	n = min(max(n, 1), 1<<20)
	v := make([]float64, 0, len(x))
	whole := true
	for _, a := range x {
		if finite(a) {
			// halves keep any range finite; beyond 2^52 every float64 is whole and means nothing
			v = append(v, min(max(a, -math.MaxFloat64/4), math.MaxFloat64/4))
			whole = whole && a == math.Trunc(a) && math.Abs(a) < 1<<52
		}
	}
	if len(v) == 0 {
		return grid(0, 1, n)
	}
	slices.Sort(v)
	lo, hi := v[0], v[len(v)-1]
	qlo, qhi := v[len(v)/1000], v[len(v)-1-len(v)/1000]
	if qhi > qlo {
		margin := (qhi - qlo) / 20
		lo, hi = max(lo, qlo-margin), min(hi, qhi+margin)
	}
	if whole {
		return wholeEdges(math.Floor(lo), math.Ceil(hi), n)
	}
	return roundEdges(lo, hi, n)
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
