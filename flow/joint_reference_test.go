package flow

import (
	"encoding/json"
	"math"
	"strings"
	"testing"

	"github.com/sluice-hep/sluice/internal/kernel"
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

// tile holds at most 64 events; c1 and c2 are the gradients of z and of log|det|.
func tileOf(x, c1 matrix, c2 []float64) *Tile {
	d := len(x[0])
	f := Flow{Plan: &Plan{Features: d}}
	tile := f.newTile()
	tile.DX, tile.DLogDet = kernel.Aligned(d*kernel.Tile), kernel.Aligned(kernel.Tile)
	tile.load(columnsOf(x), nil, 0, len(x))
	for e := range c1 {
		for i, v := range c1[e] {
			row(tile.DX, i)[e] = float32(v)
		}
		tile.DLogDet[e] = float32(c2[e])
	}
	tile.First = true
	return &tile
}

func nearTile(t *testing.T, what string, got []float32, want matrix, tol float64) {
	t.Helper()
	for e := range want {
		for i, w := range want[e] {
			near(t, what, float64(row(got, i)[e]), w, tol)
		}
	}
}

// nearVector compares a vector of parameters.
func nearVector(t *testing.T, what string, got []float32, want []float64, tol float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d values, want %d", what, len(got), len(want))
	}
	for i, w := range want {
		near(t, what, float64(got[i]), w, tol)
	}
}

func setFloats(dst []float32, src []float64) {
	for i, v := range src {
		dst[i] = float32(v)
	}
}

