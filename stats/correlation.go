package stats

import (
	"math"
	"slices"

	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/events/column"
	"github.com/sluice-hep/sluice/internal/rng"
)

// chunk is the number of events whose standardised values are held at a time.
const chunk = 1024

// pairSums are sums over events in which both columns of a pair are finite, of the weight and of weighted products.
type pairSums struct{ w, x, y, xx, yy, xy float64 }

// matrices are the correlations between columns and what they scatter by, nil of very many columns.
type matrices struct {
	r, variance [][]float64
	// groups hold, for each pair, by how much parts of the events move the correlation: their sums are what r deviates by.
	groups [][]float64
}

const (
	mostPairs  = 2000 // of columns, whose correlations have errors
	mostGroups = 512  // of the events, in which what they move a correlation by is summed
	rankCells  = 256  // of a column, in each of which ranks are one for the error of a rank correlation
)

// correlation is Pearson's correlations between the columns, with the table's weights. Each pair is
// computed over the events in which both are finite. It is 0 where a column does not vary (or, with negative weights,
// has no positive variance), and 1 on the diagonal. Each column's moments are what it is standardised by, so that the
// sums of squares lose no digits.
//
// An event moves a correlation by its part of the sum of weights times psi = xy - r (xx+yy)/2 (Devlin, Gnanadesikan and Kettenring,
// Biometrika 62 (1975) 531, equation 2.3); the variance is the sum of the squares, for any weights and for columns far from normal. Of rank correlations, where
// cells of the events are given, it moves the ranks of all other events too: psi has the mean of y over the events with larger x beside xy, and so forth.
func (s *selection) correlation(moments []Moments, cell [][]uint8) matrices {
	n := len(s.columns)
	sums := make([]pairSums, n*n)
	var above [][rankCells]float64
	if cell != nil {
		above = make([][rankCells]float64, n*n)
	}
	s.chunks(moments, func(first, rows int, z, ok [][]float64, w []float64) {
		for i := range n {
			for j := range i {
				sums[i*n+j].add(z[i], ok[i], z[j], ok[j], w)
			}
			for j := range above[:len(above)/max(n, 1)] {
				addCells(&above[i*n+j], cell[i][first:first+rows], ok[i], z[j], ok[j], w)
			}
		}
	})
	m := matrices{r: make([][]float64, n)}
	for i := range n {
		m.r[i] = make([]float64, n)
		m.r[i][i] = 1
		for j := range i {
			m.r[i][j] = sums[i*n+j].correlation()
			m.r[j][i] = m.r[i][j]
		}
	}
	if n*(n-1)/2 <= mostPairs {
		s.scatter(&m, sums, moments, cell, above)
	}
	return m
}

// chunks visits the columns in standardised form.
func (s *selection) chunks(moments []Moments, visit func(first, rows int, z, ok [][]float64, w []float64)) {
	n := len(s.columns)
	z, ok := make([][]float64, n), make([][]float64, n)
	for k := range n {
		z[k], ok[k] = make([]float64, chunk), make([]float64, chunk)
	}
	for first := 0; first < s.len; first += chunk {
		rows := min(chunk, s.len-first)
		for k, c := range s.columns {
			z[k], ok[k] = z[k][:rows], ok[k][:rows]
			standardise(z[k], ok[k], c, first, s.from[k], moments[k])
		}
		w := s.weights
		if w != nil {
			w = w[first : first+rows]
		}
		visit(first, rows, z, ok, w)
	}
}

// addCells sums y over the events of each cell of x.
func addCells(cells *[rankCells]float64, cell []uint8, okx, y, oky, w []float64) {
	for i, c := range cell {
		cells[c] += weight(w, i) * okx[i] * oky[i] * y[i]
	}
}

// larger turns sums in cells into the mean, over all events, of y where x is larger, with half of those in the same cell.
func larger(cells *[rankCells]float64, total float64) {
	above := 0.0
	for c := rankCells - 1; c >= 0; c-- {
		in := cells[c]
		cells[c] = (above + in/2) / total
		above += in
	}
}

// influence is the sums over events of what each moves the correlation of a pair by, with the square of the weight.
type influence struct{ square, mean, w2 float64 }

// scatter fills what correlations scatter by.
func (s *selection) scatter(m *matrices, sums []pairSums, moments []Moments, cell [][]uint8, above [][rankCells]float64) {
	n := len(s.columns)
	total := s.total()
	for i := range above {
		larger(&above[i], total)
	}
	parts := min(mostGroups, s.len)
	moved, weights, of := make([][]float64, n*n), make([][]float64, n*n), make([]influence, n*n)
	for i := range n {
		for j := range i {
			moved[i*n+j], weights[i*n+j] = make([]float64, parts), make([]float64, parts)
		}
	}
	psi := make([]float64, chunk)
	s.chunks(moments, func(first, rows int, z, ok [][]float64, w []float64) {
		for i := range n {
			for j := range i {
				psi := psi[:rows]
				move(psi, z[i], z[j], m.r[i][j])
				if cell != nil {
					moveRanks(psi, cell[i][first:first+rows], cell[j][first:first+rows], m.r[i][j], &above[i*n+j], &above[j*n+i], &above[i*n+i], &above[j*n+j])
				}
				of[i*n+j].add(psi, ok[i], ok[j], w, moved[i*n+j], weights[i*n+j], first)
			}
		}
	})
	m.variance = make([][]float64, n)
	for i := range n {
		m.variance[i] = make([]float64, n)
		for j := range i {
			at := i*n + j
			group, t := moved[at], sums[at].w
			if m.r[i][j] == 0 && sums[at].flat() || !(t > 0) {
				clear(group)
			} else {
				mean := sum(group) / t
				for g := range group {
					group[g] = (group[g] - mean*weights[at][g]) / t
				}
				m.variance[i][j] = max(of[at].square-2*mean*of[at].mean+mean*mean*of[at].w2, 0) / (t * t)
			}
			m.variance[j][i] = m.variance[i][j]
			m.groups = append(m.groups, group)
		}
	}
}

