package flow

import (
	"fmt"

	"github.com/sluice-hep/sluice/internal/kernel"
	"github.com/sluice-hep/sluice/internal/rng"
	"github.com/sluice-hep/sluice/nn"
)

// builder plans one transform after the other, then lays out their parameters.
type builder struct {
	f      *Flow
	spec   Spec
	order  []int32 // of the features in the next transform
	random *rng.Source
	layer  int // number of the next hidden layer of the flow
	pieces []piece
	starts []func(p []float32) error
}

// piece is a transform that is planned.
type piece struct {
	joint bool
	build func() (Transform, error)
}

// plan adds transform i of the specification and what stands around it.
func (b *builder) plan(i int, seed uint64) {
	order := append([]int32(nil), b.order...)
	scope := fmt.Sprintf("transforms.%d", i)
	if b.spec.Linear == "lu" {
		b.pieces = append(b.pieces, piece{build: func() (Transform, error) {
			l := newLU(&b.f.layout, scope+".linear", order)
			b.starts = append(b.starts, func(p []float32) error { l.start(p); return nil })
			return l, nil
		}})
	}
	kept := 0
	if coupling(b.spec) {
		kept = len(order) / 2
	}
	layer := b.layer
	b.layer += b.spec.layers()
	b.pieces = append(b.pieces, piece{joint: b.spec.Net == "residual", build: func() (Transform, error) {
		return b.conditioned(scope, order, kept, layer, rng.New(seed, rng.StreamInit, uint32(i)))
	}})
	if b.spec.BatchNorm && i+1 < b.spec.Transforms {
		b.pieces = append(b.pieces, piece{joint: true, build: func() (Transform, error) {
			n := newBatchNorm(&b.f.layout, scope+".norm", b.f.Features)
			b.starts = append(b.starts, func(p []float32) error { n.start(p); return nil })
			return n, nil
		}})
	}
	b.permute(i, kept)
}

// build lays out the parameters of the independent transforms in front: so much of the vector is kept once a part of
// a batch; see Likelihood.
func (b *builder) build() error {
	f := b.f
	f.transforms = make([]Transform, len(b.pieces))
	for _, joint := range []bool{false, true} {
		for i, p := range b.pieces {
			if p.joint != joint {
				continue
			}
			t, err := p.build()
			if err != nil {
				return err
			}
			f.transforms[i] = t
		}
		if !joint {
			f.independent = f.layout.Size
		}
	}
	f.params = kernel.Aligned(f.layout.Size)
	for _, start := range b.starts {
		if err := start(f.params); err != nil {
			return err
		}
	}
	return nil
}

func (b *builder) transformer() Transformer {
	switch b.spec.Type {
	case "nsf", "nsf-ar":
		return NewRationalQuadraticSpline(b.spec.Bins, b.spec.Bound, 1)
	case "realnvp":
		return &ScaleShift{LogScale(b.spec.LogScale)}
	default:
		return &Affine{LogScale(b.spec.LogScale)}
	}
}

// conditioned builds a coupling that keeps the first features, or, where it keeps none, an autoregressive transform.
func (b *builder) conditioned(scope string, order []int32, kept, layer int, src *rng.Source) (Transform, error) {
	tr := b.transformer()
	moved := len(order) - kept
	cfg := nn.Config{
		Features: kept, Context: b.f.Context, Hidden: b.spec.Hidden, Outputs: moved * tr.Params(),
		Activation: b.spec.Activation, ContextFirst: b.spec.Context == "first",
		Blocks: b.spec.Blocks, BatchNorm: b.spec.NetBatchNorm,
		Dropout: b.spec.Dropout, Layer: layer,
	}
	var t Transform
	var net interface {
		Start(p []float32, init string, src *rng.Source, bias []float32) error
	}
	switch {
	case b.spec.Net == "residual":
		r := nn.NewResidual(&b.f.layout, scope, cfg)
		t, net = &ResidualCoupling{Kept: order[:kept], Moved: order[kept:], Transformer: tr, Net: r}, r
	case coupling(b.spec):
		m := nn.NewMLP(&b.f.layout, scope, cfg)
		t, net = &Coupling{Kept: order[:kept], Moved: order[kept:], Transformer: tr, Conditioner: m}, m
	default:
		cfg.Features = moved
		degrees, err := nn.Degrees(b.spec.Degrees, moved, b.f.Context, b.spec.Hidden)
		if err != nil {
			return nil, err
		}
		m, err := nn.NewMADE(&b.f.layout, scope, cfg, degrees)
		if err != nil {
			return nil, err
		}
		t, net = &Autoregressive{Order: order, Transformer: tr, Conditioner: m}, m
	}
	b.starts = append(b.starts, func(p []float32) error {
		var bias []float32
		for range moved {
			bias = tr.Start(bias)
		}
		return net.Start(p, b.spec.Init, src, bias)
	})
	return t, nil
}

// permute renames the features for the transform after transform i, which kept the first features. Random couplings come
// in pairs that swap the two sides, so that every feature moves.
func (b *builder) permute(i, kept int) {
	if b.spec.Permute == "random" && kept > 0 && i%2 == 0 {
		b.order = append(append([]int32(nil), b.order[kept:]...), b.order[:kept]...)
		return
	}
	switch b.spec.Permute {
	case "reverse":
		for i, j := 0, len(b.order)-1; i < j; i, j = i+1, j-1 {
			b.order[i], b.order[j] = b.order[j], b.order[i]
		}
	case "random":
		p := b.random.Perm(len(b.order))
		next := make([]int32, len(p))
		for i, k := range p {
			next[i] = b.order[k]
		}
		b.order = next
	}
}

func identity(n int) []int32 {
	p := make([]int32, n)
	for i := range p {
		p[i] = int32(i)
	}
	return p
}
