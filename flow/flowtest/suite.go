package flowtest

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"gonum.org/v1/gonum/mat"

	"github.com/sluice-hep/sluice/flow"
	"github.com/sluice-hep/sluice/internal/rng"
	"github.com/sluice-hep/sluice/nn"
)

// properties is what every flow has to meet.
var properties = []struct {
	name  string
	holds func(t *testing.T, c Case)
}{
	{"ToLatentAgainstOracle", toLatentAgainstOracle},
	{"RoundTrip", roundTrip},
	{"Normalisation", normalisation},
	{"Threads", threads},
	{"Shards", shards},
	{"SamplesAreFinite", samplesAreFinite},
	{"ParametersAreEverything", parametersAreEverything},
	{"Gradient", gradient},
	{"LossIsGradients", lossIsGradients},
	{"Freeze", freeze},
	{"FreezeOfManyEvents", freezeOfManyEvents},
}

// Run checks that every case has every property.
func Run(t *testing.T, cases []Case) {
	for _, p := range properties {
		t.Run(p.name, func(t *testing.T) {
			for _, c := range cases {
				t.Run(c.Name, func(t *testing.T) {
					t.Parallel()
					p.holds(t, c)
				})
			}
		})
	}
}

// option calls fn for every option of that name that a part of a flow has.
func option(v any, name string, fn func(v any)) {
	switch v := v.(type) {
	case flow.Part:
		option(v.Options, name, fn)
	case map[string]any:
		for key, value := range v {
			if key == name {
				fn(value)
			}
			option(value, name, fn)
		}
	}
}

// has says whether a layer has an option that is neither 0 nor false.
func has(f *flow.Flow, name string) (found bool) {
	for _, l := range f.Layers() {
		option(l.Part, name, func(v any) { found = found || v != 0. && v != false })
	}
	return found
}

func statistics(f *flow.Flow) bool {
	return slices.ContainsFunc(f.Views(), func(v nn.View) bool { return v.Role == nn.Statistic })
}

// bound is the edge of the splines; 0 without.
func bound(f *flow.Flow) (edge float64) {
	for _, l := range f.Layers() {
		option(l.Part, "bound", func(v any) { edge = max(edge, v.(float64)) })
	}
	return edge
}

// The float32 pass agrees with the float64 reading of the formulas: z, log-det and its sign (against a numerical
// Jacobian of the oracle).
func toLatentAgainstOracle(t *testing.T, c Case) {
	f := c.New(t)
	x, ctx := c.Events(100, 3)
	z, logDet, err := f.ToLatent(x, ctx)
	if err != nil {
		t.Fatal(err)
	}
	p, xr, cr := float64s(f.Params()), rowsOf(x), rowsOf(ctx)
	o := NewOracle(f, c.Formulas)
	want, ld := o.ToLatent(p, xr, cr)
	for e := range want {
		for i, w := range want[e] {
			// a few hundred roundings of 6e-8 through networks with slopes of order 10
			if got := float64(z[i][e]); math.Abs(got-w) > 2e-4*(1+math.Abs(w)) {
				t.Fatalf("event %d, z[%d] = %v, want %v", e, i, got, w)
			}
		}
		if math.Abs(float64(logDet[e])-ld[e]) > 2e-3*(1+math.Abs(ld[e])) {
			t.Fatalf("event %d, log-det %v, want %v", e, logDet[e], ld[e])
		}
	}
	for e := 0; e < len(xr); e += 10 {
		var c []float64
		if cr != nil {
			c = cr[e]
		}
		// step 1e-6: differences good to 1e-9, log-det to 1e-6 unless x lies at a kink of the map
		if num := numericLogDet(o, p, xr[e], c); math.Abs(num-ld[e]) > 1e-4 {
			t.Fatalf("event %d, numerical log-det %v, formula %v", e, num, ld[e])
		}
	}
}

// jacobian is that of the map to latent at x, by central differences.
func jacobian(o *Oracle, p, x, c []float64) *mat.Dense {
	const h = 1e-6
	d := len(x)
	j := mat.NewDense(d, d, nil)
	for k := range x {
		up, down := slices.Clone(x), slices.Clone(x)
		up[k] += h
		down[k] -= h
		z, _ := o.ToLatent(p, [][]float64{up, down}, [][]float64{c, c})
		for i := range d {
			j.Set(i, k, (z[0][i]-z[1][i])/(2*h))
		}
	}
	return j
}

