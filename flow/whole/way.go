package whole

import (
	"math"

	"github.com/sluice-hep/sluice/flow/tile"
	"github.com/sluice-hep/sluice/internal/kernel"
	"github.com/sluice-hep/sluice/internal/rng"
	"github.com/sluice-hep/sluice/nn"
)

// tableau is an explicit method of Runge and Kutta: stage j is v at x + dt sum of a[j] k, and a step adds dt sum of b k.
type tableau struct {
	a        [][]float32
	at, b    []float32
	wrong    []float32 // dt sum of wrong k is the error of a step; nil for steps that are given
	backward int       // stages that the gradient needs: the others have b = 0
}

var (
	rk4 = tableau{
		a:  [][]float32{{}, {1. / 2}, {0, 1. / 2}, {0, 0, 1}},
		at: []float32{0, 1. / 2, 1. / 2, 1}, b: []float32{1. / 6, 1. / 3, 1. / 3, 1. / 6}, backward: 4,
	}
	// J. Comput. Appl. Math. 6 (1980) 19. The last stage is the first one of the next step.
	dormandPrince = tableau{
		a: [][]float32{{}, {1. / 5}, {3. / 40, 9. / 40}, {44. / 45, -56. / 15, 32. / 9},
			{19372. / 6561, -25360. / 2187, 64448. / 6561, -212. / 729},
			{9017. / 3168, -355. / 33, 46732. / 5247, 49. / 176, -5103. / 18656},
			{35. / 384, 0, 500. / 1113, 125. / 192, -2187. / 6784, 11. / 84}},
		at:       []float32{0, 1. / 5, 3. / 10, 4. / 5, 8. / 9, 1, 1},
		b:        []float32{35. / 384, 0, 500. / 1113, 125. / 192, -2187. / 6784, 11. / 84, 0},
		wrong:    []float32{71. / 57600, 0, -71. / 16695, 71. / 1920, -17253. / 339200, 22. / 525, -1. / 40},
		backward: 6,
	}
)

func (c *Continuous) tableau() *tableau {
	if c.Steps > 0 {
		return &rk4
	}
	return &dormandPrince
}

func (c *Continuous) most() int {
	if c.Steps > 0 {
		return c.Steps
	}
	return MostSteps
}

// directions is how many go through the network at once.
func (c *Continuous) directions() int { return min(c.features, together) }

// probed says whether traces are estimated.
func (c *Continuous) probed() bool { return c.features > mostTraced }

const (
	firstStep = 1. / 32
	shortest  = 1e-6 // a step that is taken, whatever its error
	evenly    = MostSteps / 8
)

// way is a tile on its way through a Continuous, and memory.
type way struct {
	*tableau
	c                            *Continuous
	p                            []float32
	pass                         nn.Pass
	sign                         float32              // of dt
	traced                       bool                 // the log-det is wanted
	s, h, dt                     [kernel.Tile]float32 // how much of the way is behind an event, the step under way, and sign h
	count                        [kernel.Tile]int     // steps behind
	act, given, x, y, k, traces  []float32            // of the network; Clocks and context; before and after the step; v and div v of its stages
	directions, tangents, passed []float32            // of traces; their images; the number of steps, and the x, s and h of each
}

// way divides mem.
func (c *Continuous) way(t *tile.Tile, p, mem []float32, sign float32) way {
	take := func(rows int) []float32 {
		m := mem[:rows*kernel.Tile]
		mem = mem[len(m):]
		return m
	}
	k, d := c.directions(), c.features
	w := way{tableau: c.tableau(), c: c, p: p, pass: nn.Pass{N: t.N, Events: t.Events}, sign: sign, traced: !t.NoDet}
	tangents, _ := c.Net.TangentRows(k)
	w.act, w.given, w.x, w.y = take(c.Net.Rows()), take(Clocks+c.context), take(d), take(d)
	w.k, w.traces = take(len(w.b)*d), take(len(w.b))
	w.directions, w.tangents, w.passed = take(k*d), take(tangents), take(1+c.most()*(d+2))
	copy(w.given[Clocks*kernel.Tile:], t.Context)
	return w
}

// sum sets dst to dt times the sum of coefficients times row f of as many blocks of k, each of so many rows.
func (w *way) sum(dst, k, coefficients []float32, f, rows int) {
	clear(dst)
	for l, a := range coefficients {
		if a != 0 {
			kernel.Axpy(dst, a, tile.Row(k, l*rows+f))
		}
	}
	kernel.Mul(dst, dst, w.dt[:])
}

// forward computes v at the point of stage j.
func (w *way) forward(j int) []float32 {
	in, n := w.c.Net.Input(w.act), w.pass.N
	for f := range w.c.features {
		w.sum(tile.Row(in, f)[:n], w.k, w.a[j], f, w.c.features)
		kernel.Add(tile.Row(in, f)[:n], tile.Row(w.x, f))
	}
	for e := range n {
		t := w.s[e] + w.at[j]*w.h[e]
		if w.sign < 0 {
			t = 1 - t
		}
		Clock(w.given[e:], t)
	}
	return w.c.Net.Forward(w.p, w.act, w.given, &w.pass)
}

