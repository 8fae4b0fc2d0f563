package prep

// guide finds the place of a value among numbers in order, in most cases by one look at a table: a range of the
// numbers is divided into cells of equal width, and each knows how many of the numbers lie before it.
type guide struct {
	at      []float64 // the numbers, in order
	first   float64
	perUnit float64                // cells per unit; 0 puts every value into the first
	before  [guideCells + 2]uint16 // numbers in the cells before this one
}

// guideCells are enough that next to no value of a smooth column shares a cell with a knot.
const guideCells = 1024

// newGuide takes at most 32,767 numbers, and the range in which most values lie.
func newGuide(at []float64, lo, hi float64) *guide {
	g := &guide{at: at, first: lo}
	if f := guideCells / (hi - lo); finite(f) {
		g.perUnit = f
	}
	for _, v := range at {
		g.before[g.cell(v)+1]++
	}
	for c := range guideCells + 1 {
		g.before[c+1] += g.before[c]
	}
	return g
}

// cell never decreases with v, rounded as it is: numbers in the cells before that of v are below v, and those in the
// cells behind it above.
func (g *guide) cell(v float64) int {
	c := (v - g.first) * g.perUnit
	if c >= guideCells {
		return guideCells
	}
	if c > 0 { // NaN, infinity times 0, is not
		return int(c)
	}
	return 0
}

// below is how many of the numbers are below v.
func (g *guide) below(v float64) uint16 {
	c := g.cell(v)
	lo, hi := g.before[c], g.before[c+1]
	for lo < hi {
		mid := (lo + hi) / 2
		if g.at[mid] < v {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo
}
