package flow

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/sluice-hep/sluice/flow/whole"
	"github.com/sluice-hep/sluice/internal/floats"
	"github.com/sluice-hep/sluice/internal/kernel"
	"github.com/sluice-hep/sluice/internal/reference"
	"github.com/sluice-hep/sluice/nn"
)

type residualBlock struct {
	Features   int
	Hidden     []int
	Activation string
	Weights    map[string]any
	X          matrix
	U          matrix `json:"u_for_inverse"`
}

type residualBlockResult struct {
	Y             matrix
	LogDet        []float64
	GradWeights   map[string]any `json:"grad_weights"`
	GradX         matrix         `json:"grad_x"`
	XInverse      matrix         `json:"x_inverse"`
	LogDetInverse []float64      `json:"logdet_inverse"`
}

// flat are the numbers of a vector or matrix, row after row.
func flat(v any) (out []float64) {
	if list, ok := v.([]any); ok {
		for _, x := range list {
			out = append(out, flat(x)...)
		}
		return out
	}
	return []float64{v.(float64)}
}

func TestReferenceResidualBlock(t *testing.T) {
	for name, c := range reference.Cases[residualBlock, residualBlockResult](t, "residual_block") {
		t.Run(name, func(t *testing.T) {
			l := newLayer(t, whole.NewResidualFlow(c.In.Features, 0, c.In.Hidden, c.In.Activation, 0.99))
			views := map[string]nn.View{}
			for _, v := range l.layout.Views {
				views[v.Name] = v
			}
			each := func(weights map[string]any, fn func(v nn.View, want []float64)) {
				for i := range len(c.In.Hidden) + 1 {
					fn(views[fmt.Sprintf("layer.%d.weight", i)], flat(weights[fmt.Sprint("W", i)]))
					fn(views[fmt.Sprintf("layer.%d.bias", i)], flat(weights[fmt.Sprint("b", i)]))
				}
			}
			each(c.In.Weights, func(v nn.View, want []float64) { setFloats(v.Of(l.p), want) })
			l.Transform.(Derived).Derive(l.p, 300)
			rows, scratch := l.Memory()
			mem, spare := kernel.Aligned(rows*kernel.Tile), kernel.Aligned(scratch*kernel.Tile)
			n := float64(len(c.In.X))
			down, ones := make(matrix, len(c.In.X)), make([]float64, len(c.In.X))
			for e, y := range c.Out.Y { // of the mean NLL
				for _, v := range y {
					down[e] = append(down[e], v/n)
				}
				ones[e] = -1 / n
			}
			tiles := tilesOf(c.In.X, down, ones)
			for _, tile := range tiles {
				l.ToLatent(tile, l.p, mem)
				l.Transform.(Independent).Backward(tile, l.p, l.g, mem, spare)
			}
			nearTiles(t, "y", tiles, dataOf, c.Out.Y, 2e-6)
			nearTiles(t, "gradient of x", tiles, gradientOf, c.Out.GradX, 1e-5)
			each(c.Out.GradWeights, func(v nn.View, want []float64) { nearVector(t, "gradient of "+v.Name, v.Of(l.g), want, 1e-5) })
			back := tilesOf(c.In.U, nil, nil)
			for _, tile := range back {
				l.ToData(tile, l.p, mem)
			}
			nearTiles(t, "x", back, dataOf, c.Out.XInverse, 1e-5)
			for e, want := range c.Out.LogDet {
				reference.Near(t, "log-det", float64(tiles[0].LogDet[e]), want, 2e-6)
				reference.Near(t, "log-det of the inverse", float64(back[0].LogDet[e]), c.Out.LogDetInverse[e], 1e-5)
			}
		})
	}
}

// However large the weights, the map can be inverted, to its tolerance, and gives finite numbers.
func TestResidualFlowOfLargeWeights(t *testing.T) {
	f, err := New(3, 1, Spec{Layers: []Part{{Kind: "residual-flow", Options: map[string]any{"lipschitz": 0.99, "hidden": []int{9}}}}}, 3)
	if err != nil {
		t.Fatal(err)
	}
	for i := range f.params {
		f.params[i] = float32(40 * math.Sin(float64(i*i)))
	}
	f.derive(manyRounds)
	x, context := floats.Columns(3, 200), floats.Columns(1, 200)
	for e := range x[0] {
		for i := range x {
			x[i][e] = float32(3 * math.Sin(float64(7*e+i)))
		}
		context[0][e] = float32(e%3) - 1
	}
	z, up, err := f.ToLatent(x, context)
	if err != nil {
		t.Fatal(err)
	}
	back, down, err := f.ToData(z, context)
	if err != nil {
		t.Fatal(err)
	}
	for e := range up {
		for i := range x {
			if d := math.Abs(float64(back[i][e] - x[i][e])); !(d < 1e-2) { // 1e-6 of 40, over 1 less the constant
				t.Errorf("event %d: %v came back as %v", e, x[i][e], back[i][e])
			}
		}
		if s := math.Abs(float64(up[e] + down[e])); !(s < 0.05) {
			t.Errorf("event %d: log-dets %v and %v", e, up[e], down[e])
		}
	}
}

// What is too large is refused, and a description says how the way back is found.
func TestResidualFlowSaysWhatItIs(t *testing.T) {
	spec := Spec{Layers: []Part{{Kind: "residual-flow"}}}
	if _, err := New(65, 0, spec, 1); err == nil || !strings.Contains(err.Error(), "flow.layers.0.residual-flow: a residual flow of 65 features") {
		t.Error(err)
	}
	f, err := New(2, 0, spec, 1)
	if err != nil {
		t.Fatal(err)
	}
	if lines := strings.Join(f.Numerical(), "\n"); !strings.Contains(lines, "residual-flow goes back by iteration, until no feature moves by more than 1e-06") {
		t.Error(lines)
	}
}
