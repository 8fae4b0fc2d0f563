package linear

import (
	"math"

	"github.com/sluice-hep/sluice/flow/tile"
	"github.com/sluice-hep/sluice/internal/kernel"
	"github.com/sluice-hep/sluice/nn"
)

// BatchNorm is z = exp(log_gamma) (x - mean)/sqrt(variance) + beta for each feature, with log|det| the sum of
// log_gamma - log(variance)/2 (Papamakarios et al., arXiv:1705.07057, section 3.4). In training, mean and variance (population
// variance + Epsilon) are those of the batch, whatever the weights of its events, and gradients go through them.
//
// Otherwise they are constants, set by Likelihood.Freeze from events given to it. No running averages are kept: those
// lag behind weights that move, and are wrong for averaged weights; a pass over many events is cheap and exact.
type BatchNorm struct {
	LogGamma, Beta, Mean, Variance nn.View
	Epsilon                        float64 // part of the variance
	features                       int
}

// NewBatchNorm returns one of so many features.
func NewBatchNorm(features int) *BatchNorm { return &BatchNorm{Epsilon: 1e-5, features: features} }

// Layout implements Transform.
func (b *BatchNorm) Layout(l *nn.Layout, scope string) {
	b.LogGamma, b.Beta = l.Add(scope+".log_gamma", b.features, 1, nn.Scale), l.Add(scope+".beta", b.features, 1, nn.Bias)
	b.Mean, b.Variance = l.Add(scope+".mean", b.features, 1, nn.Statistic), l.Add(scope+".variance", b.features, 1, nn.Statistic)
}

// Start implements Starter.
func (b *BatchNorm) Start(p []float32, _ *nn.Source) {
	v := b.Variance.Of(p)
	for i := range v {
		v[i] = 1
	}
}

// Memory implements Transform.
func (b *BatchNorm) Memory() (rows, scratch int) { return 0, 0 }

// slopes calls fn with z = exp(s)*(x-mean) + beta of each feature, and returns log|det dz/dx|.
func (b *BatchNorm) slopes(p []float32, fn func(f int, s float64, mean, beta float32)) float32 {
	var logDet float64
	beta, mean := b.Beta.Of(p), b.Mean.Of(p)
	for f, v := range b.Variance.Of(p) {
		s := float64(b.LogGamma.Of(p)[f]) - 0.5*math.Log(float64(v))
		logDet += s
		fn(f, s, mean[f], beta[f])
	}
	return float32(logDet)
}

// Work implements Map.
func (b *BatchNorm) Work() int { return b.features }

// Follow implements Map, by the frozen statistics.
func (b *BatchNorm) Follow(a *Affine, p []float32) {
	b.slopes(p, func(f int, s float64, mean, beta float32) { a.scale(f, float64(mean), s, float64(beta)) })
}

// ToLatent implements Transform.
func (b *BatchNorm) ToLatent(t *tile.Tile, p, _ []float32) {
	logDet := b.slopes(p, func(f int, s float64, mean, beta float32) {
		shiftScale(tile.Row(t.X, f)[:t.N], tile.Row(t.X, f), mean, float32(math.Exp(s)), beta)
		t.Forget(f, s)
	})
	tile.AddTo(t.LogDet[:t.N], logDet)
}

// ToData implements Transform.
func (b *BatchNorm) ToData(t *tile.Tile, p, _ []float32) {
	logDet := b.slopes(p, func(f int, s float64, mean, beta float32) {
		shiftScale(tile.Row(t.X, f)[:t.N], tile.Row(t.X, f), beta, 1/float32(math.Exp(s)), mean)
		t.Forget(f, -s)
	})
	tile.AddTo(t.LogDet[:t.N], -logDet)
}

// shiftScale sets dst to scale*(src-from)+to. Subtracting first keeps the digits of a far-off mean.
func shiftScale(dst, src []float32, from, scale, to float32) {
	src = src[:len(dst)]
	for i, v := range src {
		dst[i] = scale*(v-from) + to
	}
}

// NewPass implements Batched.
func (b *BatchNorm) NewPass(crew *nn.Crew) tile.Pass {
	d := b.features
	s := &batchNormPass{BatchNorm: b, crew: crew, mean: make([]float64, d), variance: make([]float64, d), product: kernel.Aligned(d * kernel.Tile)}
	s.forwardFn, s.backwardFn, s.momentsFn = s.forward, s.backward, s.moments
	return s
}

// Partial implements Partial.
func (*BatchNorm) Partial() {}

// batchNormPass works feature by feature: each sum over events is one worker's, tile after tile.
type batchNormPass struct {
	*BatchNorm
	crew           *nn.Crew
	mean, variance []float64
	hat            [][]float32 // (x - mean)/sqrt(variance): a tile's features
	product        []float32   // a column a feature

	tiles                 []*tile.Tile // of the pass under way
	p, g                  []float32
	forwardFn             func(worker, f int)
	backwardFn, momentsFn func(worker, f int)
}

