// Package mmd trains a flow as a map from events to others that it makes alike, by the square of their maximum mean discrepancy (Gretton et al., JMLR 13
// (2012) 723), as ABCDnn does with simulation and data in control regions (arXiv:2008.03636): no density of either is learned.
package mmd

import (
	"errors"
	"fmt"
	"slices"

	"github.com/sluice-hep/sluice/flow"
	"github.com/sluice-hep/sluice/flow/tile"
	"github.com/sluice-hep/sluice/internal/batch"
	"github.com/sluice-hep/sluice/internal/kernel"
	"github.com/sluice-hep/sluice/internal/rng"
)

// Sample is prepared events: columns of features, and of the context, a weight each, nil where all are 1, and the group in which they are compared, from 0.
type Sample struct {
	X, Context [][]float32
	Weight     []float32
	Group      []int32
}

func (s *Sample) weight(i int32) float32 {
	if s.Weight == nil {
		return 1
	}
	return s.Weight[i]
}

// scales are the widths of the Gaussian kernels, whose mean is taken, in units of the root of the median squared distance of two targets.
var scales = []float64{0.1, 0.2, 0.5, 1, 2}

// Objective is the discrepancy between what a flow makes of the events of a sample, y = f(x|c), towards the latent, and targets. In each group it is
//
//	sum_ij' w_i w_j k(y_i, y_j) / sum_ij' w_i w_j - 2 sum_ij w_i v_j k(y_i, t_j) / sum_ij w_i v_j + sum_ij' v_i v_j k(t_i, t_j) / sum_ij' v_i v_j,
//
// the sums with a prime without i = j, and it is the mean over the groups, each by its share of the events of the batch. Every step draws as many targets of
// a group as the batch has events of it; Loss takes the same each time. It is a train.Objective, and not for concurrent use.
type Objective struct {
	f       *flow.Flow
	layers  []flow.Independent
	x       Sample
	targets Sample
	of      [][]int32 // the targets of each group
	inverse []float32 // 1/(2 width^2) of each kernel
	seed    uint64
	step    uint32
	batch   *batch.Batch
	spaces  []*space // one a tile of the batch
	pairs   []*pairs // one a worker
	ordered Sample   // the events of the batch, group by group, as the flow makes them
	drawn   Sample   // and their targets
	slope   [][]float32
	place   []int32 // of an event of the batch among those in order
	spans   []span  // of the groups
	each    []float64
	fn      struct {
		forward, backward func(worker int, b *batch.Tile)
		evaluate          func(worker, first, end int)
		compare           func(worker, item int)
	}
}

// span is the events of a group in order, and what the sums of its pairs are divided by.
type span struct {
	group, first, end    int
	own, cross, constant float64 // the last of the targets
	share                float64
}

// space is what a tile needs on its way.
type space struct {
	t       tile.Tile
	mems    [][]float32
	scratch []float32
}

// pairs is what an event needs to be compared with others.
type pairs struct{ distance, argument, value, force []float32 }

// most is how many events Loss compares with each other.
const most = 1024

// New binds events to a flow whose layers take tiles one by one; targets has those that they are to be like. Close it after use.
func New(f *flow.Flow, x, targets Sample, seed uint64, threads int) (*Objective, error) {
	o := &Objective{f: f, x: x, targets: targets, seed: seed}
	if !f.Spec.ContextNet.IsZero() {
		return nil, errors.New("mmd: a context_net is not trained by discrepancy: take it out")
	}
	for _, l := range f.Layers() {
		t, ok := l.Transform.(flow.Independent)
		_, derived := l.Transform.(flow.Derived)
		if !ok || derived {
			return nil, fmt.Errorf("mmd: a layer %s is not trained by discrepancy: take couplings or autoregressive layers of kind mlp, and act-norm for a norm", l.Part.Kind)
		}
		if s, ok := l.Transform.(flow.DataStarter); ok && s != nil {
			return nil, fmt.Errorf("mmd: a layer %s, which starts from events, is not trained by discrepancy: take it out", l.Part.Kind)
		}
		o.layers = append(o.layers, t)
	}
	for _, g := range targets.Group {
		for int(g) >= len(o.of) {
			o.of = append(o.of, nil)
		}
	}
	for i, g := range targets.Group {
		o.of[g] = append(o.of[g], int32(i))
	}
	for _, g := range x.Group {
		if int(g) >= len(o.of) || len(o.of[g]) < 2 {
			return nil, fmt.Errorf("mmd: group %d has events and fewer than 2 targets", g)
		}
	}
	o.widths()
	o.batch = batch.New(threads, len(f.Params()), seed)
	o.batch.KeepParts()
	for range o.batch.Threads() {
		o.pairs = append(o.pairs, &pairs{})
	}
	o.fn.forward, o.fn.backward, o.fn.compare = o.forward, o.backward, o.compare
	o.fn.evaluate = func(worker, number, _ int) {
		o.forward(worker, &batch.Tile{Number: number, Rows: o.batch.Rows(number)})
	}
	return o, nil
}

