package plot

import (
	"math"

	"gonum.org/v1/plot/vg"
)

// ratio is generated over reference, bin by bin; NaN where the reference has nothing.
type ratio struct {
	bars           // value and the generated one's error
	band []float64 // the reference's relative error
	over []bool    // generated events where the reference has none
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

// axis spans 1 by the smallest of a few half-widths that holds nearly all bins known to that precision.
func (r *ratio) axis() axis {
	half := 1.0
	for _, h := range []float64{0.05, 0.1, 0.2, 0.5} {
		known, inside := 0, 0
		for i, y := range r.y {
			if s := math.Hypot(r.sigma[i], r.band[i]); math.IsNaN(y) || s > h {
				continue
			}
			known++
			if math.Abs(y-1) <= h {
				inside++
			}
		}
		if 10*known >= 6*len(r.y) && 100*inside >= 95*known {
			half = h
			break
		}
	}
	a := newAxis(max(0, 1-1.3*half), 1+1.3*half, false, 4, "Gen. / Ref.")
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

// draw shows the reference's band about 1, a cross for each bin, and a triangle where a bin is outside.
func (r *ratio) draw(f *frame) {
	unit := bars{r.edges, make([]float64, len(r.band)), r.band}
	for i := range unit.y {
		unit.y[i] = 1
	}
	fill(f.c, f.bands(unit), grey)
	var one, crosses, triangles vg.Path
	one.Move(f.point(f.x.min, 1))
	one.Line(f.point(f.x.max, 1))
	stroke(f.c, one, greyEdge, errorWidth, 3, 2)
	for i, y := range r.y {
		left, right := f.c.X(f.x.at(r.edges[i])), f.c.X(f.x.at(r.edges[i+1]))
		middle := (left + right) / 2
		switch {
		case r.over[i] || y > f.y.max:
			triangle(&triangles, middle, f.c.Max.Y-1, -5)
		case math.IsNaN(y):
		case y < f.y.min:
			triangle(&triangles, middle, f.c.Min.Y+1, 5)
		default:
			at := f.c.Y(f.y.at(y))
			segment(&crosses, left, at, right, at)
			segment(&crosses, middle, f.c.Y(f.y.at(y-r.sigma[i])), middle, f.c.Y(f.y.at(y+r.sigma[i])))
		}
	}
	stroke(f.c, crosses, vermilion, lineWidth*0.8)
	fill(f.c, triangles, vermilion)
}

// triangle has its tip at (x, y) and its base at height (downwards if negative) from it.
func triangle(p *vg.Path, x, y, height vg.Length) {
	segment(p, x, y, x+2.5, y+height)
	p.Line(vg.Point{X: x - 2.5, Y: y + height})
	p.Close()
}
