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
	{"SameBits", sameBits},
	{"Shards", shards},
	{"SamplesAreFinite", samplesAreFinite},
	{"Gradient", gradient},
	{"Freeze", freeze},
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

// most is the largest value that an option has in the flow, with 1 for true; 0 where no part has it.
func most(v any, name string) (x float64) {
	switch v := v.(type) {
	case *flow.Flow:
		for _, l := range v.Layers() {
			x = max(x, most(l.Part.Options, name))
		}
	case flow.Part:
		return most(v.Options, name)
	case map[string]any:
		for key, value := range v {
			x = max(x, most(value, name))
			switch value := value.(type) {
			case float64:
				if key == name {
					x = max(x, value)
				}
			case bool:
				if key == name && value {
					x = max(x, 1)
				}
			}
		}
	}
	return x
}

func statistics(f *flow.Flow) bool {
	return slices.ContainsFunc(f.Views(), func(v nn.View) bool { return v.Role == nn.Statistic })
}

// derived says that a parameter follows from others, and is constant to the gradient.
func derived(f *flow.Flow, i int) bool {
	return slices.ContainsFunc(f.Views(), func(v nn.View) bool {
		return v.Role == nn.Derived && i >= v.Offset && i < v.Offset+v.Rows*v.Cols
	})
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
	o := NewOracle(f, c.Formulas)
	xr, cr := rowsOf(x, 100), rowsOf(ctx, 100)
	want, ld := o.ToLatent(xr, cr)
	for e := range want {
		for i, w := range want[e] {
			// a few hundred roundings of 6e-8 through networks with slopes of order 10
			if got := float64(z[i][e]); absent(got) != absent(w) || c.distance(got, w) > 2e-4*(1+math.Abs(w)) {
				t.Fatalf("event %d, z[%d] = %v, want %v", e, i, got, w)
			}
		}
		if math.Abs(float64(logDet[e])-ld[e]) > 2e-3*(1+math.Abs(ld[e])) {
			t.Fatalf("event %d, log-det %v, want %v", e, logDet[e], ld[e])
		}
	}
	for e := 0; e < len(xr); e += 10 {
		// step 1e-6: differences good to 1e-9, log-det to 1e-6 unless x lies at a kink of the map
		j := jacobian(o, xr[e], cr[e])
		if j == nil {
			continue
		}
		if num, _ := mat.LogDet(j); math.Abs(num-ld[e]) > 1e-4 {
			t.Fatalf("event %d, numerical log-det %v, formula %v", e, num, ld[e])
		}
	}
}

// jacobian is that of the map to latent at x, of the cells present, by central differences; nil where there are none.
func jacobian(o *Oracle, x, c []float64) *mat.Dense {
	const h = 1e-6
	var present []int
	for i, v := range x {
		if !absent(v) {
			present = append(present, i)
		}
	}
	if len(present) == 0 {
		return nil
	}
	j := mat.NewDense(len(present), len(present), nil)
	for col, k := range present {
		up, down := slices.Clone(x), slices.Clone(x)
		up[k] += h
		down[k] -= h
		z, _ := o.ToLatent([][]float64{up, down}, [][]float64{c, c})
		for r, i := range present {
			j.Set(r, col, (z[0][i]-z[1][i])/(2*h))
		}
	}
	return j
}

// amplified is how much larger an error of z can become on the way back to x: a norm of the inverse Jacobian.
func amplified(o *Oracle, x, c []float64) float64 {
	var inverse mat.Dense
	if err := inverse.Inverse(jacobian(o, x, c)); err != nil {
		return math.Inf(1)
	}
	return mat.Norm(&inverse, math.Inf(1))
}

