package flow

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// Spec describes a flow: enough, with a seed, to build it again. It is a composition of layers, or a preset that expands
// to one; Full expands it. The zero value of a field means its default.
type Spec struct {
	// Base is the density of the latent. Default normal.
	Base Part `yaml:"base,omitempty" json:"base,omitzero"`
	// Layers are the transforms from data to latent, the first next to the data, and stand Repeat times (default 1), with
	// Between standing between the times.
	Repeat  int    `yaml:"repeat,omitempty" json:"repeat,omitempty"`
	Layers  []Part `yaml:"layers,omitempty" json:"layers,omitempty"`
	Between []Part `yaml:"between,omitempty" json:"between,omitempty"`

	// Type is a preset, one of Presets: maf (masked autoregressive flow, arXiv:1705.07057), realnvp (affine coupling,
	// arXiv:1605.08803), nsf (rational-quadratic spline coupling, arXiv:1906.04032) or nsf-ar (the same
	// splines, autoregressive). Default nsf-ar, where there are no Layers. The fields below belong to presets.
	Type string `yaml:"type,omitempty" json:"type,omitempty"`
	// Transforms is the number of coupling or autoregressive transforms. Default 8 (maf, realnvp) or 5 (splines).
	Transforms int `yaml:"transforms,omitempty" json:"transforms,omitempty"`
	// Hidden are the widths of the conditioner's hidden layers, of a residual network the one. Default [128, 128], or 128.
	Hidden []int `yaml:"hidden,omitempty" json:"hidden,omitempty"`
	// Activation of the hidden layers: relu, tanh or elu. Default relu.
	Activation string `yaml:"activation,omitempty" json:"activation,omitempty"`
	// LogScale bounds the log-scale of affine transformers: tanh, soft, sigmoid or none; see the type LogScale.
	// Default tanh.
	LogScale string `yaml:"log_scale,omitempty" json:"log_scale,omitempty"`
	// Bins of a spline, on [-Bound, Bound], linear outside. Defaults 8 and 5.
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
	// Linear puts a linear map of all features before each transform: lu, see the type LU. Default none.
	Linear string `yaml:"linear,omitempty" json:"linear,omitempty"`
	// BatchNorm puts a batch norm of the features after each transform but the last; see the type BatchNorm.
	BatchNorm bool `yaml:"batch_norm,omitempty" json:"batch_norm,omitempty"`
	// Net is the conditioner: mlp, or residual, which has Blocks of two layers (default 2), and with NetBatchNorm a batch
	// norm before each.
	Net          string `yaml:"net,omitempty" json:"net,omitempty"`
	Blocks       int    `yaml:"blocks,omitempty" json:"blocks,omitempty"`
	NetBatchNorm bool   `yaml:"net_batch_norm,omitempty" json:"net_batch_norm,omitempty"`
	// Dropout is the fraction of hidden units left out in training, to 1/256. Default 0.
	Dropout float64 `yaml:"dropout,omitempty" json:"dropout,omitempty"`
}

// IsZero says whether nothing is named.
func (p Part) IsZero() bool { return p.Kind == "" }

// Full is the composition with every option that it has, defaults included: what describes a flow for good. own are kinds
// besides those of this package. An error is a FieldError by the name in a card.
func (s Spec) Full(own ...Kind) (Spec, error) {
	full, _, err := s.expand(own)
	return full, err
}

// Validate reports the first field, by its name in a card, that cannot be, or that has no effect.
func (s Spec) Validate(own ...Kind) error {
	_, err := s.Full(own...)
	return err
}

// composition is a Spec whose layers can be made.
type composition struct {
	base            func(features int) Base
	layers, between []layerKind
}

type layerKind struct {
	part  Part
	path  string // in a card
	scope string // of its parameters, within those of a repetition
	place Placement
}

// expand gives the full Spec and what makes its parts.
func (s Spec) expand(own []Kind) (Spec, composition, error) {
	if len(s.Layers) == 0 {
		c, err := s.preset()
		if err != nil {
			return s, composition{}, err
		}
		full, made, err := c.expand(own)
		return full, made, s.ofPreset(err)
	}
	all := slices.Concat(kinds, own)
	if field := s.presetField(); field != "" {
		return s, composition{}, &FieldError{field, "belongs to a preset (type: nsf and the like), not to a flow of layers: put it into the layer that it is for"}
	}
	full := Spec{Repeat: s.Repeat, Base: s.Base}
	if full.Repeat == 0 {
		full.Repeat = 1
	}
	if full.Repeat < 1 || full.Repeat > 1000 {
		return s, composition{}, &FieldError{"repeat", fmtReason("%d is not between 1 and 1000", full.Repeat)}
	}
	if s.Base.IsZero() {
		full.Base = Part{Kind: "normal"}
	}
	var c composition
	var made any
	var err error
	if full.Base, made, err = expandPart(all, full.Base, "base", RoleBase); err != nil {
		return s, c, err
	}
	c.base, _ = made.(func(int) Base)
	used := map[string]int{}
	if full.Layers, c.layers, err = expandLayers(all, s.Layers, "layers", used); err != nil {
		return s, c, err
	}
	if full.Between, c.between, err = expandLayers(all, s.Between, "between", used); err != nil {
		return s, c, err
	}
	return full, c, nil
}

