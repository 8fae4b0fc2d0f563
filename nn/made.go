package nn

import (
	"fmt"
	"slices"

	"github.com/sluice-hep/sluice/internal/kernel"
)

// degreeRows are the units of each layer that have one degree.
type degreeRows struct{ begin, end []int }

// NewMADE lays out a masked autoencoder for distribution estimation (Germain et al., arXiv:1502.03509): the
// outputs of feature i (Outputs/Features rows from i*Outputs/Features on) see the context and the features before i
// only. Features have degrees 1 to D in the order of the inputs; a hidden unit of degree d sees the inputs
// and units of degree at most d; an output of degree d those of smaller degree.
//
// degrees holds the degrees of the hidden units, a list a layer, each sorted; see Degrees.
func NewMADE(l *Layout, scope string, cfg Config, degrees [][]int) (*MLP, error) {
	d := cfg.Features
	if len(degrees) != len(cfg.Hidden) || cfg.Outputs%d != 0 {
		return nil, fmt.Errorf("nn: MADE: %d lists of degrees for %d hidden layers, %d outputs for %d features", len(degrees), len(cfg.Hidden), cfg.Outputs, d)
	}
	for i, deg := range degrees {
		if len(deg) != cfg.Hidden[i] || !slices.IsSorted(deg) {
			return nil, fmt.Errorf("nn: MADE: layer %d needs %d sorted degrees", i, cfg.Hidden[i])
		}
	}
	m := NewMLP(l, scope, cfg)
	before := make([]int, d)
	for i := range before {
		before[i] = i + 1
	}
	out := make([]int, cfg.Outputs)
	for o := range out {
		out[o] = o/(cfg.Outputs/d) + 1
	}
	for i := range m.linears {
		if i < len(degrees) {
			m.linears[i].bound(before, degrees[i], func(o, in int) bool { return in <= o })
			before = degrees[i]
		} else {
			m.linears[i].bound(before, out, func(o, in int) bool { return in < o })
		}
	}
	m.degrees = make([]degreeRows, d)
	for k := range m.degrees {
		r := &m.degrees[k]
		for _, deg := range degrees {
			b, _ := slices.BinarySearch(deg, k)
			e, _ := slices.BinarySearch(deg, k+1)
			r.begin, r.end = append(r.begin, b), append(r.end, e)
		}
	}
	return m, nil
}

// Degrees assigns sorted degrees to the units of hidden layers: as many of each degree ("cyclic"), or as the
// AutoregressiveNetwork of TensorFlow Probability does ("equal"). The lowest degree is 0 where there is a
// context (such units see it alone, so that the first feature can depend on it), else 1.
func Degrees(kind string, features, context int, hidden []int) ([][]int, error) {
	lowest := 1
	if context > 0 || features == 1 {
		lowest = 0
	}
	span := features - lowest // degrees from lowest to features-1
	var all [][]int
	for _, units := range hidden {
		deg := make([]int, units)
		for i := range deg {
			switch kind {
			case "cyclic":
				deg[i] = lowest + i%span
			case "equal":
				deg[i] = lowest - 1 + ((i+1)*span+units)/(units+1) // rounded up
			default:
				return nil, fmt.Errorf("nn: degrees %q: there are cyclic and equal", kind)
			}
		}
		slices.Sort(deg)
		all = append(all, deg)
	}
	return all, nil
}

// Begin prepares act for Next: the features come one by one.
func (m *MLP) Begin(act, context []float32) { m.setContext(act, context) }

// Next returns the outputs of feature i of a MADE, when the features before i are in Input(act) and Next was
// called for each of them. A unit is computed once, when its inputs are known.
func (m *MLP) Next(p, act []float32, i, n int) []float32 {
	last := len(m.linears) - 1
	for l := range last {
		m.layer(p, act, l, m.degrees[i].begin[l], m.degrees[i].end[l], n)
	}
	k := m.cfg.Outputs / m.cfg.Features
	m.layer(p, act, last, i*k, (i+1)*k, n)
	return act[(m.at[last+1]+i*k)*kernel.Tile:]
}
