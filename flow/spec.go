package flow

import (
	"cmp"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/sluice-hep/sluice/flow/tile"
)

// Spec describes a flow: enough, with a seed, to build it again. It is a composition of layers, or a preset that expands
// to one; Full expands it. The zero value of a field means its default.
type Spec struct {
	// Base is the density of the latent, default normal (circular: box); Bases are those of features that have another, independent of the
	// rest, by their names in a card, by their numbers here.
	Base  Part            `yaml:"base,omitempty" json:"base,omitzero"`
	Bases map[string]Part `yaml:"bases,omitempty" json:"bases,omitempty"`
	// Layers are the transforms from data to latent, the first next to the data, and stand Repeat times (default 1), with
	// Between standing between the times.
	Repeat  int    `yaml:"repeat,omitempty" json:"repeat,omitempty"`
	Layers  []Part `yaml:"layers,omitempty" json:"layers,omitempty"`
	Between []Part `yaml:"between,omitempty" json:"between,omitempty"`

	// ContextNet turns the context, once an event, into the columns that all layers and the base see in its place, and is trained with
	// the rest: mlp, of all context columns, or deep-sets, of sets of objects and the columns beside them. Default none.
	ContextNet Part `yaml:"context_net,omitempty" json:"context_net,omitzero"`

	// Type is a preset, one of Presets: maf (masked autoregressive flow, arXiv:1705.07057), realnvp (affine coupling,
	// arXiv:1605.08803), nsf (rational-quadratic spline coupling, arXiv:1906.04032), nsf-ar (the same splines,
	// autoregressive), naf (deep sigmoidal flow, autoregressive, arXiv:1804.00779), bernstein (polynomials,
	// autoregressive, arXiv:2102.03509), circular (splines on circles, of angles within +-pi, autoregressive,
	// arXiv:2002.02428), glow (arXiv:1807.03039, of tables: norm, LU map and affine coupling), cinn (affine couplings of
	// clamped scales between fixed rotations, arXiv:1907.02392, arXiv:2006.06599) or cfm (one Continuous, for flow matching,
	// arXiv:2210.02747). Default nsf-ar, where there are no Layers.
	// The fields below belong to presets.
	Type string `yaml:"type,omitempty" json:"type,omitempty"`
	// Transforms is the number of coupling or autoregressive transforms. Default 8 (maf, realnvp, glow), 12 (cinn) or 5.
	Transforms int `yaml:"transforms,omitempty" json:"transforms,omitempty"`
	// Hidden are the widths of the conditioner's hidden layers, of a residual network the one. Default [128, 128], or 128.
	Hidden []int `yaml:"hidden,omitempty" json:"hidden,omitempty"`
	// Activation of the hidden layers: relu, tanh or elu. Default relu.
	Activation string `yaml:"activation,omitempty" json:"activation,omitempty"`
	// LogScale bounds the log-scale of affine transformers: tanh, soft, clamp, sigmoid or none; see the type LogScale.
	// Default tanh (cinn: clamp).
	LogScale string `yaml:"log_scale,omitempty" json:"log_scale,omitempty"`
	// Bins of a spline, on [-Bound, Bound] as polynomials are, linear outside. Defaults 8 and 5.
	Bins  int     `yaml:"bins,omitempty" json:"bins,omitempty"`
	Bound float64 `yaml:"bound,omitempty" json:"bound,omitempty"`
	// Permute stands between the transforms: reverse, random or none. Default reverse (maf, nsf-ar) or
	// random (couplings).
	Permute string `yaml:"permute,omitempty" json:"permute,omitempty"`
	// Degrees of MADE's hidden units: cyclic or equal. Default cyclic.
	Degrees string `yaml:"degrees,omitempty" json:"degrees,omitempty"`
	// Context goes into every layer of a conditioner (all) or into the first only (first). Default all.
	Context string `yaml:"context,omitempty" json:"context,omitempty"`
	// Init draws the hidden weights: orthogonal, glorot or he. Default glorot. The last layer of a
	// conditioner starts near zero, so that a flow starts near the identity.
	Init string `yaml:"init,omitempty" json:"init,omitempty"`
	// Linear puts a linear map of all features before each transform: lu, householder, rotation or permutation, see the types
	// LU and so on. Default none.
	Linear string `yaml:"linear,omitempty" json:"linear,omitempty"`
	// BatchNorm puts a batch norm of the features after each transform but the last; see the type BatchNorm.
	BatchNorm bool `yaml:"batch_norm,omitempty" json:"batch_norm,omitempty"`
	// Net is the conditioner: mlp, or residual, which has Blocks of two layers (default 2), and with NetBatchNorm a batch
	// norm before each.
	Net          string `yaml:"net,omitempty" json:"net,omitempty"`
	Blocks       int    `yaml:"blocks,omitempty" json:"blocks,omitempty"`
	NetBatchNorm bool   `yaml:"net_batch_norm,omitempty" json:"net_batch_norm,omitempty"`
	// Dropout is the fraction of hidden units left out in training, to 1/256; negative for none. Default none; of a card, by the
	// number of parameters and events.
	Dropout float64 `yaml:"dropout,omitempty" json:"dropout,omitempty"`
}

