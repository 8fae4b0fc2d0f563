package validate

import (
	"context"
	"math"
	"slices"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/mathext"

	"github.com/sluice-hep/sluice/classify"
	"github.com/sluice-hep/sluice/internal/kernel"
	"github.com/sluice-hep/sluice/internal/rng"
	"github.com/sluice-hep/sluice/stats"
)

// NPLMOptions are those of NPLM. The zero value of a field means its default.
type NPLMOptions struct {
	Most    int // events of each sample, at random among more; default 20,000
	Draws   int // permutations; default 200
	Seed    uint64
	Threads int // default one a core; the result does not depend on it
}

const (
	waves      = 64   // random Fourier features
	nplmRidge  = 1e-2 // of the mean variance of the features
	nplmSteps  = 20   // in which even a fit to samples far apart is near
	nplmGain   = 0.01 // in t/2, below which a fit is done
	lane       = 16   // fits at a time
	nplmBlock  = 4096 // events
	leastTail  = 10   // draws beyond the statistic for a p-value by their number
	fewForNPLM = 50   // events of a sample
)

// NPLM is the likelihood-ratio test of new physics learning machines (D'Agnolo and Wulzer, arXiv:1806.02350): t = 2 log of the largest likelihood of the
// generated events over that under the reference, among densities p_reference(x) e^f(x). As in its kernel form (Letizia et al., arXiv:2204.02317) f is
// linear in features: what a classifier sees of the columns, and 64 cosines of random directions in them with widths of a quarter of a typical distance
// to the whole of it. Both samples are known by their events only, so t counts their harmonic sum, n m/(n+m), by effective events; where chance alone
// is at work it is then near a chi-squared, and for an infinite reference it is the t of the papers.
//
// The null distribution is that of as many fits with permuted labels, and p, where less than 10 of them have as large a t, the tail of a scaled
// chi-squared of their mean and variance. Events keep their weights. Where there are weights, samples of equal size are taken, each with weights of a
// mean of 1: then what is permuted scatters as the samples do, though the weights of these be of other kinds. With negative weights the likelihood has
// no maximum (f grows without bound where they are), so t is then that of small f, to the second order: the squared difference of the mean features in
// units of their covariance.
func NPLM(ctx context.Context, ref, gen stats.Sample, o NPLMOptions) (stats.Test, error) {
	o.fill()
	if err := shaped(ref, gen); err != nil {
		return stats.Test{}, err
	}
	if why := tooFew(ref, gen, fewForNPLM); why != "" {
		return stats.Test{Cannot: why}, nil
	}
	n, m := len(ref.Columns[0]), len(gen.Columns[0])
	most := [2]int{min(n, o.Most), min(m, o.Most)}
	if ref.Weights != nil || gen.Weights != nil {
		most = [2]int{min(most[0], most[1]), min(most[0], most[1])}
	}
	e, err := labelled(some(ref, most[0], o.Seed, 1), some(gen, most[1], o.Seed, 2))
	if err != nil {
		return stats.Test{}, err
	}
	l, why := newLikelihoods(e, o.Seed)
	if why != "" {
		return stats.Test{Cannot: why}, nil
	}
	t := l.draws(ctx, o)
	if err := ctx.Err(); err != nil {
		return stats.Test{}, err
	}
	r := fromDraws(t[0], t[1:])
	if most[0] < n || most[1] < m {
		r.Events = min(most[0], most[1])
	}
	return r, nil
}

func (o *NPLMOptions) fill() {
	if o.Most <= 0 {
		o.Most = 20_000
	}
	if o.Draws <= 0 {
		o.Draws = 200
	}
}

// some are n of the events of a sample, at random.
func some(s stats.Sample, n int, seed uint64, sub uint32) stats.Sample {
	return s.Take(rng.New(seed, rng.StreamTest, sub).Perm(len(s.Columns[0]))[:n])
}

