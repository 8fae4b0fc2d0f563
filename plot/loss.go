package plot

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
)

// Loss is the course of a training, one value an epoch. NaN is a gap.
type Loss struct {
	Train, Valid []float64 // in Unit per event; Valid may be empty
	What, Unit   string    // NLL and nats where they are empty
	LR           []float64 // the learning rate; may be empty
	Best         int       // the epoch whose weights were kept, from 1; 0 for none
	// Truth is the true entropy where it is known, drawn as a line.
	Truth *float64
}

const (
	lossWidth  = 400
	lossHeight = 260
	rateHeight = 46
	maxEpochs  = 1_000_000
)

// Picture draws the curves, or says which does not fit the others.
func (l *Loss) Picture() (*Picture, error) {
	n := len(l.Train)
	switch {
	case n < 1 || n > maxEpochs:
		return nil, fmt.Errorf("plot: loss of %d epochs: there must be 1 to %d", n, maxEpochs)
	case len(l.Valid) != 0 && len(l.Valid) != n:
		return nil, fmt.Errorf("plot: loss: %d validation losses for %d epochs", len(l.Valid), n)
	case len(l.LR) != 0 && len(l.LR) != n:
		return nil, fmt.Errorf("plot: loss: %d learning rates for %d epochs", len(l.LR), n)
	case l.Best < 0 || l.Best > n:
		return nil, fmt.Errorf("plot: loss: the best epoch %d is not one of %d", l.Best, n)
	}
	return &Picture{lossWidth, lossHeight, "Training and validation loss by epoch", l.draw}, nil
}

func (l *Loss) draw(c *canvas) {
	n := len(l.Train)
	epochs := make([]float64, n)
	for i := range epochs {
		epochs[i] = float64(i + 1)
	}
	xAxis := epochAxis(n)
	yAxis := l.axis()
	axes := []*axis{&yAxis}
	bottom := xRoom
	var rAxis axis
	if len(l.LR) > 0 {
		rAxis = rateAxis(l.LR)
		axes = append(axes, &rAxis)
		bottom += rateHeight + 1.5*gap
	}
	left, right := leftMargin(axes...), xAxis.rightMargin()
	legend := l.legend()
	high := box{left, bottom, lossWidth - right, lossHeight - gap}
	high.y1 -= legend.height(high.width())
	main := frame{c, high, xAxis, yAxis}
	l.curves(&main, epochs)
	main.drawAxes(len(l.LR) == 0, left)
	legend.draw(c, point{high.x0, lossHeight - gap/2}, high.width())
	if len(l.LR) > 0 {
		below := frame{c, box{left, xRoom, lossWidth - right, xRoom + rateHeight}, xAxis, rAxis}
		below.stroke(below.polyline(epochs, l.LR), faint, lineWidth)
		below.drawAxes(true, left)
	}
}

func (l *Loss) curves(f *frame, epochs []float64) {
	if l.Truth != nil {
		f.stroke(f.polyline([]float64{f.x.min, f.x.max}, []float64{*l.Truth, *l.Truth}), green, lineWidth, 5, 3)
	}
	if l.Best > 0 {
		var p path
		x := f.point(float64(l.Best), 0).x
		p.segment(x, f.y0, x, f.y1)
		f.stroke(p, faint, errorWidth, 2, 2)
	}
	kept := l.Train
	for i, curve := range [][]float64{l.Train, l.Valid} {
		if len(curve) == 0 {
			continue
		}
		kept = curve
		f.stroke(f.polyline(epochs, curve), groups[i], lineWidth)
		if len(curve) <= 30 {
			f.fill(f.dots(epochs, curve, 2), groups[i])
		}
	}
	if l.Best > 0 {
		f.fill(f.dots(epochs[l.Best-1:l.Best], kept[l.Best-1:l.Best], 3.5), ink)
	}
}

// dots are filled circles at the points inside the frame.
func (f *frame) dots(xs, ys []float64, radius float64) path {
	var p path
	for i, y := range ys {
		if !(y >= f.y.min && y <= f.y.max) {
			continue
		}
		p.circle(f.point(xs[i], y), radius)
	}
	return p
}

// axis shows the end of the training: where the first epochs are far above the rest, it cuts them.
func (l *Loss) axis() axis {
	v := slices.DeleteFunc(slices.Concat(l.Train, l.Valid), func(y float64) bool { return !finite(y) })
	if len(v) == 0 {
		v = []float64{0, 1}
	}
	slices.Sort(v)
	lo, hi := v[0], v[len(v)-1]
	if typical := v[len(v)*7/10]; hi-lo > 4*(typical-lo) && typical > lo {
		hi = lo + 4*(typical-lo)
	}
	if l.Truth != nil && !math.IsNaN(*l.Truth) {
		lo, hi = min(lo, *l.Truth), max(hi, *l.Truth)
	}
	pad := (hi - lo) * 0.06
	return newAxis(lo-pad, hi+pad, false, 5, fmt.Sprintf("%s [%s / event]", cmp.Or(l.What, "NLL"), cmp.Or(l.Unit, "nats")))
}

func rateAxis(rates []float64) axis {
	lo, hi := math.Inf(1), 0.0
	for _, r := range rates {
		if r > 0 && !math.IsInf(r, 0) {
			lo, hi = min(lo, r), max(hi, r)
		}
	}
	if hi == 0 {
		return newAxis(0, 1, false, 2, "LR")
	}
	if hi/lo > 30 {
		lo = max(lo, hi*1e-6)
		return newAxis(lo/1.5, hi*1.5, true, 3, "LR")
	}
	return newAxis(0, hi*1.15, false, 2, "LR")
}

// epochAxis has ticks at whole numbers only.
func epochAxis(n int) axis {
	pad := max(float64(n-1)*0.02, 0.2)
	a := newXAxis(1-pad, float64(n)+pad, false, lossWidth*0.85, "Epoch")
	if n > 10 {
		a.ticks = slices.DeleteFunc(a.ticks, func(t tick) bool { return math.Abs(t.at-math.Round(t.at)) > 1e-6 })
		return a
	}
	a.ticks = nil
	for e := 1; e <= n; e++ {
		a.ticks = append(a.ticks, tick{at: float64(e), label: strconv.Itoa(e)})
	}
	return a
}

func (l *Loss) legend() legend {
	e := legend{{text: "Training", style: style{colour: groups[0]}}}
	if len(l.Valid) > 0 {
		e = append(e, entry{text: "Validation", style: style{colour: groups[1]}})
	}
	if l.Truth != nil {
		e = append(e, entry{text: "True entropy", style: style{green, []float64{5, 3}}})
	}
	if l.Best > 0 {
		e = append(e, entry{text: "Best: epoch " + strconv.Itoa(l.Best), style: style{faint, []float64{2, 2}}})
	}
	return e
}