// Full is the composition with every option that it has, defaults included: what describes a flow for good. own are kinds
// besides those of this package. An error is a FieldError by the name in a card.
func (s Spec) Full(own ...Kind) (Spec, error) {
	c, err := s.expand(own)
	return c.Spec, err
}

// Validate reports the first field, by its name in a card, that cannot be, or that has no effect.
func (s Spec) Validate(own ...Kind) error {
	_, err := s.expand(own)
	return err
}

// composition is a full Spec, and what makes its parts.
type composition struct {
	Spec
	base            BaseAt
	bases           map[string]BaseAt // by the number of the feature
	layers, between []layerKind
	embedding       EmbeddingAt // nil for none
}

type layerKind struct {
	part  Part
	path  string // in a card
	scope string // of its parameters, within those of a repetition
	place Placement
}

func (s Spec) expand(own []Kind) (c composition, err error) {
	if len(s.Layers) == 0 {
		layers, err := s.preset()
		if err != nil {
			return c, err
		}
		c, err = layers.expand(own)
		return c, s.ofPreset(err)
	}
	if field := s.presetField(); field != "" {
		return c, fault(field, "belongs to a preset (type: nsf and the like), not to a flow of layers: put it into the layer that it is for")
	}
	c.Repeat = cmp.Or(s.Repeat, 1)
	if c.Repeat < 1 || c.Repeat > 1000 {
		return c, fault("repeat", "%d is not between 1 and 1000", c.Repeat)
	}
	if s.Base.IsZero() {
		s.Base.Kind = "normal"
	}
	all := slices.Concat(kinds, own)
	if c.Base, c.base, err = expandBase(all, s.Base, "base"); err != nil {
		return c, err
	}
	if err = c.expandContext(all, s.ContextNet); err != nil {
		return c, err
	}
	for _, name := range slices.Sorted(maps.Keys(s.Bases)) {
		if c.bases == nil {
			c.Bases, c.bases = map[string]Part{}, map[string]BaseAt{}
		}
		if c.Bases[name], c.bases[name], err = expandBase(all, s.Bases[name], join("bases", name)); err != nil {
			return c, err
		}
	}
	used := map[string]int{}
	if c.Layers, c.layers, err = expandLayers(all, s.Layers, "layers", used); err != nil {
		return c, err
	}
	c.Between, c.between, err = expandLayers(all, s.Between, "between", used)
	return c, err
}

func expandBase(all []Kind, p Part, path string) (full Part, build BaseAt, err error) {
	x, err := expandPart(all, p, path, RoleBase)
	if err != nil {
		return p, nil, err
	}
	build, ok := x.made.(BaseAt)
	if !ok {
		return p, nil, fault(path, "the kind %s builds a %T, which makes no base", x.Kind, x.made)
	}
	return x.Part, build, nil
}

func expandLayers(all []Kind, parts []Part, path string, used map[string]int) (full []Part, made []layerKind, err error) {
	if len(parts) > 100 {
		return nil, nil, fault(path, "%d layers are more than 100; use repeat", len(parts))
	}
	for i, p := range parts {
		at := join(path, strconv.Itoa(i))
		l, err := expandPart(all, p, at, layerRoles...)
		if err != nil {
			return nil, nil, err
		}
		place, ok := l.made.(Placement)
		if !ok {
			return nil, nil, fault(at, "the kind %s builds a %T, which places no layer", l.Kind, l.made)
		}
		full = append(full, l.Part)
		made = append(made, layerKind{l.Part, join(at, l.Kind), l.scope(used), place})
	}
	return full, made, nil
}

