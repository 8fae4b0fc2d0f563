package plot

import (
	"math"
	"math/rand/v2"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// The contour of a cone is a circle, which goes around the top on its left; its area and that of a filled region are right.
func TestContourOfACone(t *testing.T) {
	const n = 50
	cells := make([]float64, n*n)
	for k := range cells {
		cells[k] = 0.5 - math.Hypot((float64(k%n)+0.5)/n-0.5, (float64(k/n)+0.5)/n-0.5)
	}
	for _, closed := range []bool{false, true} {
		l := framed(cells, n, closed)
		lines := l.contours(0.2)
		if len(lines) != 1 {
			t.Fatalf("%d lines", len(lines))
		}
		if a := area(lines[0]); math.Abs(a-math.Pi*0.09) > 1e-3 {
			t.Errorf("closed %v: the area on the left is %g, not that of a circle of radius 0.3", closed, a)
		}
	}
	// a hole has the higher values on its left too, so that it is left out of what is filled
	for k := range cells {
		cells[k] = 0.3 - math.Abs(cells[k]-0.25) // a ring between 0.15 and 0.35
	}
	l := framed(cells, n, true)
	total := 0.0
	lines := l.contours(0.2)
	for _, line := range lines {
		total += area(line)
	}
	if want := math.Pi * (0.35*0.35 - 0.15*0.15); len(lines) != 2 || math.Abs(total-want) > 2e-3 {
		t.Errorf("%d lines around %g, not a ring of %g", len(lines), total, want)
	}
}

// area is what a loop has on its left.
func area(line []point) (a float64) {
	for i := 1; i < len(line); i++ {
		a += (line[i-1].x*line[i].y - line[i].x*line[i-1].y) / 2
	}
	return a
}

// Whatever the cells hold, closed contours are loops inside of the square, and no part of a contour is lost or comes twice.
func TestContoursAreLoops(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(2, 9).Draw(t, "n")
		cells := rapid.SliceOfN(rapid.SampledFrom([]float64{0, 0, 0.2, 1, 2, -1}), n*n, n*n).Draw(t, "cells")
		l := framed(cells, n, true)
		parts := 0
		for j := range len(l.ys) - 1 {
			for i := range len(l.xs) - 1 {
				parts += len(throughSquare[l.above(i, j, 0.5)])
			}
		}
		for _, line := range l.contours(0.5) {
			parts -= len(line) - 1
			if line[0] != line[len(line)-1] {
				t.Fatalf("%v does not close", line)
			}
			for _, p := range line {
				if !(p.x >= 0 && p.x <= 1 && p.y >= 0 && p.y <= 1) {
					t.Fatalf("%v is outside", p)
				}
			}
		}
		if parts != 0 {
			t.Fatalf("%d parts are lost", parts)
		}
	})
}

// The contours of a normal sample hold the share of the events that they say.
func TestContoursHoldTheirShare(t *testing.T) {
	o := &Corner{Columns: []Axis{{Label: "a", Min: -5, Max: 5}, {Label: "b", Min: -5, Max: 5}}}
	r := rand.New(rand.NewPCG(1, 2))
	x := [][]float64{nil, nil}
	for range 100_000 {
		x[0], x[1] = append(x[0], r.NormFloat64()), append(x[1], r.NormFloat64())
	}
	o.Reference = Points{Columns: x}
	d := o.layout([]Points{o.Reference}, smoothest*math.Pow(1e5, -1./6))
	for _, share := range contourShares {
		cells := d.samples[0].pairs[0]
		l := framed(cells, cornerCells, true)
		a := 0.0
		for _, line := range l.contours(levelOf(cells, share)) {
			a += 100 * area(line)
		}
		// of a normal: pi r^2 with r^2 = -2 log(1-share); the average widens it by its variance, (1.17 cells)^2 here
		if want := -2 * math.Pi * math.Log(1-share); math.Abs(a/want-1.036) > 0.02 {
			t.Errorf("%g: an area of %g, not %g", share, a, want)
		}
	}
	sum := 0.0
	for _, v := range d.samples[0].pairs[0] {
		sum += v
	}
	if math.Abs(sum-100_000) > 1 {
		t.Errorf("%g events are left by the average", sum)
	}
}

