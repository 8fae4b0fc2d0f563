package nn

import (
	"math"

	"github.com/sluice-hep/sluice/internal/kernel"
)

// normEpsilon is part of the variance of a batch norm within a network.
const normEpsilon = 1e-3

// norm is batch norm within a network (arXiv:1502.03167): y = gamma (x - mean)/sqrt(variance) + beta of each unit.
// Mean and variance are those of the batch in training, constants otherwise.
type norm struct{ gamma, beta, mean, variance View }

func newNorm(l *Layout, scope string, units int) *norm {
	return &norm{
		l.Add(scope+".gamma", units, 1, Scale), l.Add(scope+".beta", units, 1, Bias),
		l.Add(scope+".mean", units, 1, Statistic), l.Add(scope+".variance", units, 1, Statistic),
	}
}

func (n *norm) start(p []float32) {
	for _, v := range []View{n.gamma, n.variance} {
		one := v.Of(p)
		for i := range one {
			one[i] = 1
		}
	}
}

// normState is what one norm does in one pass: y = scale x + shift, and dx = slope dy + byX x + rest.
type normState struct {
	mean, inverse    []float64 // inverse is 1/sqrt(variance)
	scale, shift     []float32
	slope, byX, rest []float32
	total            [2][]float64 // over several batches, of the mean and of the square, times the events
}

func newNormState(units int) *normState {
	s := &normState{}
	for _, v := range []*[]float64{&s.mean, &s.inverse, &s.total[0], &s.total[1]} {
		*v = make([]float64, units)
	}
	for _, v := range []*[]float32{&s.scale, &s.shift, &s.slope, &s.byX, &s.rest} {
		*v = make([]float32, units)
	}
	return s
}

// fix computes scale and shift from mean and inverse.
func (s *normState) fix(n *norm, p []float32) {
	gamma, beta := n.gamma.Of(p), n.beta.Of(p)
	for i, inv := range s.inverse {
		slope := float64(gamma[i]) * inv
		s.scale[i] = float32(slope)
		s.shift[i] = float32(float64(beta[i]) - s.mean[i]*slope)
	}
}

// frozen is the state outside training.
func (s *normState) frozen(n *norm, p []float32) {
	mean := n.mean.Of(p)
	for i, v := range n.variance.Of(p) {
		s.mean[i], s.inverse[i] = float64(mean[i]), 1/math.Sqrt(float64(v))
	}
	s.fix(n, p)
}

// joined takes the sums of x and x^2 over the tiles of a batch.
func (s *normState) joined(n *norm, p []float32, sums [][]float32, events float64) {
	units := len(s.mean)
	for i := range units {
		var sum, square float64
		for _, t := range sums {
			sum += float64(t[i])
			square += float64(t[units+i])
		}
		mean := sum / events
		variance := max(square/events-mean*mean, 0)
		s.mean[i], s.inverse[i] = mean, 1/math.Sqrt(variance+normEpsilon)
	}
	s.fix(n, p)
}

// joinedBackward takes the sums of dy and dy*x, and puts the gradients of gamma and beta, and 0 for the statistics, which
// the optimiser leaves alone. With h = (x-mean) inverse,
// dx = gamma inverse (dy - <dy> - h <dy h>).
func (s *normState) joinedBackward(n *norm, p, g []float32, sums [][]float32, events float64) {
	units := len(s.mean)
	gamma, dGamma, dBeta := n.gamma.Of(p), n.gamma.Of(g), n.beta.Of(g)
	for i := range units {
		var sum, product float64
		for _, t := range sums {
			sum += float64(t[i])
			product += float64(t[units+i])
		}
		mean, inv := s.mean[i], s.inverse[i]
		sumHat := (product - mean*sum) * inv
		dGamma[i], dBeta[i] = float32(sumHat), float32(sum)
		slope := float64(gamma[i]) * inv
		byX := -slope * inv * sumHat / events
		s.slope[i], s.byX[i] = float32(slope), float32(byX)
		s.rest[i] = float32(-slope*sum/events - byX*mean)
	}
	clear(n.mean.Of(g))
	clear(n.variance.Of(g))
}

// collect adds the statistics of a batch to the total.
func (s *normState) collect(events float64) {
	for i, mean := range s.mean {
		variance := 1/(s.inverse[i]*s.inverse[i]) - normEpsilon
		s.total[0][i] += events * mean
		s.total[1][i] += events * (variance + mean*mean)
	}
}

// freeze writes the statistics of the total to the parameters and clears it.
func (s *normState) freeze(n *norm, p []float32, events float64) {
	mean, variance := n.mean.Of(p), n.variance.Of(p)
	for i := range mean {
		m := s.total[0][i] / events
		mean[i] = float32(m)
		variance[i] = float32(max(s.total[1][i]/events-m*m, 0) + normEpsilon)
	}
	clear(s.total[0])
	clear(s.total[1])
}

// activated sets y to the activation of scale x + shift, for the units [r0, r1) of a tile; nil takes x as it is.
func (s *normState) activated(kind string, y, x []float32, r0, r1, n int) {
	relu := kind == "relu"
	y, x = y[r0*kernel.Tile:r1*kernel.Tile], x[r0*kernel.Tile:r1*kernel.Tile]
	if s == nil {
		copy(y, x)
	} else {
		kernel.AffineRows(y, x, s.scale[r0:r1], s.shift[r0:r1], r1-r0, n, relu)
	}
	if s == nil || !relu {
		activate(kind, y, r1-r0, n)
	}
}

// backward puts the gradient of x to dx, or adds it, from that of y and x, and leaves padding at 0.
func (s *normState) backward(dx, dy, x []float32, rows int, pass *Pass, add bool) {
	kernel.NormBackward(dx, dy, x, s.slope, s.byX, s.rest, rows, pass.N, add)
	if pass.Events == pass.N {
		return
	}
	for r := range rows {
		clear(dx[r*kernel.Tile:][pass.Events:pass.N])
	}
}
