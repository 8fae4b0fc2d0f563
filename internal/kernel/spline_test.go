package kernel

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// reference decodes a file of reference vectors.
func reference(t *testing.T, name string, v any) {
	t.Helper()
	dir := os.Getenv("SLUICE_REFERENCE")
	if dir == "" {
		dir = "../../testdata/reference"
	}
	b, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, v); err != nil {
		t.Fatal(err)
	}
}

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

// params is the tile of raw parameters, event e with those of its set.
func (in *rqsInputs) params() []float32 {
	rows := 3*in.Bins - 1
	p := Aligned(rows * Tile)
	for e, set := range in.Set {
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

// The tolerances are the float32 column of testdata/reference/README.md.
func TestSplineReference(t *testing.T) {
	eachISA(t, splineReference)
}

func splineReference(t *testing.T) {
	t.Helper()
	for _, k := range []int{4, 8, 32, 128} {
		var ref struct {
			Inputs  map[string]rqsInputs
			Outputs map[string]rqsOutputs
		}
		reference(t, fmt.Sprintf("rqs_k%d.json", k), &ref)
		gradTol, inverseTol := 1e-3, 1e-2
		if k > 8 {
			gradTol = 2e-2
		}
		if k == 128 {
			inverseTol = 1e-1
		}
		for name, in := range ref.Inputs {
			out := ref.Outputs[name]
			t.Run(fmt.Sprintf("%d/%s", k, name), func(t *testing.T) {
				splineReferenceValues(t, &in, &out, inverseTol)
				splineReferenceGradients(t, &in, &out, gradTol)
			})
		}
	}
}

func splineReferenceValues(t *testing.T, in *rqsInputs, out *rqsOutputs, inverseTol float64) {
	s := Spline{Bins: in.Bins, Bound: in.Bound}
	p := in.params()
	z, l, x, li := Aligned(Tile), Aligned(Tile), Aligned(Tile), Aligned(Tile)
	s.ToLatent(z, l, column(in.X), p, nil, Tile)
	s.ToData(x, li, column(in.Y), p, Tile)
	for e := range Tile {
		near(t, "y", e, z[e], out.Y[e], 1e-4)
		if in.extreme(e) {
			continue
		}
		near(t, "x", e, x[e], out.XInverse[e], 1e-4)
		near(t, "logdet", e, l[e], out.LogDet[e], 5e-3)
		near(t, "inverse logdet", e, li[e], out.LogDetInverse[e], inverseTol)
	}
}

func splineReferenceGradients(t *testing.T, in *rqsInputs, out *rqsOutputs, tol float64) {
	s := Spline{Bins: in.Bins, Bound: in.Bound}
	p := in.params()
	x, dz, dl := column(in.X), column(in.C1), column(in.C2)
	dx, dp := Aligned(Tile), Aligned(len(p))
	z, l, saved := Aligned(Tile), Aligned(Tile), Aligned(s.SavedRows()*Tile)
	s.ToLatent(z, l, x, p, saved, Tile)
	s.Backward(dx, dp, dz, dl, x, p, saved, Tile)
	for e := range Tile {
		if !in.extreme(e) && !in.onKnot(e) {
			near(t, "dx", e, dx[e], out.GradX[e], tol)
		}
	}
	for set := range in.Widths {
		if strings.HasPrefix(in.Kind[set], "extreme") {
			continue
		}
		want := append(append(append([]float64{}, out.GradWidths[set]...), out.GradHeights[set]...), out.GradSlopes[set]...)
		for r, w := range want {
			sum := 0.0
			for e, of := range in.Set {
				if of == set && !in.onKnot(e) {
					sum += float64(dp[r*Tile+e])
				}
			}
			near(t, fmt.Sprintf("gradient of row %d", r), set, float32(sum), w, tol)
		}
	}
}
