package nn

import "github.com/sluice-hep/sluice/internal/kernel"

// linear is out = W [context; in] + b on tiles. Where units are sorted by
// degree, W is a staircase: output o sees the inputs before kEnd[o] only
// (context included), and what lies beyond is zero and stays zero.
type linear struct {
	w, b    View
	context int // columns of W for the context, in front
	in, out int
	kEnd    []int32 // one an output; nil where W is dense
	kBegin  []int32 // one an input (context left out): the first output that sees it
}

func newLinear(l *Layout, scope string, i, context, in, out int) linear {
	return linear{
		w:       l.Add(Scope(scope, i, "weight"), out, context+in, Weight),
		b:       l.Add(Scope(scope, i, "bias"), out, 1, Bias),
		context: context, in: in, out: out,
	}
}

// draw starts W, times scale, by init; the bias is 0.
func (l *linear) draw(p []float32, init string, scale float32, src *Source) {
	w := l.w.Of(p)
	Draw(w, l.w.Rows, l.w.Cols, init, src)
	if scale != 1 {
		kernel.Scale(w, scale)
	}
	clear(l.b.Of(p))
	l.cut(p)
}

// bound makes W a staircase from the degrees of its sorted inputs and outputs: output o sees input i where
// degIn[i] < degOut[o], or is also equal.
func (l *linear) bound(degIn, degOut []int, equal bool) {
	l.kEnd = make([]int32, l.out)
	l.kBegin = make([]int32, l.in)
	for i := range l.kBegin {
		l.kBegin[i] = int32(l.out)
	}
	for o, do := range degOut {
		n := 0
		for n < l.in && (degIn[n] < do || equal && degIn[n] == do) {
			l.kBegin[n] = min(l.kBegin[n], int32(o))
			n++
		}
		l.kEnd[o] = int32(l.context + n)
	}
}

// cut sets what lies beyond the staircase to zero.
func (l *linear) cut(flat []float32) {
	if l.kEnd == nil {
		return
	}
	w := l.w.Of(flat)
	for o, end := range l.kEnd {
		switch beyond := w[o*l.w.Cols+int(end) : (o+1)*l.w.Cols]; len(beyond) {
		case 0:
		case 1: // the first layer of two features: a call costs more than the work
			beyond[0] = 0
		default:
			clear(beyond)
		}
	}
}

// forward computes outputs [r0, r1) into the tile c, which starts at output r0.
func (l *linear) forward(p, c, in []float32, r0, r1, n int, relu bool) {
	if r0 == r1 {
		return
	}
	g := kernel.Gemm{
		M: r1 - r0, N: n, K: l.w.Cols,
		A: l.w.Of(p)[r0*l.w.Cols:], LDA: l.w.Cols,
		B: in, LDB: kernel.Tile,
		C: c, LDC: kernel.Tile,
		Bias: l.b.Of(p)[r0:r1], ReLU: relu,
	}
	if l.kEnd != nil {
		g.KEnd = l.kEnd[r0:r1]
	}
	g.Run()
}

// gradient puts (first) or adds the gradient of the parameters to g: dW = d in^T, db = sum of d over events. What lies
// beyond the staircase may hold anything until cut.
func (l *linear) gradient(g, d, in, scratch []float32, n int, first bool) {
	l.transpose(scratch, in, n)
	l.gradientRows(g, d, scratch, 0, l.out, n, first)
}

// transpose sets dst to the inputs in, context included, event by event.
func (l *linear) transpose(dst, in []float32, n int) {
	kernel.Transpose(dst, kernel.RoundLanes(l.w.Cols), in, kernel.Tile, l.w.Cols, n)
}

// gradientRows is gradient for outputs [r0, r1), with the transposed inputs. d starts at output 0.
func (l *linear) gradientRows(g, d, inT []float32, r0, r1, n int, first bool) {
	m := kernel.Gemm{
		M: r1 - r0, N: l.w.Cols, K: n,
		A: d[r0*kernel.Tile:], LDA: kernel.Tile,
		B: inT, LDB: kernel.RoundLanes(l.w.Cols),
		C: l.w.Of(g)[r0*l.w.Cols:], LDC: l.w.Cols,
		Add: !first,
	}
	if l.kEnd != nil {
		m.NEnd = l.kEnd[r0:r1]
	}
	m.Run()
	db := l.b.Of(g)[r0:r1]
	if first {
		clear(db)
	}
	kernel.AddRowSums(db, d[r0*kernel.Tile:], kernel.Tile, r1-r0, n)
}

// backward computes the gradient of the inputs (context left out): dIn = W^T d, or 0 where gate, unless nil, is not
// positive.
func (l *linear) backward(p, dIn, d, gate []float32, n int) {
	g := l.backwardProduct(p, dIn, d, 0, l.out, n)
	g.Gate = gate
	g.Run()
}

// contextBackward adds the gradient of the context to dst, unless that is nil.
func (l *linear) contextBackward(p, dst, d []float32, n int) {
	if dst == nil || l.context == 0 {
		return
	}
	g := kernel.Gemm{
		M: l.context, N: n, K: l.out,
		A: l.w.Of(p), LDA: l.w.Cols, TransA: true,
		B: d, LDB: kernel.Tile,
		C: dst, LDC: kernel.Tile,
		Add: true,
	}
	g.Run()
}

// backwardRows puts or adds to dIn the share of outputs [r0, r1), whose gradient is d. They see the same inputs.
func (l *linear) backwardRows(p, dIn, d []float32, r0, r1, n int, add bool) {
	g := l.backwardProduct(p, dIn, d, r0, r1, n)
	g.Add, g.KBegin = add, nil
	if l.kEnd != nil {
		g.M = int(l.kEnd[r0]) - l.context
		if !add {
			clear(dIn[g.M*kernel.Tile : l.in*kernel.Tile])
		}
	}
	if g.M > 0 {
		g.Run()
	}
}

func (l *linear) backwardProduct(p, dIn, d []float32, r0, r1, n int) kernel.Gemm {
	return kernel.Gemm{
		M: l.in, N: n, K: r1 - r0,
		A: l.w.Of(p)[r0*l.w.Cols+l.context:], LDA: l.w.Cols, TransA: true,
		B: d, LDB: kernel.Tile,
		C: dIn, LDC: kernel.Tile,
		KBegin: l.kBegin,
	}
}
