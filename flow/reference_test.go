package flow

import (
	"encoding/json"
	"slices"
	"sort"
	"strconv"
	"strings"
	"testing"

	"github.com/sluice-hep/sluice/internal/kernel"
	"github.com/sluice-hep/sluice/internal/reference"
	"github.com/sluice-hep/sluice/nn"
)

type matrix = [][]float64

// referenceCase is the union of what the files of conditioned layers hold.
type referenceCase struct {
	Features      int
	Context       matrix
	Activation    string
	Hidden        []int
	Degrees       []int   `json:"degrees_input"`
	HiddenDegrees [][]int `json:"degrees_hidden"`
	Layout        string  `json:"output_layout"`
	ContextIn     string  `json:"context_in"`
	Tanh          bool    `json:"tanh_log_scale"`
	Bins          int     `json:"num_bins"`
	Bound         float64 `json:"tail_bound"`
	Moved         []int32 `json:"transformed_features"`
	Kept          []int32 `json:"identity_features"`
	Divisor       float64 `json:"width_height_divisor"`
	Weights       map[string]json.RawMessage
	X             matrix
	U             matrix `json:"u_for_inverse"`
	Masks         json.RawMessage
	Layers        []map[string]json.RawMessage
	Z             matrix
	LogDet        []float64
	MeanNLL       float64                      `json:"mean_nll"`
	XInverse      matrix                       `json:"x_inverse"`
	LogDetInverse []float64                    `json:"logdet_inverse"`
	GradWeights   map[string]json.RawMessage   `json:"grad_weights"`
	GradLayers    []map[string]json.RawMessage `json:"grad_layers"`
	GradX         matrix                       `json:"grad_x"`
}

func decode[T any](t *testing.T, raw json.RawMessage) (v T) {
	t.Helper()
	if err := json.Unmarshal(raw, &v); err != nil {
		t.Fatalf("%v in %.60s", err, raw)
	}
	return v
}

// columnsOf turns rows into float32 columns.
func columnsOf(rows matrix) [][]float32 {
	if len(rows) == 0 {
		return nil
	}
	out := columns(len(rows[0]), len(rows))
	for e, r := range rows {
		for c, v := range r {
			out[c][e] = float32(v)
		}
	}
	return out
}

// placement says where the weights of a reference network lie in the flat vector of ours: the
// units of hidden layers are sorted by degree, the inputs by order, the context in front.
type placement struct {
	views  []nn.View
	inputs []int   // our input i is the reference's inputs[i]
	units  [][]int // our unit i of layer l is the reference's units[l][i]
	output []int   // our output row i is the reference's output[i]
}

// each calls fn for every weight: its place, and its value in the reference's matrices W0, b0, C0, W1, ...
func (p placement) each(t *testing.T, w map[string]json.RawMessage, fn func(name string, at int, v float64)) {
	t.Helper()
	in := p.inputs
	for l := range len(p.units) + 1 {
		out := p.output
		if l < len(p.units) {
			out = p.units[l]
		}
		n := strconv.Itoa(l)
		weight, bias := decode[matrix](t, w["W"+n]), decode[[]float64](t, w["b"+n])
		var context matrix
		if raw, ok := w["C"+n]; ok {
			context = decode[matrix](t, raw)
		}
		vw, vb := p.views[2*l], p.views[2*l+1]
		for o, ro := range out {
			fn("b"+n, vb.Offset+o, bias[ro])
			at := vw.Offset + o*vw.Cols
			if context != nil {
				for _, v := range context[ro] {
					fn("C"+n, at, v)
					at++
				}
			}
			for _, ri := range in {
				fn("W"+n, at, weight[ro][ri])
				at++
			}
		}
		in = out
	}
}

func ascending(n int) []int {
	s := make([]int, n)
	for i := range s {
		s[i] = i
	}
	return s
}

// byDegree is the stable order of units by degree.
func byDegree(degrees []int) []int {
	s := ascending(len(degrees))
	sort.SliceStable(s, func(a, b int) bool { return degrees[s[a]] < degrees[s[b]] })
	return s
}

