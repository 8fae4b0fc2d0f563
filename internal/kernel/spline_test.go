package kernel

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/sluice-hep/sluice/internal/reference"
)

type rqsInputs struct {
	Bound       float32     `json:"tail_bound"`
	Bins        int         `json:"num_bins"`
	Widths      [][]float64 `json:"unnorm_widths"`
	Heights     [][]float64 `json:"unnorm_heights"`
	Derivatives [][]float64 `json:"unnorm_derivatives"`
	Kind        []string    `json:"param_kind"`
	Set         []int       `json:"set_index"`
	Tag         []string    `json:"tag"`
	X           []float64   `json:"x"`
	C1          []float64   `json:"c1"`
	C2          []float64   `json:"c2"`
	Y           []float64   `json:"y_for_inverse"`
}

type rqsOutputs struct {
	Y             []float64   `json:"y"`
	LogDet        []float64   `json:"logabsdet"`
	XInverse      []float64   `json:"x_inverse"`
	LogDetInverse []float64   `json:"logabsdet_inverse"`
	GradX         []float64   `json:"grad_x"`
	GradWidths    [][]float64 `json:"grad_unnorm_widths_without_on_knot"`
	GradHeights   [][]float64 `json:"grad_unnorm_heights_without_on_knot"`
	GradSlopes    [][]float64 `json:"grad_unnorm_derivatives_without_on_knot"`
}

// params is the tile of raw parameters of points lo to hi, each with those of its set.
func (in *rqsInputs) params(lo, hi int) []float32 {
	p := Aligned((3*in.Bins - 1) * Tile)
	for e, set := range in.Set[lo:hi] {
		r := 0
		for _, raw := range [][]float64{in.Widths[set], in.Heights[set], in.Derivatives[set]} {
			for _, v := range raw {
				p[r*Tile+e] = float32(v)
				r++
			}
		}
	}
	return p
}

// eachTile calls fn for every run of at most Tile points; the rest of the last tile is zeros.
func (in *rqsInputs) eachTile(fn func(lo, hi int)) {
	for lo := 0; lo < len(in.X); lo += Tile {
		fn(lo, min(lo+Tile, len(in.X)))
	}
}

func (in *rqsInputs) extreme(e int) bool { return strings.HasPrefix(in.Kind[in.Set[e]], "extreme") }
func (in *rqsInputs) onKnot(e int) bool  { return strings.Contains(in.Tag[e], "on_knot") }

func column(x []float64) []float32 {
	c := Aligned(Tile)
	for i, v := range x {
		c[i] = float32(v)
	}
	return c
}

// near checks |got-want| <= tol*(1+|want|), the measure of the tolerances in testdata/reference/README.md.
func near(t *testing.T, what string, e int, got float32, want, tol float64) {
	t.Helper()
	if !(math.Abs(float64(got)-want) <= tol*(1+math.Abs(want))) {
		t.Errorf("%s of point %d: %g, want %g within %g", what, e, got, want, tol)
	}
}

// The tolerances are the float32 column of testdata/reference/README.md, which has them for 4 to 128 bins.
func TestSplineReference(t *testing.T) {
	eachISA(t, func(t *testing.T) {
		for _, file := range reference.Names(t, "rqs_k*") {
			for name, c := range reference.Cases[rqsInputs, rqsOutputs](t, file) {
				t.Run(file+"/"+name, func(t *testing.T) {
					gradTol, inverseTol := 1e-3, 1e-2
					if c.In.Bins > 8 {
						gradTol = 2e-2
					}
					if c.In.Bins > 32 {
						inverseTol = 1e-1
					}
					splineReferenceValues(t, &c.In, &c.Out, inverseTol)
					splineReferenceGradients(t, &c.In, &c.Out, gradTol)
				})
			}
		}
	})
}

// circularInputs are splines on a circle: the first derivative is that at both ends.
type circularInputs struct {
	B           float32
	X, C1, C2   []float64
	Widths      [][]float64 `json:"raw_widths"`
	Heights     [][]float64 `json:"raw_heights"`
	Derivatives [][]float64 `json:"raw_derivatives"`
}

type circularOutputs struct {
	Y, LogDet   []float64
	GradX       []float64   `json:"grad_x"`
	Widths      [][]float64 `json:"grad_widths"`
	Heights     [][]float64 `json:"grad_heights"`
	Derivatives [][]float64 `json:"grad_derivatives"`
}

