package flow

import (
	"math"
	"testing"

	"github.com/sluice-hep/sluice/flow/linear"
	"github.com/sluice-hep/sluice/flow/tile"
	"github.com/sluice-hep/sluice/internal/kernel"
	"github.com/sluice-hep/sluice/internal/reference"
	"github.com/sluice-hep/sluice/nn"
)

// layer is one transform on its own, with a pool of two for its training.
type layer struct {
	Transform
	crew   *nn.Crew
	p, g   []float32
	layout nn.Layout
}

func newLayer(t *testing.T, tr Transform) *layer {
	pool := kernel.NewPool(2)
	t.Cleanup(pool.Close)
	l := &layer{Transform: tr, crew: nn.NewCrew(pool)}
	tr.Layout(&l.layout, "layer")
	l.p, l.g = make([]float32, l.layout.Size), make([]float32, l.layout.Size)
	return l
}

// tilesOf are the tiles of rows x; c1 and c2 are the gradients of z and of log|det|.
func tilesOf(x, c1 matrix, c2 []float64) (tiles []*Tile) {
	data, d := columnsOf(x), len(x[0])
	f := Flow{Plan: &Plan{Features: d}}
	for lo := 0; lo < len(x); lo += kernel.Tile {
		tile := f.newTile()
		tile.DX, tile.DLogDet = kernel.Aligned(d*kernel.Tile), kernel.Aligned(kernel.Tile)
		hi := min(lo+kernel.Tile, len(x))
		load(&tile, data, nil, lo, hi)
		for e := lo; e < hi && c1 != nil; e++ {
			for i, v := range c1[e] {
				row(tile.DX, i)[e-lo] = float32(v)
			}
			tile.DLogDet[e-lo] = float32(c2[e])
		}
		tile.First = lo == 0
		tiles = append(tiles, &tile)
	}
	return tiles
}

func dataOf(t *Tile) []float32     { return t.X }
func gradientOf(t *Tile) []float32 { return t.DX }

// nearTiles compares one of the matrices of tiles.
func nearTiles(t *testing.T, what string, tiles []*Tile, of func(*Tile) []float32, want matrix, tol float64) {
	t.Helper()
	for e := range want {
		m := of(tiles[e/kernel.Tile])
		for i, w := range want[e] {
			reference.Near(t, what, float64(row(m, i)[e%kernel.Tile]), w, tol)
		}
	}
}

// nearLogDet compares the log|det| of all events, which is the same.
func nearLogDet(t *testing.T, what string, tiles []*Tile, want, tol float64) {
	t.Helper()
	for _, tile := range tiles {
		for _, v := range tile.LogDet[:tile.Events] {
			reference.Near(t, what, float64(v), want, tol)
		}
	}
}

// nearVector compares a vector of parameters.
func nearVector[F float32 | float64](t *testing.T, what string, got []F, want []float64, tol float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d values, want %d", what, len(got), len(want))
	}
	for i, w := range want {
		reference.Near(t, what, float64(got[i]), w, tol)
	}
}

func setFloats(dst []float32, src []float64) {
	for i, v := range src {
		dst[i] = float32(v)
	}
}

type luCase struct {
	Features     int
	Epsilon      float64   `json:"eps"`
	LowerEntries []float64 `json:"lower_entries"`
	UpperEntries []float64 `json:"upper_entries"`
	Diagonal     []float64 `json:"unconstrained_upper_diag"`
	Bias         []float64
	X, C1        matrix
	C2           []float64
	U            matrix `json:"u_for_inverse"`
}

type luResult struct {
	Y             matrix
	LogDet        float64
	GradX         matrix    `json:"grad_x"`
	GradLower     []float64 `json:"grad_lower_entries"`
	GradUpper     []float64 `json:"grad_upper_entries"`
	GradDiagonal  []float64 `json:"grad_unconstrained_upper_diag"`
	GradBias      []float64 `json:"grad_bias"`
	XInverse      matrix    `json:"x_inverse"`
	LogDetInverse float64   `json:"logdet_inverse"`
}

// eachEntry calls fn with the place in our matrix of each entry of the reference's three vectors.
func (c luCase) eachEntry(lower, upper, diagonal []float64, fn func(at int, v float64)) {
	n := c.Features
	for i := range n {
		for j := range n {
			switch {
			case j < i:
				fn(i*n+j, lower[0])
				lower = lower[1:]
			case j > i:
				fn(i*n+j, upper[0])
				upper = upper[1:]
			default:
				fn(i*n+j, diagonal[i])
			}
		}
	}
}

