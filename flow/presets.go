package flow

import (
	"cmp"
	"errors"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// presets are the compositions that go by the name of a type.
var presets = []struct {
	name, layer, transformer string
	transforms               int
}{
	{"nsf-ar", "autoregressive", "spline", 5},
	{"nsf", "coupling", "spline", 5},
	{"maf", "autoregressive", "affine", 8},
	{"realnvp", "coupling", "scale-shift", 8},
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
	layer := options("permute", s.Permute, "degrees", s.Degrees,
		"transformer", Part{p.transformer, options("bins", s.Bins, "bound", s.Bound, "log_scale", s.LogScale)})
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
	c := Spec{Base: s.Base, Bases: s.Bases, Repeat: cmp.Or(s.Transforms, p.transforms)}
	if s.Linear != "" && s.Linear != "none" {
		c.Layers = append(c.Layers, Part{string(RoleLinear), map[string]any{"": s.Linear}})
	}
	c.Layers = append(c.Layers, Part{p.layer, layer})
	if s.BatchNorm {
		c.Between = []Part{{Kind: "batch-norm"}}
	}
	return c, nil
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

// ofBase says whether a field is of a base, which presets do not expand.
func ofBase(field string) bool {
	first, _, _ := strings.Cut(field, ".")
	return first == "base" || first == "bases"
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