func (s *batchNormPass) begin(tiles []*tile.Tile, p, g []float32) {
	s.tiles, s.p, s.g = tiles, p, g
	for len(s.hat) < len(tiles) {
		s.hat = append(s.hat, kernel.Aligned(len(tiles[0].X)))
	}
}

// events is the number of those that have feature f, at least 1.
func (s *batchNormPass) events(f int) (n float64) {
	for _, t := range s.tiles {
		n += float64(t.Present(f))
	}
	return max(n, 1)
}

// moments sets mean and variance of feature f, and leaves x - mean in hat.
func (s *batchNormPass) moments(_, f int) {
	var sum, square float64
	for _, t := range s.tiles {
		sum += float64(kernel.Sum(tile.Row(t.X, f)[:t.Events]))
	}
	events := s.events(f)
	mean := sum / events
	for i, t := range s.tiles {
		hat := tile.Row(s.hat[i], f)[:t.N]
		shiftScale(hat, tile.Row(t.X, f), float32(mean), 1, 0)
		tile.ClearAt(hat, t.Absent(int32(f)))
		square += kernel.SquaredNorm(hat[:t.Events])
	}
	s.mean[f], s.variance[f] = mean, square/events+s.Epsilon
}

// ToLatent implements Pass.
func (s *batchNormPass) ToLatent(tiles []*tile.Tile, p []float32) {
	s.begin(tiles, p, nil)
	s.crew.Run(len(s.mean), s.forwardFn)
	var logDet float64
	for f, v := range s.variance {
		slope := float64(s.LogGamma.Of(p)[f]) - 0.5*math.Log(v)
		logDet += slope
		for _, t := range tiles {
			t.Forget(f, slope)
		}
	}
	for _, t := range tiles {
		tile.AddTo(t.LogDet[:t.N], float32(logDet))
	}
}

func (s *batchNormPass) forward(worker, f int) {
	s.moments(worker, f)
	inv := float32(1 / math.Sqrt(s.variance[f]))
	gamma, beta := s.gamma(f), s.Beta.Of(s.p)[f]
	for i, t := range s.tiles {
		hat := tile.Row(s.hat[i], f)[:t.N]
		kernel.Scale(hat, inv)
		shiftScale(tile.Row(t.X, f)[:t.N], hat, 0, gamma, beta)
	}
}

func (s *batchNormPass) gamma(f int) float32 {
	return float32(math.Exp(float64(s.LogGamma.Of(s.p)[f])))
}

// Backward implements Pass.
func (s *batchNormPass) Backward(tiles []*tile.Tile, p, g []float32) {
	s.begin(tiles, p, g)
	s.crew.Run(len(s.mean), s.backwardFn)
	clear(s.Mean.Of(g)) // the optimiser leaves the statistics alone
	clear(s.Variance.Of(g))
}

// backward: with h = (x-mean)/sqrt(v) and n events, dx = gamma/sqrt(v) (dz - <dz> - h <dz h>) - h sum(dLogDet)/(n sqrt(v)).
func (s *batchNormPass) backward(_, f int) {
	var sum, sumHat, sumD float64
	events := s.events(f)
	for i, t := range s.tiles {
		d, product := tile.Row(t.DX, f)[:t.Events], s.product[f*kernel.Tile:][:t.Events]
		kernel.Mul(product, d, tile.Row(s.hat[i], f))
		sum += float64(kernel.Sum(d))
		sumHat += float64(kernel.Sum(product))
		copy(product, t.DLogDet)
		tile.ClearAt(product, t.Absent(int32(f))&(1<<t.Events-1))
		sumD += float64(kernel.Sum(product))
	}
	gamma := float64(s.gamma(f))
	s.Beta.Of(s.g)[f] = float32(sum)
	s.LogGamma.Of(s.g)[f] = float32(gamma*sumHat + sumD)
	inv := 1 / math.Sqrt(s.variance[f])
	slope := float32(gamma * inv)
	mean := float32(sum / events)
	byHat := float32((sumHat + sumD/gamma) / events)
	for i, t := range s.tiles {
		d := tile.Row(t.DX, f)
		kernel.Axpy(d[:t.Events], -byHat, tile.Row(s.hat[i], f))
		shiftScale(d[:t.Events], d, mean, slope, 0)
		clear(d[t.Events:t.N])
		tile.ClearAt(d, t.Absent(int32(f)))
	}
}

// Freeze implements Pass.
func (s *batchNormPass) Freeze(tiles []*tile.Tile, p []float32) {
	s.begin(tiles, p, nil)
	s.crew.Run(len(s.mean), s.momentsFn)
	mean, variance := s.Mean.Of(p), s.Variance.Of(p)
	for f := range mean {
		mean[f], variance[f] = float32(s.mean[f]), float32(s.variance[f])
	}
}
