package plot

import (
	"math"
)

// ratio is generated over reference, bin by bin; NaN where the reference has nothing.
type ratio struct {
	bars           // value and the generated one's error
	band []float64 // the reference's relative error
	over []bool    // generated events where the reference has none
}

func ratiosOf(gen []bars, ref bars) []ratio {
	all := make([]ratio, len(gen))
	for i := range gen {
		all[i] = ratioOf(gen[i], ref)
	}
	return all
}

func ratioOf(gen, ref bars) ratio {
	n := len(ref.y)
	r := ratio{bars{ref.edges, make([]float64, n), make([]float64, n)}, make([]float64, n), make([]bool, n)}
	for i, d := range ref.y {
		if d <= 0 {
			r.y[i], r.over[i] = math.NaN(), gen.y[i] > 0
			continue
		}
		r.y[i], r.sigma[i], r.band[i] = gen.y[i]/d, gen.sigma[i]/d, ref.sigma[i]/d
	}
	return r
}

// ratioAxis spans 1 by the smallest of a few half-widths that holds nearly all bins known to that precision.
func ratioAxis(all []ratio, label string) axis {
	half := 1.0
	for _, h := range []float64{0.05, 0.1, 0.2, 0.5} {
		bins, known, inside := 0, 0, 0
		for _, r := range all {
			bins += len(r.y)
			for i, y := range r.y {
				if s := math.Hypot(r.sigma[i], r.band[i]); math.IsNaN(y) || s > h {
					continue
				}
				known++
				if math.Abs(y-1) <= h {
					inside++
				}
			}
		}
		if 10*known >= 6*bins && 100*inside >= 95*known {
			half = h
			break
		}
	}
	a := newAxis(max(0, 1-1.3*half), 1+1.3*half, false, 4, label)
	a.ticks = nil
	for k := -2; k <= 2; k++ {
		v := 1 + float64(k)*half/2
		t := tick{at: v}
		if k%2 == 0 {
			t.label, t.sup = number(v, half, 0)
		}
		a.ticks = append(a.ticks, t)
	}
	return a
}

// ratios draws the reference's band about 1, which all have in common, and each ratio.
func (f *frame) ratios(all []ratio) {
	unit := bars{all[0].edges, make([]float64, len(all[0].band)), all[0].band}
	for i := range unit.y {
		unit.y[i] = 1
	}
	f.fill(f.bands(unit), grey)
	var one path
	one.move(f.point(f.x.min, 1))
	one.line(f.point(f.x.max, 1))
	f.stroke(one, greyEdge, errorWidth, 3, 2)
	for k := range all {
		all[k].draw(f, k, len(all))
	}
}

// draw shows ratio k of n: a cross for each bin, or, of several, lines over the bins and errors side by side; and a triangle where a bin
// is outside.
func (r *ratio) draw(f *frame, k, n int) {
	s := styleOf(k)
	var level, errors, triangles path
	if n > 1 {
		level = f.polyline(stepped(r.edges, r.y))
	}
	for i, y := range r.y {
		left, right := f.point(r.edges[i], 1).x, f.point(r.edges[i+1], 1).x
		middle := left + (right-left)*(float64(k)+1)/float64(n+1)
		switch {
		case r.over[i] || y > f.y.max:
			triangles.triangle(middle, f.y1-1, -5)
		case math.IsNaN(y):
		case y < f.y.min:
			triangles.triangle(middle, f.y0+1, 5)
		default:
			at, low, high := f.at(0, f.y.at(y)).y, f.at(0, f.y.at(y-r.sigma[i])).y, f.at(0, f.y.at(y+r.sigma[i])).y
			if n == 1 {
				level.segment(left, at, right, at)
				level.segment(middle, low, middle, high)
			} else {
				errors.segment(middle, low, middle, high)
			}
		}
	}
	f.stroke(errors, tint(s.colour, 0.6), errorWidth*0.7)
	f.stroke(level, s.colour, lineWidth*0.8, s.dashes...)
	f.fill(triangles, s.colour)
}

// triangle has its tip at (x, y) and its base at height (downwards if negative) from it.
func (p *path) triangle(x, y, height float64) {
	p.segment(x, y, x+2.5, y+height)
	p.line(point{x - 2.5, y + height})
	p.close()
}
