package train

import (
	"math"

	"github.com/sluice-hep/sluice/internal/rng"
)

// gaussian is the simplest flow: a column of events under a normal density with parameters mean, log width.
type gaussian struct {
	x      []float32
	params []float32

	calls int                   // of Gradient, from 1
	spoil func(call int) bool   // the calls whose loss is NaN
	seen  func(rows []int32)    // each batch
	valid func(float64) float64 // changes what Loss returns
}

// newGaussian has events of mean 3 and width 2.
func newGaussian(n int) *gaussian {
	o := &gaussian{x: make([]float32, n), params: make([]float32, 2)}
	rng.Normal(o.x, 1, rng.StreamToy, 0, 0)
	for i := range o.x {
		o.x[i] = 3 + 2*o.x[i]
	}
	return o
}

func (o *gaussian) Params() []float32 { return o.params }

func (o *gaussian) Gradient(rows []int32, grad []float32) float64 {
	o.calls++
	if o.seen != nil {
		o.seen(rows)
	}
	mean, inv := float64(o.params[0]), math.Exp(-float64(o.params[1]))
	var gm, gs float64
	for _, r := range rows {
		z := (float64(o.x[r]) - mean) * inv
		gm -= z * inv
		gs += 1 - z*z
	}
	n := float64(len(rows))
	grad[0], grad[1] = float32(gm/n), float32(gs/n)
	if o.spoil != nil && o.spoil(o.calls) {
		return math.NaN()
	}
	return o.loss(rows)
}

func (o *gaussian) Loss(rows []int32) float64 {
	l := o.loss(rows)
	if o.valid != nil {
		l = o.valid(l)
	}
	return l
}

func (o *gaussian) loss(rows []int32) float64 {
	mean, logWidth := float64(o.params[0]), float64(o.params[1])
	var s float64
	for _, r := range rows {
		z := (float64(o.x[r]) - mean) * math.Exp(-logWidth)
		s += z*z/2 + logWidth + math.Log(2*math.Pi)/2
	}
	return s / float64(len(rows))
}

// samples divides events, whose order means nothing.
func samples(n int, c Config) Data {
	c = c.WithDefaults()
	valid, test := int(math.Round(float64(n)*max(c.Valid, 0))), int(math.Round(float64(n)*max(c.Test, 0)))
	rows := upTo(n)
	return Data{Valid: rows[:valid], Test: rows[valid : valid+test], Train: rows[valid+test:]}
}

func upTo(n int) []int32 {
	rows := make([]int32, n)
	for i := range rows {
		rows[i] = int32(i)
	}
	return rows
}
