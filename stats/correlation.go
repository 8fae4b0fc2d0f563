package stats

import (
	"math"

	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/events/column"
)

// chunk is the number of events whose standardised values are held at a time.
const chunk = 1024

// pairSums are sums over events in which both columns of a pair are finite.
type pairSums struct{ w, x, y, xx, yy, xy float64 }

// correlation is the matrix of Pearson's correlations between the columns, with the table's weights. Each pair is
// computed over the events in which both are finite. It is 0 where a column does not vary (or, with negative weights,
// has no positive variance), and 1 on the diagonal. Each column's moments are what it is standardised by, so that the
// sums of squares lose no digits.
func (s *selection) correlation(moments []Moments) [][]float64 {
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
				sums[i*n+j].add(z[i*chunk:][:rows], ok[i*chunk:][:rows], z[j*chunk:][:rows], ok[j*chunk:][:rows], w)
			}
		}
	}
	r := make([][]float64, n)
	for i := range r {
		r[i] = make([]float64, n)
		r[i][i] = 1
		for j := range i {
			r[i][j] = sums[i*n+j].correlation()
			r[j][i] = r[i][j]
		}
	}
	return r
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

func (p *pairSums) add(x, okx, y, oky, w []float64) {
	for i := range x {
		a, b := x[i], y[i]
		v := okx[i] * oky[i]
		if w != nil {
			v *= w[i]
		}
		p.w += v
		p.x += v * a
		p.y += v * b
		p.xx += v * a * a
		p.yy += v * b * b
		p.xy += v * a * b
	}
}

func (p *pairSums) correlation() float64 {
	if !(p.w > 0) {
		return 0
	}
	x, y := p.x/p.w, p.y/p.w
	vx, vy := p.xx/p.w-x*x, p.yy/p.w-y*y
	// the columns were standardised: what is left below this is rounding
	const none = 1e-20
	if !(vx > none && vy > none) {
		return 0
	}
	return (p.xy/p.w - x*y) / math.Sqrt(vx*vy)
}