// numericLogDet is log|det| of the Jacobian.
func numericLogDet(o *Oracle, p, x, c []float64) float64 {
	logDet, _ := mat.LogDet(jacobian(o, p, x, c))
	return logDet
}

// amplified is how much larger an error of z can become on the way back to x: a norm of the inverse Jacobian.
func amplified(o *Oracle, p, x, c []float64) float64 {
	var inverse mat.Dense
	if err := inverse.Inverse(jacobian(o, p, x, c)); err != nil {
		return math.Inf(1)
	}
	return mat.Norm(&inverse, math.Inf(1))
}

// Data -> latent -> data and back, in the bulk, at the edges of the splines and far outside.
func roundTrip(t *testing.T, c Case) {
	f := c.New(t)
	x, ctx := c.Events(3000, 4)
	edge := float32(bound(f))
	for i := range x {
		x[i][0], x[i][1], x[i][2], x[i][3] = edge, -edge, 0, edge*0.999
		if !c.Contracts {
			x[i][4], x[i][5] = 1e6, -1e6
		}
	}
	z, up, err := f.ToLatent(x, ctx)
	if err != nil {
		t.Fatal(err)
	}
	back, down, err := f.ToData(z, ctx)
	if err != nil {
		t.Fatal(err)
	}
	oracle, p, rows, contexts := NewOracle(f, c.Formulas), float64s(f.Params()), rowsOf(x), rowsOf(ctx)
	if contexts == nil {
		contexts = make([][]float64, len(rows))
	}
	for e := range x[0] {
		scale := 1.0 // an error in one feature is amplified by the conditioner of the next
		for i := range x {
			scale = max(scale, math.Abs(float64(x[i][e])), math.Abs(float64(z[i][e])))
		}
		for i := range x {
			d := math.Abs(float64(back[i][e] - x[i][e]))
			if d <= 1e-4*scale {
				continue
			}
			// a latent computed in float32 is good to a few 1e-7, which a steep way back multiplies
			if worse := amplified(oracle, p, rows[e], contexts[e]); !(d <= 5e-7*worse*scale) {
				t.Fatalf("event %d, feature %d: %v came back as %v (z = %v, log-det %v)", e, i, x[i][e], back[i][e], z[i][e], up[e])
			}
		}
		if scale < 100 {
			if d := math.Abs(float64(up[e] + down[e])); !(d <= 5e-3*(1+math.Abs(float64(up[e])))) {
				t.Fatalf("event %d: log-det %v up, %v down", e, up[e], down[e])
			}
		}
	}
}

// The density integrates to 1 over the plane (over the line for one feature).
func normalisation(t *testing.T, c Case) {
	if c.Features > 2 {
		t.Skip("the integral is taken in one and two dimensions")
	}
	f := c.New(t)
	const lim = 25
	n := 6000
	if c.Features == 2 {
		n = 700
	}
	step := 2 * lim / float64(n)
	total := n
	if c.Features == 2 {
		total = n * n
	}
	x := make([][]float32, c.Features)
	for k := range x {
		x[k] = make([]float32, total)
		for e := range x[k] {
			i := e % n
			if k == 1 {
				i = e / n
			}
			x[k][e] = float32(-lim + step*(float64(i)+0.5))
		}
	}
	var ctx [][]float32
	for range c.Context {
		ctx = append(ctx, slices.Repeat([]float32{0.4}, total))
	}
	logProb, err := f.LogProb(x, ctx)
	if err != nil {
		t.Fatal(err)
	}
	var sum float64
	for _, lp := range logProb {
		sum += math.Exp(lp)
	}
	// the midpoint rule at a step of 0.07 across the kinks of ReLU networks
	if sum *= math.Pow(step, float64(c.Features)); math.Abs(sum-1) > 5e-3 {
		t.Errorf("the density integrates to %v", sum)
	}
}

