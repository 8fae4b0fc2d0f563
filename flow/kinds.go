package flow

import (
	"math"

	"github.com/sluice-hep/sluice/flow/base"
	"github.com/sluice-hep/sluice/flow/linear"
	"github.com/sluice-hep/sluice/flow/transformer"
	"github.com/sluice-hep/sluice/flow/whole"
	"github.com/sluice-hep/sluice/nn"
)

// Role is what a kind can stand for in a Spec.
type Role string

const (
	RoleTransformer Role = "transformer" // Build gives a Transformer
	RoleNet         Role = "net"         // a Network
	RoleBase        Role = "base"        // a BaseAt
	RoleContext     Role = "context"     // an EmbeddingAt
	RoleConditional Role = "conditional" // a Placement, as for all layers: here with transformers and a network
	RoleLinear      Role = "linear"      // a linear map of all features
	RoleNorm        Role = "norm"        // takes statistics
	RoleWhole       Role = "whole"       // any other map of all features
)

// layerRoles are those of the layers of a flow.
var layerRoles = []Role{RoleConditional, RoleLinear, RoleNorm, RoleWhole}

// Kind is a part that flows are made of. Build reads its options, all of them whatever their values, and does nothing else
// that lasts: it is called to describe, to check and to build.
type Kind struct {
	Name  string
	Role  Role
	Build func(o *Options) any
}

// BaseAt makes a base of the features of a site.
type BaseAt = func(s *Site) (Base, error)

// Placement makes a layer for its place in a flow.
type Placement = func(s *Site) (Transform, error)

// Network makes the network of a conditional transform: one that takes tiles one by one, or one that takes the batch.
type Network struct {
	Layers  int // hidden layers with dropout
	Single  func(l *nn.Layout, scope string, s nn.Shape) Conditioner
	Batched func(l *nn.Layout, scope string, s nn.Shape) BatchedConditioner
}