// Data -> latent -> data and back, in the bulk, at the edges of the splines and far outside.
func roundTrip(t *testing.T, c Case) {
	f := c.invertible(t)
	x, ctx := c.Events(3000, 4)
	edge := float32(most(f, "bound"))
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
	oracle, rows, contexts := NewOracle(f, c.Formulas), rowsOf(x, 3000), rowsOf(ctx, 3000)
	for e := range x[0] {
		scale := 1.0 // an error in one feature is amplified by the conditioner of the next
		for i := range x {
			scale = max(scale, math.Abs(orNone(float64(x[i][e]))), math.Abs(orNone(float64(z[i][e]))))
		}
		for i := range x {
			if absent(float64(x[i][e])) && absent(float64(z[i][e])) && absent(float64(back[i][e])) {
				continue
			}
			d := c.distance(float64(back[i][e]), float64(x[i][e]))
			if d <= 1e-4*scale {
				continue
			}
			// a latent computed in float32 is good to a few 1e-7, which a steep way back multiplies
			if worse := amplified(oracle, rows[e], contexts[e]); !(d <= 5e-7*worse*scale) {
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
	if testing.Short() && slices.ContainsFunc(c.Spec.Layers, func(l flow.Part) bool { return l.Kind == "continuous" }) {
		t.Skip("half a million equations are solved")
	}
	features := []int{0, 1}[:c.Features]
	integral(t, c, features...)
	if c.Absent {
		integral(t, c)
		for _, f := range features[1:] {
			integral(t, c, 0)
			integral(t, c, f)
		}
	}
}

// integral is that over the features present.
func integral(t *testing.T, c Case, present ...int) {
	const lim = 25
	n := []int{1, 6000, 700}[len(present)] // points along each axis
	step, total := 2*lim/float64(n), 1
	for range present {
		total *= n
	}
	x := make([][]float32, c.Features)
	for f := range x {
		k := slices.Index(present, f)
		for e := range total {
			if k < 0 {
				x[f] = append(x[f], float32(math.NaN()))
				continue
			}
			i := []int{e % n, e / n}[k]
			x[f] = append(x[f], float32(-lim+step*(float64(i)+0.5)))
		}
	}
	var ctx [][]float32
	for range c.Context {
		ctx = append(ctx, slices.Repeat([]float32{0.4}, total))
	}
	logProb, err := c.New(t).LogProb(x, ctx)
	if err != nil {
		t.Fatal(err)
	}
	var sum float64
	for _, lp := range logProb {
		sum += math.Exp(lp)
	}
	// the midpoint rule at a step of 0.07 across the kinks of ReLU networks
	if sum *= math.Pow(step, float64(len(present))); !(math.Abs(sum-1) <= 5e-3) {
		t.Errorf("the density of features %v integrates to %v", present, sum)
	}
}

// Description and parameters are the flow: another one of them gives the same densities, samples and gradients, bit for bit,
// on any number of threads.
func sameBits(t *testing.T, c Case) {
	f := c.New(t)
	x, ctx := c.Events(700, 6)
	rows := rng.New(1, rng.StreamTest, 9).Perm(700)[:650]
	var first string
	for _, threads := range []int{1, 2, 3, 8} {
		g := c.start(t)
		g.Threads = threads
		copy(g.Params(), f.Params())
		logProb, err := g.LogProb(x, ctx)
		if err != nil {
			t.Fatal(err)
		}
		var sample [][]float32
		if g.OneWay() == "" {
			if sample, err = c.sample(g, 700, ctx, 0); err != nil {
				t.Fatal(err)
			}
		}
		grad := make([]float32, len(g.Params()))
		likelihood(t, g, x, ctx).Gradient(rows, grad)
		all := fmt.Sprint(logProb, sample, grad)
		if first == "" {
			first = all
		}
		if all != first {
			t.Fatalf("%d threads change the result", threads)
		}
	}
}

// Event i of a sample does not depend on how the sample is cut into parts.
func shards(t *testing.T, c Case) {
	f := c.invertible(t)
	_, ctx := c.Events(300, 6)
	whole, err := c.sample(f, 300, ctx, 0)
	if err != nil {
		t.Fatal(err)
	}
	var tail [][]float32
	for _, col := range ctx {
		tail = append(tail, col[111:])
	}
	part, err := c.sample(f, 189, tail, 111)
	if err != nil {
		t.Fatal(err)
	}
	for i := range whole {
		if fmt.Sprint(whole[i][111:]) != fmt.Sprint(part[i]) {
			t.Fatalf("feature %d of events 111 to 300 depends on the cut", i)
		}
	}
}

// sample draws the events of a seed from number first on, with the cells absent that are in Events.
func (c Case) sample(f *flow.Flow, n int, context [][]float32, first int) ([][]float32, error) {
	if !c.Absent {
		return f.Sample(n, context, 5, uint64(first))
	}
	x, _ := c.Events(first+n, 6)
	for i := range x {
		x[i] = x[i][first:]
	}
	asked := rowsOf(x, n)
	err := f.Fill(x, context, 5, uint64(first))
	for e, got := range rowsOf(x, n) {
		for i, v := range got {
			if absent(v) != absent(asked[e][i]) {
				return x, fmt.Errorf("event %d, feature %d: %v in place of %v", e, i, v, asked[e][i])
			}
		}
	}
	return x, err
}

// A million samples without a NaN or Inf.
func samplesAreFinite(t *testing.T, c Case) {
	n := 1_000_000
	if testing.Short() {
		n = 50_000
	}
	if c.Absent {
		t.Skip("as without absent cells")
	}
	f := c.invertible(t)
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

// The hand-written gradient against central differences of the float64 oracle, for about 150 parameters, some of every
// matrix and vector. Batch norms take the statistics of the batch, so that nothing depends on frozen ones, and dropout the
// masks of the first step; without both, training and evaluation see the same loss, bit for bit.
func gradient(t *testing.T, c Case) {
	const n = 70 // more than a tile, and not a whole one
	f := c.New(t)
	x, ctx := c.Events(n, 5)
	l := likelihood(t, f, x, ctx)
	grad := make([]float32, len(f.Params()))
	train := l.Gradient(all(n), grad)
	loss := l.Loss(all(n))
	if train != loss && most(f, "dropout") == 0 && !statistics(f) {
		t.Errorf("Gradient says %v, Loss %v", train, loss)
	}
	o := NewOracle(f, c.Formulas)
	xr, cr := rowsOf(x, n), rowsOf(ctx, n)
	if want := o.NLL(xr, cr); math.Abs(loss-want) > 1e-4*(1+math.Abs(want)) {
		t.Errorf("loss in evaluation %v, want %v", loss, want)
	}
	o.Training, o.Seed = true, seed
	mid := o.NLL(xr, cr)
	if math.Abs(train-mid) > 1e-4*(1+math.Abs(mid)) {
		t.Errorf("loss %v, want %v", train, mid)
	}
	cut := slices.Repeat([]float32{1}, len(grad))
	f.Cut(cut)
	for i := range cut {
		if cut[i] == 0 && (grad[i] != 0 || o.P[i] != 0) {
			t.Fatalf("%s is masked, but has the gradient %v", nameOf(f, i), grad[i])
		}
	}
	for _, i := range someOfEach(f, 150) {
		if cut[i] == 0 || derived(f, i) && grad[i] == 0 {
			continue
		}
		want, kink := derivative(mid, func(h float64) float64 {
			kept := o.P[i]
			defer func() { o.P[i] = kept }()
			o.P[i] += h
			return o.NLL(xr, cr)
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

// The frozen statistics of all events give these events the loss that they have as one batch, and depend on no
// number of threads.
func freeze(t *testing.T, c Case) {
	c.Spec.Dropout = 0
	f := c.New(t)
	if most(f, "dropout") > 0 || !statistics(f) {
		t.Skip("no batch norm, or masks of units")
	}
	for _, of := range []struct {
		events    int
		tolerance float64
	}{
		{1500, 1e-4}, // float32 statistics in place of float64 ones
		{4500, 3e-3}, // a network's of three batches: their means scatter by 1/40 of a width, which counts quadratically
	} {
		x, ctx := c.Events(of.events, 5)
		rows := all(of.events)
		var first []float32
		for _, threads := range []int{1, 2, 5} {
			f.Threads = threads
			l := likelihood(t, f, x, ctx)
			batch := l.Gradient(rows, make([]float32, len(f.Params())))
			before := l.Loss(rows) // with the statistics of other events, the first time
			l.Freeze(rows)
			after := l.Loss(rows)
			if math.Abs(after-batch) > of.tolerance*(1+math.Abs(batch)) || first == nil && after == before {
				t.Errorf("%d events: loss %v with frozen statistics (before, %v), %v as a batch", of.events, after, before, batch)
			}
			if first == nil {
				first = slices.Clone(f.Params())
			} else if !slices.Equal(first, f.Params()) {
				t.Fatalf("%d threads change the statistics", threads)
			}
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
