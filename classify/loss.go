package classify

import (
	"math"

	"github.com/sluice-hep/sluice/internal/kernel"
)

// loss sets s.d to the gradient of the sum of the losses of events by the outputs in s.out, each times its weight, and returns that sum.
// Weights beyond the events of the tile are 0.
type loss interface {
	slope(s *space, rows []int32, weight []float32) float64
}

// furthestLogit is how far from 0 logits can be: f = L tanh(h/L). Densities further apart than e^20 are told apart as well.
const furthestLogit = 20

// bounded turns the outputs into logits, and keeps tanh(h/L) in s.bound.
func bounded(s *space) {
	copy(s.bound, s.out)
	kernel.Scale(s.bound, 1.0/furthestLogit)
	kernel.Tanh(s.bound, s.bound)
	copy(s.out, s.bound)
	kernel.Scale(s.out, furthestLogit)
}

// binary is the cross entropy of two classes, of one logit f: log(1+e^f) - y f.
type binary struct{ label []float32 }

func (l binary) slope(s *space, rows []int32, weight []float32) (sum float64) {
	bounded(s)
	n := s.pass.N
	var soft [kernel.Tile]float32
	kernel.Softplus(soft[:n], s.out[:n])
	kernel.Sigmoid(s.d[:n], s.out[:n])
	for e, r := range rows {
		y := l.label[r]
		sum += float64(weight[e]) * (float64(soft[e]) - float64(y)*float64(s.out[e]))
		s.d[e] -= y
	}
	kernel.Mul(s.d[:n], s.d[:n], weight[:n])
	kernel.TanhBackward(s.d[:n], s.bound[:n])
	return sum
}

// categorical is the cross entropy of several classes, of a logit each: log sum_k e^f_k - f_y.
type categorical struct{ label []float32 }

func (l categorical) slope(s *space, rows []int32, weight []float32) (sum float64) {
	bounded(s)
	clear(s.d)
	for e, r := range rows {
		logSum := logSumExp(s.out, e)
		w := float64(weight[e])
		for i := e; i < len(s.out); i += kernel.Tile {
			s.d[i] = float32(w * math.Exp(float64(s.out[i])-logSum))
		}
		own := int(l.label[r])*kernel.Tile + e
		s.d[own] -= weight[e]
		sum += w * (logSum - float64(s.out[own]))
	}
	kernel.TanhBackward(s.d, s.bound)
	return sum
}

// logSumExp is that of the rows of a tile in event e.
func logSumExp(rows []float32, e int) float64 {
	var sum float64 // logits are bounded, so nothing overflows
	for i := e; i < len(rows); i += kernel.Tile {
		sum += math.Exp(float64(rows[i]))
	}
	return math.Log(sum)
}

// squares is the mean squared error of several numbers.
type squares struct{ target [][]float32 }

func (l squares) slope(s *space, rows []int32, weight []float32) (sum float64) {
	clear(s.d)
	share := 1 / float64(len(l.target))
	for t, y := range l.target {
		for e, r := range rows {
			i := t*kernel.Tile + e
			off := float64(s.out[i] - y[r])
			sum += float64(weight[e]) * off * off * share
			s.d[i] = float32(2 * share * float64(weight[e]) * off)
		}
	}
	return sum
}
