package profile

import "math"

// grid follows whether the numbers of a column are multiples of a step, such as 0.1, plus an offset: how many decimals they
// have, and the greatest common divisor of their distances in units of the last one.
type grid struct {
	none    bool
	decimal int // digits behind the point
	first   int64
	divisor int64 // 0 while there is one value
	any     bool
}

const (
	mostDecimals = 6
	mostCells    = 1 << 43
)

var powers = [mostDecimals + 1]float64{1, 10, 100, 1e3, 1e4, 1e5, 1e6}

// add takes a value that is held to a relative precision of eps.
func (g *grid) add(v, eps float64) {
	for !g.none {
		unit := powers[g.decimal]
		k := math.Round(v * unit)
		switch off := math.Abs(v) * eps; {
		case math.Abs(k) > mostCells, off*unit > 0.1: // steps of its own hide those of the grid
			g.none = true
		case math.Abs(k/unit-v) <= off:
			g.count(int64(k))
			return
		case g.decimal == mostDecimals:
			g.none = true
		default:
			g.decimal++
			g.first, g.divisor = 10*g.first, 10*g.divisor
		}
	}
}

func (g *grid) count(k int64) {
	if !g.any {
		g.any, g.first = true, k
	}
	for a, b := g.divisor, max(k-g.first, g.first-k); ; a, b = b, a%b {
		if b == 0 {
			g.divisor = a
			return
		}
	}
}

// step is that of the grid and its smallest place that is not negative; both are 0 where there is no grid. The values were
// counted from a whole number.
func (g *grid) step(from float64) (step, offset float64) {
	if g.none || g.divisor == 0 {
		return 0, 0
	}
	unit := powers[g.decimal]
	first := g.first%g.divisor + int64(math.Mod(from*unit, float64(g.divisor)))
	return float64(g.divisor) / unit, float64((first%g.divisor+g.divisor)%g.divisor) / unit
}