// widths are those of the kernels, from pairs of targets.
func (o *Objective) widths() {
	r := rng.New(o.seed, rng.StreamProbe, 1)
	n := len(o.targets.Group)
	var d []float64
	for range 2000 {
		i, j := r.IntN(n), r.IntN(n)
		var square float64
		for _, x := range o.targets.X {
			v := float64(x[i] - x[j])
			square += v * v
		}
		if square > 0 {
			d = append(d, square)
		}
	}
	median := 1.0
	if len(d) > 0 {
		slices.Sort(d)
		median = d[len(d)/2]
	}
	for _, s := range scales {
		o.inverse = append(o.inverse, float32(1/(2*s*s*median)))
	}
}

// Params is the flow's parameter vector.
func (o *Objective) Params() []float32 { return o.f.Params() }

// Close ends the workers.
func (o *Objective) Close() { o.batch.Close() }

// SetStep is for train.Stepper.
func (o *Objective) SetStep(step int) {
	o.step = uint32(step)
	o.batch.SetStep(step)
}

// Gradient is that of the discrepancy of the events in rows, and is the same for any number of threads.
func (o *Objective) Gradient(rows []int32, grad []float32) float64 {
	o.order(rows)
	o.draw(o.seed, o.step)
	o.batch.BeginGradient(rows, grad)
	o.batch.Each(o.fn.forward)
	o.batch.Run(len(rows), o.fn.compare)
	o.batch.Each(o.fn.backward)
	o.batch.Reduce()
	o.step++
	o.f.Cut(grad)
	return o.sum()
}

// Loss is the mean discrepancy of runs of rows.
func (o *Objective) Loss(rows []int32) (loss float64) {
	for first := 0; first < len(rows); first += most {
		some := rows[first:min(first+most, len(rows))]
		o.order(some)
		o.draw(^o.seed, uint32(first))
		o.batch.Begin(some)
		o.batch.Groups(1, o.fn.evaluate)
		o.batch.Run(len(some), o.fn.compare)
		loss += o.sum() * float64(len(some)) / float64(len(rows))
	}
	return loss
}

// order places the events of a batch group by group.
func (o *Objective) order(rows []int32) {
	n, d := len(rows), len(o.x.X)
	for len(o.spaces) < batch.Tiles(n) {
		o.spaces = append(o.spaces, o.newSpace())
	}
	grow(&o.ordered, d, n)
	grow(&o.drawn, d, n)
	for len(o.slope) < d {
		o.slope = append(o.slope, nil)
	}
	for f := range d {
		o.slope[f] = room(o.slope[f], n)
	}
	o.place, o.each = room(o.place, n), room(o.each, n)
	o.spans = o.spans[:0]
	at := 0
	for g := range o.of {
		s := span{first: at, group: g}
		var sum, square float64
		for e, r := range rows {
			if int(o.x.Group[r]) != g {
				continue
			}
			w := o.x.weight(r)
			o.place[e], o.ordered.Weight[at] = int32(at), w
			sum += float64(w)
			square += float64(w) * float64(w)
			at++
		}
		if s.end = at; s.end > s.first {
			s.own, s.cross = sum*sum-square, sum
			s.share = float64(s.end-s.first) / float64(n)
			o.spans = append(o.spans, s)
		}
	}
}

// draw takes as many targets of each group as it has events.
func (o *Objective) draw(seed uint64, step uint32) {
	r := rng.New(seed, rng.StreamBase, step)
	for k := range o.spans {
		s := &o.spans[k]
		of := o.of[s.group]
		var sum, square float64
		for i := s.first; i < s.end; i++ {
			t := of[r.IntN(len(of))]
			for f, x := range o.targets.X {
				o.drawn.X[f][i] = x[t]
			}
			w := o.targets.weight(t)
			o.drawn.Weight[i] = w
			sum += float64(w)
			square += float64(w) * float64(w)
		}
		s.cross *= sum
		s.constant = sum*sum - square
	}
}

// newSpace is memory of a tile on its way there and back.
func (o *Objective) newSpace() *space {
	take := func(rows int) []float32 { return kernel.Aligned(rows * kernel.Tile) }
	s, most := &space{}, 0
	s.t = tile.Tile{X: take(o.f.Features), Given: take(o.f.Context), LogDet: take(1), DX: take(o.f.Features), DLogDet: take(1)}
	s.t.Context = s.t.Given
	for _, l := range o.layers {
		rows, scratch := l.Memory()
		s.mems = append(s.mems, take(rows))
		most = max(most, scratch)
	}
	s.scratch = take(most)
	return s
}

