package plot

import (
	"image"
	"math"
	"slices"
	"testing"
)

func opaque(img image.Image, x, y int) bool {
	_, _, _, a := img.At(x, y).RGBA()
	return a > 0
}

// A point near the upper left corner is painted there, and nowhere else.
func TestDotsStandWhereTheyBelong(t *testing.T) {
	for _, density := range []bool{false, true} {
		q := Panel{X: []float64{0.1, math.NaN(), 2}, Y: []float64{0.9, 0, 0}, Density: density, Range: [4]float64{0, 1, 0, 1}}
		f := q.frame(150)
		img, outside := q.image(&f, 100)
		if outside != 2 {
			t.Errorf("density %v: %d points outside, not the NaN and the 2", density, outside)
		}
		side := img.Bounds().Dx()
		if !opaque(img, side/10, side/10) {
			t.Errorf("density %v: nothing at the point", density)
		}
		for y := range side {
			for x := range side {
				if d := math.Hypot(float64(x-side/10), float64(y-side/10)); d > float64(side)/20 && opaque(img, x, y) {
					t.Fatalf("density %v: paint at (%d, %d) of %d, far from the point", density, x, y, side)
				}
			}
		}
	}
}

func TestDotsHaveTheirGroupsColour(t *testing.T) {
	q := Panel{X: []float64{0.25, 0.75}, Y: []float64{0.5, 0.5}, Group: []int{0, 3}, Range: [4]float64{0, 1, 0, 1}}
	f := q.frame(150)
	img, _ := q.image(&f, 100)
	for i, x := range []int{75, 225} {
		want := groups[q.Group[i]]
		c := img.(*image.Paletted)
		got := dotPalette[c.ColorIndexAt(x, 150)]
		if shade := dotPalette[1+q.Group[i]*shades : 1+(q.Group[i]+1)*shades]; !slices.Contains(shade, got) {
			t.Errorf("point %d has %v, no shade of %v", i, got, want)
		}
	}
}

// The bulk leaves out 0.2 % of the points on each side, whatever they are.
func TestBulk(t *testing.T) {
	v := []float64{math.NaN(), math.Inf(1), -1e300}
	for i := range 1000 {
		v = append(v, float64(i))
	}
	lo, hi := Bulk(v)
	if lo < -100 || lo > 2 || hi < 997 || hi > 1100 {
		t.Errorf("the bulk of 0 to 999 is [%g, %g]", lo, hi)
	}
	if lo, hi := Bulk([]float64{math.NaN()}); !(lo < hi) {
		t.Errorf("the bulk of nothing is [%g, %g]", lo, hi)
	}
}

func TestManyPointsBecomeADensity(t *testing.T) {
	n := densityFrom + 1
	q := Panel{X: make([]float64, n), Y: make([]float64, n), Range: [4]float64{-1, 1, -1, 1}}
	f := q.frame(150)
	if img, _ := q.image(&f, 150); img.Bounds().Dx()%densityBins != 0 {
		t.Errorf("%d points are not drawn in bins", n)
	}
}

func TestMatrixColours(t *testing.T) {
	p := matrixPanel{v: [][]float64{{1, -1}, {0, math.NaN()}}, span: 1}
	img := p.colours()
	cell := img.Bounds().Dx() / 2
	for i, want := range []any{diverging[4], diverging[0], diverging[2], grey} {
		x, y := i%2*cell+cell/2, i/2*cell+cell/2
		if got := img.At(x, y); got != want {
			t.Errorf("cell %d is %v, not %v", i, got, want)
		}
	}
}

func TestCellNumber(t *testing.T) {
	for _, c := range []struct {
		v        float64
		decimals int
		want     string
	}{{1, 2, "1"}, {-1, 2, "−1"}, {0.456, 2, "0.46"}, {-0.004, 2, "0"}, {-0.0041, 3, "−0.004"}, {math.NaN(), 2, "–"}, {0.5, 2, "0.50"}} {
		if got := cellNumber(c.v, c.decimals); got != c.want {
			t.Errorf("%g to %d decimals is %q, not %q", c.v, c.decimals, got, c.want)
		}
	}
}