// kinds is every part there is; the compliance suite runs over all of them.
var kinds = []Kind{
	{"affine", RoleTransformer, func(o *Options) any { return &transformer.Affine{LogScale: logScale(o)} }},
	{"scale-shift", RoleTransformer, func(o *Options) any { return &transformer.Affine{LogScale: logScale(o), ScaleFirst: true} }},
	{"spline", RoleTransformer, func(o *Options) any {
		return transformer.NewRationalQuadraticSpline(o.Count("bins", 8, 2, 500), o.Number("bound", 5, 1e-6, 1e6), 1)
	}},
	{"circular-spline", RoleTransformer, func(o *Options) any {
		return transformer.NewCircularSpline(o.Count("bins", 8, 2, 500), o.Number("bound", math.Pi, 1e-6, 1e6))
	}},
	{"dsf", RoleTransformer, func(o *Options) any {
		return transformer.NewSigmoidal(o.Count("units", 16, 1, transformer.MostUnits), o.Count("layers", 1, 1, 8))
	}},
	{"bernstein", RoleTransformer, func(o *Options) any {
		return transformer.NewBernstein(o.Count("degree", 16, 2, transformer.MostDegree), o.Number("bound", 5, 1e-6, 1e6))
	}},
	{"mlp", RoleNet, mlp},
	{"residual", RoleNet, residual},
	{"mlp", RoleContext, contextMLP},
	{DeepSets, RoleContext, deepSets},
	{"normal", RoleBase, func(*Options) any {
		return func(s *Site) (Base, error) { return &base.Normal{Features: s.Features()}, nil }
	}},
	{"student-t", RoleBase, func(o *Options) any {
		nu := o.Number("nu", 5, 0.1, 1e3)
		return func(s *Site) (Base, error) { return base.NewStudentT(s.Features(), nu), nil }
	}},
	{"box", RoleBase, func(o *Options) any { return box(o, math.Inf(1)) }},
	{"truncated", RoleBase, func(o *Options) any { return box(o, o.Number("width", 1, 1e-3, 1e6)) }},
	{"mixture", RoleBase, func(o *Options) any {
		k := o.Count("components", 8, 1, 1000)
		return func(s *Site) (Base, error) { return &base.Mixture{Features: s.Features(), Components: k}, nil }
	}},
	{"conditional-normal", RoleBase, conditionalNormal},
	{"coupling", RoleConditional, coupling},
	{"autoregressive", RoleConditional, autoregressive},
	{"lu", RoleLinear, func(o *Options) any {
		order := o.Choice("permute", "none", "none", "random", "reverse")
		return func(s *Site) (Transform, error) {
			lu := &linear.LU{Order: s.Features()}
			s.permute(order, 0)
			return lu, nil
		}
	}},
	{"permutation", RoleLinear, func(o *Options) any {
		order := o.Choice("order", "random", "random", "reverse")
		return func(s *Site) (Transform, error) {
			s.permute(order, 0)
			return linear.Permutation{}, nil
		}
	}},
	{"householder", RoleLinear, func(o *Options) any {
		k := o.Count("reflections", 0, 0, 65536)
		return func(s *Site) (Transform, error) {
			if n := len(s.order); k == 0 {
				return &linear.Householder{Order: s.Features(), Reflections: n + n%2}, nil
			}
			return &linear.Householder{Order: s.Features(), Reflections: k}, nil
		}
	}},
	{"rotation", RoleLinear, func(*Options) any { return rotation }},
	{"planar", RoleWhole, func(*Options) any {
		return func(s *Site) (Transform, error) { return whole.NewPlanar(len(s.order), s.Context), nil }
	}},
	{"radial", RoleWhole, func(*Options) any {
		return func(s *Site) (Transform, error) { return whole.NewRadial(len(s.order), s.Context), nil }
	}},
	{"residual-flow", RoleWhole, residualFlow},
	{"batch-norm", RoleNorm, func(*Options) any {
		return func(s *Site) (Transform, error) { return linear.NewBatchNorm(len(s.Features())), nil }
	}},
	{"act-norm", RoleNorm, func(*Options) any {
		return func(s *Site) (Transform, error) { return linear.NewActNorm(len(s.Features())), nil }
	}},
	{"continuous", RoleWhole, continuous},
}

// mostRotated bounds the sum of the squares of the features that rotations turn: a matrix that no file vouches for.
const mostRotated = 1 << 24

func rotation(s *Site) (Transform, error) {
	if s.rotated += len(s.order) * len(s.order); s.rotated > mostRotated {
		return nil, fault("", "rotations of so many features take too much memory: they may have %d numbers in all; take householder", mostRotated)
	}
	return &linear.Rotation{Order: s.Features(), Seed: s.random.Uint64()}, nil
}

func logScale(o *Options) transformer.LogScale {
	return transformer.LogScale(o.Choice("log_scale", "tanh", "tanh", "soft", "clamp", "sigmoid", "none"))
}

func mlp(o *Options) any {
	cfg := nn.Config{Hidden: o.Counts("hidden", []int{128, 128}, 1, 65536)}
	netOptions(o, &cfg)
	cfg.ContextFirst = o.Choice("context", "all", "all", "first") == "first"
	return Network{Layers: len(cfg.Hidden), Single: func(l *nn.Layout, scope string, s nn.Shape) Conditioner {
		return nn.NewMLP(l, scope, cfg, s)
	}}
}

func residual(o *Options) any {
	cfg := nn.Config{Hidden: []int{o.Count("width", 128, 1, 65536)}, Blocks: o.Count("blocks", 2, 1, 100), BatchNorm: o.Flag("batch_norm")}
	netOptions(o, &cfg)
	return Network{Layers: cfg.Blocks, Batched: func(l *nn.Layout, scope string, s nn.Shape) BatchedConditioner {
		return residualNetwork{nn.NewResidual(l, scope, cfg, s)}
	}}
}