const leastDiagonal = 1e-3 // of a linear.LU

// ourDiagonal gives tile.Softplus(u) + eps as softplus(raw) + leastDiagonal, and the slopes d raw/du.
func (c luCase) ourDiagonal() (raw, slopes []float64) {
	for _, u := range c.Diagonal {
		r := math.Log(math.Expm1(tile.Softplus(u) + c.Epsilon - leastDiagonal))
		raw, slopes = append(raw, r), append(slopes, (1+math.Exp(-r))/(1+math.Exp(-u)))
	}
	return raw, slopes
}

func TestReferenceLULinear(t *testing.T) {
	for name, c := range reference.Cases[luCase, luResult](t, "lu_linear") {
		t.Run(name, func(t *testing.T) {
			in, out := c.In, c.Out
			lu := &linear.LU{}
			for i := range in.Features {
				lu.Order = append(lu.Order, int32(i))
			}
			l := newLayer(t, lu)
			diagonal, slopes := in.ourDiagonal()
			in.eachEntry(in.LowerEntries, in.UpperEntries, diagonal, func(at int, v float64) { lu.Matrix.Of(l.p)[at] = float32(v) })
			setFloats(lu.Bias.Of(l.p), in.Bias)
			r, s := lu.Memory()
			mem, scratch := kernel.Aligned(r*kernel.Tile), kernel.Aligned(s*kernel.Tile)

			tiles := tilesOf(in.X, in.C1, in.C2)
			for _, tile := range tiles {
				lu.ToLatent(tile, l.p, mem)
				lu.Backward(tile, l.p, l.g, mem, scratch)
			}
			nearTiles(t, "y", tiles, dataOf, out.Y, 3e-6)
			nearLogDet(t, "log-det", tiles, out.LogDet, 3e-6)
			nearTiles(t, "gradient of x", tiles, gradientOf, out.GradX, 3e-6)
			nearVector(t, "gradient of b", lu.Bias.Of(l.g), out.GradBias, 3e-6)
			g := lu.Matrix.Of(l.g)
			for i, slope := range slopes {
				g[i*(in.Features+1)] *= float32(slope)
			}
			in.eachEntry(out.GradLower, out.GradUpper, out.GradDiagonal, func(at int, v float64) {
				reference.Near(t, "gradient of L U", float64(g[at]), v, 3e-6)
			})

			back := tilesOf(in.U, nil, nil)
			for _, tile := range back {
				lu.ToData(tile, l.p, mem)
			}
			nearTiles(t, "x", back, dataOf, out.XInverse, 3e-5)
			nearLogDet(t, "log-det of inverse", back, out.LogDetInverse, 3e-6)
		})
	}
}

// batchNormCase is one of two styles: ours, or that with a softplus of the weight and an unbiased variance.
type batchNormCase struct {
	Features            int
	Momentum            float64
	Epsilon             float64   `json:"eps"`
	LogGamma            []float64 `json:"log_gamma"`
	Beta                []float64
	UnconstrainedWeight []float64 `json:"unconstrained_weight"`
	Bias                []float64
	Batches             []matrix
	C1                  matrix
	C2                  []float64
	XEval               matrix    `json:"x_eval"`
	Y                   matrix    `json:"y_for_inverse"`
	Mean                []float64 `json:"initial_running_mean"`
	Variance            []float64 `json:"initial_running_var"`
}

type batchNormResult struct {
	Batches []struct {
		Y            matrix
		LogDet       float64
		GradX        matrix    `json:"grad_x"`
		GradLogGamma []float64 `json:"grad_log_gamma"`
		GradBeta     []float64 `json:"grad_beta"`
		GradWeight   []float64 `json:"grad_unconstrained_weight"`
		GradBias     []float64 `json:"grad_bias"`
		Mean         []float64 `json:"running_mean_after"`
		Variance     []float64 `json:"running_var_after"`
	}
	Eval struct {
		Y             matrix
		LogDet        float64
		XInverse      matrix  `json:"x_inverse"`
		LogDetInverse float64 `json:"logdet_inverse"`
	}
}

func (c *batchNormCase) otherStyle() bool { return c.UnconstrainedWeight != nil }

// shrink is the population's variance over the unbiased one.
func shrink(events int) float64 { return float64(events-1) / float64(events) }

