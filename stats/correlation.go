package stats

import (
	"math"

	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/events/column"
)

// chunk is the number of events whose standardised values are held at a time.
const chunk = 1024

// pairSums are sums over events in which both columns of a pair are finite: of the weight, of weighted
// products, and of the products that a coefficient's variance is made of, with the square of the weight.
type pairSums struct {
	w, x, y, xx, yy, xy float64
	qq, qs, ss          float64 // q = xy, s = (xx + yy)/2
}

// matrices are the correlations between columns, and the variance of each; 0 where it was not asked for.
type matrices struct{ r, variance [][]float64 }

// correlation is Pearson's correlations between the columns, with the table's weights. Each pair is
// computed over the events in which both are finite. It is 0 where a column does not vary (or, with negative weights,
// has no positive variance), and 1 on the diagonal. Each column's moments are what it is standardised by, so that the
// sums of squares lose no digits.
//
// The variance, which takes as long again, is that of the influence function, sum w^2 (xy - r (xx+yy)/2)^2 / (sum w)^2 (Devlin, Gnanadesikan and Kettenring,
// Biometrika 62 (1975) 531, equation 2.3), which holds for any weights and for columns far from normal.
func (s *selection) correlation(moments []Moments, variance bool) matrices {
	n := len(s.columns)
	sums := make([]pairSums, n*n)
	z, ok := make([]float64, n*chunk), make([]float64, n*chunk)
	for first := 0; first < s.len; first += chunk {
		rows := min(chunk, s.len-first)
		for k, c := range s.columns {
			standardise(z[k*chunk:][:rows], ok[k*chunk:][:rows], c, first, s.from[k], moments[k])
		}
		w := s.weights
		if w != nil {
			w = w[first : first+rows]
		}
		for i := range n {
			for j := range i {
				p, x, okx, y, oky := &sums[i*n+j], z[i*chunk:][:rows], ok[i*chunk:][:rows], z[j*chunk:][:rows], ok[j*chunk:][:rows]
				if p.add(x, okx, y, oky, w); variance {
					p.addSquares(x, okx, y, oky, w)
				}
			}
		}
	}
	m := matrices{make([][]float64, n), make([][]float64, n)}
	for i := range n {
		m.r[i], m.variance[i] = make([]float64, n), make([]float64, n)
		m.r[i][i] = 1
		for j := range i {
			m.r[i][j], m.variance[i][j] = sums[i*n+j].correlation()
			m.r[j][i], m.variance[j][i] = m.r[i][j], m.variance[i][j]
		}
	}
	return m
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

func (p *pairSums) addSquares(x, okx, y, oky, w []float64) {
	qq, qs, ss := p.qq, p.qs, p.ss
	okx, y, oky = okx[:len(x)], y[:len(x)], oky[:len(x)]
	for i, a := range x {
		b, v := y[i], okx[i]*oky[i]
		if w != nil {
			v *= w[i]
		}
		q, s := a*b, (a*a+b*b)/2
		qq += v * v * q * q
		qs += v * v * q * s
		ss += v * v * s * s
	}
	p.qq, p.qs, p.ss = qq, qs, ss
}

func (p *pairSums) correlation() (r, variance float64) {
	if !(p.w > 0) {
		return 0, 0
	}
	x, y := p.x/p.w, p.y/p.w
	vx, vy := p.xx/p.w-x*x, p.yy/p.w-y*y
	// the columns were standardised: what is left below this is rounding
	const none = 1e-20
	if !(vx > none && vy > none) {
		return 0, 0
	}
	r = (p.xy/p.w - x*y) / math.Sqrt(vx*vy)
	return r, max(p.qq-2*r*p.qs+r*r*p.ss, 0) / (p.w * p.w)
}

// ranks are the columns as shares of the events below each value, with half of those at it: NaN where a value is not finite.
func (s *selection) ranks(cdfs []*CDF) (ranked *selection, moments []Moments) {
	ranked = &selection{from: make([]column.Exact, len(s.columns)), weights: s.weights, len: s.len}
	for k, c := range s.columns {
		r := make([]float64, s.len)
		for i := range r {
			r[i] = math.NaN()
			if v := c.Exact(i).Minus(s.from[k]); finite(v) {
				r[i] = cdfs[k].rank(v)
			}
		}
		ranked.columns = append(ranked.columns, &events.Column{Name: c.Name, Type: events.Float64, F64: r})
		x, w, _ := ranked.finite(k)
		moments = append(moments, NewMoments(x, w))
	}
	return ranked, moments
}

// RankDifference is that of Spearman's rank correlation of a pair of columns between two samples.
type RankDifference struct {
	Pair                 []string `json:"pair"`
	Reference, Generated float64  `json:"-"`
	Diff                 float64  `json:"diff"`  // generated less reference
	Error                float64  `json:"error"` // its standard error
	P                    float64  `json:"p"`     // of a difference of so many errors in any of the pairs, by chance
}

// fewest effective events tell a correlation's error.
const fewest = 20

// compareRanks finds the pair of columns whose rank correlations differ least like chance; nil where there is none.
func (c *Comparison) compareRanks(ref, gen matrices) (d *RankDifference) {
	c.RankReference, c.RankGenerated = ref.r, gen.r
	most, pairs := -1.0, float64(len(c.Names)*(len(c.Names)-1)/2)
	for i := range c.Names {
		for j := range i {
			diff := gen.r[i][j] - ref.r[i][j]
			err := math.Sqrt(ref.variance[i][j] + gen.variance[i][j])
			z := 0.0
			if math.Abs(diff) > 1e-9 { // more than rounding: of columns that follow from each other err is 0
				z = math.Abs(diff) / err
			}
			if z > most {
				most = z
				d = &RankDifference{[]string{c.Names[j], c.Names[i]}, ref.r[i][j], gen.r[i][j], diff, err, min(1, pairs*math.Erfc(z/math.Sqrt2))}
			}
		}
	}
	if d != nil && min(c.ReferenceEffective, c.GeneratedEffective) < fewest {
		d.P = 1
	}
	return d
}
