package flow

import (
	"maps"
	"slices"
	"strconv"

	"github.com/sluice-hep/sluice/internal/kernel"
	"github.com/sluice-hep/sluice/internal/rng"
	"github.com/sluice-hep/sluice/nn"
)

// Base is the density of the latent, of all features or of those of its Site, which may depend on the context (t.Context). Its
// parameters, if any, lie among the flow's; one that does not start them at 0 is a Starter.
type Base interface {
	Layout(l *nn.Layout, scope string)
	// Memory is the number of tile rows (mem) that LogProb and Draw need, and what LogProb keeps for Backward; and that of the
	// rows (scratch) which Backward needs besides.
	Memory() (rows, scratch int)
	// LogProb adds the log-density of t.X in nats to logProb, one value an event.
	LogProb(t *Tile, p, mem []float32, logProb []float64)
	// Backward follows LogProb on the same mem. It sets t.DX of its features, and puts (t.First) or adds the gradient of the
	// parameters to g. slope is the gradient of the loss with respect to -LogProb, t.N values, 0 for padding.
	Backward(t *Tile, p, g, mem, scratch, slope []float32)
	// Draw sets its features of t.X; event e of the tile depends on the seed, on first+e and on its context alone.
	Draw(t *Tile, p, mem []float32, seed, first uint64)
}

// logDensity sets logProb to that of the base, one value an event.
func (f *Flow) logDensity(t *Tile, mem []float32, logProb []float64) {
	clear(logProb)
	f.base.LogProb(t, f.params, mem, logProb)
}

// product is the base of features that are independent of each other, or go in groups that are.
type product struct {
	parts  []Base
	scopes []string
	at     []int // row of mem where each part's begins; the last entry is their number
}

// Bases are the parts of the base, independent of each other: that of the features which have none of their own, and then those, by their names.
func (p *Plan) Bases() []Base {
	if of, ok := p.base.(*product); ok {
		return of.parts
	}
	return []Base{p.base}
}

// derived is seed number i of those that follow from one.
func derived(seed uint64, i uint32) uint64 {
	hi, lo, _, _ := rng.Block(seed, i, 0, 0, rng.StreamBase)
	return uint64(hi)<<32 | uint64(lo)
}

// placeBase makes the base: one for the features that bases does not name, and one for each that it does.
func (p *Plan) placeBase(c composition, hidden int) error {
	site := func(features ...int32) *Site {
		return &Site{Context: p.seen, given: p.Context, order: features, hidden: hidden, kept: p.kept}
	}
	var rest []int32
	for i := range int32(p.Features) {
		if _, ok := c.bases[strconv.Itoa(int(i))]; !ok {
			rest = append(rest, i)
		}
	}
	all := &product{}
	add := func(at BaseAt, scope string, s *Site) error {
		part, err := at(s)
		all.parts, all.scopes = append(all.parts, part), append(all.scopes, scope)
		return within(scope, err)
	}
	if len(rest) > 0 {
		if err := add(c.base, "base", site(rest...)); err != nil {
			return err
		}
	}
	for _, name := range slices.Sorted(maps.Keys(c.bases)) {
		i, err := featureNumber(name, p.Features)
		if err != nil {
			return within("bases", err)
		}
		if err := add(c.bases[name], "bases."+name, site(int32(i))); err != nil {
			return err
		}
	}
	p.base = all
	if len(c.bases) == 0 {
		p.base = all.parts[0]
	}
	return nil
}

func (b *product) Layout(l *nn.Layout, _ string) {
	b.at = []int{0}
	for i, part := range b.parts {
		part.Layout(l, b.scopes[i])
		rows, _ := part.Memory()
		b.at = append(b.at, b.at[i]+rows)
	}
}

func (b *product) Start(p []float32, src *nn.Source) {
	for _, part := range b.parts {
		if s, ok := part.(Starter); ok {
			s.Start(p, src)
		}
	}
}

func (b *product) Memory() (rows, scratch int) {
	for _, part := range b.parts {
		_, s := part.Memory()
		scratch = max(scratch, s)
	}
	return b.at[len(b.parts)], scratch
}

func (b *product) memory(mem []float32, i int) []float32 {
	return mem[b.at[i]*kernel.Tile : b.at[i+1]*kernel.Tile]
}

func (b *product) LogProb(t *Tile, p, mem []float32, logProb []float64) {
	for i, part := range b.parts {
		part.LogProb(t, p, b.memory(mem, i), logProb)
	}
}

func (b *product) Backward(t *Tile, p, g, mem, scratch, slope []float32) {
	for i, part := range b.parts {
		part.Backward(t, p, g, b.memory(mem, i), scratch, slope)
	}
}

// Draw gives each part but the first a seed of its own, so that they draw independent numbers.
func (b *product) Draw(t *Tile, p, mem []float32, seed, first uint64) {
	for i, part := range b.parts {
		own := seed
		if i > 0 {
			own = derived(seed, uint32(i))
		}
		part.Draw(t, p, b.memory(mem, i), own, first)
	}
}
