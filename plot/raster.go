package plot

import (
	"image"
	"image/color"
	"math"
)

// Dots and 2-D histograms are small images with a palette, so that a picture's size does not grow with its
// number of points.

const (
	pixelsPerPoint = 3
	shades         = 12 // of a dot's colour, from transparent to opaque
	densityBins    = 75
	densityShades  = 48
)

// image is the points of the panel, size points wide, and how many of them lie outside the frame.
func (q *Panel) image(f *frame, size int) (img image.Image, outside int) {
	if q.Field != nil {
		return q.field(size), 0
	}
	if q.Density || q.Group == nil && len(q.X) > densityFrom {
		return q.density(f, size)
	}
	return q.dots(f, size)
}

// each calls draw with the place of every point as fractions of the frame, from the upper left corner, and counts those outside.
func (q *Panel) each(f *frame, draw func(i int, x, y float64)) (outside int) {
	for i, x := range q.X {
		if y := q.Y[i]; x >= f.x.min && x <= f.x.max && y >= f.y.min && y <= f.y.max {
			draw(i, f.x.at(x), 1-f.y.at(y))
		} else {
			outside++
		}
	}
	return outside
}

// dots are discs, smaller and fainter the more there are, that darken where they overlap. A pixel has the
// colour of the group that covers it most.
func (q *Panel) dots(f *frame, size int) (image.Image, int) {
	side := size * pixelsPerPoint
	crowd := math.Sqrt(2000 / float64(max(len(q.X), 2000))) // 1 down to 0.2
	radius := pixelsPerPoint * (0.45 + 0.5*crowd)
	opacity := 0.35 + 0.4*crowd
	cover := make([][]float32, len(groups))
	outside := q.each(f, func(i int, x, y float64) {
		k := 0
		if q.Group != nil {
			k = q.Group[i]
		}
		if cover[k] == nil {
			cover[k] = make([]float32, side*side)
		}
		disc(cover[k], side, x*float64(side), y*float64(side), radius, opacity)
	})
	img := image.NewPaletted(image.Rect(0, 0, side, side), dotPalette)
	for p := range img.Pix {
		img.Pix[p] = dotShade(cover, p)
	}
	return img, outside
}

// disc adds a disc with a soft rim of one pixel.
func disc(cover []float32, side int, cx, cy, radius, opacity float64) {
	x0, x1 := max(0, int(cx-radius-1)), min(side-1, int(cx+radius+1))
	y0, y1 := max(0, int(cy-radius-1)), min(side-1, int(cy+radius+1))
	for y := y0; y <= y1; y++ {
		for x := x0; x <= x1; x++ {
			rim := radius + 0.5 - math.Hypot(float64(x)+0.5-cx, float64(y)+0.5-cy)
			if rim > 0 {
				c := &cover[y*side+x]
				*c += (1 - *c) * float32(opacity*min(rim, 1))
			}
		}
	}
}

// dotPalette is no colour, then shades of each group.
var dotPalette = func() color.Palette {
	p := color.Palette{color.NRGBA{}}
	for _, g := range groups {
		for s := 1; s <= shades; s++ {
			p = append(p, color.NRGBA{g.R, g.G, g.B, uint8(255 * s / shades)})
		}
	}
	return p
}()

func dotShade(cover [][]float32, pixel int) uint8 {
	group, most := 0, float32(0)
	for k, c := range cover {
		if c != nil && c[pixel] > most {
			group, most = k, c[pixel]
		}
	}
	shade := int(most*shades + 0.5)
	if shade == 0 {
		return 0
	}
	return uint8(1 + group*shades + shade - 1)
}

// density is a 2-D histogram; empty bins are transparent.
func (q *Panel) density(f *frame, size int) (image.Image, int) {
	content := make([]int, densityBins*densityBins)
	most := 1
	outside := q.each(f, func(_ int, x, y float64) {
		bx, by := min(int(x*densityBins), densityBins-1), min(int(y*densityBins), densityBins-1)
		content[by*densityBins+bx]++
		most = max(most, content[by*densityBins+bx])
	})
	return shaded(densityBins, size, func(x, y int) float64 { return float64(content[y*densityBins+x]) / float64(most) }), outside
}

// field is the values of a lattice; nothing is drawn below a thousandth of the darkest.
func (q *Panel) field(size int) image.Image {
	n := int(math.Sqrt(float64(len(q.Field))))
	return shaded(n, size, func(x, y int) float64 {
		v := q.Field[(n-1-y)*n+x] / q.Most
		if !(v > 1e-3) {
			return 0
		}
		return min(v, 1)
	})
}

// shaded is cells whose colour grows as the square root of their share of the highest, from the upper left one on.
func shaded(cells, size int, share func(x, y int) float64) image.Image {
	palette := color.Palette{color.NRGBA{}}
	for s := range densityShades {
		palette = append(palette, sequential.at(float64(s)/(densityShades-1)))
	}
	cell := max(1, size*pixelsPerPoint/cells) // pixels a cell
	img := image.NewPaletted(image.Rect(0, 0, cells*cell, cells*cell), palette)
	for p := range img.Pix {
		x, y := p%img.Stride/cell, p/img.Stride/cell
		if s := share(x, y); s > 0 {
			img.Pix[p] = uint8(1 + math.Sqrt(s)*(densityShades-1))
		}
	}
	return img
}