func expandLayers(all []Kind, parts []Part, path string, used map[string]int) (full []Part, made []layerKind, err error) {
	if len(parts) > 100 {
		return nil, nil, &FieldError{path, fmtReason("%d layers are more than 100; use repeat", len(parts))}
	}
	for i, p := range parts {
		at := join(path, strconv.Itoa(i))
		f, m, err := expandPart(all, p, at, layerRoles...)
		if err != nil {
			return nil, nil, err
		}
		place, ok := m.(Placement)
		if !ok {
			return nil, nil, &FieldError{at, fmtReason("the kind %s builds a %T, which places no layer", f.Kind, m)}
		}
		full = append(full, f)
		made = append(made, layerKind{f, join(at, f.Kind), scopeOf(all, f.Kind, used), place})
	}
	return full, made, nil
}

// scopeOf names the parameters of a layer within those of a repetition: nothing for the first conditional one, else linear,
// norm or its kind, with a number from the second on.
func scopeOf(all []Kind, kind string, used map[string]int) string {
	k := all[slices.IndexFunc(all, func(k Kind) bool { return k.Name == kind })]
	name := kind
	if k.Role == RoleLinear || k.Role == RoleNorm {
		name = string(k.Role)
	}
	key := name
	if k.Role == RoleConditional {
		key = string(RoleConditional)
	}
	used[key]++
	switch n := used[key]; {
	case n > 1:
		return fmt.Sprint(name, n)
	case k.Role == RoleConditional:
		return ""
	}
	return name
}

// presetField is the first field of presets that is set.
func (s Spec) presetField() string {
	v := reflect.ValueOf(s)
	for i := range v.NumField() {
		name, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("yaml"), ",")
		if !slices.Contains([]string{"base", "repeat", "layers", "between"}, name) && !v.Field(i).IsZero() {
			return name
		}
	}
	return ""
}

// transformersOf calls fn for each map from features to transformers of a Spec.
func (s Spec) transformersOf(fn func(path string, m map[string]any) (map[string]any, error)) (Spec, error) {
	s.Layers = slices.Clone(s.Layers)
	for i, p := range s.Layers {
		m, ok := p.Options["transformers"].(map[string]any)
		if !ok {
			continue
		}
		next, err := fn(fmt.Sprintf("layers.%d.%s.transformers", i, p.Kind), m)
		if err != nil {
			return s, err
		}
		p.Options = maps.Clone(p.Options)
		p.Options["transformers"] = next
		s.Layers[i] = p
	}
	return s, nil
}

// Resolve replaces the names of features in a composition, which may have transformers of their own, by their numbers: their
// places among names. A number stands for itself.
func (s Spec) Resolve(names []string) (Spec, error) {
	return s.transformersOf(func(path string, m map[string]any) (map[string]any, error) {
		next := map[string]any{}
		for name, v := range m {
			i := slices.Index(names, name)
			if n, err := strconv.Atoi(name); i < 0 && err == nil && n >= 0 && n < len(names) {
				i = n
			}
			if i < 0 {
				return nil, &FieldError{join(path, name), fmtReason("%q is not one of the features %v", name, names)}
			}
			next[strconv.Itoa(i)] = v
		}
		return next, nil
	})
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
	lines := []string{"base " + s.Base.String(), fmt.Sprintf("%d times, from data to latent", s.Repeat)}
	for _, p := range s.Layers {
		lines = append(lines, "  "+p.String())
	}
	if len(s.Between) > 0 {
		lines = append(lines, "and between these times")
	}
	for _, p := range s.Between {
		lines = append(lines, "  "+p.String())
	}
	return lines
}

// String is the form of a card.
func (p Part) String() string {
	if len(p.Options) == 0 {
		return p.Kind
	}
	return p.Kind + ": " + inline(p.Options)
}

func inline(v any) string {
	switch v := v.(type) {
	case Part:
		if len(v.Options) == 0 {
			return v.Kind
		}
		return "{" + v.String() + "}"
	case map[string]any:
		var pairs []string
		for _, k := range slices.Sorted(maps.Keys(v)) {
			pairs = append(pairs, k+": "+inline(v[k]))
		}
		return "{" + strings.Join(pairs, ", ") + "}"
	}
	text, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return strings.ReplaceAll(strings.Trim(string(text), `"`), ",", ", ")
}
