package flow

import "github.com/sluice-hep/sluice/nn"

// Role is what a kind can stand for in a Spec.
type Role string

const (
	RoleTransformer Role = "transformer" // Build gives a Transformer
	RoleNet         Role = "net"         // a Network
	RoleBase        Role = "base"        // a func(s *Site) Base, of the features of s
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
	{"affine", RoleTransformer, func(o *Options) any { return &Affine{LogScale: logScale(o)} }},
	{"scale-shift", RoleTransformer, func(o *Options) any { return &Affine{logScale(o), true} }},
	{"spline", RoleTransformer, func(o *Options) any {
		return NewRationalQuadraticSpline(o.Count("bins", 8, 2, 500), o.Number("bound", 5, 1e-6, 1e6), 1)
	}},
	{"mlp", RoleNet, mlp},
	{"residual", RoleNet, residual},
	{"normal", RoleBase, func(*Options) any { return func(s *Site) Base { return &Normal{s.Features()} } }},
	{"student-t", RoleBase, func(o *Options) any {
		nu := o.Number("nu", 5, 0.1, 1e3)
		return func(s *Site) Base { return NewStudentT(s.Features(), nu) }
	}},
	{"coupling", RoleConditional, coupling},
	{"autoregressive", RoleConditional, autoregressive},
	{"lu", RoleLinear, func(*Options) any {
		return func(s *Site) (Transform, error) { return &LU{Order: s.Features()}, nil }
	}},
	{"batch-norm", RoleNorm, func(*Options) any {
		return func(s *Site) (Transform, error) { return NewBatchNorm(len(s.Features())), nil }
	}},
}

func logScale(o *Options) LogScale {
	return LogScale(o.Choice("log_scale", "tanh", "tanh", "soft", "sigmoid", "none"))
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