// Clock sets the first of some rows to what the network sees of t: itself, and cosine and sine of pi t, 2 pi t, 4 pi t and so on.
func Clock(given []float32, t float32) {
	sin, cos := math.Sincos(math.Pi * float64(t))
	given[0] = t
	for i := range waves {
		given[(1+2*i)*kernel.Tile], given[(2+2*i)*kernel.Tile] = float32(cos), float32(sin)
		sin, cos = 2*sin*cos, 1-2*sin*sin
	}
}

// take computes stage j, with its trace where that is wanted.
func (w *way) take(j int) {
	d, n := w.c.features, w.pass.N
	copy(tile.Rows(w.k, j*d, d), w.forward(j))
	if !w.traced {
		return
	}
	var product [kernel.Tile]float32
	trace := tile.Row(w.traces, j)[:n]
	clear(trace)
	for first := 0; first < w.all(); first += together {
		k := w.aim(first)
		image := w.c.Net.Along(w.p, w.act, w.directions, w.tangents, k, n)
		for i := range k * d {
			kernel.Mul(product[:n], w.directions[i*n:], image[i*n:])
			kernel.Add(trace, product[:n])
		}
	}
	kernel.Scale(trace, w.share())
}

// all is the number of directions of a trace: one a feature, or probes.
func (w *way) all() int {
	if w.c.probed() {
		return together
	}
	return w.c.features
}

// share is what a direction counts.
func (w *way) share() float32 {
	if w.c.probed() {
		return 1. / together
	}
	return 1
}

// aim sets the directions from number first on and returns how many; probes are there already.
func (w *way) aim(first int) (k int) {
	k = min(together, w.all()-first)
	if w.c.probed() {
		return k
	}
	n := w.pass.N
	clear(w.directions[:w.c.features*k*n])
	for r := range k {
		one := w.directions[((first+r)*k+r)*n:][:n]
		for e := range one {
			one[e] = 1
		}
	}
	return k
}

// probe sets probes, where there are some, to signs that follow from the seed and the x of each event.
func (w *way) probe() {
	if !w.c.probed() {
		return
	}
	n, d := w.pass.N, w.c.features
	for e := range n {
		name := w.c.seed
		for f := range d {
			name = (name ^ uint64(math.Float32bits(tile.Row(w.x, f)[e]))) * 0x9E3779B97F4A7C15 // splitmix's
			name ^= name >> 29
		}
		for f := range d {
			bits, _, _, _ := rng.Block(name, uint32(f), 0, 0, rng.StreamProbe)
			for r := range together {
				w.directions[(f*together+r)*n+e] = 1 - 2*float32(bits>>r&1)
			}
		}
	}
}

// left says whether an event is on its way, and sets dt.
func (w *way) left() (any bool) {
	for e := range w.pass.N {
		w.dt[e] = w.sign * w.h[e]
		any = any || w.h[e] > 0
	}
	return any
}

// step moves the events whose step is exact enough, and chooses the next step of each.
func (w *way) step(logDet []float32) {
	var wrong, by [kernel.Tile]float32
	n, d := w.pass.N, w.c.features
	for f := range d {
		w.sum(tile.Row(w.y, f)[:n], w.k, w.b, f, d)
		kernel.Add(tile.Row(w.y, f)[:n], tile.Row(w.x, f))
	}
	w.sum(by[:n], w.traces, w.b, 0, 1)
	w.errors(wrong[:n], logDet)
	for e := range n {
		if w.h[e] == 0 {
			continue
		}
		if wrong[e] > 1 && w.h[e] > shortest && MostSteps-w.count[e] > evenly {
			w.h[e] = w.next(e, wrong[e])
			continue
		}
		w.move(e)
		logDet[e] += by[e]
		w.h[e] = w.next(e, wrong[e])
	}
}

// move takes the step of an event, and keeps where it was. The last stage of an adaptive step is the first one of the next.
func (w *way) move(e int) {
	d := w.c.features
	kept := tile.Rows(w.passed, 1+w.count[e]*(d+2), d+2)
	for i := e; i < d*kernel.Tile; i += kernel.Tile {
		kept[i], w.x[i] = w.x[i], w.y[i]
		w.k[i] = tile.Rows(w.k, (len(w.b)-1)*d, d)[i]
	}
	tile.Row(kept, d)[e], tile.Row(kept, d+1)[e] = w.s[e], w.h[e]
	w.traces[e] = tile.Row(w.traces, len(w.b)-1)[e]
	w.count[e]++
	switch {
	case w.wrong == nil:
		w.s[e] = float32(w.count[e]) / float32(w.c.Steps)
	case w.h[e] >= 1-w.s[e]:
		w.s[e] = 1
	default:
		w.s[e] += w.h[e]
	}
}