// scope names the parameters of a layer within those of a repetition: nothing for the first conditional one, else linear,
// norm or its kind, with a number from the second on.
func (x expanded) scope(used map[string]int) string {
	name, key := x.Kind, x.Kind
	switch x.role {
	case RoleLinear, RoleNorm:
		name, key = string(x.role), string(x.role)
	case RoleConditional:
		key = string(x.role)
	}
	used[key]++
	switch n := used[key]; {
	case n > 1:
		return fmt.Sprint(name, n)
	case x.role == RoleConditional:
		return ""
	}
	return name
}

// presetField is the first field of presets that is set; no dropout is none of them.
func (s Spec) presetField() string {
	s.Dropout = max(s.Dropout, 0)
	v := reflect.ValueOf(s)
	for i := range v.NumField() {
		name, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("yaml"), ",")
		if !slices.Contains([]string{"base", "bases", "repeat", "layers", "between", contextNet}, name) && !v.Field(i).IsZero() {
			return name
		}
	}
	return ""
}

// Resolve replaces the names of features in a composition, which may have transformers of their own, by their numbers: their
// places among names. A number stands for itself.
func (s Spec) Resolve(names []string) (Spec, error) {
	return s.rename(func(name string) (string, error) {
		if i := slices.Index(names, name); i >= 0 {
			return strconv.Itoa(i), nil
		}
		if n, err := strconv.Atoi(name); err != nil || n < 0 || n >= len(names) {
			return "", fault(name, "%q is not one of the features %v", name, names)
		}
		return name, nil
	})
}

// Named is the way back from Resolve.
func (s Spec) Named(names []string) Spec {
	s, _ = s.rename(func(number string) (string, error) {
		if i, err := strconv.Atoi(number); err == nil && i >= 0 && i < len(names) {
			return names[i], nil
		}
		return number, nil
	})
	return s
}

// rename changes the names of features throughout a composition.
func (s Spec) rename(to func(name string) (string, error)) (Spec, error) {
	bases, err := renamed(s.Bases, to)
	if err != nil {
		return s, within("bases", err)
	}
	s.Bases, s.Layers, s.Between = bases, slices.Clone(s.Layers), slices.Clone(s.Between)
	return s, s.each(func(p *Part) (err error) {
		*p, err = p.rename(to)
		return err
	})
}

// each calls fn for the layers and those between, and puts the path of one before the field of its error.
func (s Spec) each(fn func(p *Part) error) error {
	for _, list := range []struct {
		field string
		parts []Part
	}{{"layers", s.Layers}, {"between", s.Between}} {
		for i := range list.parts {
			if err := fn(&list.parts[i]); err != nil {
				return within(join(list.field, strconv.Itoa(i)), err)
			}
		}
	}
	return nil
}

func (p Part) rename(to func(name string) (string, error)) (Part, error) {
	if inner, ok, err := p.inner(layerRoles...); err != nil {
		return p, nil // as expandPart says
	} else if ok {
		inner, err = inner.rename(to)
		return Part{p.Kind, map[string]any{"": inner}}, within(p.Kind, err)
	}
	named, ok := p.Options["transformers"].(map[string]any)
	if !ok {
		return p, nil
	}
	again, err := renamed(named, to)
	if err != nil {
		return p, within(p.Kind+".transformers", err)
	}
	p.Options = maps.Clone(p.Options)
	p.Options["transformers"] = again
	return p, nil
}

// renamed is a map whose keys name features.
func renamed[T any](of map[string]T, to func(name string) (string, error)) (map[string]T, error) {
	if of == nil {
		return nil, nil
	}
	again := map[string]T{}
	for name, v := range of {
		n, err := to(name)
		if err != nil {
			return nil, err
		}
		again[n] = v
	}
	return again, nil
}