// circularRows are the raw parameters of a point, or their gradients, as rows.
func circularRows(widths, heights, derivatives []float64) []float64 {
	return slices.Concat(widths, heights, derivatives[1:], derivatives[:1])
}

func TestCircularSplineReference(t *testing.T) {
	eachISA(t, func(t *testing.T) {
		for name, c := range reference.Cases[circularInputs, circularOutputs](t, "rqs_circular") {
			t.Run(name, func(t *testing.T) {
				in, out := &c.In, &c.Out
				s := Spline{Bins: len(in.Widths[0]), Bound: in.B, Circular: true}
				p := Aligned(s.ParamRows() * Tile)
				for e := range in.X {
					for r, v := range circularRows(in.Widths[e], in.Heights[e], in.Derivatives[e]) {
						p[r*Tile+e] = float32(v)
					}
				}
				x := column(in.X)
				z, l, saved := Aligned(Tile), Aligned(Tile), Aligned(s.SavedRows()*Tile)
				s.ToLatent(z, l, x, p, saved, Tile)
				dx, dp := Aligned(Tile), Aligned(len(p))
				s.Backward(dx, dp, column(in.C1), column(in.C2), x, p, saved, Tile)
				for e := range in.X {
					near(t, "y", e, z[e], out.Y[e], 3e-5)
					near(t, "logdet", e, l[e], out.LogDet[e], 3e-5)
					near(t, "dx", e, dx[e], out.GradX[e], 1e-3)
					for r, want := range circularRows(out.Widths[e], out.Heights[e], out.Derivatives[e]) {
						near(t, fmt.Sprintf("gradient of row %d", r), e, dp[r*Tile+e], want, 1e-3)
					}
				}
			})
		}
	})
}

func splineReferenceValues(t *testing.T, in *rqsInputs, out *rqsOutputs, inverseTol float64) {
	s := Spline{Bins: in.Bins, Bound: in.Bound}
	in.eachTile(func(lo, hi int) {
		p := in.params(lo, hi)
		z, l, x, li := Aligned(Tile), Aligned(Tile), Aligned(Tile), Aligned(Tile)
		s.ToLatent(z, l, column(in.X[lo:hi]), p, nil, Tile)
		s.ToData(x, li, column(in.Y[lo:hi]), p, Tile)
		for e := lo; e < hi; e++ {
			i := e - lo
			near(t, "y", e, z[i], out.Y[e], 1e-4)
			if in.extreme(e) {
				continue
			}
			near(t, "x", e, x[i], out.XInverse[e], 1e-4)
			near(t, "logdet", e, l[i], out.LogDet[e], 5e-3)
			near(t, "inverse logdet", e, li[i], out.LogDetInverse[e], inverseTol)
		}
	})
}

func splineReferenceGradients(t *testing.T, in *rqsInputs, out *rqsOutputs, tol float64) {
	s := Spline{Bins: in.Bins, Bound: in.Bound}
	sums := make([][]float64, len(in.Widths)) // of each set, over its points off the knots
	for set := range sums {
		sums[set] = make([]float64, s.ParamRows())
	}
	in.eachTile(func(lo, hi int) {
		p := in.params(lo, hi)
		x, dz, dl := column(in.X[lo:hi]), column(in.C1[lo:hi]), column(in.C2[lo:hi])
		dx, dp := Aligned(Tile), Aligned(len(p))
		z, l, saved := Aligned(Tile), Aligned(Tile), Aligned(s.SavedRows()*Tile)
		s.ToLatent(z, l, x, p, saved, Tile)
		s.Backward(dx, dp, dz, dl, x, p, saved, Tile)
		for e := lo; e < hi; e++ {
			i := e - lo
			if in.onKnot(e) {
				continue
			}
			if !in.extreme(e) {
				near(t, "dx", e, dx[i], out.GradX[e], tol)
			}
			for r := range s.ParamRows() {
				sums[in.Set[e]][r] += float64(dp[r*Tile+i])
			}
		}
	})
	for set, sum := range sums {
		if strings.HasPrefix(in.Kind[set], "extreme") {
			continue
		}
		want := append(append(append([]float64{}, out.GradWidths[set]...), out.GradHeights[set]...), out.GradSlopes[set]...)
		for r, w := range want {
			near(t, fmt.Sprintf("gradient of row %d", r), set, float32(sum[r]), w, tol)
		}
	}
}