// set gives b the case's parameters for a batch. In the other style the variance is unbiased, epsilon is added to it outside
// and the weight is w = softplus(u)+eps: w/sqrt(v/shrink + eps) = w sqrt(shrink)/sqrt(v + eps shrink). The slopes are those
// of our log gamma with u.
func (c *batchNormCase) set(b *linear.BatchNorm, p []float32, events int) (slopes []float64) {
	if !c.otherStyle() {
		b.Epsilon = c.Epsilon
		setFloats(b.LogGamma.Of(p), c.LogGamma)
		setFloats(b.Beta.Of(p), c.Beta)
		return nil
	}
	b.Epsilon = c.Epsilon * shrink(events)
	setFloats(b.Beta.Of(p), c.Bias)
	for i, u := range c.UnconstrainedWeight {
		w := tile.Softplus(u) + c.Epsilon
		b.LogGamma.Of(p)[i] = float32(math.Log(w) + 0.5*math.Log(shrink(events)))
		slopes = append(slopes, 1/(1+math.Exp(-u))/w)
	}
	return slopes
}

// average moves the running statistics by those of a batch.
func (c *batchNormCase) average(b *linear.BatchNorm, p []float32, events int) {
	keep := c.Momentum
	if c.otherStyle() {
		keep = 1 - c.Momentum
	}
	for i := range c.Features {
		mean, variance := float64(b.Mean.Of(p)[i]), float64(b.Variance.Of(p)[i])
		if c.otherStyle() {
			variance = (variance - b.Epsilon) / shrink(events)
		}
		c.Mean[i] = keep*c.Mean[i] + (1-keep)*mean
		c.Variance[i] = keep*c.Variance[i] + (1-keep)*variance
	}
}

func TestReferenceBatchNormFlow(t *testing.T) {
	for name, c := range reference.Cases[batchNormCase, batchNormResult](t, "batchnorm_flow") {
		t.Run(name, func(t *testing.T) {
			in := c.In
			b := linear.NewBatchNorm(in.Features)
			l := newLayer(t, b)
			pass := b.NewPass(l.crew)
			for i, x := range in.Batches {
				r := c.Out.Batches[i]
				slopes := in.set(b, l.p, len(x))
				tiles := tilesOf(x, in.C1, in.C2)
				pass.Freeze(tiles, l.p)
				pass.ToLatent(tiles, l.p)
				nearTiles(t, "y", tiles, dataOf, r.Y, 1e-5)
				nearLogDet(t, "log-det", tiles, r.LogDet, 1e-5)
				pass.Backward(tiles, l.p, l.g)
				nearTiles(t, "gradient of x", tiles, gradientOf, r.GradX, 1e-5)
				gamma, wantGamma, wantBeta := b.LogGamma.Of(l.g), r.GradLogGamma, r.GradBeta
				if in.otherStyle() {
					wantGamma, wantBeta = r.GradWeight, r.GradBias
				}
				for j, slope := range slopes {
					gamma[j] *= float32(slope)
				}
				nearVector(t, "gradient of gamma", gamma, wantGamma, 1e-5)
				nearVector(t, "gradient of beta", b.Beta.Of(l.g), wantBeta, 1e-5)
				in.average(b, l.p, len(x))
				nearVector(t, "running mean", in.Mean, r.Mean, 1e-5)
				nearVector(t, "running variance", in.Variance, r.Variance, 1e-5)
			}
			in.evaluate(t, b, l.p, &c.Out)
		})
	}
}

// evaluate checks b with the running statistics.
func (c *batchNormCase) evaluate(t *testing.T, b *linear.BatchNorm, p []float32, out *batchNormResult) {
	t.Helper()
	c.set(b, p, math.MaxInt) // so many events that the styles agree on the variance
	setFloats(b.Mean.Of(p), c.Mean)
	for i, v := range c.Variance {
		if c.otherStyle() {
			v += c.Epsilon
		}
		b.Variance.Of(p)[i] = float32(v)
	}
	tiles := tilesOf(c.XEval, nil, nil)
	for _, tile := range tiles {
		b.ToLatent(tile, p, nil)
	}
	nearTiles(t, "y in evaluation", tiles, dataOf, out.Eval.Y, 1e-5)
	nearLogDet(t, "log-det in evaluation", tiles, out.Eval.LogDet, 1e-5)
	if out.Eval.XInverse == nil {
		return
	}
	back := tilesOf(c.Y, nil, nil)
	for _, tile := range back {
		b.ToData(tile, p, nil)
	}
	nearTiles(t, "x", back, dataOf, out.Eval.XInverse, 1e-5)
	nearLogDet(t, "log-det of inverse", back, out.Eval.LogDetInverse, 1e-5)
}
