package flow

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"testing"

	"github.com/sluice-hep/sluice/internal/batch"
	"github.com/sluice-hep/sluice/internal/kernel"
	"github.com/sluice-hep/sluice/nn"
)

// reference reads one file of reference vectors; see testdata/reference/README.md.
func reference[T any](t *testing.T, name string) (inputs, outputs map[string]T) {
	t.Helper()
	dir := os.Getenv("SLUICE_REFERENCE")
	if dir == "" {
		dir = "../testdata/reference"
	}
	data, err := os.ReadFile(filepath.Join(dir, name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Inputs, Outputs map[string]T }
	if err := json.Unmarshal(data, &file); err != nil {
		t.Fatal(err)
	}
	return file.Inputs, file.Outputs
}

type matrix = [][]float64

// referenceCase is the union of what the files of conditioned layers hold.
type referenceCase struct {
	Features      int
	Context       any // number of columns in one place, the columns in another
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
	Layers        []json.RawMessage
	Z             matrix
	LogDet        []float64
	MeanNLL       float64                    `json:"mean_nll"`
	XInverse      matrix                     `json:"x_inverse"`
	LogDetInverse []float64                  `json:"logdet_inverse"`
	GradWeights   map[string]json.RawMessage `json:"grad_weights"`
	GradLayers    []json.RawMessage          `json:"grad_layers"`
	GradX         matrix                     `json:"grad_x"`
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

// near fails unless |got-want| <= tol (1+|want|).
func near(t *testing.T, what string, got, want, tol float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tol*(1+math.Abs(want))) {
		t.Errorf("%s = %v, want %v", what, got, want)
	}
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
		n := string(rune('0' + l))
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
func checkFlow(t *testing.T, f *Flow, in, out referenceCase, context matrix, grad func(g []float32, near func(name string, at int, want float64)), tol float64) {
	t.Helper()
	x, c := columnsOf(in.X), columnsOf(context)
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
			near(t, "z", float64(z[i][e]), out.Z[e][i], tol)
			near(t, "x of inverse", float64(back[i][e]), out.XInverse[e][i], 10*tol)
		}
		near(t, "log-det", float64(logDet[e]), out.LogDet[e], 10*tol)
		near(t, "log-det of inverse", float64(down[e]), out.LogDetInverse[e], 5e-4)
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
	near(t, "mean NLL", l.Gradient(rows, g), out.MeanNLL, 10*tol)
	grad(g, func(name string, at int, want float64) { near(t, "gradient of "+name, float64(g[at]), want, 20*tol) })
	for i, col := range gradX(l, rows) {
		for e, v := range col {
			near(t, "gradient of x", float64(v), out.GradX[e][i], 20*tol)
		}
	}
}

// gradX is the gradient of the mean NLL with respect to the data, for at most a tile of events.
func gradX(l *Likelihood, rows []int32) [][]float32 {
	b := &batch.Tile{Rows: rows, First: true, Grad: make([]float32, len(l.chain.f.params))}
	s := &l.spaces[0]
	l.chain.load(s, b)
	l.forward(s)
	l.seed(&s.tile, b)
	for i := len(l.chain.f.transforms) - 1; i >= 0; i-- {
		l.chain.f.transforms[i].(Independent).Backward(&s.tile, l.chain.f.params, b.Grad, s.mems[0][i], s.scratch)
	}
	out := make([][]float32, l.chain.f.Features)
	for i := range out {
		out[i] = slices.Clone(row(s.tile.DX, i)[:len(rows)])
	}
	return out
}

func TestReferenceAffineMAF(t *testing.T) {
	inputs, outputs := reference[referenceCase](t, "affine_maf")
	for name, in := range inputs {
		t.Run(name, func(t *testing.T) {
			scale := LogScale("none")
			if in.Tanh {
				scale = "tanh"
			}
			f, place := madeFlow(t, in, &Affine{scale}, func(i, j int) int {
				feature := byDegree(in.Degrees)[i]
				if in.Layout == "blocks" {
					return j*in.Features + feature
				}
				return 2*feature + j
			})
			checkFlow(t, f, in, outputs[name], contextOf(t, in), place.gradients(t, outputs[name].GradWeights), 5e-6)
		})
	}
}

func TestReferenceNSFAutoregressive(t *testing.T) {
	inputs, outputs := reference[referenceCase](t, "nsf_autoregressive")
	for name, in := range inputs {
		t.Run(name, func(t *testing.T) {
			tr := NewRationalQuadraticSpline(in.Bins, in.Bound, 1/in.Divisor)
			f, place := madeFlow(t, in, tr, func(i, j int) int { return byDegree(in.Degrees)[i]*tr.Params() + j })
			checkFlow(t, f, in, outputs[name], contextOf(t, in), place.gradients(t, outputs[name].GradWeights), 1e-5)
		})
	}
}

func contextOf(t *testing.T, in referenceCase) matrix {
	raw, err := json.Marshal(in.Context)
	if err != nil {
		t.Fatal(err)
	}
	if raw[0] != '[' {
		return nil
	}
	return decode[matrix](t, raw)
}

func (p placement) gradients(t *testing.T, w map[string]json.RawMessage) func([]float32, func(string, int, float64)) {
	return func(_ []float32, near func(string, int, float64)) { p.each(t, w, near) }
}

// bare is a flow of these transforms, laid out by build, with a normal base.
func bare(features, context int, build func(l *nn.Layout) []Transform) *Flow {
	p := &Plan{Features: features, Context: context, base: NewNormal(features)}
	for _, t := range build(&p.layout) {
		p.layers = append(p.layers, Layer{Transform: t})
	}
	p.independent = p.layout.Size
	f := Restore(p, make([]float32, p.layout.Size))
	f.Threads = 1
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
	g := Groups{Transformers: alike(tr, in.Features)}
	for i, o := range order {
		g.Order, g.Ends = append(g.Order, int32(o)), append(g.Ends, i+1)
		for j := range tr.Params() {
			place.output = append(place.output, output(i, j))
		}
	}
	context := len(contextOf(t, in)[0])
	f := bare(in.Features, context, func(l *nn.Layout) []Transform {
		c := NewConditional(g, context, 0, "", func(l *nn.Layout, scope string, s nn.Shape) Conditioner {
			s.Order.Hidden = degrees
			return nn.NewMADE(l, scope, nn.Config{Hidden: in.Hidden, Activation: "relu", ContextFirst: in.ContextIn != "all layers"}, s)
		})
		c.Layout(l, "made")
		return []Transform{c}
	})
	place.views = f.layout.Views
	place.each(t, in.Weights, func(_ string, at int, v float64) { f.params[at] = float32(v) })
	return f, place
}

func TestReferenceNSFCoupling(t *testing.T) {
	inputs, outputs := reference[referenceCase](t, "nsf_coupling")
	for name, in := range inputs {
		t.Run(name, func(t *testing.T) {
			context := contextOf(t, in)
			tr := NewRationalQuadraticSpline(in.Bins, in.Bound, 1/in.Divisor)
			f := bare(in.Features, len(context[0]), func(l *nn.Layout) []Transform {
				c := couplingOf(in, tr, len(context[0]), func(l *nn.Layout, scope string, s nn.Shape) Conditioner {
					return nn.NewMLP(l, scope, nn.Config{Hidden: in.Hidden, Activation: "relu", ContextFirst: true}, s)
				})
				c.Layout(l, "net")
				return []Transform{c}
			})
			place := placement{views: f.layout.Views, inputs: ascending(len(in.Kept)), output: ascending(len(in.Moved) * tr.Params())}
			for _, h := range in.Hidden {
				place.units = append(place.units, ascending(h))
			}
			place.each(t, in.Weights, func(_ string, at int, v float64) { f.params[at] = float32(v) })
			checkFlow(t, f, in, outputs[name], context, place.gradients(t, outputs[name].GradWeights), 3e-5)
		})
	}
}

func couplingOf(in referenceCase, tr Transformer, context int, net func(l *nn.Layout, scope string, s nn.Shape) Conditioner) *Conditional {
	return NewConditional(Groups{
		Order: slices.Concat(in.Kept, in.Moved), Kept: len(in.Kept), Ends: []int{len(in.Moved)}, Transformers: alike(tr, len(in.Moved)),
	}, context, 0, "", net)
}

// twoNets is the conditioner of the reference's RealNVP: one network for the log-scale, one for the shift. Its memory is
// that of both, then the outputs [shift, log-scale] of each moved feature.
type twoNets struct {
	features, moved int
	shift, scale    *nn.MLP
}

func (c *twoNets) Start(p, bias []float32, src *nn.Source) {}
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

func TestReferenceRealNVP(t *testing.T) {
	inputs, outputs := reference[referenceCase](t, "realnvp")
	for name, in := range inputs {
		t.Run(name, func(t *testing.T) {
			in.Hidden = in.Hidden[:2]
			contextColumns, context := 0, contextOf(t, in)
			if context != nil {
				contextColumns = len(context[0])
			}
			var weights []func(fn func(name string, at int, v float64), layers []json.RawMessage)
			f := bare(in.Features, contextColumns, func(l *nn.Layout) (transforms []Transform) {
				for k, mask := range decode[matrix](t, in.Masks) {
					one := in
					one.Kept, one.Moved = nil, nil
					for i, m := range mask {
						if (m > 0) == (name == "exp") {
							one.Kept = append(one.Kept, int32(i))
						} else {
							one.Moved = append(one.Moved, int32(i))
						}
					}
					place := func(first int, prefix string, inputs, output []int) {
						p := placement{inputs: inputs, units: [][]int{ascending(in.Hidden[0]), ascending(in.Hidden[1])}, output: output}
						p.views = l.Views[first:]
						weights = append(weights, func(fn func(string, int, float64), layers []json.RawMessage) {
							named := map[string]json.RawMessage{}
							for key, v := range decode[map[string]json.RawMessage](t, layers[k]) {
								if len(key) > len(prefix) && key[:len(prefix)] == prefix {
									named[key[len(prefix):]] = v
								}
							}
							p.each(t, named, fn)
						})
					}
					cfg := nn.Config{Hidden: in.Hidden, Activation: "relu", ContextFirst: true}
					scale := LogScale("none")
					net := func(l *nn.Layout, scope string, s nn.Shape) Conditioner {
						// the reference's networks see all features, the moved ones as zeros, and then the context
						inputs := []int{in.Features, in.Features + 1}
						for _, k := range one.Kept {
							inputs = append(inputs, int(k))
						}
						var output []int
						for _, m := range one.Moved {
							output = append(output, int(m))
						}
						s.Outputs = len(one.Moved)
						nets := &twoNets{features: len(one.Kept), moved: len(one.Moved)}
						first := len(l.Views)
						nets.shift = nn.NewMLP(l, scope+".shift", cfg, s)
						place(first, "translate_", inputs, output)
						first, cfg.Activation = len(l.Views), "tanh"
						nets.scale = nn.NewMLP(l, scope+".scale", cfg, s)
						place(first, "scale_", inputs, output)
						return nets
					}
					if name != "exp" {
						scale = "sigmoid"
						net = func(l *nn.Layout, scope string, s nn.Shape) Conditioner {
							first := len(l.Views)
							m := nn.NewMLP(l, scope, cfg, s)
							var output []int
							for i := range one.Moved {
								output = append(output, i, len(one.Moved)+i)
							}
							place(first, "", ascending(len(one.Kept)), output)
							return m
						}
					}
					c := couplingOf(one, &ScaleShift{scale}, contextColumns, net)
					c.Layout(l, fmt.Sprint(k))
					transforms = append(transforms, c)
				}
				return transforms
			})
			for _, w := range weights {
				w(func(_ string, at int, v float64) { f.params[at] = float32(v) }, in.Layers)
			}
			checkFlow(t, f, in, outputs[name], context, func(_ []float32, near func(string, int, float64)) {
				for _, w := range weights {
					w(near, outputs[name].GradLayers)
				}
			}, 5e-6)
		})
	}
}

// The standard normal base.
func TestReferenceStandardNormal(t *testing.T) {
	inputs, outputs := reference[json.RawMessage](t, "base_densities")
	in := decode[struct{ X matrix }](t, inputs["standard_normal"])
	out := decode[struct {
		LogProb []float64 `json:"log_prob"`
	}](t, outputs["standard_normal"])
	got := make([]float64, len(in.X))
	NewNormal(len(in.X[0])).LogProb(tileOf(in.X, nil, nil), nil, got)
	for e, want := range out.LogProb {
		near(t, "log-density", got[e], want, 1e-6) // z is float32
	}
}