type luCase struct {
	Features     int
	LowerEntries []float64 `json:"lower_entries"`
	UpperEntries []float64 `json:"upper_entries"`
	Diagonal     []float64 `json:"unconstrained_upper_diag"`
	Bias         []float64
	X, C1        matrix
	C2           []float64
	U            matrix `json:"u_for_inverse"`

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

func TestReferenceLULinear(t *testing.T) {
	inputs, outputs := reference[luCase](t, "lu_linear")
	for name, in := range inputs {
		t.Run(name, func(t *testing.T) {
			out := outputs[name]
			lu := &LU{}
			for i := range in.Features {
				lu.Order = append(lu.Order, int32(i))
			}
			l := newLayer(t, lu)
			in.eachEntry(in.LowerEntries, in.UpperEntries, in.Diagonal, func(at int, v float64) { lu.Matrix.Of(l.p)[at] = float32(v) })
			setFloats(lu.Bias.Of(l.p), in.Bias)
			r, s := lu.Memory()
			mem, scratch := kernel.Aligned(r*kernel.Tile), kernel.Aligned(s*kernel.Tile)

			tile := tileOf(in.X, in.C1, in.C2)
			lu.ToLatent(tile, l.p, mem)
			nearTile(t, "y", tile.X, out.Y, 3e-6)
			near(t, "log-det", float64(tile.LogDet[0]), out.LogDet, 3e-6)
			lu.Backward(tile, l.p, l.g, mem, scratch)
			nearTile(t, "gradient of x", tile.DX, out.GradX, 3e-6)
			nearVector(t, "gradient of b", lu.Bias.Of(l.g), out.GradBias, 3e-6)
			in.eachEntry(out.GradLower, out.GradUpper, out.GradDiagonal, func(at int, v float64) {
				near(t, "gradient of L U", float64(lu.Matrix.Of(l.g)[at]), v, 3e-6)
			})

			back := tileOf(in.U, nil, nil)
			lu.ToData(back, l.p, mem)
			nearTile(t, "x", back.X, out.XInverse, 3e-5)
			near(t, "log-det of inverse", float64(back.LogDet[0]), out.LogDetInverse, 3e-6)
		})
	}
}

type batchNormCase struct {
	Features            int
	Momentum            float64
	Epsilon             float64   `json:"eps"`
	LogGamma            []float64 `json:"log_gamma"`
	Beta                []float64
	UnconstrainedWeight []float64 `json:"unconstrained_weight"`
	Bias                []float64
	Batches             json.RawMessage
	C1                  matrix
	C2                  []float64
	XEval               matrix    `json:"x_eval"`
	Y                   matrix    `json:"y_for_inverse"`
	Mean                []float64 `json:"initial_running_mean"`
	Variance            []float64 `json:"initial_running_var"`
	Eval                struct {
		Y             matrix
		LogDet        float64
		XInverse      matrix  `json:"x_inverse"`
		LogDetInverse float64 `json:"logdet_inverse"`
	}
}

// otherStyle turns the case of an unbiased variance, with epsilon added to it outside and the weight softplus(u)+eps, into
// ours: weight/sqrt(v n/(n-1) + eps) = weight sqrt((n-1)/n) / sqrt(v + eps (n-1)/n).
func (c *batchNormCase) otherStyle(events int) (weightSlope []float64) {
	shrink := float64(events-1) / float64(events)
	c.Beta = c.Bias
	for _, u := range c.UnconstrainedWeight {
		w := math.Log1p(math.Exp(u)) + c.Epsilon
		c.LogGamma = append(c.LogGamma, math.Log(w)+0.5*math.Log(shrink))
		weightSlope = append(weightSlope, 1/(1+math.Exp(-u))/w)
	}
	c.Epsilon *= shrink
	return weightSlope
}

func TestReferenceBatchNormFlow(t *testing.T) {
	inputs, outputs := reference[batchNormCase](t, "batchnorm_flow")
	for name, in := range inputs {
		t.Run(name, func(t *testing.T) {
			other := strings.HasPrefix(name, "softplus")
			batches, results := decode[[]matrix](t, in.Batches), decode[[]map[string]json.RawMessage](t, outputs[name].Batches)
			gammaName, betaName, slopes := "grad_log_gamma", "grad_beta", []float64(nil)
			eps := in.Epsilon
			if other {
				gammaName, betaName = "grad_unconstrained_weight", "grad_bias"
				slopes = in.otherStyle(len(batches[0]))
			}
			b := NewBatchNorm(in.Features)
			l := newLayer(t, b)
			b.Epsilon = in.Epsilon
			setFloats(b.LogGamma.Of(l.p), in.LogGamma)
			setFloats(b.Beta.Of(l.p), in.Beta)
			pass := b.NewPass(l.crew)
			for i, x := range batches {
				r := results[i]
				tile := []*Tile{tileOf(x, in.C1, in.C2)}
				pass.Freeze(tile, l.p)
				pass.ToLatent(tile, l.p)
				nearTile(t, "y", tile[0].X, decode[matrix](t, r["y"]), 1e-5)
				near(t, "log-det", float64(tile[0].LogDet[0]), decode[float64](t, r["logdet"]), 1e-5)
				pass.Backward(tile, l.p, l.g)
				nearTile(t, "gradient of x", tile[0].DX, decode[matrix](t, r["grad_x"]), 1e-5)
				nearVector(t, "gradient of beta", b.Beta.Of(l.g), decode[[]float64](t, r[betaName]), 1e-5)
				gamma := b.LogGamma.Of(l.g)
				for j := range slopes {
					gamma[j] *= float32(slopes[j])
				}
				nearVector(t, "gradient of gamma", gamma, decode[[]float64](t, r[gammaName]), 1e-5)
				if in.Momentum == 0 { // the running statistics are the batch's
					nearVector(t, "mean", b.Mean.Of(l.p), decode[[]float64](t, r["running_mean_after"]), 1e-5)
					nearVector(t, "variance", b.Variance.Of(l.p), decode[[]float64](t, r["running_var_after"]), 1e-5)
				}
			}
			last := results[len(results)-1]
			setFloats(b.Mean.Of(l.p), decode[[]float64](t, last["running_mean_after"]))
			setFloats(b.Variance.Of(l.p), decode[[]float64](t, last["running_var_after"]))
			if other { // the reference's running variance is without eps, and its weight without our factor
				for j := range in.Features {
					b.Variance.Of(l.p)[j] += float32(eps)
					b.LogGamma.Of(l.p)[j] -= float32(0.5 * math.Log(in.Epsilon/eps))
				}
			}
			want := outputs[name].Eval
			tile := tileOf(in.XEval, nil, nil)
			b.ToLatent(tile, l.p, nil)
			nearTile(t, "y in evaluation", tile.X, want.Y, 1e-5)
			near(t, "log-det in evaluation", float64(tile.LogDet[0]), want.LogDet, 1e-5)
			if want.XInverse != nil {
				back := tileOf(in.Y, nil, nil)
				b.ToData(back, l.p, nil)
				nearTile(t, "x", back.X, want.XInverse, 1e-5)
				near(t, "log-det of inverse", float64(back.LogDet[0]), want.LogDetInverse, 1e-5)
			}
		})
	}
}