// forward takes a tile through the flow, and puts what comes of it in order.
func (o *Objective) forward(_ int, b *batch.Tile) {
	s := o.spaces[b.Number]
	t := &s.t
	t.Events, t.N = len(b.Rows), kernel.RoundLanes(len(b.Rows))
	batch.Gather(t.X, o.x.X, b.Rows, t.N)
	batch.Gather(t.Given, o.x.Context, b.Rows, t.N)
	clear(t.LogDet)
	for i, l := range o.layers {
		l.ToLatent(t, o.f.Params(), s.mems[i])
	}
	for f, y := range o.ordered.X {
		for e := range b.Rows {
			y[o.place[b.Number*kernel.Tile+e]] = t.X[f*kernel.Tile+e]
		}
	}
}

// compare is the part of one event, the item in order, and the slope of the discrepancy along it.
func (o *Objective) compare(worker, item int) {
	k := 0
	for item >= o.spans[k].end {
		k++
	}
	s, p := &o.spans[k], o.pairs[worker]
	w := float64(o.ordered.Weight[item])
	for f := range o.slope {
		o.slope[f][item] = 0
	}
	o.each[item] = 0
	if s.own > 0 {
		sum := p.against(o, o.ordered.X, o.ordered.X, o.ordered.Weight, s, item)
		p.push(o, o.ordered.X, s, item, 2*w*s.share/s.own)
		o.each[item] += s.share * w * sum / s.own
	}
	if s.cross > 0 {
		sum := p.against(o, o.ordered.X, o.drawn.X, o.drawn.Weight, s, -1-item)
		p.push(o, o.drawn.X, s, item, -2*w*s.share/s.cross)
		o.each[item] -= 2 * s.share * w * sum / s.cross
	}
	if s.constant > 0 {
		w := float64(o.drawn.Weight[item])
		o.each[item] += s.share * w * p.against(o, o.drawn.X, o.drawn.X, o.drawn.Weight, s, item) / s.constant
	}
}

// against is the sum of the kernels between an event and others of its group, each by its weight, without itself; of an item of -1-i that is event i, and
// none is left out. It leaves the weights over the squared widths, summed over the kernels.
func (p *pairs) against(o *Objective, x, others [][]float32, weight []float32, s *span, item int) (sum float64) {
	at, itself := item, item-s.first
	if item < 0 {
		at, itself = -1-item, -1
	}
	n := s.end - s.first
	for _, b := range []*[]float32{&p.distance, &p.argument, &p.value, &p.force} {
		*b = room(*b, n)
	}
	clear(p.distance)
	clear(p.force)
	for f, y := range others {
		own, y := x[f][at], y[s.first:s.end]
		for j, v := range y {
			p.distance[j] += (v - own) * (v - own)
		}
	}
	weight = weight[s.first:s.end]
	for _, inverse := range o.inverse {
		for j, d := range p.distance {
			p.argument[j] = -d * inverse
		}
		kernel.Exp(p.value, p.argument)
		if itself >= 0 {
			p.value[itself] = 0
		}
		for j, v := range p.value {
			v *= weight[j] / float32(len(o.inverse))
			sum += float64(v)
			p.force[j] += 2 * inverse * v
		}
	}
	return sum
}

// push adds to the slope along an event the gradient of scale times that sum.
func (p *pairs) push(o *Objective, others [][]float32, s *span, item int, scale float64) {
	for f, y := range others {
		var sum float64
		own := o.ordered.X[f][item]
		for j, v := range y[s.first:s.end] {
			sum += float64(p.force[j] * (v - own))
		}
		o.slope[f][item] += float32(scale * sum)
	}
}

// backward takes the slopes of a tile back through the flow.
func (o *Objective) backward(_ int, b *batch.Tile) {
	s := o.spaces[b.Number]
	t := &s.t
	for f := range o.slope {
		d := t.DX[f*kernel.Tile:][:t.N]
		clear(d)
		for e := range b.Rows {
			d[e] = o.slope[f][o.place[b.Number*kernel.Tile+e]]
		}
	}
	clear(t.DLogDet)
	t.First = b.First
	for i := len(o.layers) - 1; i >= 0; i-- {
		t.SkipDX = i == 0
		o.layers[i].Backward(t, o.f.Params(), b.Grad, s.mems[i], s.scratch)
	}
	t.SkipDX = false
}

// sum is the discrepancy of all groups.
func (o *Objective) sum() (sum float64) {
	for _, v := range o.each {
		sum += v
	}
	return sum
}

func grow(s *Sample, features, n int) {
	for len(s.X) < features {
		s.X = append(s.X, nil)
	}
	for f := range s.X {
		s.X[f] = room(s.X[f], n)
	}
	s.Weight = room(s.Weight, n)
}

// room is a slice of so many values, which are left as they come.
func room[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}
