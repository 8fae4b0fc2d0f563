package flow

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"sort"
	"strconv"
	"strings"
	"testing"

	"github.com/sluice-hep/sluice/flow/base"
	"github.com/sluice-hep/sluice/flow/transformer"
	"github.com/sluice-hep/sluice/internal/batch"
	"github.com/sluice-hep/sluice/internal/floats"
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
	out := floats.Columns(len(rows[0]), len(rows))
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
		for i, col := range gradX(l, rows[first:min(first+kernel.Tile, len(rows))]) {
			for e, v := range col {
				reference.Near(t, "gradient of x", float64(v), out.GradX[first+e][i], 20*tol)
			}
		}
	}
}

// gradX is that of l's last gradient with respect to the data, for at most a tile of its events.
func gradX(l *Likelihood, rows []int32) [][]float32 {
	b := &batch.Tile{Rows: rows, First: true, Grad: make([]float32, len(l.f.params))}
	s := &l.spaces[0]
	l.load(&s.tile, nil, 0, b.Rows)
	l.forward(s)
	l.seed(s, b, l.scale)
	for i := len(l.f.transforms) - 1; i >= 0; i-- {
		l.f.transforms[i].(Independent).Backward(&s.tile, l.f.params, b.Grad, s.mems[0][i], s.scratch)
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
			in, scale := c.In, transformer.LogScale("none")
			if in.Tanh {
				scale = "tanh"
			}
			f, place := madeFlow(t, in, &transformer.Affine{LogScale: scale}, func(i, j int) int {
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
			tr := transformer.NewRationalQuadraticSpline(in.Bins, in.Bound, 1/in.Divisor)
			f, place := madeFlow(t, in, tr, func(i, j int) int { return byDegree(in.Degrees)[i]*len(tr.Identity()) + j })
			checkFlow(t, f, in, c.Out, place.gradients(t, c.Out.GradWeights), 1e-5)
		})
	}
}