// One thread gives the same bits as several: densities, samples, gradients.
func threads(t *testing.T, c Case) {
	f := c.New(t)
	x, ctx := c.Events(700, 6)
	rows := rng.New(1, rng.StreamTest, 9).Perm(700)[:650]
	type result struct {
		logProb []float64
		sample  [][]float32
		grad    []float32
	}
	var first result
	for _, threads := range []int{1, 2, 3, 8} {
		f.Threads = threads
		var r result
		var err error
		if r.logProb, err = f.LogProb(x, ctx); err != nil {
			t.Fatal(err)
		}
		if r.sample, err = f.Sample(700, ctx, 5, 0); err != nil {
			t.Fatal(err)
		}
		l, err := flow.NewLikelihood(f, x, ctx, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.grad = make([]float32, len(f.Params()))
		l.Gradient(rows, r.grad)
		l.Close()
		if threads == 1 {
			first = r
			continue
		}
		if !slices.Equal(r.logProb, first.logProb) || !slices.Equal(r.grad, first.grad) {
			t.Fatalf("%d threads change the result", threads)
		}
		for i := range r.sample {
			if !slices.Equal(r.sample[i], first.sample[i]) {
				t.Fatalf("%d threads change the sample", threads)
			}
		}
	}
}

// Event i of a sample does not depend on how the sample is cut into parts.
func shards(t *testing.T, c Case) {
	f := c.New(t)
	_, ctx := c.Events(300, 6)
	whole, err := f.Sample(300, ctx, 5, 0)
	if err != nil {
		t.Fatal(err)
	}
	var tail [][]float32
	for _, col := range ctx {
		tail = append(tail, col[111:])
	}
	part, err := f.Sample(189, tail, 5, 111)
	if err != nil {
		t.Fatal(err)
	}
	for i := range whole {
		if !slices.Equal(whole[i][111:], part[i]) {
			t.Fatalf("feature %d of events 111 to 300 depends on the cut", i)
		}
	}
}

// A million samples without a NaN or Inf.
func samplesAreFinite(t *testing.T, c Case) {
	n := 1_000_000
	if testing.Short() {
		n = 50_000
	}
	f := c.New(t)
	f.Threads = 1
	const chunk = 50_000
	_, ctx := c.Events(chunk, 8)
	for first := 0; first < n; first += chunk {
		x, err := f.Sample(chunk, ctx, 8, uint64(first))
		if err != nil {
			t.Fatal(err)
		}
		for i := range x {
			for e, v := range x[i] {
				if v-v != 0 {
					t.Fatalf("event %d, feature %d is %v", first+e, i, v)
				}
			}
		}
	}
}

// A flow with the parameters of another of the same description is the same flow.
func parametersAreEverything(t *testing.T, c Case) {
	f := c.New(t)
	g, err := flow.New(c.Features, c.Context, c.Spec, seed, c.Kinds...)
	if err != nil {
		t.Fatal(err)
	}
	copy(g.Params(), f.Params())
	x, ctx := c.Events(100, 9)
	a, err := f.LogProb(x, ctx)
	if err != nil {
		t.Fatal(err)
	}
	b, err := g.LogProb(x, ctx)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(a, b) {
		t.Error("densities differ")
	}
}

// The hand-written gradient against central differences of the float64 oracle, for about 150 parameters, some of every
// matrix and vector. Batch norms take the statistics of the batch, so that nothing depends on frozen ones, and dropout the
// masks of the first step.
func gradient(t *testing.T, c Case) {
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
	o := NewOracle(f, c.Formulas)
	if got, want := l.Loss(rows), o.NLL(p, xr, cr); math.Abs(got-want) > 1e-4*(1+math.Abs(want)) {
		t.Errorf("loss in evaluation %v, want %v", got, want)
	}
	o.Training, o.Seed = true, seed
	mid := o.NLL(p, xr, cr)
	if math.Abs(loss-mid) > 1e-4*(1+math.Abs(mid)) {
		t.Errorf("loss %v, want %v", loss, mid)
	}
	cut := slices.Repeat([]float32{1}, len(p))
	f.Cut(cut)
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
func lossIsGradients(t *testing.T, c Case) {
	f := c.New(t)
	if has(f, "dropout") || statistics(f) {
		t.Skip("training differs from evaluation")
	}
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
}

// The frozen statistics of all events give these events the loss that they have as one batch, and depend on no
// number of threads.
func freeze(t *testing.T, c Case) {
	c.Spec.Dropout = 0
	f := c.New(t)
	if has(f, "dropout") || !statistics(f) {
		t.Skip("no batch norm, or masks of units")
	}
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
func freezeOfManyEvents(t *testing.T, c Case) {
	const n = 4500
	c.Spec.Dropout = 0
	f := c.New(t)
	if has(f, "dropout") || !has(f, "batch_norm") {
		t.Skip("no batch norm within a network, or masks of units")
	}
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
}
