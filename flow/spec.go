package flow

import (
	"fmt"
	"slices"
)

// Spec describes a flow: enough to build it again. The zero value of a field means its default.
type Spec struct {
	// Type is the family: maf (masked autoregressive flow, arXiv:1705.07057), realnvp (affine coupling,
	// arXiv:1605.08803), nsf (rational-quadratic spline coupling, arXiv:1906.04032) or nsf-ar (the same
	// splines, autoregressive). Default nsf-ar.
	Type string `yaml:"type,omitempty" json:"type,omitempty"`
	// Transforms is the number of coupling or autoregressive transforms. Default 8 (maf, realnvp) or 5 (splines).
	Transforms int `yaml:"transforms,omitempty" json:"transforms,omitempty"`
	// Hidden are the widths of the conditioner's hidden layers. Default [128, 128].
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
	// Net is the conditioner: mlp, or residual (couplings only), which has one width in Hidden, Blocks of two
	// layers, and with NetBatchNorm a batch norm before each. Defaults mlp; 2 blocks of width 128.
	Net          string `yaml:"net,omitempty" json:"net,omitempty"`
	Blocks       int    `yaml:"blocks,omitempty" json:"blocks,omitempty"`
	NetBatchNorm bool   `yaml:"net_batch_norm,omitempty" json:"net_batch_norm,omitempty"`
	// Dropout is the fraction of hidden units left out in training, to 1/256. Default 0.
	Dropout float64 `yaml:"dropout,omitempty" json:"dropout,omitempty"`
}

// WithDefaults fills in the defaults.
func (s Spec) WithDefaults() Spec {
	set := func(p *string, v string) {
		if *p == "" {
			*p = v
		}
	}
	set(&s.Type, "nsf-ar")
	spline := s.Type == "nsf" || s.Type == "nsf-ar"
	coupling := s.Type == "nsf" || s.Type == "realnvp"
	if s.Transforms == 0 {
		s.Transforms = 8
		if spline {
			s.Transforms = 5
		}
	}
	set(&s.Linear, "none")
	set(&s.Net, "mlp")
	residual := s.Net == "residual"
	if s.Hidden == nil {
		s.Hidden = []int{128, 128}
		if residual {
			s.Hidden = []int{128}
		}
	}
	if residual && s.Blocks == 0 {
		s.Blocks = 2
	}
	set(&s.Activation, "relu")
	if spline {
		if s.Bins == 0 {
			s.Bins = 8
		}
		if s.Bound == 0 {
			s.Bound = 5
		}
	} else {
		set(&s.LogScale, "tanh")
	}
	if coupling {
		set(&s.Permute, "random")
	} else {
		set(&s.Permute, "reverse")
		set(&s.Degrees, "cyclic")
	}
	if !residual { // whose context goes into the first layer and the gates
		set(&s.Context, "all")
	}
	set(&s.Init, "glorot")
	return s
}

// Validate reports the first field, by its name in a card, that cannot be.
func (s Spec) Validate() error {
	s = s.WithDefaults()
	oneOf := func(field, v string, allowed ...string) error {
		if v != "" && !slices.Contains(allowed, v) {
			return &FieldError{field, fmt.Sprintf("%q is not one of %v", v, allowed)}
		}
		return nil
	}
	for _, err := range []error{
		oneOf("type", s.Type, "maf", "realnvp", "nsf", "nsf-ar"),
		oneOf("activation", s.Activation, "relu", "tanh", "elu"),
		oneOf("log_scale", s.LogScale, "tanh", "soft", "sigmoid", "none"),
		oneOf("permute", s.Permute, "reverse", "random", "none"),
		oneOf("degrees", s.Degrees, "cyclic", "equal"),
		oneOf("context", s.Context, "all", "first"),
		oneOf("init", s.Init, "orthogonal", "glorot", "he"),
		oneOf("linear", s.Linear, "none", "lu"),
		oneOf("net", s.Net, "mlp", "residual"),
		s.checkNet(),
	} {
		if err != nil {
			return err
		}
	}
	switch {
	case s.Transforms < 1 || s.Transforms > 1000:
		return &FieldError{"transforms", fmt.Sprintf("%d is not between 1 and 1000", s.Transforms)}
	case len(s.Hidden) == 0 || len(s.Hidden) > 100:
		return &FieldError{"hidden", fmt.Sprintf("%d layers are not between 1 and 100", len(s.Hidden))}
	case s.Bins != 0 && (s.Bins < 2 || s.Bins > 500):
		return &FieldError{"bins", fmt.Sprintf("%d is not between 2 and 500", s.Bins)}
	case s.Bound != 0 && !(s.Bound > 0 && s.Bound <= 1e6):
		return &FieldError{"bound", fmt.Sprintf("%g is not between 0 and 1e6", s.Bound)}
	case !(s.Dropout >= 0 && s.Dropout < 1):
		return &FieldError{"dropout", fmt.Sprintf("%g is not in [0, 1)", s.Dropout)}
	}
	for _, h := range s.Hidden {
		if h < 1 || h > 65536 {
			return &FieldError{"hidden", fmt.Sprintf("a width of %d is not between 1 and 65536", h)}
		}
	}
	return nil
}

// checkNet reports what does not go with the kind of network.
func (s Spec) checkNet() error {
	if s.Net != "residual" {
		if s.Blocks != 0 {
			return &FieldError{"blocks", "only a residual network has blocks; set net: residual"}
		}
		if s.NetBatchNorm {
			return &FieldError{"net_batch_norm", "only a residual network has it; set net: residual, or batch_norm for one between the transforms"}
		}
		return nil
	}
	switch {
	case !coupling(s):
		return &FieldError{"net", fmt.Sprintf("a residual network goes with couplings (nsf, realnvp), not with %s", s.Type)}
	case len(s.Hidden) != 1:
		return &FieldError{"hidden", fmt.Sprintf("a residual network has one width, not %d; set blocks for its depth", len(s.Hidden))}
	case s.Blocks < 1 || s.Blocks > 100:
		return &FieldError{"blocks", fmt.Sprintf("%d is not between 1 and 100", s.Blocks)}
	case s.Context != "":
		return &FieldError{"context", "a residual network takes the context in its first layer and in the gates of its blocks; leave this out"}
	}
	return nil
}

// layers is the number of hidden layers with dropout in one conditioner.
func (s Spec) layers() int {
	if s.Net == "residual" {
		return s.Blocks
	}
	return len(s.Hidden)
}

// FieldError names a field of a Spec whose value cannot be.
type FieldError struct{ Field, Reason string }

func (e *FieldError) Error() string { return "flow." + e.Field + ": " + e.Reason }