// network is what a case says of its network. Where it says nothing of the context, that goes into the first layer.
func (in *referenceCase) network() nn.Config {
	return nn.Config{Hidden: in.Hidden, Activation: in.Activation, ContextFirst: in.ContextIn != "all layers"}
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

// bare is a flow for a case of the transforms laid out by build, with a normal base.
func bare(in referenceCase, build func(l *nn.Layout) []Transform) *Flow {
	p := &Plan{Features: in.Features, Context: in.contextColumns(), base: &base.Normal{Features: ordered(in.Features)}}
	for _, t := range build(&p.layout) {
		p.layers = append(p.layers, Layer{Transform: t})
	}
	p.independent = p.layout.Size
	f := Blank(p)
	f.Threads = 1
	return f
}

// ordered are the numbers of n features.
func ordered(n int) (f []int32) {
	for i := range int32(n) {
		f = append(f, i)
	}
	return f
}

// alike are n transformers that are the same.
func alike(tr Transformer, n int) (out []Transformer) {
	for range n {
		out = append(out, tr)
	}
	return out
}

// madeFlow builds one autoregressive transform with the weights of a case. output(i, j) is the reference's row
// of parameter j of the i-th feature in order.
func madeFlow(t *testing.T, in referenceCase, tr Transformer, output func(i, j int) int) (*Flow, placement) {
	t.Helper()
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
	g := Groups{Transformers: alike(tr, in.Features), Context: in.contextColumns()}
	for i, o := range order {
		g.Order, g.Ends = append(g.Order, int32(o)), append(g.Ends, i+1)
		for j := range len(tr.Identity()) {
			place.output = append(place.output, output(i, j))
		}
	}
	f := bare(in, func(l *nn.Layout) []Transform {
		c := NewConditional(g, func(l *nn.Layout, scope string, s nn.Shape) Conditioner {
			s.Order.Hidden = degrees
			return nn.NewMLP(l, scope, in.network(), s)
		})
		c.Layout(l, "made")
		return []Transform{c}
	})
	place.views = f.layout.Views
	place.each(t, in.Weights, func(_ string, at int, v float64) { f.params[at] = float32(v) })
	return f, place
}

func TestReferenceNSFCoupling(t *testing.T) {
	for name, c := range reference.Cases[referenceCase, referenceCase](t, "nsf_coupling") {
		t.Run(name, func(t *testing.T) {
			in := c.In
			tr := transformer.NewRationalQuadraticSpline(in.Bins, in.Bound, 1/in.Divisor)
			f := bare(in, func(l *nn.Layout) []Transform {
				c := couplingOf(in, tr, func(l *nn.Layout, scope string, s nn.Shape) Conditioner {
					return nn.NewMLP(l, scope, in.network(), s)
				})
				c.Layout(l, "net")
				return []Transform{c}
			})
			place := placement{views: f.layout.Views, inputs: ascending(len(in.Kept)), units: in.units(), output: ascending(len(in.Moved) * len(tr.Identity()))}
			place.each(t, in.Weights, func(_ string, at int, v float64) { f.params[at] = float32(v) })
			checkFlow(t, f, in, c.Out, place.gradients(t, c.Out.GradWeights), 3e-5)
		})
	}
}

func couplingOf(in referenceCase, tr Transformer, net func(l *nn.Layout, scope string, s nn.Shape) Conditioner) *Conditional {
	return NewConditional(Groups{
		Order: slices.Concat(in.Kept, in.Moved), Kept: len(in.Kept), Ends: []int{len(in.Moved)}, Transformers: alike(tr, len(in.Moved)),
		Context: in.contextColumns(),
	}, net)
}

// twoNets is the conditioner of the reference's RealNVP: one network for the log-scale, one for the shift. Its memory is
// that of both, then the outputs [shift, log-scale] of each moved feature.
type twoNets struct {
	features, moved int
	shift, scale    *nn.MLP
}

func (c *twoNets) Start(p, bias []float32, src *nn.Source) {}
func (c *twoNets) Mask()                                   {}
func (c *twoNets) Cut(g []float32)                         {}
func (c *twoNets) Begin(act, context []float32) {
	c.shift.Begin(act, context)
	c.scale.Begin(rows(act, c.shift.Rows(), c.scale.Rows()), context)
}
func (c *twoNets) Next(p, act []float32, _, n int) []float32 {
	second := rows(act, c.shift.Rows(), c.scale.Rows())
	copy(c.scale.Input(second), rows(c.shift.Input(act), 0, c.features))
	return c.join(act, c.shift.Next(p, act, 0, n), c.scale.Next(p, second, 0, n))
}

func (c *twoNets) outputs() int { return 2 * c.moved }
func (c *twoNets) Rows() int    { return c.shift.Rows() + c.scale.Rows() + c.outputs() }
func (c *twoNets) Scratch() int {
	return c.shift.Scratch() + c.scale.Scratch() + c.outputs()
}
func (c *twoNets) Input(act []float32) []float32 { return c.shift.Input(act) }
func (c *twoNets) Results(act []float32) []float32 {
	return rows(act, c.Rows()-c.outputs(), c.outputs())
}

func (c *twoNets) Forward(p, act, context []float32, pass *nn.Pass) []float32 {
	second := rows(act, c.shift.Rows(), c.scale.Rows())
	copy(c.scale.Input(second), rows(c.shift.Input(act), 0, c.features))
	return c.join(act, c.shift.Forward(p, act, context, pass), c.scale.Forward(p, second, context, pass))
}

func (c *twoNets) join(act, t, s []float32) []float32 {
	out := c.Results(act)
	for i := range c.moved {
		copy(row(out, 2*i), row(t, i))
		copy(row(out, 2*i+1), row(s, i))
	}
	return out
}

func (c *twoNets) Backward(p, g, act, d, scratch []float32, pass *nn.Pass) []float32 {
	k := c.moved
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
	in         referenceCase // with the features kept and moved by the layer under way
	transforms []Transform
	nets       []couplingNet
}

type couplingNet struct {
	placement
	layer  int
	prefix string // of the reference's names of its weights
}

// add adds a layer: one of two networks, whose mask is 1 for kept features, or of one, whose mask is positive for moved ones.
func (b *couplings) add(l *nn.Layout, mask []float64) {
	layer := len(b.transforms)
	_, two := b.in.Layers[layer]["scale_W0"]
	b.in.Kept, b.in.Moved = nil, nil
	for i, m := range mask {
		if (m > 0) == two {
			b.in.Kept = append(b.in.Kept, int32(i))
		} else {
			b.in.Moved = append(b.in.Moved, int32(i))
		}
	}
	c := couplingOf(b.in, &transformer.Affine{LogScale: "sigmoid", ScaleFirst: true}, b.one)
	if two {
		c = couplingOf(b.in, &transformer.Affine{LogScale: "none", ScaleFirst: true}, b.two)
	}
	c.Layout(l, fmt.Sprint(layer))
	b.transforms = append(b.transforms, c)
}

// two builds the networks of y = x exp(s) + t. Each sees all features, the moved ones as zeros, and then the context.
func (b *couplings) two(l *nn.Layout, scope string, s nn.Shape) Conditioner {
	var inputs, output []int
	for k := range s.Context {
		inputs = append(inputs, b.in.Features+k)
	}
	for _, k := range b.in.Kept {
		inputs = append(inputs, int(k))
	}
	for _, m := range b.in.Moved {
		output = append(output, int(m))
	}
	s.Outputs = len(output)
	nets := &twoNets{features: len(b.in.Kept), moved: len(output)}
	nets.shift = b.net(l, scope, "translate_", "relu", s, inputs, output)
	nets.scale = b.net(l, scope, "scale_", "tanh", s, inputs, output)
	return nets
}

// one builds the network of y = x (sigmoid(raw+2) + 1e-3) + shift, which sees the kept features.
func (b *couplings) one(l *nn.Layout, scope string, s nn.Shape) Conditioner {
	var output []int
	for i := range b.in.Moved {
		output = append(output, i, len(b.in.Moved)+i)
	}
	return b.net(l, scope, "", "relu", s, ascending(len(b.in.Kept)), output)
}

func (b *couplings) net(l *nn.Layout, scope, prefix, activation string, s nn.Shape, inputs, output []int) *nn.MLP {
	first, cfg := len(l.Views), b.in.network()
	cfg.Activation = activation
	mlp := nn.NewMLP(l, scope+"."+prefix+"net", cfg, s)
	place := placement{views: l.Views[first:], inputs: inputs, units: b.in.units(), output: output}
	b.nets = append(b.nets, couplingNet{place, len(b.transforms), prefix})
	return mlp
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
			b := &couplings{in: c.In}
			f := bare(c.In, func(l *nn.Layout) []Transform {
				for _, mask := range decode[matrix](t, c.In.Masks) {
					b.add(l, mask)
				}
				return b.transforms
			})
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
	if len(in.Normal.X) == 0 {
		t.Fatal("no events in the vectors")
	}
	var got []float64
	for _, tile := range tilesOf(in.Normal.X, nil, nil) {
		logProb := make([]float64, tile.Events)
		(&base.Normal{Features: ordered(len(in.Normal.X[0]))}).LogProb(tile, nil, nil, logProb)
		got = append(got, logProb...)
	}
	nearVector(t, "log-density", got, out.Normal.LogProb, 1e-6) // z is float32
}

const leastNu = 1e-2 // of a base.StudentT

// Student's t of each feature, shifted and scaled: its density and gradients, also by nu.
func TestReferenceStudentT(t *testing.T) {
	var in struct {
		Student struct {
			X              matrix
			DF, Loc, Scale []float64
		} `json:"student_t_product"`
	}
	var out struct {
		Student struct {
			LogProb []float64 `json:"log_prob"`
			GradX   matrix    `json:"grad_x"`
			GradDF  []float64 `json:"grad_df_sum"`
		} `json:"student_t_product"`
	}
	reference.Read(t, "base_densities", &in, &out)
	s := in.Student
	if len(s.X) == 0 {
		t.Fatal("no events in the vectors")
	}
	var layout nn.Layout
	b := base.NewStudentT(ordered(len(s.DF)), 1)
	b.Layout(&layout, "base")
	p, g := make([]float32, layout.Size), make([]float32, layout.Size)
	for i, nu := range s.DF {
		b.LogNu.Of(p)[i] = float32(math.Log(nu - leastNu))
	}
	latent := make(matrix, len(s.X))
	for e, x := range s.X {
		for i, v := range x {
			latent[e] = append(latent[e], (v-s.Loc[i])/s.Scale[i])
		}
	}
	var logProb []float64
	tiles := tilesOf(latent, make(matrix, len(latent)), make([]float64, len(latent)))
	for _, tile := range tiles {
		one, slope := make([]float64, tile.Events), make([]float32, tile.N)
		for e := range one {
			slope[e] = -1
			for _, scale := range s.Scale {
				one[e] -= math.Log(scale)
			}
		}
		b.LogProb(tile, p, nil, one)
		b.Backward(tile, p, g, nil, nil, slope)
		logProb = append(logProb, one...)
	}
	nearVector(t, "log-density", logProb, out.Student.LogProb, 1e-6) // z and log nu are float32
	for e, want := range out.Student.GradX {
		for i, w := range want {
			reference.Near(t, "gradient of x", float64(row(tiles[e/kernel.Tile].DX, i)[e%kernel.Tile])/s.Scale[i], w, 1e-6)
		}
	}
	for i, w := range out.Student.GradDF {
		reference.Near(t, "gradient of nu", float64(b.LogNu.Of(g)[i])/(s.DF[i]-leastNu), w, 1e-5) // sums of 100 events
	}
}
