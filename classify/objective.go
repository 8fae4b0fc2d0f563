package classify

import (
	"github.com/sluice-hep/sluice/internal/batch"
	"github.com/sluice-hep/sluice/internal/kernel"
)

// objective is the loss of events as a function of a network's parameters: a train.Objective. Close it after use.
type objective struct {
	*network
	params []float32
	x      [][]float32 // what is seen of each event, a slice a row of inputs
	weight []float32
	loss   loss

	batch  *batch.Batch
	spaces []*space
	each   [][kernel.Tile]float32 // the weights of a tile, of each worker
	events float64                // of the batch
	fn     struct {
		train func(worker int, b *batch.Tile)
		loss  func(worker, first, end int)
	}
}

func newObjective(n *network, params []float32, x [][]float32, weight []float32, l loss, threads int) *objective {
	o := &objective{network: n, params: params, x: x, weight: weight, loss: l, batch: batch.New(threads, n.layout.Size, 0)}
	o.each = make([][kernel.Tile]float32, o.batch.Threads())
	for range o.each {
		o.spaces = append(o.spaces, n.newSpace())
	}
	o.fn.train, o.fn.loss = o.train, o.lossTile
	return o
}

func (o *objective) Params() []float32 { return o.params }

// Decays are for train.Decaying.
func (o *objective) Decays() [][2]int { return o.decays() }

func (o *objective) Close() { o.batch.Close() }

// Gradient is the same for any number of threads.
func (o *objective) Gradient(rows []int32, grad []float32) float64 {
	o.events = float64(len(rows))
	return o.batch.Gradient(rows, grad, o.fn.train)
}

func (o *objective) train(worker int, b *batch.Tile) {
	s := o.spaces[worker]
	o.batch.SetSum(b.Number, o.slope(worker, b.Rows))
	kernel.Scale(s.d, 1/float32(o.events))
	o.backward(o.params, b.Grad, s, b.First)
}

func (o *objective) Loss(rows []int32) float64 {
	return o.batch.Loss(rows, 1, o.fn.loss)
}

func (o *objective) lossTile(worker, number, _ int) {
	o.batch.SetSum(number, o.slope(worker, o.batch.Rows(number)))
}

// slope is the loss of a tile of events, summed, and its gradient by the outputs.
func (o *objective) slope(worker int, rows []int32) float64 {
	s, w := o.spaces[worker], &o.each[worker]
	s.begin(len(rows))
	batch.Gather(o.seen(s), o.x, rows, s.pass.N)
	clear(w[len(rows):])
	for e, r := range rows {
		w[e] = o.weight[r]
	}
	o.forward(o.params, s)
	return o.loss.slope(s, rows, w[:])
}
