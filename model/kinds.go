package model

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/sluice-hep/sluice/flow"
	"github.com/sluice-hep/sluice/internal/safetensors"
	"github.com/sluice-hep/sluice/mix"
	"github.com/sluice-hep/sluice/nn"
)

// kind is a kind of density that a model's file can hold.
type kind struct {
	name string
	// spec is what a density of the kind is made from, as JSON; ok is false for one of another kind.
	spec func(d Density) (spec any, ok bool)
	// parts are the densities that it is made of, each a record of its own; nil for none.
	parts func(d Density) []Density
	// lay builds of a section of a file all but the parameters.
	lay func(s *section) (*layout, error)
	// tell adds what is to be said of a density, with its features by their numbers.
	tell func(d Density, info *Info)
	// points are n fixed events of the prepared columns, by which a program checks that it reads the density that was written.
	points func(d Density, n int, context [][]float32) ([][]float32, error)
}

// kinds are all that there are. Those made of others find these here again.
func kinds() []kind {
	return []kind{
		{name: "flow", spec: flowSpec, lay: layFlow, tell: func(d Density, info *Info) { tellFlow(d.(*flow.Flow).Plan, info) }, points: flowPoints},
		{name: "table", spec: tableSpec, lay: layTable, tell: func(d Density, info *Info) { tellTable(d.(*mix.Table).Plan, info) }, points: tablePoints},
		{name: "ensemble", spec: ensembleSpec, parts: ensembleParts, lay: layEnsemble, tell: tellEnsemble, points: ensemblePoints},
		{name: "inverted", spec: invertedSpec, parts: invertedParts, lay: layInverted, tell: tellInverted, points: invertedPoints},
		{name: "transport", spec: transportSpec, parts: transportParts, lay: layTransport, tell: tellTransport, points: flowPoints},
		{name: "mixture", spec: gatedSpec, parts: gatedParts, lay: layGated, tell: tellGated, points: gatedPoints},
	}
}

// parametric is a density with a vector of parameters; see flow.Flow.
type parametric interface {
	Density
	Params() []float32
	Views() []nn.View
	Cut(flat []float32)
}

// record describes a density in a file. Check guards against a program that would build another density from the same
// description: the log-densities that this one gives to a few fixed points.
type record struct {
	Kind     string          `json:"kind,omitempty"` // up to format 4 a flow
	Spec     json.RawMessage `json:"spec"`
	Features int             `json:"features"`
	Context  int             `json:"context"`
	Check    []float64       `json:"check"`
	Parts    []record        `json:"parts,omitempty"`
}

// section is what a file has of one density: its record, and its parameters, tensors whose names begin with prefix.
type section struct {
	record
	file    *safetensors.File
	prefix  string
	version int // of the file's format
	seed    uint64
	own     []flow.Kind // of parts besides those of package flow
}

// layout is a density that a file describes, without its parameters.
type layout struct {
	views []nn.View // of the parameters that are not those of its parts
	parts []*layout
	// before says that the parts were trained before, so that their parameters are none of the density's.
	before bool
	tell   func(info *Info)        // adds what is to be said of it, with the features by their numbers
	build  func() (Density, error) // its parts whole, and its own parameters 0
}

// size is the number of parameters that the density has.
func (l *layout) size() (n int) {
	for _, v := range l.views {
		n += v.Rows * v.Cols
	}
	for _, part := range l.parts {
		if !l.before {
			n += part.size()
		}
	}
	return n
}

// describe is the record of a density, and its tensors, whose names begin with prefix.
func describe(d Density, prefix string) (r record, tensors []safetensors.Tensor, err error) {
	k, spec := kindOf(d)
	if k == nil {
		return r, nil, fmt.Errorf("a density of type %T cannot be saved", d)
	}
	r.Kind = k.name
	r.Features, r.Context = d.Dims()
	if r.Spec, err = json.Marshal(spec); err != nil {
		return r, nil, err
	}
	if r.Check, err = probe(d, k); err != nil {
		return r, nil, err
	}
	if p, ok := d.(parametric); ok {
		for _, v := range p.Views() {
			tensors = append(tensors, safetensors.Tensor{Name: prefix + v.Name, Shape: shape(v), Data: v.Of(p.Params())})
		}
	}
	if k.parts == nil {
		return r, tensors, nil
	}
	for i, part := range k.parts(d) {
		of, more, err := describe(part, fmt.Sprintf("%sparts.%d.", prefix, i))
		if err != nil {
			return r, nil, err
		}
		r.Parts, tensors = append(r.Parts, of), append(tensors, more...)
	}
	return r, tensors, nil
}