// Events outside are counted, an event far out does not set the axes, and whole numbers, constants, markers and NaN are drawn.
func TestCornerOfOddColumns(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 3))
	o := &Corner{Columns: []Axis{{Label: "x"}, {Label: "n"}, {Label: "same"}, {Label: "mostly absent"}}, Reference: Points{Columns: make([][]float64, 4)}}
	for i := range 400 {
		row := []float64{r.NormFloat64(), float64(r.IntN(4)), 7, r.NormFloat64()}
		if i == 0 {
			row[0] = 1e12
		}
		for k, v := range row {
			o.Reference.Columns[k] = append(o.Reference.Columns[k], v)
		}
	}
	gen := slices.Clone(o.Reference.Columns)
	gen[3] = slices.Repeat([]float64{math.NaN(), 0.5}, 200)
	o.Generated = []Points{{Columns: gen, Weights: slices.Repeat([]float64{1, 1, 1, -0.5}, 100)}}
	if a := o.axis(0); a.max > 6 || a.min < -6 {
		t.Errorf("the axis is from %g to %g", a.min, a.max)
	}
	all, err := texts(svgOf(t, o))
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(all, func(s string) bool { return strings.HasPrefix(s, "Generated, 400 events (20") }) {
		t.Errorf("200 missing values are not said: %q", all)
	}
}

func TestBadCornersAndShapes(t *testing.T) {
	corner := func(change func(*Corner)) *Corner {
		o := exampleCorner(2, 1)
		change(o)
		return o
	}
	shape := func(change func(*Shape)) *Shapes {
		s := exampleShapes(2)
		change(&s.Panels[1])
		return s
	}
	over := func(change func(*Oversampling)) *Oversampling {
		o := exampleOversampling()
		change(o)
		return o
	}
	matrix := exampleCorrelations(12)
	matrix.Errors = matrix.Errors[:3]
	sigmas := exampleCorrelations(12)
	sigmas.Sigmas = -1
	for want, d := range map[string]interface{ Picture() (*Picture, error) }{
		"corner of 0 columns":                         &Corner{},
		"corner of 9 columns":                         &Corner{Columns: make([]Axis, 9)},
		"corner of 13 generated samples":              corner(func(o *Corner) { o.Generated = make([]Points, 13) }),
		`sample 2 ("spline"): 1 columns, not 2`:       corner(func(o *Corner) { o.Generated[0].Columns = o.Generated[0].Columns[:1] }),
		"1 weights for 20000 events":                  corner(func(o *Corner) { o.Generated[0].Weights = []float64{1} }),
		"the sum of its weights is 0":                 corner(func(o *Corner) { o.Reference.Weights = make([]float64, 20000) }),
		"3 values in column 2 and 20000 in the first": corner(func(o *Corner) { o.Reference.Columns[1] = []float64{1, 2, 3} }),
		"no events": corner(func(o *Corner) { o.Reference.Columns = make([][]float64, 2) }),
		`the axis of "m_ll": from 2 to 1 is not a range`: corner(func(o *Corner) { o.Columns[0].Min, o.Columns[0].Max = 2, 1 }),
		"0 shapes": &Shapes{},
		"shape 2 (\"transverse momentum of the leading jet\"): 2 histograms, of 3": shape(func(q *Shape) { q.Histograms = q.Histograms[:2] }),
		"histogram 2: its edges are not those": shape(func(q *Shape) {
			q.Histograms[1].Edges = slices.Clone(q.Histograms[1].Edges)
			q.Histograms[1].Edges[0] = 1
		}),
		"a logarithmic axis cannot begin at -1": shape(func(q *Shape) {
			q.Log = true
			q.Histograms[0].Edges[0] = -1
			q.Histograms[1].Edges[0] = -1
			q.Histograms[2].Edges[0] = -1
		}),
		`oversampling of "m_jj": 30 shares, 29`: over(func(o *Oversampling) { o.Error = o.Error[1:] }),
		"a negative error":                      over(func(o *Oversampling) { o.Naive[1] = -1 }),
		"NaN in bin 3":                          over(func(o *Oversampling) { o.Error[3] = math.NaN() }),
		"errors: 3 rows for 12 columns":         matrix,
		"beyond -1 standard deviations":         sigmas,
	} {
		if _, err := d.Picture(); err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "plot: ") {
			t.Errorf("the error is %v, not about %q", err, want)
		}
	}
}

