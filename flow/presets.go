package flow

import (
	"cmp"
	"errors"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// preset is a composition that goes by the name of a type.
type preset struct {
	name, layer, transformer string
	transforms               int
	before                   []Part // each transform
	logScale, base           string // where none is given
}

var presets = []preset{
	{name: "nsf-ar", layer: "autoregressive", transformer: "spline", transforms: 5},
	{name: "nsf", layer: "coupling", transformer: "spline", transforms: 5},
	{name: "maf", layer: "autoregressive", transformer: "affine", transforms: 8},
	{name: "realnvp", layer: "coupling", transformer: "scale-shift", transforms: 8},
	{name: "naf", layer: "autoregressive", transformer: "dsf", transforms: 5},
	{name: "circular", layer: "autoregressive", transformer: "circular-spline", transforms: 5, base: "box"},
	{name: "bernstein", layer: "autoregressive", transformer: "bernstein", transforms: 5},
	{name: "glow", layer: "coupling", transformer: "scale-shift", transforms: 8, before: []Part{{Kind: "act-norm"}, {Kind: "lu"}}},
	{name: "cfm", layer: "continuous", transforms: 1},
	{name: "cinn", layer: "coupling", transformer: "scale-shift", transforms: 12, before: []Part{{Kind: "rotation"}}, logScale: "clamp"},
}

// Presets are the types of Spec, the default first.
func Presets() []string {
	var names []string
	for _, p := range presets {
		names = append(names, p.name)
	}
	return names
}

// preset gives the composition that a type and what stands beside it mean.
func (s Spec) preset() (Spec, error) {
	if s.Repeat != 0 || len(s.Between) > 0 {
		return s, fault("layers", "repeat and between are for a flow of layers: write layers, or set type and transforms")
	}
	at := slices.Index(Presets(), cmp.Or(s.Type, presets[0].name))
	if at < 0 {
		return s, fault("type", "%q is not one of %v", s.Type, Presets())
	}
	p := presets[at]
	if p.layer == "continuous" {
		return s.continuous(p)
	}
	layer := options("permute", s.Permute, "degrees", s.Degrees,
		"transformer", Part{p.transformer, options("bins", s.Bins, "bound", s.Bound, "log_scale", cmp.Or(s.LogScale, p.logScale))})
	net := options("activation", s.Activation, "init", s.Init, "dropout", max(s.Dropout, 0), "context", s.Context,
		"blocks", s.Blocks, "batch_norm", s.NetBatchNorm)
	layer["net"] = Part{cmp.Or(s.Net, "mlp"), net}
	switch {
	case s.Net != "residual" && s.Hidden != nil:
		net["hidden"] = s.Hidden
	case s.Net == "residual" && len(s.Hidden) > 1:
		return s, fault("hidden", "a residual network has one width, not %d; set blocks for its depth", len(s.Hidden))
	case s.Net == "residual" && len(s.Hidden) == 1:
		net["width"] = s.Hidden[0]
	}
	c := Spec{Base: s.Base, Bases: s.Bases, ContextNet: s.ContextNet, Repeat: cmp.Or(s.Transforms, p.transforms)}
	if c.Base.IsZero() {
		c.Base.Kind = p.base
	}
	if s.Linear != "" && s.Linear != "none" {
		c.Layers = append(c.Layers, Part{string(RoleLinear), map[string]any{"": s.Linear}})
	}
	c.Layers = append(append(c.Layers, p.before...), Part{p.layer, layer})
	if s.BatchNorm {
		c.Between = []Part{{Kind: "batch-norm"}}
	}
	return c, nil
}

// continuous is a preset of layers without transformers. An option that these have not is an error of theirs.
func (s Spec) continuous(p preset) (Spec, error) {
	layer := options("hidden", s.Hidden, "activation", s.Activation, "init", s.Init, "permute", s.Permute, "degrees", s.Degrees, "bins", s.Bins, "bound", s.Bound,
		"log_scale", s.LogScale, "dropout", s.Dropout, "context", s.Context, "net", s.Net, "blocks", s.Blocks, "net_batch_norm", s.NetBatchNorm,
		"linear", s.Linear, "batch_norm", s.BatchNorm)
	return Spec{Base: s.Base, Bases: s.Bases, ContextNet: s.ContextNet, Repeat: cmp.Or(s.Transforms, p.transforms), Layers: []Part{{p.layer, layer}}}, nil
}

// options are the pairs of a name and a value whose value is not zero.
func options(pairs ...any) map[string]any {
	m := map[string]any{}
	for i := 0; i < len(pairs); i += 2 {
		if !reflect.ValueOf(pairs[i+1]).IsZero() {
			m[pairs[i].(string)] = pairs[i+1]
		}
	}
	return m
}

// ofBase says whether a field is of a base or of the embedding, which presets do not expand.
func ofBase(field string) bool {
	first, _, _ := strings.Cut(field, ".")
	return first == "base" || first == "bases" || first == contextNet
}

// ofPreset names the field of a preset that an error in its composition is about.
func (s Spec) ofPreset(err error) error {
	var f *FieldError
	if len(s.Layers) > 0 || !errors.As(err, &f) || ofBase(f.Field) {
		return err
	}
	path := strings.Split(f.Field, ".")
	field := path[len(path)-1]
	if _, err := strconv.Atoi(field); err == nil {
		field = "linear"
	}
	switch field {
	case "repeat":
		field = "transforms"
	case "width":
		field = "hidden"
	case "batch_norm":
		field = "net_batch_norm"
	case "coupling":
		field = "type"
	case "between":
		field = "batch_norm"
	}
	return &FieldError{field, f.Reason}
}