func netOptions(o *Options, cfg *nn.Config) {
	cfg.Activation = o.Choice("activation", "relu", nn.Activations...)
	cfg.Init = o.Choice("init", "glorot", nn.Inits...)
	cfg.Dropout = o.Number("dropout", 0, 0, 0.999)
}

func box(o *Options, width float64) BaseAt {
	bound := o.Number("bound", 0, 0, 1e6)
	return func(s *Site) (Base, error) {
		bounds, err := s.confine(bound)
		return &base.Box{Features: s.Features(), Bounds: bounds, Width: width}, err
	}
}

func conditionalNormal(o *Options) any {
	net := made[Network](o, "net", RoleNet, "mlp")
	return func(s *Site) (Base, error) {
		n := net()
		switch {
		case s.Context == 0:
			return nil, fault("", "a conditional-normal base needs a context")
		case n.Single == nil:
			return nil, fault("net", "a base takes a network that goes tile by tile; set net: mlp")
		}
		shape := nn.Shape{Context: s.Context, Outputs: 2 * len(s.order), Layer: s.hidden}
		build := func(l *nn.Layout, scope string, s nn.Shape) base.Network { return n.Single(l, scope, s) }
		return &base.ConditionalNormal{Features: s.Features(), Shape: shape, Build: build}, nil
	}
}

// coupling moves half of the features, given the other half.
func coupling(o *Options) any {
	c := readConditional(o, "random")
	return func(s *Site) (Transform, error) {
		n := len(s.Features())
		if n < 2 {
			return nil, fault("", "a coupling needs at least two features; autoregressive transforms (maf, nsf-ar) do with one")
		}
		return c.place(s, n/2, []int{n - n/2})
	}
}

// autoregressive moves every feature, given those before it; with passes, group after group of them.
func autoregressive(o *Options) any {
	c := readConditional(o, "reverse")
	c.degrees = o.Choice("degrees", "cyclic", nn.DegreeKinds...)
	passes := o.Count("passes", 0, 0, 1<<16)
	return func(s *Site) (Transform, error) {
		n := len(s.Features())
		if passes > n {
			return nil, fault("passes", "%d passes for %d features: there can be one a feature at most; 0 is that", passes, n)
		}
		groups := passes
		if groups == 0 {
			groups = n
		}
		var ends []int
		for g := range groups {
			ends = append(ends, (g+1)*n/groups)
		}
		return c.place(s, 0, ends)
	}
}

func residualFlow(o *Options) any {
	hidden := o.Counts("hidden", []int{64, 64}, 1, 4096)
	activation := o.Choice("activation", "lipswish", whole.SmoothActivations...)
	lipschitz := o.Number("lipschitz", 0.97, 0.01, 0.99)
	return func(s *Site) (Transform, error) {
		n, most := len(s.order), whole.MostResidual
		if n > most {
			return nil, fault("", "a residual flow of %d features: its log-determinant takes their whole Jacobian, which it has for up to %d; take couplings", n, most)
		}
		return whole.NewResidualFlow(n, s.Context, hidden, activation, lipschitz), nil
	}
}

func continuous(o *Options) any {
	c := whole.Continuous{
		Config: nn.Config{
			Hidden:     o.Counts("hidden", []int{64, 64, 64, 64}, 1, 65536),
			Activation: o.Choice("activation", "tanh", "tanh", "elu"),
			Init:       o.Choice("init", "glorot", nn.Inits...),
		},
		Steps: o.Count("steps", 0, 0, whole.MostSteps), Tolerance: o.Number("tolerance", 1e-5, 1e-6, 1e-1),
		Path: whole.Path(o.Choice("path", "ot", "ot", "vp")), SigmaMin: o.Number("sigma_min", 1e-4, 0, 0.5),
		Paired: o.Choice("pairing", "none", "none", "ot") == "ot",
	}
	return func(s *Site) (Transform, error) { return c.New(len(s.order), s.Context, s.random.Uint64()), nil }
}