func move(psi, x, y []float64, r float64) {
	x, y = x[:len(psi)], y[:len(psi)]
	for e := range psi {
		psi[e] = x[e]*y[e] - r*(x[e]*x[e]+y[e]*y[e])/2
	}
}

func moveRanks(psi []float64, cx, cy []uint8, r float64, xy, yx, xx, yy *[rankCells]float64) {
	cx, cy = cx[:len(psi)], cy[:len(psi)]
	for e := range psi {
		x, y := cx[e], cy[e]
		psi[e] += xy[x] + yx[y] - r*(xx[x]+yy[y])
	}
}

// add puts event e into the part e modulo their number.
func (f *influence) add(psi, okx, oky, w, moved, weights []float64, first int) {
	part := first % len(moved)
	for e, v := range psi {
		t := weight(w, e) * okx[e] * oky[e]
		f.square += t * t * v * v
		f.mean += t * t * v
		f.w2 += t * t
		moved[part] += t * v
		weights[part] += t
		if part++; part == len(moved) {
			part = 0
		}
	}
}

// standardise writes (x-mean)/std to z and 1 to ok, the mean counted from an origin; 0 to both where x is not finite.
func standardise(z, ok []float64, c *events.Column, first int, from column.Exact, m Moments) {
	scale := 0.0
	if m.Std > 0 {
		scale = 1 / m.Std
	}
	for i := range z {
		z[i], ok[i] = 0, 0
		if v := c.Exact(first + i).Minus(from); finite(v) {
			z[i], ok[i] = (v-m.Mean)*scale, 1
		}
	}
}

// add keeps its sums in registers.
func (p *pairSums) add(x, okx, y, oky, w []float64) {
	sw, sx, sy, sxx, syy, sxy := p.w, p.x, p.y, p.xx, p.yy, p.xy
	okx, y, oky = okx[:len(x)], y[:len(x)], oky[:len(x)]
	for i, a := range x {
		b, v := y[i], okx[i]*oky[i]
		if w != nil {
			v *= w[i]
		}
		sw += v
		sx += v * a
		sy += v * b
		sxx += v * a * a
		syy += v * b * b
		sxy += v * a * b
	}
	p.w, p.x, p.y, p.xx, p.yy, p.xy = sw, sx, sy, sxx, syy, sxy
}

// spread is the variances and the covariance of the pair.
func (p *pairSums) spread() (vx, vy, xy float64) {
	x, y := p.x/p.w, p.y/p.w
	return p.xx/p.w - x*x, p.yy/p.w - y*y, p.xy/p.w - x*y
}

// flat: a column of the pair does not vary.
func (p *pairSums) flat() bool {
	// the columns were standardised: what is left below this is rounding
	const none = 1e-20
	vx, vy, _ := p.spread()
	return !(p.w > 0 && vx > none && vy > none)
}

func (p *pairSums) correlation() float64 {
	if p.flat() {
		return 0
	}
	vx, vy, xy := p.spread()
	return xy / math.Sqrt(vx*vy)
}

// ranks are the values as shares of the events below each, with half of those at it, in the order of the values given, and the cell of
// each in rankCells of as many events.
func (c *CDF) ranks(order []int32) (rank []float64, cell []uint8) {
	rank, cell = make([]float64, len(order)), make([]uint8, len(order))
	for i := 0; i < len(order); {
		end := i + 1
		for end < len(order) && c.x[end] == c.x[i] {
			end++
		}
		r := (c.share(i) + c.share(end)) / 2
		k := uint8((i + end) / 2 * rankCells / (len(order) + 1))
		for ; i < end; i++ {
			rank[order[i]], cell[order[i]] = r, k
		}
	}
	return rank, cell
}

// ranked is the columns of a sample as ranks.
type ranked struct {
	selection
	moments []Moments
	cells   [][]uint8
}

func newRanked(s *selection) *ranked {
	n := len(s.columns)
	return &ranked{
		selection{columns: make([]*events.Column, n), from: make([]column.Exact, n), weights: s.weights, len: s.len},
		make([]Moments, n), make([][]uint8, n),
	}
}

