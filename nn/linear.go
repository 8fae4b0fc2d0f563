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
		w:       l.Add(Scope(scope, i, "weight"), out, context+in),
		b:       l.Add(Scope(scope, i, "bias"), out, 1),
		context: context, in: in, out: out,
	}
}

// bound makes W a staircase from the degrees of its sorted inputs and outputs:
// output o sees input i where sees(degOut[o], degIn[i]).
func (l *linear) bound(degIn, degOut []int, sees func(out, in int) bool) {
	l.kEnd = make([]int32, l.out)
	l.kBegin = make([]int32, l.in)
	for i := range l.kBegin {
		l.kBegin[i] = int32(l.out)
	}
	for o, do := range degOut {
		n := 0
		for n < l.in && sees(do, degIn[n]) {
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
		clear(w[o*l.w.Cols+int(end) : (o+1)*l.w.Cols])
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
	ld := kernel.RoundLanes(l.w.Cols)
	kernel.Transpose(scratch, ld, in, kernel.Tile, l.w.Cols, n)
	m := kernel.Gemm{
		M: l.out, N: l.w.Cols, K: n,
		A: d, LDA: kernel.Tile,
		B: scratch, LDB: ld,
		C: l.w.Of(g), LDC: l.w.Cols,
		Add: !first, NEnd: l.kEnd,
	}
	m.Run()
	db := l.b.Of(g)
	if first {
		clear(db)
	}
	kernel.AddRowSums(db, d, kernel.Tile, l.out, n)
}

// backward computes the gradient of the inputs (context left out): dIn = W^T d.
func (l *linear) backward(p, dIn, d []float32, n int) {
	g := kernel.Gemm{
		M: l.in, N: n, K: l.out,
		A: l.w.Of(p)[l.context:], LDA: l.w.Cols, TransA: true,
		B: d, LDB: kernel.Tile,
		C: dIn, LDC: kernel.Tile,
		KBegin: l.kBegin,
	}
	g.Run()
}
