package flow

import (
	"slices"

	"github.com/sluice-hep/sluice/internal/kernel"
	"github.com/sluice-hep/sluice/nn"
)

// Embedding turns the context of a tile, once, into the columns that all transforms and the base see in its place (t.Context); its
// parameters lie among the flow's and are trained with the rest, by the gradient that these leave in t.DContext. *nn.Embedding is one.
type Embedding interface {
	Layout(l *nn.Layout, scope string)
	Start(p []float32, src *nn.Source)
	// Memory is the number of tile rows (mem) that Forward keeps for Backward, and that of the rows (scratch) which Backward
	// needs besides.
	Memory() (rows, scratch int)
	// Forward returns the columns, as many as the kind said, which may lie in mem.
	Forward(p, mem, context []float32, pass *nn.Pass) []float32
	// Backward puts (pass.First) or adds the gradient of the parameters to g, from the gradient d of the columns.
	Backward(p, g, mem, context, d, scratch []float32, pass *nn.Pass)
}

// EmbeddingAt makes the embedding of so many context columns, and says how many it gives.
type EmbeddingAt = func(context int) (e Embedding, width int, err error)

// DeepSets is the kind of an embedding of sets of objects.
const DeepSets = "deep-sets"

// embeddingOptions are those of both kinds.
func embeddingOptions(o *Options) nn.Embedding {
	m := nn.Embedding{Width: o.Count("out", 16, 1, 4096)}
	m.Hidden = o.Counts("hidden", []int{64}, 1, 65536)
	m.Activation, m.Init = o.Choice("activation", "relu", nn.Activations...), o.Choice("init", "glorot", nn.Inits...)
	return m
}

// embeddingAt binds an embedding to a context.
func embeddingAt(of nn.Embedding) EmbeddingAt {
	return func(context int) (Embedding, int, error) {
		m := of
		switch m.Context = context; {
		case context == 0:
			return nil, 0, fault("", "has no effect on a flow without a context: take it out")
		case m.Plain() < 0:
			return nil, 0, fault("", "its objects and their counts take %d context columns, and there are %d", context-m.Plain(), context)
		}
		return &m, m.Width, nil
	}
}

func contextMLP(o *Options) any { return embeddingAt(embeddingOptions(o)) }

// deepSets has the numbers of objects and of their variables of each set, which follow from the columns of a card.
func deepSets(o *Options) any {
	m := embeddingOptions(o)
	m.Each, m.Pooled = o.Counts("each", []int{64}, 1, 65536), o.Count("pooled", 32, 1, 4096)
	objects, variables := o.Counts("objects", []int{1}, 1, 4096), o.Counts("variables", []int{1}, 1, 4096)
	if len(objects) != len(variables) {
		o.fail("objects", "%d numbers of objects for %d sets", len(objects), len(variables))
		return embeddingAt(m)
	}
	for i, n := range objects {
		m.Sets = append(m.Sets, nn.Set{Objects: n, Variables: variables[i]})
	}
	return embeddingAt(m)
}

// Contextual is what a transform, network or base of a kind of one's own has that sees the context, or that need not: it adds the
// gradient of the context to the tile's (nn.Pass.DContext) where that is not nil. A flow with an embedding takes no others.
type Contextual interface{ GivesDContext() }

// expandContext makes the embedding, if there is one.
func (c *composition) expandContext(all []Kind, p Part) error {
	if p.IsZero() {
		return nil
	}
	x, err := expandPart(all, p, contextNet, RoleContext)
	if err != nil {
		return err
	}
	build, ok := x.made.(EmbeddingAt)
	if !ok {
		return fault(contextNet, "the kind %s builds a %T, which makes no embedding", x.Kind, x.made)
	}
	c.ContextNet, c.embedding = x.Part, build
	return nil
}

// contextNet is the name of the embedding in a card, and that of its parameters.
const contextNet = "context_net"

// embed makes the embedding of a plan and says how many columns its layers see.
func (p *Plan) embed(c composition) (err error) {
	p.seen = p.Context
	if c.embedding != nil {
		p.embedding, p.seen, err = c.embedding(p.Context)
	}
	return within(contextNet+"."+c.ContextNet.Kind, err)
}

// checkContext refuses, beside an embedding, parts of kinds of one's own that give no gradient to train it by.
func (p *Plan) checkContext(own []Kind) error {
	if p.embedding == nil {
		return nil
	}
	check := func(path string, part Part, made any) error {
		is := func(k Kind) bool { return k.Name == part.Kind && k.Role != RoleTransformer && k.Role != RoleContext }
		if _, ok := made.(Contextual); !ok && slices.ContainsFunc(own, is) {
			return fault(contextNet, "%s is of the kind %s, which gives no gradient of the context to train it by (flow.Contextual): take one of them out", path, part.Kind)
		}
		return nil
	}
	for _, l := range p.layers {
		net, _ := ParsePart(l.Part.Options["net"])
		var made any = l.Transform
		switch t := l.Transform.(type) {
		case *Conditional:
			made = t.Net
		case *BatchedConditional:
			made = t.Net
		default:
			net = l.Part
		}
		if err := check(l.Scope, net, made); err != nil {
			return err
		}
	}
	for name, part := range p.Spec.Bases {
		if err := check("bases."+name, part, nil); err != nil {
			return err
		}
	}
	return check("base", p.Spec.Base, p.base)
}

// embed sets the context that the transforms and the base of a tile see. mem is memory of the base, with that of the embedding
// behind it.
func (f *Flow) embed(t *Tile, mem []float32) {
	if f.embedding != nil {
		copy(t.Context, f.embedding.Forward(f.params, f.embeddingMemory(mem), t.Given, &t.Pass))
	}
}

// embedBack takes the gradient of that context to the parameters of the embedding.
func (f *Flow) embedBack(t *Tile, g, mem, scratch []float32) {
	if f.embedding != nil {
		f.embedding.Backward(f.params, g, f.embeddingMemory(mem), t.Given, t.DContext, scratch, &t.Pass)
	}
}

func (f *Flow) embeddingMemory(mem []float32) []float32 {
	base, _ := f.base.Memory()
	return mem[base*kernel.Tile:]
}

// endsMemory is that of the base and of the embedding: both are before and after the transforms.
func (f *Flow) endsMemory() (rows, scratch int) {
	rows, scratch = f.base.Memory()
	if f.embedding != nil {
		r, s := f.embedding.Memory()
		rows, scratch = rows+r, max(scratch, s)
	}
	return rows, scratch
}
