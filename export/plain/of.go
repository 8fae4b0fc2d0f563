package plain

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"gonum.org/v1/gonum/mat"

	"github.com/sluice-hep/sluice/flow"
	"github.com/sluice-hep/sluice/flow/linear"
	"github.com/sluice-hep/sluice/flow/transformer"
	"github.com/sluice-hep/sluice/flow/whole"
	"github.com/sluice-hep/sluice/internal/fault"
	"github.com/sluice-hep/sluice/mix"
	"github.com/sluice-hep/sluice/model"
	"github.com/sluice-hep/sluice/nn"
)

// noClosedForm is the error of a part that other programs cannot compute.
func noClosedForm(format string, args ...any) error {
	return fault.Of(fmt.Errorf("%s: it has no closed form to export; take sluice density and sluice sample, or sluice serve", fmt.Sprintf(format, args...)))
}

// Of is a model as numbers.
func Of(m *model.Model) (p *Model, err error) {
	p = &Model{}
	if p.Hash, err = m.Hash(); err != nil {
		return nil, err
	}
	members := []mix.Density{}
	switch d := m.Density.(type) {
	case *flow.Flow:
		members = append(members, d)
	case *mix.Ensemble:
		members = d.Members
	default:
		return nil, noClosedForm("the density is a %s", kind(d, m))
	}
	if p.Features, err = columns(m.Features); err != nil {
		return nil, err
	}
	if p.Context, err = columns(m.Context); err != nil {
		return nil, err
	}
	for i, d := range members {
		f, ok := d.(*flow.Flow)
		if !ok {
			return nil, noClosedForm("member %d is a %s", i+1, kind(d, m))
		}
		one, err := flowOf(f)
		if err != nil {
			return nil, err
		}
		p.Members = append(p.Members, one)
	}
	return p, nil
}

// kind is what a density is called that is neither a flow nor an ensemble.
func kind(d any, m *model.Model) string {
	switch d.(type) {
	case *mix.Table:
		return "mixed table of continuous columns and of those that have discrete values, alone or among others (" + strings.Join(codes(m), ", ") + ")"
	case *mix.Gated:
		return "mixture of flows"
	case *flow.Inverted:
		return "flow read backwards"
	}
	return fmt.Sprintf("%T", d)
}

// codes are the columns of a mixed table that have codes, of all their values or of single ones.
func codes(m *model.Model) (names []string) {
	all, own := m.Features.Layout(), m.Features.Names()
	for _, f := range all {
		apart := f.By >= 0 && !slices.Contains(own, all[f.By].Name) // its code is a feature of its own
		if slices.Contains(own, f.Name) && (f.Categories > 0 || apart) {
			names = append(names, f.Name)
		}
	}
	return names
}

// reader takes the numbers of a flow.
type reader struct {
	*flow.Flow
	views map[string]nn.View
}

func flowOf(f *flow.Flow) (of Flow, err error) {
	r := reader{f, map[string]nn.View{}}
	for _, v := range f.Views() {
		r.views[v.Name] = v
	}
	of.Features, of.Context = f.Dims()
	switch net := f.Spec.ContextNet; {
	case net.Kind == "mlp":
		e := r.mlp("context_net", net, 0)
		of.Embedding = &e
	case !net.IsZero():
		return of, noClosedForm("the context is seen through %s", net.Kind)
	}
	of.Layers, err = r.layers(f.Layers())
	if err == nil {
		of.Bases, err = r.bases()
	}
	return of, err
}

// layers takes each run of linear maps and norms as one map.
func (r reader) layers(layers []flow.Layer) (all []Layer, err error) {
	var run *linear.Affine
	end := func() (err error) {
		if run != nil {
			var m *Map
			m, err = mapOf(run)
			all, run = append(all, m), nil
		}
		return err
	}
	for i, l := range layers {
		if m, ok := l.Transform.(linear.Map); ok {
			if m.Work() == 0 { // a permutation, which only renames
				continue
			}
			if run == nil {
				run = identity(r.Features)
			}
			m.Follow(run, r.Params())
			continue
		}
		if err := end(); err != nil {
			return nil, err
		}
		one, err := r.layer(l)
		if err != nil {
			return nil, fmt.Errorf("layer %d of the flow: %w", i+1, err)
		}
		all = append(all, one)
	}
	return all, end()
}

func identity(n int) *linear.Affine {
	a := &linear.Affine{Matrix: make([]float64, n*n), Shift: make([]float64, n)}
	for i := range n {
		a.Matrix[i*n+i] = 1
	}
	return a
}

func mapOf(a *linear.Affine) (*Map, error) {
	n := len(a.Shift)
	m := &Map{Matrix: a.Matrix, Bias: a.Shift, LogDet: a.LogDet, Diagonal: true}
	for i, v := range a.Matrix {
		m.Diagonal = m.Diagonal && (v == 0 || i%(n+1) == 0)
	}
	var inverse mat.Dense
	if err := inverse.Inverse(mat.NewDense(n, n, a.Matrix)); err != nil {
		return nil, noClosedForm("the linear maps of the flow are nearly singular (%v)", err)
	}
	m.Inverse = inverse.RawMatrix().Data
	return m, nil
}

func (r reader) layer(l flow.Layer) (Layer, error) {
	switch t := l.Transform.(type) {
	case *flow.Conditional:
		return r.conditional(l, &t.Groups)
	case *flow.BatchedConditional:
		return r.conditional(l, &t.Groups)
	case *whole.Radial:
		return r.radial(l, t), nil
	}
	return nil, noClosedForm("%s", l.Part.Kind)
}