// checkFlow compares a flow of known parameters with the outputs of a case: z, log-det, inverse, NLL and gradients.
func checkFlow(t *testing.T, f *Flow, in, out referenceCase, grad func(g []float32, near func(name string, at int, want float64)), tol float64) {
	t.Helper()
	x, c := columnsOf(in.X), columnsOf(in.Context)
	z, logDet, err := f.ToLatent(x, c)
	if err != nil {
		t.Fatal(err)
	}
	back, down, err := f.ToData(columnsOf(in.U), c)
	if err != nil {
		t.Fatal(err)
	}
	for e := range in.X {
		for i := range z {
			reference.Near(t, "z", float64(z[i][e]), out.Z[e][i], tol)
		}
		reference.Near(t, "log-det", float64(logDet[e]), out.LogDet[e], 10*tol)
	}
	for e := range in.U {
		for i := range back {
			reference.Near(t, "x of inverse", float64(back[i][e]), out.XInverse[e][i], 10*tol)
		}
		reference.Near(t, "log-det of inverse", float64(down[e]), out.LogDetInverse[e], 5e-4)
	}
	l, err := NewLikelihood(f, x, c, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	rows := make([]int32, len(in.X))
	for i := range rows {
		rows[i] = int32(i)
	}
	g := make([]float32, len(f.params))
	reference.Near(t, "mean NLL", l.Gradient(rows, g), out.MeanNLL, 10*tol)
	grad(g, func(name string, at int, want float64) {
		reference.Near(t, "gradient of "+name, float64(g[at]), want, 20*tol)
	})
	for first := 0; first < len(rows); first += kernel.Tile {
		part := rows[first:min(first+kernel.Tile, len(rows))]
		share := float64(len(part)) / float64(len(rows))
		for i, col := range gradX(l, part) {
			for e, v := range col {
				reference.Near(t, "gradient of x", share*float64(v), out.GradX[first+e][i], 20*tol)
			}
		}
	}
}

// gradX is the gradient of the mean NLL with respect to the data, for at most a tile of events.
func gradX(l *Likelihood, rows []int32) [][]float32 {
	g := make([]float32, len(l.f.params))
	l.begin(rows)
	l.reserve(g)
	s := &l.spaces[0]
	l.load(s, 0)
	l.forward(s)
	l.seed(&s.tile, 0)
	for i := len(l.f.transforms) - 1; i >= 0; i-- {
		l.f.transforms[i].(Independent).Backward(&s.tile, l.f.params, g, s.mems[0][i], s.scratch)
	}
	out := make([][]float32, l.f.Features)
	for i := range out {
		out[i] = slices.Clone(row(s.tile.DX, i)[:len(rows)])
	}
	return out
}

func TestReferenceAffineMAF(t *testing.T) {
	for name, c := range reference.Cases[referenceCase, referenceCase](t, "affine_maf") {
		t.Run(name, func(t *testing.T) {
			in, scale := c.In, LogScale("none")
			if in.Tanh {
				scale = "tanh"
			}
			f, place := madeFlow(t, in, &Affine{scale}, func(i, j int) int {
				feature := byDegree(in.Degrees)[i]
				switch in.Layout {
				case "blocks":
					return j*in.Features + feature
				case "interleaved":
					return 2*feature + j
				}
				t.Fatalf("outputs laid out as %q", in.Layout)
				return 0
			})
			checkFlow(t, f, in, c.Out, place.gradients(t, c.Out.GradWeights), 5e-6)
		})
	}
}

func TestReferenceNSFAutoregressive(t *testing.T) {
	for name, c := range reference.Cases[referenceCase, referenceCase](t, "nsf_autoregressive") {
		t.Run(name, func(t *testing.T) {
			in := c.In
			tr := NewRationalQuadraticSpline(in.Bins, in.Bound, 1/in.Divisor)
			f, place := madeFlow(t, in, tr, func(i, j int) int { return byDegree(in.Degrees)[i]*tr.Params() + j })
			checkFlow(t, f, in, c.Out, place.gradients(t, c.Out.GradWeights), 1e-5)
		})
	}
}

// conditioner is what a case says of its network. Where it says nothing of the context, that goes into the first layer.
func (in *referenceCase) conditioner(features, outputs int) nn.Config {
	return nn.Config{
		Features: features, Context: in.contextColumns(), Hidden: in.Hidden, Outputs: outputs,
		Activation: in.Activation, ContextFirst: in.ContextIn != "all layers",
	}
}

func (in *referenceCase) contextColumns() int {
	if len(in.Context) == 0 {
		return 0
	}
	return len(in.Context[0])
}

// units are the hidden layers of a network whose units have no degrees.
func (in *referenceCase) units() (all [][]int) {
	for _, h := range in.Hidden {
		all = append(all, ascending(h))
	}
	return all
}

func (p placement) gradients(t *testing.T, w map[string]json.RawMessage) func([]float32, func(string, int, float64)) {
	return func(_ []float32, near func(string, int, float64)) { p.each(t, w, near) }
}

// madeFlow builds one autoregressive transform with the weights of a case. output(i, j) is the reference's row
// of parameter j of the i-th feature in order.
func madeFlow(t *testing.T, in referenceCase, tr Transformer, output func(i, j int) int) (*Flow, placement) {
	t.Helper()
	f := &Flow{Features: in.Features, Context: in.contextColumns(), Threads: 1}
	order := byDegree(in.Degrees)
	place := placement{inputs: order}
	var degrees [][]int
	for _, d := range in.HiddenDegrees {
		units := byDegree(d)
		place.units = append(place.units, units)
		sorted := slices.Clone(d)
		slices.Sort(sorted)
		degrees = append(degrees, sorted)
	}
	for i := range in.Features {
		for j := range tr.Params() {
			place.output = append(place.output, output(i, j))
		}
	}
	mlp, err := nn.NewMADE(&f.layout, "made", in.conditioner(in.Features, in.Features*tr.Params()), degrees)
	if err != nil {
		t.Fatal(err)
	}
	a := &Autoregressive{Transformer: tr, Conditioner: mlp}
	for _, o := range order {
		a.Order = append(a.Order, int32(o))
	}
	f.transforms = []Transform{a}
	place.views = f.layout.Views
	f.params, f.independent = make([]float32, f.layout.Size), f.layout.Size
	place.each(t, in.Weights, func(_ string, at int, v float64) { f.params[at] = float32(v) })
	return f, place
}

func TestReferenceNSFCoupling(t *testing.T) {
	for name, c := range reference.Cases[referenceCase, referenceCase](t, "nsf_coupling") {
		t.Run(name, func(t *testing.T) {
			in := c.In
			f := &Flow{Features: in.Features, Context: in.contextColumns(), Threads: 1}
			tr := NewRationalQuadraticSpline(in.Bins, in.Bound, 1/in.Divisor)
			outputRows := len(in.Moved) * tr.Params()
			mlp := nn.NewMLP(&f.layout, "net", in.conditioner(len(in.Kept), outputRows))
			f.transforms = []Transform{&Coupling{Kept: in.Kept, Moved: in.Moved, Transformer: tr, Conditioner: mlp}}
			place := placement{views: f.layout.Views, inputs: ascending(len(in.Kept)), units: in.units(), output: ascending(outputRows)}
			f.params, f.independent = make([]float32, f.layout.Size), f.layout.Size
			place.each(t, in.Weights, func(_ string, at int, v float64) { f.params[at] = float32(v) })
			checkFlow(t, f, in, c.Out, place.gradients(t, c.Out.GradWeights), 3e-5)
		})
	}
}

// twoNets is the conditioner of the reference's RealNVP: one network for the log-scale, one for the shift. Its memory is
// that of both, then the outputs [shift, log-scale] of each moved feature.
type twoNets struct {
	features     int
	shift, scale *nn.MLP
}

func (c *twoNets) outputs() int { return 2 * c.shift.Outputs() }
func (c *twoNets) Rows() int    { return c.shift.Rows() + c.scale.Rows() + c.outputs() }
func (c *twoNets) Scratch() int {
	return c.shift.Scratch() + c.scale.Scratch() + c.outputs()
}
func (c *twoNets) Input(act []float32) []float32 { return c.shift.Input(act) }
func (c *twoNets) Cut([]float32)                 {}

func (c *twoNets) Forward(p, act, context []float32, pass *nn.Pass) []float32 {
	second := rows(act, c.shift.Rows(), c.scale.Rows())
	copy(c.scale.Input(second), rows(c.shift.Input(act), 0, c.features))
	t, s := c.shift.Forward(p, act, context, pass), c.scale.Forward(p, second, context, pass)
	out := rows(act, c.Rows()-c.outputs(), c.outputs())
	for i := range c.shift.Outputs() {
		copy(row(out, 2*i), row(t, i))
		copy(row(out, 2*i+1), row(s, i))
	}
	return out
}

func (c *twoNets) Backward(p, g, act, d, scratch []float32, pass *nn.Pass) []float32 {
	k := c.shift.Outputs()
	dt, ds := rows(scratch, 0, k), rows(scratch, k, k)
	for i := range k {
		copy(row(dt, i), row(d, 2*i))
		copy(row(ds, i), row(d, 2*i+1))
	}
	scratch = scratch[2*k*kernel.Tile:]
	a := c.shift.Backward(p, g, act, dt, scratch, pass)
	b := c.scale.Backward(p, g, rows(act, c.shift.Rows(), c.scale.Rows()), ds, scratch[c.shift.Scratch()*kernel.Tile:], pass)
	if !pass.SkipDX {
		kernel.Add(a, b)
	}
	return a
}

// couplings builds the layers of a RealNVP, and knows where the weights of its networks are.
type couplings struct {
	*Flow
	in   referenceCase
	nets []couplingNet
}

type couplingNet struct {
	placement
	layer  int
	prefix string // of the reference's names of its weights
}

func (b *couplings) net(c *Coupling, prefix, activation string, inputs, output []int) *nn.MLP {
	first, cfg := len(b.layout.Views), b.in.conditioner(len(c.Kept), len(output))
	cfg.Activation = activation
	mlp := nn.NewMLP(&b.layout, prefix+"net", cfg)
	place := placement{views: b.layout.Views[first:], inputs: inputs, units: b.in.units(), output: output}
	b.nets = append(b.nets, couplingNet{place, len(b.transforms), prefix})
	return mlp
}

// addTwo adds the coupling of the reference whose mask is 1 for kept features: y = x exp(s) + t, of a network for each, which
// sees all features, the moved ones as zeros, and then the context.
func (b *couplings) addTwo(mask []float64) {
	c := &Coupling{Transformer: &ScaleShift{"none"}}
	var inputs, output []int
	for k := range b.Context {
		inputs = append(inputs, b.Features+k)
	}
	for i, m := range mask {
		if m > 0 {
			c.Kept, inputs = append(c.Kept, int32(i)), append(inputs, i)
		} else {
			c.Moved, output = append(c.Moved, int32(i)), append(output, i)
		}
	}
	nets := &twoNets{features: len(c.Kept)}
	nets.shift = b.net(c, "translate_", "relu", inputs, output)
	nets.scale = b.net(c, "scale_", "tanh", inputs, output)
	c.Conditioner = nets
	b.transforms = append(b.transforms, c)
}

// addOne adds the coupling of the reference whose mask is positive for moved features: y = x (sigmoid(raw+2) + 1e-3) + shift,
// of one network, which sees the kept features.
func (b *couplings) addOne(mask []float64) {
	c := &Coupling{Transformer: &ScaleShift{"sigmoid"}}
	for i, m := range mask {
		if m > 0 {
			c.Moved = append(c.Moved, int32(i))
		} else {
			c.Kept = append(c.Kept, int32(i))
		}
	}
	var output []int
	for i := range c.Moved {
		output = append(output, i, len(c.Moved)+i)
	}
	c.Conditioner = b.net(c, "", "relu", ascending(len(c.Kept)), output)
	b.transforms = append(b.transforms, c)
}

// each calls fn for every weight of layers.
func (b *couplings) each(t *testing.T, layers []map[string]json.RawMessage, fn func(name string, at int, v float64)) {
	t.Helper()
	for _, n := range b.nets {
		named := make(map[string]json.RawMessage)
		for name, w := range layers[n.layer] {
			if name, ok := strings.CutPrefix(name, n.prefix); ok {
				named[name] = w
			}
		}
		n.placement.each(t, named, fn)
	}
}

func TestReferenceRealNVP(t *testing.T) {
	for name, c := range reference.Cases[referenceCase, referenceCase](t, "realnvp") {
		t.Run(name, func(t *testing.T) {
			f := &Flow{Features: c.In.Features, Context: c.In.contextColumns(), Threads: 1}
			b := &couplings{Flow: f, in: c.In}
			for l, mask := range decode[matrix](t, c.In.Masks) {
				if _, two := c.In.Layers[l]["scale_W0"]; two {
					b.addTwo(mask)
				} else {
					b.addOne(mask)
				}
			}
			f.params, f.independent = make([]float32, f.layout.Size), f.layout.Size
			b.each(t, c.In.Layers, func(_ string, at int, v float64) { f.params[at] = float32(v) })
			checkFlow(t, f, c.In, c.Out, func(_ []float32, near func(string, int, float64)) { b.each(t, c.Out.GradLayers, near) }, 5e-6)
		})
	}
}

// The standard normal base.
func TestReferenceStandardNormal(t *testing.T) {
	var in struct {
		Normal struct{ X matrix } `json:"standard_normal"`
	}
	var out struct {
		Normal struct {
			LogProb []float64 `json:"log_prob"`
		} `json:"standard_normal"`
	}
	reference.Read(t, "base_densities", &in, &out)
	z := columnsOf(in.Normal.X)
	if len(z) == 0 {
		t.Fatal("no events in the vectors")
	}
	for e, want := range out.Normal.LogProb {
		reference.Near(t, "log-density", standardNormal(z, e), want, 1e-6) // z is float32
	}
}