// fromDraws is a statistic beside those of permutations, of which those count as further out than any number that could not be computed.
func fromDraws(value float64, null []float64) stats.Test {
	t := stats.Test{Value: value, Draws: len(null)}
	reached, known, squares := 0, 0.0, 0.0
	for _, v := range null {
		if v >= value {
			reached++
		}
		if v-v == 0 {
			known++
			t.NullMean += v
			squares += v * v
		}
	}
	t.P = float64(reached+1) / float64(len(null)+1)
	if known < 2 {
		t.NullMean = 0
		return t
	}
	t.NullMean /= known
	variance := max(squares-known*t.NullMean*t.NullMean, 0) / (known - 1)
	if t.NullStd = math.Sqrt(variance); reached < leastTail && t.NullMean > 0 && variance > 0 {
		t.P = gammaTail(t)
	}
	return t
}

// gammaTail is the probability of a test's value, or more, by the gamma distribution that has the mean and variance of the draws.
func gammaTail(t stats.Test) float64 {
	scale := t.NullStd * t.NullStd / t.NullMean
	return mathext.GammaIncRegComp(t.NullMean/scale, max(t.Value, 0)/scale)
}

// likelihoods fits f = alpha features, several permutations at a time: J(alpha) = log(sum_ref c e^f) - sum_gen a f, with c and a the weights over their
// sums, is what is minimised (the normalisation of f is its best, so that the yields play no part), and t = -2 N J.
type likelihoods struct {
	events   int
	features int
	x        []float32 // features by events, of a covariance near 1
	turned   []float32 // events by features
	label    []int32
	weight   []float64 // nil where all are 1
	size     float64   // N
	// Where weights are negative t is to the second order in f.
	quadratic bool
}

func newLikelihoods(e classify.Events, seed uint64) (l *likelihoods, cannot string) {
	seen, err := classify.Seen(e.Columns)
	if err != nil {
		return nil, err.Error()
	}
	if len(seen) == 0 {
		return nil, "there is nothing to compare: each column has a single value in both samples"
	}
	l = &likelihoods{events: len(e.Label), features: len(seen) + waves, weight: slices.Clone(e.Weights)}
	if !l.weigh(e.Label) {
		return nil, "the weights of the events taken sum to no positive number: there are too many negative ones"
	}
	if !l.whiten(l.raw(seen, seed)) {
		return nil, "the covariance of the columns has no inverse"
	}
	return l, ""
}

// weigh takes the labels, and gives the weights of either sample a mean of 1: what is permuted then has the variance of both, also where one of them
// has larger weights.
func (l *likelihoods) weigh(label []int) bool {
	var events, sum, squares [2]float64
	for i, c := range label {
		w := l.weightOf(i)
		events[c]++
		sum[c] += w
		squares[c] += w * w
		l.label = append(l.label, int32(c))
		l.quadratic = l.quadratic || w < 0
	}
	if !(sum[0] > 0 && sum[1] > 0) {
		return false
	}
	for i := range l.weight {
		c := label[i]
		l.weight[i] *= events[c] / sum[c]
	}
	l.size = 1 / (squares[0]/(sum[0]*sum[0]) + squares[1]/(sum[1]*sum[1]))
	return true
}

func (l *likelihoods) weightOf(i int) float64 {
	if l.weight == nil {
		return 1
	}
	return l.weight[i]
}

// raw are the features, one after the other.
func (l *likelihoods) raw(seen [][]float32, seed uint64) []float32 {
	x := kernel.Aligned(l.features * l.events)
	for i, s := range seen {
		copy(x[i*l.events:], s)
	}
	r := rng.New(seed, rng.StreamTest, 3)
	typical := math.Sqrt(2 * float64(len(seen))) // the distance of events whose columns have a width of 1
	for k := range waves {
		row := x[(len(seen)+k)*l.events:][:l.events]
		width := typical / float64(int(1)<<(k%3))
		phase := float32(2 * math.Pi * r.Float64())
		for i := range row {
			row[i] = phase
		}
		for _, s := range seen {
			kernel.Axpy(row, float32(r.NormFloat64()/width), s)
		}
		for i, v := range row {
			row[i] = float32(math.Cos(float64(v)))
		}
	}
	return x
}