// next is the next step of an event after one with this error: for an error of the fifth order, and so that MostSteps are enough.
func (w *way) next(e int, wrong float32) float32 {
	left := 1 - w.s[e]
	if w.wrong == nil {
		return min(w.h[e], left*2) // 0 at the end
	}
	by := 0.9 * math.Pow(float64(wrong), -0.2)
	if !(by > 0.2) {
		by = 0.2
	}
	h := max(w.h[e]*float32(min(by, 5)), shortest)
	if steps := MostSteps - w.count[e]; steps <= evenly && left > 0 {
		h = max(h, left/float32(steps))
	}
	return min(h, left)
}

// errors sets wrong to the error of the step in units of what is tolerated: the root of a mean over the features and, where it is wanted, the
// log-det.
func (w *way) errors(wrong, logDet []float32) {
	if w.wrong == nil {
		return
	}
	var off [kernel.Tile]float32
	n, d := w.pass.N, w.c.features
	all := d
	if w.traced {
		all++
	}
	for f := range all {
		size := logDet
		if f < d {
			size = tile.Row(w.x, f)
			w.sum(off[:n], w.k, w.wrong, f, d)
		} else {
			w.sum(off[:n], w.traces, w.wrong, 0, 1)
		}
		for e := range n {
			r := off[e] / (float32(w.c.Tolerance) * (1 + max(size[e], -size[e])))
			wrong[e] += r * r / float32(all)
		}
	}
	for e, v := range wrong {
		wrong[e] = float32(math.Sqrt(float64(v)))
	}
}

// recall takes up step i of each event; one that had fewer stays where it is.
func (w *way) recall(i int) {
	d := w.c.features
	for e := range w.pass.N {
		at := tile.Rows(w.passed, 1+min(i, w.count[e]-1)*(d+2), d+2)
		for f := range d {
			tile.Row(w.x, f)[e] = tile.Row(at, f)[e]
		}
		w.s[e], w.h[e] = tile.Row(at, d)[e], tile.Row(at, d+1)[e]
		if i >= w.count[e] {
			w.h[e] = 0
		}
	}
	w.left()
}

// back turns the gradient t.DX of what is after a step into that of what is before it, and adds that of the parameters to g: of
// k = v(x + dt sum a k) and of the trace there, both by that point.
func (w *way) back(t *tile.Tile, g, scratch []float32) {
	take := func(rows int) []float32 {
		m := scratch[:rows*kernel.Tile]
		scratch = scratch[len(m):]
		return m
	}
	d, n := w.c.features, w.pass.N
	bend, byPoint, dk, dTrace, turned := take(w.c.Net.Rows()), take(len(w.b)*d), take(d), take(1), take(w.c.directions()*d)
	byGiven := take(Clocks + w.c.context)
	if t.DContext != nil {
		clear(byGiven)
		w.pass.DContext = byGiven
	}
	for j := range w.backward {
		copy(tile.Rows(w.k, j*d, d), w.forward(j))
	}
	for j := w.backward - 1; j >= 0; j-- {
		var later [8]float32 // coefficients of this stage in the points of those after it
		for m := j + 1; m < w.backward; m++ {
			later[m] = w.a[m][j]
		}
		for f := range d {
			r := tile.Row(dk, f)[:n]
			w.sum(r, byPoint, later[:w.backward], f, d)
			w.addGradient(r, tile.Row(t.DX, f), w.b[j])
		}
		clear(dTrace[:n])
		w.addGradient(dTrace[:n], t.DLogDet, w.b[j])
		w.forward(j)
		clear(bend)
		if w.b[j] != 0 {
			w.traceBack(g, bend, dTrace, turned, scratch)
		}
		copy(tile.Rows(byPoint, j*d, d), w.c.Net.BackwardWith(w.p, g, w.act, dk, bend, scratch, &w.pass))
	}
	for f := range d {
		for j := range w.backward {
			kernel.Add(tile.Row(t.DX, f)[:n], tile.Row(byPoint, j*d+f))
		}
	}
	kernel.Add(t.DContext, byGiven[Clocks*kernel.Tile:])
}

// addGradient adds b dt times d to dst.
func (w *way) addGradient(dst, d []float32, b float32) {
	var scaled [kernel.Tile]float32
	kernel.Mul(scaled[:len(dst)], d, w.dt[:])
	kernel.Axpy(dst, b, scaled[:len(dst)])
}

// traceBack takes the gradient of the trace at the point of the last forward to the weights, and to bend.
func (w *way) traceBack(g, bend, dTrace, turned, scratch []float32) {
	n := w.pass.N
	for first := 0; first < w.all(); first += together {
		k := w.aim(first)
		w.c.Net.Along(w.p, w.act, w.directions, w.tangents, k, n)
		for i := range k * w.c.features {
			r := turned[i*n:][:n]
			kernel.Mul(r, w.directions[i*n:], dTrace)
			kernel.Scale(r, w.share())
		}
		w.c.Net.AlongBackward(w.p, g, w.act, bend, w.directions, turned, w.tangents, scratch, k, n)
	}
}
