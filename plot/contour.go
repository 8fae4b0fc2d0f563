package plot

import (
	"math"
	"slices"
)

// lattice is a function on a grid that need not be even: row by row from the lowest y.
type lattice struct {
	xs, ys []float64
	v      []float64
}

func (l *lattice) at(i, j int) float64 { return l.v[j*len(l.xs)+i] }

// framed is a histogram of n by n cells of the unit square as a lattice of their middles, continued to the sides of the square. Closed
// ends with zeros there, so that every contour is a loop.
func framed(cells []float64, n int, closed bool) lattice {
	rim := 1
	if closed {
		rim = 2
	}
	at := make([]float64, n+2*rim)
	for i := range at {
		at[i] = min(max((float64(i-rim)+0.5)/float64(n), 0), 1)
	}
	l := lattice{at, at, make([]float64, len(at)*len(at))}
	for k := range l.v {
		i, j := k%len(at), k/len(at)
		if closed && (i == 0 || j == 0 || i == len(at)-1 || j == len(at)-1) {
			continue
		}
		l.v[k] = cells[min(max(j-rim, 0), n-1)*n+min(max(i-rim, 0), n-1)]
	}
	return l
}

// sides of a square of the lattice, and through which of them a contour goes with the higher values on its left, by which corners are
// above the level (1 lower left, 2 lower right, 4 upper right, 8 upper left). Saddles are two cuts of single corners.
const (
	bottom = iota
	right
	top
	left
)

var throughSquare = [16][][2]int{
	1: {{bottom, left}}, 2: {{right, bottom}}, 4: {{top, right}}, 8: {{left, top}},
	3: {{right, left}}, 6: {{top, bottom}}, 12: {{left, right}}, 9: {{bottom, top}},
	7: {{top, left}}, 14: {{left, bottom}}, 13: {{bottom, right}}, 11: {{right, top}},
	5: {{bottom, left}, {top, right}}, 10: {{right, bottom}, {left, top}},
}

// edge numbers a side of the square whose lower left corner is (i, j).
func (l *lattice) edge(i, j, side int) int {
	switch side {
	case top:
		j++
	case right:
		i++
	}
	return 2*(j*len(l.xs)+i) + side&1
}

// crossing is where a contour crosses an edge: in proportion to the values at its ends.
func (l *lattice) crossing(edge int, level float64) point {
	i, j := edge/2%len(l.xs), edge/2/len(l.xs)
	if edge&1 == 0 { // along x
		t := share(l.at(i, j), l.at(i+1, j), level)
		return point{l.xs[i]*(1-t) + l.xs[i+1]*t, l.ys[j]}
	}
	t := share(l.at(i, j), l.at(i, j+1), level)
	return point{l.xs[i], l.ys[j]*(1-t) + l.ys[j+1]*t}
}

func share(a, b, level float64) float64 { return min(max((level-a)/(b-a), 0), 1) }

// contours are the lines at a level (marching squares), the higher values on their left: those from side to side, then loops, whose
// last point is the first.
func (l *lattice) contours(level float64) (lines [][]point) {
	next, entered := map[int]int{}, map[int]bool{}
	var starts []int
	for j := range len(l.ys) - 1 {
		for i := range len(l.xs) - 1 {
			for _, way := range throughSquare[l.above(i, j, level)] {
				from, to := l.edge(i, j, way[0]), l.edge(i, j, way[1])
				next[from], entered[to] = to, true
				starts = append(starts, from)
			}
		}
	}
	slices.SortStableFunc(starts, func(a, b int) int { // lines that come from a side first
		return map[bool]int{true: 1}[entered[a]] - map[bool]int{true: 1}[entered[b]]
	})
	for _, from := range starts {
		if _, unseen := next[from]; !unseen {
			continue
		}
		line := []point{l.crossing(from, level)}
		for to, ok := next[from]; ok; to, ok = next[to] {
			delete(next, from)
			line, from = append(line, l.crossing(to, level)), to
		}
		lines = append(lines, line)
	}
	return lines
}

func (l *lattice) above(i, j int, level float64) (corners int) {
	for k, v := range [4]float64{l.at(i, j), l.at(i+1, j), l.at(i+1, j+1), l.at(i, j+1)} {
		if v > level {
			corners |= 1 << k
		}
	}
	return corners
}

// smooth replaces n by n cells by a normal average of them, of the given width in cells; what lies beyond a side is mirrored.
func smooth(cells []float64, n int, sigma float64) []float64 {
	reach := min(int(math.Ceil(3*sigma)), n-1)
	weight, sum := make([]float64, reach+1), 0.0
	for k := range weight {
		weight[k] = math.Exp(-float64(k*k) / (2 * sigma * sigma))
		sum += weight[k] * float64(min(k, 1)+1)
	}
	mirrored := func(i int) int {
		if i < 0 {
			return -1 - i
		}
		return min(i, 2*n-1-i)
	}
	pass := func(from []float64, across, along int) []float64 {
		to := make([]float64, len(from))
		for r := range n {
			for i := range n {
				s := 0.0
				for k := -reach; k <= reach; k++ {
					s += weight[max(k, -k)] * from[r*across+mirrored(i+k)*along]
				}
				to[r*across+i*along] = s / sum
			}
		}
		return to
	}
	return pass(pass(cells, n, 1), 1, n)
}

// levelOf is the content above which cells hold a share of the sum of all.
func levelOf(cells []float64, share float64) float64 {
	sorted, sum := slices.Clone(cells), 0.0
	for _, v := range cells {
		sum += v
	}
	slices.Sort(sorted)
	slices.Reverse(sorted)
	inside := 0.0
	for i, v := range sorted {
		if inside += v; inside >= share*sum {
			if i+1 < len(sorted) { // between two contents, so that none is at the level itself
				return max((v+sorted[i+1])/2, 0)
			}
			break
		}
	}
	return 0
}