// No number of a matrix is wider than its cell.
func TestNumbersFitTheirCells(t *testing.T) {
	scale := []string{"0.05", "−0.05", "0.1", "−0.1", "0.5", "−0.5"}
	number := regexp.MustCompile(`font-size="([0-9.]+)"[^>]*>(−?[0-9]*\.[0-9]+)</text>`)
	for _, n := range []int{2, 5, 6, 7, 12} {
		m := exampleCorrelations(n)
		for i := range n {
			for j := range n {
				if i != j {
					m.Generated[i][j] = m.Reference[i][j] - 0.088
				}
			}
		}
		pitch, of := m.names().side/float64(n), 0
		for _, s := range number.FindAllStringSubmatch(svgOf(t, m), -1) {
			size, err := strconv.ParseFloat(s[1], 64)
			if err != nil {
				t.Fatal(err)
			}
			if of++; !slices.Contains(scale, s[2]) && textWidth(size, s[2]) > pitch {
				t.Errorf("%d columns: %s of size %g is %.1f wide, the cell %.1f", n, s[2], size, textWidth(size, s[2]), pitch)
			}
		}
		if of < n*(n-1) {
			t.Errorf("%d columns: %d numbers", n, of)
		}
	}
}

// Differences are marked beyond their errors alone, a pair counts once, and what lies outside of a shape is said.
func TestWhatIsMarkedAndSaid(t *testing.T) {
	m := &Correlations{Columns: []string{"a", "b", "c"}, Sigmas: 3,
		Reference: [][]float64{{1, 0, 0}, {0, 1, 0.5}, {0, 0.5, 1}},
		Generated: [][]float64{{1, 0.1, 0}, {0.1, 1, 0.4}, {0, 0.4, 1}},
		Errors:    [][]float64{{0, 0.02, 0.02}, {0.02, 0, 0.05}, {0.02, 0.05, 0}}}
	all, err := texts(svgOf(t, m))
	if err != nil || !slices.Contains(all, "Difference (max 0.100; 1 beyond 3 σ)") {
		t.Errorf("%q, %v", all, err)
	}
	if cells, _ := m.beyond([][]float64{{0, 0.1, 0}, {0.1, 0, -0.1}, {0, -0.1, 0}}); !slices.Equal(cells, marks{{0, 1}, {1, 0}}) {
		t.Errorf("marked are %v", cells)
	}
	h := Histogram{Name: "all", Edges: []float64{0, 1, 2}, SumW: []float64{30, 60}, Over: 10}
	all, err = texts(svgOf(t, &Shapes{Panels: []Shape{{Label: "x", Histograms: []Histogram{h, {Name: "few", Edges: h.Edges, SumW: []float64{1, 1}}}}}}))
	if err != nil || !slices.Contains(all, "10 % / 0 % outside") || !slices.Contains(all, "few") {
		t.Errorf("%q, %v", all, err)
	}
}

// Two samples of a million events of eight columns take some three seconds on one core.
func BenchmarkCorner(b *testing.B) {
	o := exampleCorner(8, 1)
	for _, s := range []*Points{&o.Reference, &o.Generated[0]} {
		for i, x := range s.Columns {
			s.Columns[i] = slices.Repeat(x, 50)
		}
	}
	for b.Loop() {
		svgOf(b, o)
	}
}
