package cpp

import (
	"fmt"
	"slices"

	"github.com/sluice-hep/sluice/export/plain"
)

// dense puts a linear map into the tables: panels of 16 outputs, each as long as the last of the inputs that one of them sees.
func (t *tables) dense(d *plain.Dense) int {
	ends, cut := seenBy(d)
	var panels []int
	for o := 0; o < d.Out; o += panel {
		panels = append(panels, len(t.numbers))
		n := min(panel, d.Out-o)
		for i := range ends[o+n-1] {
			t.floats(d.Weight[i*d.Out+o:][:n]...)
			t.floats(make([]float32, panel-n)...)
		}
	}
	at := -1
	if cut {
		at = t.ints(ends...)
	}
	return t.add("dense", "%d, %d, %d, %d, %d", d.In, d.Out, t.wide(d.Bias), t.ints(panels...), at)
}

// seenBy says before which input the weights of each output end, or of one before it, and whether any end before the last.
func seenBy(d *plain.Dense) (ends []int, cut bool) {
	end := 0
	for o := range d.Out {
		for i := d.In; i > end; i-- {
			if d.Weight[(i-1)*d.Out+o] != 0 {
				end = i
				break
			}
		}
		ends = append(ends, end)
		cut = cut || end < d.In
	}
	return ends, cut
}

// groups are the order of an autoregressive transform: the first group after which each input is known, and the end of each group of outputs.
type groups struct{ inputs, outputs []int }

func groupsOf(c *plain.Conditional) *groups {
	g, begin := &groups{}, 0
	for k, end := range c.Ends {
		for _, s := range c.Seen[begin:end] {
			g.inputs = append(g.inputs, k+1)
			if s.Circle > 0 {
				g.inputs = append(g.inputs, k+1)
			}
		}
		g.outputs, begin = append(g.outputs, c.At[end]), end
	}
	return g
}

// network lays out a network: its memory, the steps that it takes, and after which group each row of each step is known.
type network struct {
	*tables
	order  *groups
	rows   int
	copies []int
	ops    []string
	known  [][]int // a step, a row
}

// net puts a network into the tables. given is the number of context columns that are its inputs, of an embedding; order is nil for none.
func (t *tables) net(n *plain.Net, given int, order *groups) int {
	l := &network{tables: t, order: order}
	first := &n.Layers[0]
	context := first.Context
	inputs := l.room(context, first.In-context)
	known := make([]int, first.In)
	switch {
	case order != nil:
		copy(known[context:], order.inputs)
	case given > 0:
		context, l.copies = given, []int{inputs}
	}
	var out int
	if len(n.Blocks) > 0 {
		out = l.residual(n, inputs, known)
	} else {
		out = l.mlp(n, inputs, known)
	}
	op := t.next("ops")
	for _, text := range l.ops {
		t.add("ops", "%s", text)
	}
	t.netRows = max(t.netRows, l.rows)
	return t.add("nets", "%d, %d, %d, %d, %d, %d, %d, %d, %d", op, len(l.ops), l.rows, inputs+first.Context, out, context, t.ints(l.copies...), len(l.copies), l.ranges())
}

// room is that of a vector behind the context, and where it begins.
func (l *network) room(context, width int) (at int) {
	at = l.rows
	if context > 0 {
		l.copies = append(l.copies, at)
	}
	l.rows += context + padded(width)
	return at
}

func (l *network) mlp(n *plain.Net, at int, known []int) (out int) {
	for i := range n.Layers {
		d, activation, context := &n.Layers[i], "no_activation", 0
		if i+1 < len(n.Layers) {
			activation, context = n.Activation, n.Layers[i+1].Context
		}
		to := l.room(context, d.Out)
		known = l.dense(d, activation, at, to+context, known)
		at, known = to, append(make([]int, context), known...)
	}
	return at
}

func (l *network) residual(n *plain.Net, at int, known []int) (out int) {
	first := &n.Layers[0]
	width, context := first.Out, at
	h, sum, more, gate := l.room(0, width), l.room(0, width), l.room(0, width), l.room(0, width)
	a, b := l.room(0, width), l.room(0, width)
	known = l.dense(first, "no_activation", at, h, known)
	for i := range n.Blocks {
		block := &n.Blocks[i]
		if i > 0 && l.order != nil { // what was computed for earlier groups is seen again
			a, b, gate = l.room(0, width), l.room(0, width), l.room(0, width)
		}
		k := l.scale(block.Norms[0], n.Activation, h, a, known)
		k = l.dense(followed(&block.Linears[0], block.Norms[1]), n.Activation, a, b, k)
		k = l.dense(&block.Linears[1], "no_activation", b, more, k)
		by := -1
		if block.Gate != nil {
			by = gate
			l.dense(block.Gate, "sigmoid", context, gate, make([]int, block.Gate.In))
		}
		known = slices.Clone(known)
		for u := range known {
			known[u] = max(known[u], k[u])
		}
		l.ops = append(l.ops, fmt.Sprintf("op_add, no_activation, %d, %d, %d, -1, 0, 0, %d, %d", h, sum, width, more, by))
		l.known, h = append(l.known, known), sum
	}
	out = l.room(0, n.Layers[1].Out)
	l.dense(&n.Layers[1], "no_activation", h, out, known)
	return out
}

// dense is a step, and says when its outputs are known.
func (l *network) dense(d *plain.Dense, activation string, from, to int, known []int) (out []int) {
	l.ops = append(l.ops, fmt.Sprintf("op_dense, %s, %d, %d, %d, %d, 0, 0, -1, -1", activation, from, to, d.Out, l.tables.dense(d)))
	ends, _ := seenBy(d)
	for _, end := range ends {
		latest := 0
		for _, k := range known[:end] {
			latest = max(latest, k)
		}
		out = append(out, latest)
	}
	l.known = append(l.known, out)
	return out
}

func (l *network) scale(n *plain.Norm, activation string, from, to int, known []int) []int {
	if n == nil {
		n = &plain.Norm{Scale: slices.Repeat([]float32{1}, len(known)), Shift: make([]float32, len(known))}
	}
	l.ops = append(l.ops, fmt.Sprintf("op_scale, %s, %d, %d, %d, -1, %d, %d, -1, -1", activation, from, to, len(known), l.wide(n.Scale), l.wide(n.Shift)))
	l.known = append(l.known, slices.Clone(known))
	return l.known[len(l.known)-1]
}

// followed is a linear map with a norm after it.
func followed(d *plain.Dense, n *plain.Norm) *plain.Dense {
	if n == nil {
		return d
	}
	f := *d
	f.Weight, f.Bias = slices.Clone(d.Weight), slices.Clone(d.Bias)
	for i := range f.Weight {
		f.Weight[i] *= n.Scale[i%d.Out]
	}
	for o := range f.Bias {
		f.Bias[o] = f.Bias[o]*n.Scale[o] + n.Shift[o]
	}
	return &f
}

// ranges are the rows of each step that become known after each group, of the last step those that the group needs; -1 without an order.
func (l *network) ranges() int {
	if l.order == nil {
		return -1
	}
	var all []int
	begin := 0
	for g, end := range l.order.outputs {
		for _, known := range l.known[:len(l.known)-1] {
			from, _ := slices.BinarySearch(known, g)
			to, _ := slices.BinarySearch(known, g+1)
			all = append(all, from, to)
		}
		all, begin = append(all, begin, end), end
	}
	return l.ints(all...)
}