// kindOf is the kind of a density, nil for none that is known, and what it is made from.
func kindOf(d Density) (k *kind, spec any) {
	for _, k := range kinds() {
		if spec, ok := k.spec(d); ok {
			return &k, spec
		}
	}
	return nil, nil
}

func shape(v nn.View) []int {
	if v.Cols == 1 {
		return []int{v.Rows}
	}
	return []int{v.Rows, v.Cols}
}

func (s *section) kind() (*kind, error) {
	name := s.Kind
	if s.version < 5 {
		name = "flow"
	}
	for _, k := range kinds() {
		if k.name == name {
			return &k, nil
		}
	}
	return nil, fmt.Errorf("%q is no kind of density that this program knows", name)
}

// part is that of the density's part i.
func (s *section) part(i int) *section {
	p := *s
	p.record, p.prefix = s.Parts[i], fmt.Sprintf("%sparts.%d.", s.prefix, i)
	return &p
}

// floats is how many parameters the file has for the density and its parts: nothing is made for a description that asks for more.
func (s *section) floats() (n int) {
	for i := range s.file.Tensors {
		if t := &s.file.Tensors[i]; strings.HasPrefix(t.Name, s.prefix) {
			n += t.Count()
		}
	}
	return n
}

// lay lays the density of a section out, and sees to it that the file has what it needs, and nothing else.
func (s *section) lay() (*layout, error) {
	k, err := s.kind()
	if err != nil {
		return nil, err
	}
	if len(s.Parts) > 0 && k.parts == nil {
		return nil, fmt.Errorf("a density of kind %q has no parts", k.name)
	}
	l, err := k.lay(s)
	if err != nil {
		return nil, err
	}
	own := s.tensors(k)
	for _, v := range l.views {
		if t, ok := own[v.Name]; !ok || !slices.Equal(t.Shape, shape(v)) {
			return nil, fmt.Errorf("tensor %q of shape %v is missing; there is one of shape %v", s.prefix+v.Name, shape(v), t.Shape)
		}
	}
	for name := range own {
		if len(own) > len(l.views) && !slices.ContainsFunc(l.views, func(v nn.View) bool { return v.Name == name }) {
			return nil, fmt.Errorf("tensor %q is not part of it", s.prefix+name)
		}
	}
	return l, nil
}

// tensors are those of the density itself, by the names of its views.
func (s *section) tensors(k *kind) map[string]safetensors.Tensor {
	own := map[string]safetensors.Tensor{}
	for _, t := range s.file.Tensors {
		name, ok := strings.CutPrefix(t.Name, s.prefix)
		if ok && (k.parts == nil || !strings.HasPrefix(name, "parts.")) {
			own[name] = t
		}
	}
	return own
}

// density builds the density of a section, with the file's parameters.
func (s *section) density() (Density, error) {
	l, err := s.lay()
	if err != nil {
		return nil, err
	}
	d, err := l.build()
	if err != nil {
		return nil, err
	}
	k, err := s.kind()
	if err != nil {
		return nil, err
	}
	if p, ok := d.(parametric); ok {
		own := s.tensors(k)
		for _, v := range l.views {
			copy(v.Of(p.Params()), own[v.Name].Data)
		}
		if err := checkParameters(p); err != nil {
			return nil, err
		}
	}
	return d, compareProbe(d, k, s.Check)
}

// checkParameters refuses numbers that are not finite, and weights that a mask keeps at zero and that are not: with
// those a density would not integrate to 1.
func checkParameters(d parametric) error {
	cut := slices.Clone(d.Params())
	d.Cut(cut)
	for _, v := range d.Views() {
		masked := v.Of(cut)
		for i, x := range v.Of(d.Params()) {
			if x-x != 0 {
				return fmt.Errorf("parameter %q, number %d, is %g", v.Name, i, x)
			}
			if x != masked[i] {
				return fmt.Errorf("parameter %q, number %d, is masked and not zero but %g", v.Name, i, x)
			}
		}
	}
	return nil
}

// probe is the log-density of the fixed points, with a context of zeros.
func probe(d Density, k *kind) ([]float64, error) {
	const points = 4
	_, given := d.Dims()
	context := make([][]float32, given)
	for i := range context {
		context[i] = make([]float32, points)
	}
	x, err := k.points(d, points, context)
	if err != nil {
		return nil, err
	}
	return d.LogProb(x, context)
}