// Idle reports the first field, by its name in a card, that has no effect on a flow of these dimensions, trained by flow matching or not,
// although it is known.
func (s Spec) Idle(features, context int, matching bool) error {
	full, err := s.Full()
	if err != nil {
		return nil // own kinds, or a fault that Validate names
	}
	if full.Repeat == 1 && len(full.Between) > 0 {
		return s.ofPreset(fault("between", "has no effect: it stands between repetitions, of which there is one"))
	}
	if len(s.Bases) == features && !s.Base.IsZero() {
		return fault("base", "has no effect where bases names every feature: take it out")
	}
	if context == 0 && !s.ContextNet.IsZero() {
		return fault(contextNet, "has no effect on a flow without a context: take it out")
	}
	if context == 0 && s.Context == "first" {
		return fault("context", "has no effect on a flow without a context: take it out")
	}
	return s.each(func(p *Part) error { return p.idle(features, context, matching) })
}

func (p Part) idle(features, context int, matching bool) error {
	if inner, ok, err := p.inner(layerRoles...); ok && err == nil {
		return within(p.Kind, inner.idle(features, context, matching))
	}
	if p.Kind == "continuous" {
		return p.idleContinuous(matching)
	}
	net, _ := ParsePart(p.Options["net"])
	if net.Options["context"] == "first" && context == 0 {
		return fault(join(p.Kind, "net.context"), "has no effect on a flow without a context: take it out")
	}
	if own, _ := p.Options["transformers"].(map[string]any); p.Options["transformer"] != nil && len(own) == features {
		return fault(join(p.Kind, "transformer"), "has no effect where transformers names every feature: take it out")
	}
	return nil
}

func (p Part) idleContinuous(matching bool) error {
	if steps := p.Options["steps"]; p.Options["tolerance"] != nil && steps != nil && fmt.Sprint(steps) != "0" {
		return fault(join(p.Kind, "tolerance"), "has no effect beside steps, which are of a fixed number: take one of them out")
	}
	for _, name := range []string{"pairing", "path", "sigma_min"} {
		if p.Options[name] != nil && !matching {
			return fault(join(p.Kind, name), "has no effect on a training by likelihood: it is of flow matching; take it out")
		}
	}
	return nil
}

// String is the composition in a few words, as {repeat} x (layers).
func (s Spec) String() string {
	var names []string
	for _, p := range s.Layers {
		name := p.Kind
		if t, ok := p.Options["transformer"].(Part); ok {
			name = t.Kind + " " + name
		}
		names = append(names, name)
	}
	return fmt.Sprintf("%d x (%s)", s.Repeat, strings.Join(names, ", "))
}

// Lines are the composition in full, a line a part.
func (s Spec) Lines() []string {
	lines := []string{"base " + s.Base.String()}
	if !s.ContextNet.IsZero() {
		lines = append(lines, "the context is seen through "+s.ContextNet.String())
	}
	for _, name := range slices.Sorted(maps.Keys(s.Bases)) {
		lines = append(lines, "base of "+name+" "+s.Bases[name].String())
	}
	lines = append(lines, fmt.Sprintf("%d times, from data to latent", s.Repeat))
	for i, p := range slices.Concat(s.Layers, s.Between) {
		if i == len(s.Layers) {
			lines = append(lines, "and between these times")
		}
		lines = append(lines, "  "+p.String())
	}
	for _, kind := range newton {
		if s.names(kind) {
			lines = append(lines, fmt.Sprintf("the way back of %s is found by Newton's method, to %g, some units of float32's last place", kind, tile.Precision))
		}
	}
	return lines
}

// newton are the kinds whose way back has no closed form, and is as precise as one.
var newton = []string{"bernstein", "dsf", "planar"}

// names says whether a kind is among the layers or their transformers.
func (s Spec) names(kind string) (found bool) {
	of := func(p Part) bool { return p.Kind == kind }
	_ = s.each(func(p *Part) error {
		found = found || of(*p)
		if tr, ok := p.Options["transformer"].(Part); ok {
			found = found || of(tr)
		}
		own, _ := p.Options["transformers"].(map[string]any)
		for _, v := range own {
			tr, ok := v.(Part)
			found = found || ok && of(tr)
		}
		return nil
	})
	return found
}
