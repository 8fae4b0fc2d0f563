package flowtest

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/sluice-hep/sluice/flow"
)

// The hand-written gradient against central differences of the float64 oracle, for about 150 parameters, some of every
// matrix and vector. Batch norms take the statistics of the batch, so that nothing depends on frozen ones, and dropout the
// masks of the first step.
func TestGradient(t *testing.T) {
	run(t, func(t *testing.T, c Case) {
		f := c.New(t)
		x, ctx := c.Events(70, 5) // more than a tile, and not a whole one
		l, err := flow.NewLikelihood(f, x, ctx, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		rows := all(len(x[0]))
		grad := make([]float32, len(f.Params()))
		loss := l.Gradient(rows, grad)
		p, xr, cr := float64s(f.Params()), rowsOf(x), rowsOf(ctx)
		o := NewOracle(f)
		if got, want := l.Loss(rows), o.NLL(p, xr, cr); math.Abs(got-want) > 1e-4*(1+math.Abs(want)) {
			t.Errorf("loss in evaluation %v, want %v", got, want)
		}
		o.Training, o.Seed = true, seed
		mid := o.NLL(p, xr, cr)
		if math.Abs(loss-mid) > 1e-4*(1+math.Abs(mid)) {
			t.Errorf("loss %v, want %v", loss, mid)
		}
		cut := slices.Repeat([]float32{1}, len(p))
		for _, tr := range f.Transforms() {
			tr.Cut(cut)
		}
		for i := range p {
			if cut[i] == 0 && (grad[i] != 0 || p[i] != 0) {
				t.Fatalf("%s is masked, but has the gradient %v", nameOf(f, i), grad[i])
			}
		}
		for _, i := range someOfEach(f, 150) {
			if cut[i] == 0 {
				continue
			}
			want, kink := derivative(mid, func(h float64) float64 {
				kept := p[i]
				defer func() { p[i] = kept }()
				p[i] += h
				return o.NLL(p, xr, cr)
			})
			if !kink && math.Abs(float64(grad[i])-want) > 1e-3*(1+math.Abs(want)) {
				t.Fatalf("%s: gradient %v, want %v", nameOf(f, i), grad[i], want)
			}
		}
	})
}

// someOfEach picks about n parameters: at least two of each view, else evenly.
func someOfEach(f *flow.Flow, n int) (some []int) {
	for _, v := range f.Views() {
		size := v.Rows * v.Cols
		k := min(size, max(2, (n*size+len(f.Params())-1)/len(f.Params())))
		for i := range k {
			some = append(some, v.Offset+(2*i+1)*size/(2*k))
		}
	}
	return some
}

// derivative is a central difference; where the one-sided ones differ, the loss has a kink nearby (a ReLU or a knot).
func derivative(mid float64, loss func(h float64) float64) (d float64, kink bool) {
	const h = 1e-5
	up, down := loss(h), loss(-h)
	return (up - down) / (2 * h), math.Abs(up-2*mid+down)/h > 1e-3*(1+math.Abs(up-down)/h)
}

// Without batch norm and dropout, training and evaluation see the same loss, bit for bit.
func TestLossIsGradients(t *testing.T) {
	run(t, func(t *testing.T, c Case) {
		if c.Spec.BatchNorm || c.Spec.NetBatchNorm || c.Spec.Dropout > 0 {
			t.Skip("training differs from evaluation")
		}
		f := c.New(t)
		x, ctx := c.Events(200, 5)
		l, err := flow.NewLikelihood(f, x, ctx, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		rows := all(200)
		if train, loss := l.Gradient(rows, make([]float32, len(f.Params()))), l.Loss(rows); train != loss {
			t.Errorf("Gradient says %v, Loss %v", train, loss)
		}
	})
}

// The frozen statistics of all events give these events the loss that they have as one batch, and depend on no
// number of threads.
func TestFreeze(t *testing.T) {
	run(t, func(t *testing.T, c Case) {
		if !c.Spec.BatchNorm && !c.Spec.NetBatchNorm {
			t.Skip("no batch norm")
		}
		c.Spec.Dropout = 0
		f := c.New(t)
		x, ctx := c.Events(1500, 5)
		rows := all(1500)
		var first []float32
		for _, threads := range []int{1, 2, 5} {
			f.Threads = threads
			l, err := flow.NewLikelihood(f, x, ctx, nil)
			if err != nil {
				t.Fatal(err)
			}
			batch := l.Gradient(rows, make([]float32, len(f.Params())))
			l.Freeze(rows)
			// float32 statistics in place of float64 ones
			if got := l.Loss(rows); math.Abs(got-batch) > 1e-4*(1+math.Abs(batch)) {
				t.Errorf("loss %v with frozen statistics, %v as a batch", got, batch)
			}
			l.Close()
			if threads == 1 {
				first = slices.Clone(f.Params())
			} else if !slices.Equal(first, f.Params()) {
				t.Fatalf("%d threads change the statistics", threads)
			}
		}
	})
}

func nameOf(f *flow.Flow, i int) string {
	for _, v := range f.Views() {
		if i >= v.Offset && i < v.Offset+v.Rows*v.Cols {
			return fmt.Sprintf("%s[%d,%d]", v.Name, (i-v.Offset)/v.Cols, (i-v.Offset)%v.Cols)
		}
	}
	return "?"
}

// The statistics of networks, put together from several batches, are close to those of one batch of all events.
func TestFreezeOfManyEvents(t *testing.T) {
	run(t, func(t *testing.T, c Case) {
		if !c.Spec.NetBatchNorm {
			t.Skip("no batch norm within a network")
		}
		c.Spec.Dropout = 0
		const n = 4500
		f := c.New(t)
		x, ctx := c.Events(n, 5)
		l, err := flow.NewLikelihood(f, x, ctx, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		batch := l.Gradient(all(n), make([]float32, len(f.Params())))
		before := l.Loss(all(n)) // with the statistics of 500 other events
		l.Freeze(all(n))
		after := l.Loss(all(n))
		// three batches of 1,500: their means scatter by 1/40 of a width, which counts quadratically
		if math.Abs(after-batch) > 3e-3*(1+math.Abs(batch)) || after == before {
			t.Errorf("loss %v with frozen statistics (before, %v), %v as a batch", after, before, batch)
		}
	})
}