// whiten turns the features, and keeps them also event by event. Their covariance counts events by the sizes of their weights.
func (l *likelihoods) whiten(raw []float32) bool {
	m, n, ld := l.features, l.events, kernel.RoundLanes(l.features)
	size, weighed := make([]float32, n), make([]float32, n)
	for i := range size {
		size[i] = float32(math.Abs(l.weightOf(i)))
	}
	all := total(size)
	for i := range m {
		row := raw[i*n:][:n]
		kernel.Mul(weighed, row, size)
		mean := float32(total(weighed) / all)
		for j := range row {
			row[j] -= mean
		}
	}
	l.turned = kernel.Aligned(ld * n)
	kernel.Transpose(l.turned, ld, raw, n, m, n)
	product, sum := make([]float32, m*m), make([]float64, m*m)
	part := kernel.Aligned(m * nplmBlock)
	for first := 0; first < n; first += nplmBlock {
		k := min(nplmBlock, n-first)
		for i := range m {
			kernel.Mul(part[i*nplmBlock:][:k], raw[i*n+first:][:k], size[first:])
		}
		g := kernel.Gemm{M: m, N: m, K: k, A: part, LDA: nplmBlock, B: l.turned[first*ld:], LDB: ld, C: product, LDC: m}
		g.Run()
		for i, v := range product {
			sum[i] += float64(v) / all
		}
	}
	inverse := invertedRoot(sum, m)
	if inverse == nil {
		return false
	}
	l.x = kernel.Aligned(m * n)
	g := kernel.Gemm{M: m, N: n, K: m, A: inverse, LDA: m, B: raw, LDB: n, C: l.x, LDC: n}
	g.Run()
	kernel.Transpose(l.turned, ld, l.x, n, m, n)
	return true
}

// invertedRoot is the inverse of the lower Cholesky factor of a covariance with a ridge; nil where there is none.
func invertedRoot(covariance []float64, m int) []float32 {
	s := mat.NewSymDense(m, nil)
	var trace float64
	for i := range m {
		trace += covariance[i*m+i]
	}
	for i := range m {
		for j := i; j < m; j++ {
			s.SetSym(i, j, covariance[i*m+j])
		}
		s.SetSym(i, i, covariance[i*m+i]+nplmRidge*trace/float64(m))
	}
	var chol mat.Cholesky
	if !chol.Factorize(s) {
		return nil
	}
	var lower, inverse mat.TriDense
	chol.LTo(&lower)
	if inverse.InverseTri(&lower) != nil {
		return nil
	}
	out := make([]float32, m*m)
	for i := range m {
		for j := range i + 1 {
			out[i*m+j] = float32(inverse.At(i, j))
		}
	}
	return out
}

// draws are the t of the samples and of permutations.
func (l *likelihoods) draws(ctx context.Context, o NPLMOptions) []float64 {
	t := make([]float64, o.Draws+1)
	pool := kernel.NewPool(o.Threads)
	defer pool.Close()
	fits := make([]*fits, pool.Threads())
	pool.Run((len(t)+lane-1)/lane, func(worker, group int) {
		if ctx.Err() != nil {
			return
		}
		if fits[worker] == nil {
			fits[worker] = newFits(l)
		}
		f, first := fits[worker], group*lane
		for k := range lane {
			copy(f.label, l.label)
			if first+k > 0 {
				rng.New(o.Seed, rng.StreamTest, 1<<24+uint32(first+k)).Shuffle(f.label)
			}
			f.take(k)
		}
		f.run(t[first:min(first+lane, len(t))])
	})
	return t
}

// fits is the work of a worker: as many fits as there are lanes, side by side.
type fits struct {
	*likelihoods
	label          []int32
	ref, gen       []float32 // lanes by events: the weights over their sum where the event is of that sample, else 0
	alpha, try, by []float32 // lanes by features: the best, what is tried, and the step there
	f, slope, tilt []float32 // lanes by events, but for the last
	j              [lane]float64
	share          [lane]float32 // of the step
	cancelled      [lane]bool    // weights that sum to no positive number
}