func compareProbe(d Density, k *kind, want []float64) error {
	got, err := probe(d, k)
	if err != nil {
		return err
	}
	if len(got) != len(want) {
		return fmt.Errorf("%d check values, not %d", len(want), len(got))
	}
	for i := range got {
		// Kernels may round differently, by about 1e-6 a transform.
		if d := got[i] - want[i]; !(d*d <= 1e-4*(1+want[i]*want[i])) {
			return fmt.Errorf("it gives a log-density of %g where the trained one gave %g: the file was written by an incompatible version", got[i], want[i])
		}
	}
	return nil
}

func flowSpec(d Density) (spec any, ok bool) {
	f, ok := d.(*flow.Flow)
	if !ok || f.On() != nil {
		return nil, false
	}
	return f.Spec, true
}

func layFlow(s *section) (*layout, error) {
	var spec flow.Spec
	if err := decodeJSON(string(s.Spec), &spec); err != nil {
		return nil, err
	}
	if s.version == 1 {
		spec = firstFormat(spec)
	}
	plan, err := flow.PlanWithin(s.floats(), s.Features, s.Context, spec, s.seed, s.own...)
	if err != nil {
		return nil, err
	}
	return &layout{
		views: plan.Views(),
		tell:  func(info *Info) { tellFlow(plan, info) },
		build: func() (Density, error) { return flow.Blank(plan), nil },
	}, nil
}

func tellFlow(p *flow.Plan, info *Info) { info.Flow, info.Numerical = p.Spec, p.Numerical() }

func flowPoints(d Density, n int, context [][]float32) ([][]float32, error) {
	return d.(*flow.Flow).Latent(n, context, 0, 0)
}

func tableSpec(d Density) (spec any, ok bool) {
	t, ok := d.(*mix.Table)
	if !ok {
		return nil, false
	}
	return t.Spec, true
}

func layTable(s *section) (*layout, error) {
	var spec mix.Spec
	if err := decodeJSON(string(s.Spec), &spec); err != nil {
		return nil, err
	}
	if len(spec.Features) != s.Features {
		return nil, fmt.Errorf("a table of %d features where there are %d", len(spec.Features), s.Features)
	}
	drawn := 0 // numbers of vectors that the file has not, as they stayed as they were drawn
	if !slices.ContainsFunc(s.file.Tensors, func(t safetensors.Tensor) bool { return strings.HasPrefix(t.Name, s.prefix+mix.Vectors) }) {
		drawn = spec.Vectors()
	}
	plan, err := mix.PlanWithin(s.floats()+drawn, s.Context, spec, s.seed, s.own...)
	if err != nil {
		return nil, err
	}
	views := plan.Views()
	if drawn > 0 {
		views = slices.DeleteFunc(views, func(v nn.View) bool { return strings.HasPrefix(v.Name, mix.Vectors) })
	}
	return &layout{
		views: views,
		tell: func(info *Info) {
			tellTable(plan, info)
			info.Table.Parameters -= drawn
		},
		build: func() (Density, error) {
			t := mix.Blank(plan)
			t.DrawVectors()
			return t, nil
		},
	}, nil
}

func tellTable(p *mix.Plan, info *Info) {
	info.Flow, info.Numerical = p.Spec.Flow, p.Numerical()
	info.Table = &TableInfo{Hidden: p.Spec.Hidden, Parameters: p.CodesSize()}
}

// tablePoints are events of all codes in turn, with latents where these say that there is a value.
func tablePoints(d Density, n int, context [][]float32) ([][]float32, error) {
	t := d.(*mix.Table)
	x := make([][]float32, len(t.Spec.Features))
	for i, f := range t.Spec.Features {
		x[i] = make([]float32, n)
		for e := range x[i] {
			if f.Categories > 0 {
				x[i][e] = float32(e % f.Categories)
			}
		}
	}
	for i, f := range t.Spec.Features {
		for e := range n {
			switch w := f.Where; {
			case f.Categories > 0:
			case w != nil && !slices.Contains(w.Codes, int(x[w.Feature][e])):
				x[i][e] = float32(math.NaN())
			default:
				x[i][e] = 0.1 * float32(1+(i+e)%5)
			}
		}
	}
	return x, nil
}