// set fills column k, NaN where it is not finite, by the distribution of its finite values and their order.
func (r *ranked) set(k int, c *events.Column, d *CDF, order []int32) {
	rank, cell := d.ranks(order)
	if len(rank) < r.len {
		all, in := make([]float64, r.len), make([]uint8, r.len)
		for i, next := 0, 0; i < r.len; i++ {
			if all[i] = math.NaN(); finite(c.Float(i)) {
				all[i], in[i] = rank[next], cell[next]
				next++
			}
		}
		rank, cell = all, in
	}
	r.columns[k], r.cells[k] = &events.Column{Name: c.Name, Type: events.Float64, F64: rank}, cell
	x, w, _ := r.finite(k)
	r.moments[k] = NewMoments(x, w)
}

// CorrelationDifference is that of the pair of columns whose correlations in two samples differ least like chance.
type CorrelationDifference struct {
	Pair                 []string `json:"pair"`
	Reference, Generated float64  `json:"-"`
	Diff                 float64  `json:"diff"`  // generated less reference
	Error                float64  `json:"error"` // its standard error
	// P is of a difference of so many errors in any of the pairs, by chance: by draws that know how pairs go together, and below what these
	// can tell, and of very many columns, of each pair alone times the number of pairs.
	P float64 `json:"p"`
	// Sparse is the number of pairs that were not judged, since the correlation hangs on a few events.
	Sparse int `json:"sparse_pairs,omitempty"`
}

// compareCorrelations finds the pair of columns whose correlations differ least like chance; nil where there is none. deviation is the standard
// errors of the differences.
func (c *Comparison) compareCorrelations(ref, gen matrices, o nulls) (d *CorrelationDifference, deviation [][]float64) {
	if ref.variance == nil || len(c.Names) < 2 || min(c.ReferenceEffective, c.GeneratedEffective) < fewest {
		return nil, nil
	}
	judged, sparse := told(ref.groups, gen.groups)
	most, pairs, pair := -1.0, float64(len(ref.groups)-sparse), -1
	deviation = make([][]float64, len(c.Names))
	for i := range c.Names {
		deviation[i] = make([]float64, len(c.Names))
		for j := range i {
			diff := gen.r[i][j] - ref.r[i][j]
			err := math.Sqrt(ref.variance[i][j] + gen.variance[i][j])
			deviation[i][j], deviation[j][i] = err, err
			z := 0.0
			if math.Abs(diff) > 1e-9 { // more than rounding: of columns that follow from each other err is 0
				z = math.Abs(diff) / err
			}
			if pair++; judged[pair] && z > most {
				most = z
				d = &CorrelationDifference{[]string{c.Names[j], c.Names[i]}, ref.r[i][j], gen.r[i][j], diff, err, min(1, pairs*math.Erfc(z/math.Sqrt2)), sparse}
			}
		}
	}
	if d == nil {
		return nil, deviation
	}
	if null := largest(ref.groups, gen.groups, judged, o); most < slices.Max(null) {
		d.P = chance(most, null)
	}
	return d, deviation
}

// leastTold is how many parts of a sample, by their effective number, must make the error of a correlation for it to be judged: of fewer, as of two columns that
// are 0 in nearly all events, neither the error nor its own error is known, and the draws of one such pair would hide what all others show.
const leastTold = 12

// told reports for each pair whether enough events of both samples tell its error.
func told(a, b [][]float64) (judged []bool, sparse int) {
	enough := func(parts []float64) bool {
		var two, four float64
		for _, v := range parts {
			two += v * v
			four += v * v * v * v
		}
		return two == 0 || two*two >= leastTold*four
	}
	judged = make([]bool, len(a))
	for k := range a {
		if judged[k] = enough(a[k]) && enough(b[k]); !judged[k] {
			sparse++
		}
	}
	return judged, sparse
}

// largest draws the largest of the differences of the pairs judged, each in its standard error of the draw: a bootstrap by how often, by Poisson's law, each part of
// the events is taken, since errors that few events make are themselves uncertain.
func largest(a, b [][]float64, judged []bool, o nulls) []float64 {
	null := make([]float64, o.draws)
	x, y := make([]float64, mostGroups), make([]float64, mostGroups)
	for d := range null {
		src := rng.New(o.seed, rng.StreamTest, 1<<30+uint32(d))
		poisson(x, src)
		poisson(y, src)
		for k := range a {
			if !judged[k] {
				continue
			}
			da, va := taken(a[k], x)
			db, vb := taken(b[k], y)
			if v := va + vb; v > 0 {
				null[d] = max(null[d], math.Abs(da+db)/math.Sqrt(v))
			}
		}
	}
	return null
}

// poisson fills x with counts of mean 1.
func poisson(x []float64, src *rng.Source) {
	for i := range x {
		k, p, u := 0.0, math.Exp(-1), src.Float64()
		for ; u > p && k < 20; p /= k {
			u -= p
			k++
		}
		x[i] = k
	}
}

// taken is by how much the parts move a correlation, each as often as it is taken, and the variance of that.
func taken(parts, times []float64) (by, variance float64) {
	times = times[:len(parts)]
	for i, v := range parts {
		by += (times[i] - 1) * v
		variance += times[i] * v * v
	}
	return by, variance
}
