package mix

import (
	"math"
	"reflect"
	"slices"
	"testing"

	"github.com/sluice-hep/sluice/flow"
	"github.com/sluice-hep/sluice/internal/rng"
)

// gated is a mixture off the start, of components unlike each other.
func gated(t *testing.T, context, k int, spec flow.Spec) *Gated {
	t.Helper()
	var of []*flow.Flow
	for i := range k {
		of = append(of, pushed(t, 2, context, spec, uint64(i+1)))
	}
	gate := Gate{}
	if context > 0 {
		gate.Hidden = []int{8}
	}
	g, err := NewGated(of, gate, 7)
	if err != nil {
		t.Fatal(err)
	}
	push := make([]float32, len(g.Params()))
	rng.Normal(push, 8, rng.StreamTest, 1, 0)
	for i := range push {
		g.Params()[i] += 0.5 * push[i]
	}
	return g
}

// The density is the sum of those of the components by the gate, which is a probability, and integrates to 1 for every context.
func TestGatedIsNormalised(t *testing.T) {
	for _, context := range []int{0, 1} {
		g := gated(t, context, 3, small("maf"))
		for _, given := range []float32{-1.5, 0.3} {
			if mass := integral(t, g, given); math.Abs(mass-1) > 2e-3 { // the midpoint rule over +-12
				t.Errorf("%d context columns: at %v it integrates to %v", context, given, mass)
			}
		}
	}
}

// Gradients are those of differences, of every parameter of components and gate, with weights.
func TestGatedGradient(t *testing.T) {
	for _, context := range []int{0, 1} {
		g := gated(t, context, 3, flow.Spec{Type: "maf", Transforms: 1, Hidden: []int{4}, Activation: "tanh"})
		const n = 150
		x, c := normals(2, n, 1), normals(context, n, 2)
		weight := make([]float32, n)
		for i := range weight {
			weight[i] = 0.5 + float32(i%4)/3
		}
		l, err := NewGatedLikelihood(g, x, c, weight)
		if err != nil {
			t.Fatal(err)
		}
		rows := upTo(n)
		grad := make([]float32, g.Size())
		loss := l.Gradient(rows, grad)
		if again := l.Loss(rows); math.Abs(again-loss) > 1e-6 {
			t.Errorf("the loss is %v, with a gradient %v", again, loss)
		}
		far := 0
		for i := range grad {
			const h = 1e-2
			p := &l.Params()[i]
			was := *p
			*p = was + h
			up := l.Loss(rows)
			*p = was - h
			down := l.Loss(rows)
			*p = was
			if want := (up - down) / (2 * h); math.Abs(want-float64(grad[i])) > 1e-3+0.01*math.Abs(want) && grad[i] != 0 { // h^2, and float32
				far++
				t.Errorf("parameter %d of %d: %v, by differences %v", i, len(grad), grad[i], want)
			}
			if far > 5 {
				break
			}
		}
		l.Close()
	}
}

func upTo(n int) []int32 {
	rows := make([]int32, n)
	for i := range rows {
		rows[i] = int32(i)
	}
	return rows
}

// Gradient and loss are the same bits for any number of threads, with dropout; a step allocates nothing.
func TestGatedThreads(t *testing.T) {
	spec := flow.Spec{Type: "nsf-ar", Transforms: 2, Hidden: []int{16}, Dropout: 0.25}
	const n = 1000
	x, c := normals(2, n, 1), normals(1, n, 2)
	rows := upTo(n)
	var want []float32
	var loss float64
	for _, threads := range []int{1, 3} {
		g := gated(t, 1, 3, spec)
		g.UseThreads(threads)
		l, err := NewGatedLikelihood(g, x, c, nil)
		if err != nil {
			t.Fatal(err)
		}
		grad := make([]float32, g.Size())
		got := l.Gradient(rows, grad)
		if want == nil {
			want, loss = slices.Clone(grad), got
		} else if got != loss || !reflect.DeepEqual(grad, want) {
			t.Errorf("%d threads: another gradient", threads)
		}
		if a := testing.AllocsPerRun(5, func() { l.Gradient(rows, grad) }); a > 0 {
			t.Errorf("%d threads: a step allocates %v times", threads, a)
		}
		each := make([]float64, n)
		l.Losses(rows, each)
		logProb := must[[]float64](t)(g.LogProb(x, c))
		for i := range each {
			if math.Abs(each[i]+logProb[i]) > 1e-9 {
				t.Fatalf("event %d: NLL %v, log-density %v", i, each[i], logProb[i])
			}
		}
		l.Close()
	}
}

// Every event comes from a component, as often as the gate says, and is that component's event of the same number.
func TestGatedSample(t *testing.T) {
	g := gated(t, 1, 3, small("maf"))
	const n = 30000
	c := normals(1, n, 2)
	w, v, share := g.newGating(), make([]float64, 3), make([]float64, 3)
	each(n, func(_ int, rows []int32) {
		g.weigh(&w, c, rows)
		for e := range rows {
			logGate(w.logits, e, v)
			for k := range v {
				share[k] += math.Exp(v[k]) / n
			}
		}
	})
	if share[0]+share[1]+share[2] < 1-1e-6 || share[0] == share[1] {
		t.Fatalf("shares %v", share)
	}
	testChosen(t, g, g.Components, func(k int) float64 { return share[k] })
}

// What makes no mixture is refused.
func TestGatedRefuses(t *testing.T) {
	two := func(context int, spec flow.Spec) []*flow.Flow {
		return []*flow.Flow{pushed(t, 2, context, spec, 1), pushed(t, 2, context, spec, 2)}
	}
	if _, err := NewGated(two(0, small("maf"))[:1], Gate{}, 1); err == nil {
		t.Error("one component")
	}
	if _, err := NewGated(two(0, small("maf")), Gate{Hidden: []int{8}}, 1); err == nil {
		t.Error("a gate without a context")
	}
	if _, err := NewGated(two(1, small("maf")), Gate{Activation: "step"}, 1); err == nil {
		t.Error("an activation that there is not")
	}
	g, err := NewGated(two(0, flow.Spec{Type: "maf", Net: "residual"}), Gate{}, 1)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := NewGatedLikelihood(g, normals(2, 100, 1), nil, nil); err == nil {
		t.Error("a network that takes the batch")
	}
}