func (r reader) radial(l flow.Layer, t *whole.Radial) *Radial {
	a, s := t.Sizes(r.Params())
	wide := func(of []float32) (all []float64) {
		for _, v := range of {
			all = append(all, float64(v))
		}
		return all
	}
	return &Radial{wide(t.Center.Of(r.Params())), wide(r.numbers(l.Scope + ".context")), a, s}
}

func (r reader) conditional(l flow.Layer, g *flow.Groups) (*Conditional, error) {
	c := &Conditional{Kept: ints(g.Order[:g.Kept]), Moved: ints(g.Order[g.Kept:]), Ends: g.Ends, At: []int{0}}
	for i, f := range g.Order {
		if g.Kept == 0 || i < g.Kept {
			c.Seen = append(c.Seen, Seen{int(f), g.Circles[i]})
		}
	}
	for _, t := range g.Transformers {
		s, err := scaler(t)
		if err != nil {
			return nil, err
		}
		c.Scales, c.At = append(c.Scales, s), append(c.At, c.At[len(c.At)-1]+s.Parameters())
	}
	net, ok := l.Part.Options["net"].(flow.Part)
	if !ok {
		return nil, fmt.Errorf("its network is not described: %v", l.Part)
	}
	switch net.Kind {
	case "mlp":
		c.Net = r.mlp(l.Scope, net, g.Context)
	case "residual":
		c.Net = r.residual(l.Scope, net, g.Context)
	default:
		return nil, noClosedForm("a network of the kind %s", net.Kind)
	}
	return c, nil
}

func ints(of []int32) (all []int) {
	for _, v := range of {
		all = append(all, int(v))
	}
	return all
}

func scaler(t flow.Transformer) (Scaler, error) {
	switch t := t.(type) {
	case *transformer.Affine:
		return &Affine{string(t.LogScale), t.ScaleFirst}, nil
	case *transformer.RationalQuadraticSpline:
		return &Spline{Bins: (len(t.Identity()) + 1) / 3, Bound: t.Interval().Bound}, nil
	case *transformer.CircularSpline:
		return &Spline{Bins: (len(t.Identity()) - 1) / 3, Bound: t.Interval().Bound, Circular: true}, nil
	case *transformer.Sigmoidal:
		return nil, noClosedForm("the transformer dsf")
	case *transformer.Bernstein:
		return nil, noClosedForm("the transformer bernstein")
	}
	return nil, noClosedForm("a transformer of the type %T", t)
}

func (r reader) numbers(name string) []float32 { return slices.Clone(r.views[name].Of(r.Params())) }

// dense is the linear map of a scope, in whose first columns the context stands.
func (r reader) dense(scope string, context int) Dense {
	w := r.views[scope+".weight"]
	d := Dense{Context: context, In: w.Cols, Out: w.Rows, Weight: make([]float32, w.Rows*w.Cols), Bias: r.numbers(scope + ".bias")}
	for o := range w.Rows {
		for i := range w.Cols {
			d.Weight[i*d.Out+o] = w.Of(r.Params())[o*w.Cols+i]
		}
	}
	return d
}

func (r reader) mlp(scope string, part flow.Part, context int) (n Net) {
	n.Activation, _ = part.Options["activation"].(string)
	for i := 0; ; i++ {
		if _, ok := r.views[nn.Scope(scope, i, "weight")]; !ok {
			return n
		}
		if i > 0 && part.Options["context"] == "first" {
			context = 0
		}
		n.Layers = append(n.Layers, r.dense(fmt.Sprintf("%s.%d", scope, i), context))
	}
}

func (r reader) residual(scope string, part flow.Part, context int) (n Net) {
	n.Activation, _ = part.Options["activation"].(string)
	n.Layers = []Dense{r.dense(scope+".first.0", context), r.dense(scope+".last.0", 0)}
	for i := 0; ; i++ {
		if _, ok := r.views[nn.Scope(scope, i, "linears.0.weight")]; !ok {
			return n
		}
		var b Block
		for j := range b.Linears {
			b.Linears[j] = r.dense(nn.Scope(scope, i, fmt.Sprintf("linears.%d", j)), 0)
			b.Norms[j] = r.norm(nn.Scope(scope, i, fmt.Sprintf("norms.%d", j)))
		}
		if context > 0 {
			gate := r.dense(nn.Scope(scope, i, "gate.0"), context)
			b.Gate = &gate
		}
		n.Blocks = append(n.Blocks, b)
	}
}

// norm is the batch norm of a scope by its frozen statistics; nil for none.
func (r reader) norm(scope string) *Norm {
	if _, ok := r.views[scope+".gamma"]; !ok {
		return nil
	}
	n := &Norm{}
	beta, mean, variance := r.numbers(scope+".beta"), r.numbers(scope+".mean"), r.numbers(scope+".variance")
	for i, gamma := range r.numbers(scope + ".gamma") {
		slope := float64(gamma) / sqrt(variance[i])
		n.Scale, n.Shift = append(n.Scale, float32(slope)), append(n.Shift, float32(float64(beta[i])-float64(mean[i])*slope))
	}
	return n
}

// scopes are those of the parameters of the bases, in their order.
func (r reader) scopes(bases int) (all []string, parts []flow.Part) {
	named := slices.Sorted(maps.Keys(r.Spec.Bases))
	if bases > len(named) {
		all, parts = append(all, "base"), append(parts, r.Spec.Base)
	}
	for _, name := range named {
		all, parts = append(all, "bases."+name), append(parts, r.Spec.Bases[name])
	}
	return all, parts
}