func newFits(l *likelihoods) *fits {
	f := &fits{likelihoods: l, label: make([]int32, l.events), tilt: kernel.Aligned(l.events)}
	for _, v := range []*[]float32{&f.alpha, &f.try, &f.by} {
		*v = kernel.Aligned(lane * kernel.RoundLanes(l.features))
	}
	for _, v := range []*[]float32{&f.ref, &f.gen, &f.f, &f.slope} {
		*v = kernel.Aligned(lane * l.events)
	}
	return f
}

func (f *fits) of(lanes []float32, k int) []float32 { return lanes[k*f.events:][:f.events] }

// take sets the weights of lane k from the labels.
func (f *fits) take(k int) {
	var sum [2]float64
	for i, c := range f.label {
		sum[c] += f.weightOf(i)
	}
	f.cancelled[k] = !(sum[0] > 0 && sum[1] > 0)
	own := [2][]float32{f.of(f.ref, k), f.of(f.gen, k)}
	clear(own[0])
	clear(own[1])
	for i, c := range f.label {
		own[c][i] = float32(f.weightOf(i) / sum[c])
	}
}

// run sets the t of each lane. Since the covariance of the features is near 1, minus the gradient is near Newton's step; one that does not lower J is
// taken back and halved.
func (f *fits) run(t []float64) {
	clear(f.alpha)
	clear(f.try)
	clear(f.f)
	ld := kernel.RoundLanes(f.features)
	for s := range nplmSteps {
		gain := f.accept(s == 0)
		if s > 0 && f.size*gain < nplmGain {
			break
		}
		g := kernel.Gemm{M: lane, N: f.features, K: f.events, A: f.slope, LDA: f.events, B: f.turned, LDB: ld, C: f.try, LDC: ld}
		g.Run()
		if f.quadratic {
			break
		}
		for k, share := range f.share {
			by, alpha, try := f.by[k*ld:][:f.features], f.alpha[k*ld:], f.try[k*ld:]
			if share == 1 {
				copy(by, try)
			}
			for i, b := range by {
				try[i] = alpha[i] + share*b
			}
		}
		g = kernel.Gemm{M: lane, N: f.events, K: f.features, A: f.try, LDA: ld, B: f.x, LDB: f.events, C: f.f, LDC: f.events}
		g.Run()
	}
	for k := range t {
		switch {
		case f.cancelled[k]:
			t[k] = math.Inf(1)
		case f.quadratic:
			t[k] = f.size * kernel.SquaredNorm(f.try[k*ld:][:f.features])
		default:
			t[k] = -2 * f.size * f.j[k]
		}
	}
}

// accept takes what is tried over where it lowers J, and says by how much at most.
func (f *fits) accept(first bool) (gain float64) {
	ld := kernel.RoundLanes(f.features)
	for k := range lane {
		j := f.objective(k)
		if first || j < f.j[k] {
			gain = max(gain, f.j[k]-j)
			f.j[k], f.share[k] = j, 1
			copy(f.alpha[k*ld:][:ld], f.try[k*ld:])
		} else {
			f.share[k] /= 2
			clear(f.of(f.slope, k))
		}
	}
	return gain
}

// objective is J of a lane, and sets slope to what the features are to be multiplied by for minus its gradient.
func (f *fits) objective(k int) float64 {
	g, slope, gen := f.of(f.f, k), f.of(f.slope, k), f.of(f.gen, k)
	kernel.Mul(slope, g, gen)
	mean := total(slope)
	kernel.Exp(f.tilt, g)
	kernel.Mul(f.tilt, f.tilt, f.of(f.ref, k))
	tilted := total(f.tilt)
	copy(slope, gen)
	kernel.Axpy(slope, float32(-1/tilted), f.tilt)
	return math.Log(tilted) - mean
}

// total is the sum, to more digits than those of kernel.Sum.
func total(x []float32) (sum float64) {
	for first := 0; first < len(x); first += nplmBlock {
		sum += float64(kernel.Sum(x[first:min(first+nplmBlock, len(x))]))
	}
	return sum
}
