package flow

import (
	"math"
	"testing"

	"github.com/sluice-hep/sluice/flow/linear"
	"github.com/sluice-hep/sluice/internal/kernel"
	"github.com/sluice-hep/sluice/internal/reference"
	"github.com/sluice-hep/sluice/internal/rng"
	"github.com/sluice-hep/sluice/nn"
)

// The map, its gradients, and what it starts from.
func TestReferenceActNorm(t *testing.T) {
	var in struct {
		X, C1    matrix
		C2       []float64
		LogScale []float64 `json:"log_scale"`
		Shift    []float64
	}
	var out struct {
		InitLogScale []float64 `json:"init_log_scale"`
		InitShift    []float64 `json:"init_shift"`
		Y            matrix
		LogDet       float64
		GradX        matrix    `json:"grad_x"`
		GradLogScale []float64 `json:"grad_log_scale"`
		GradShift    []float64 `json:"grad_shift"`
	}
	reference.Read(t, "actnorm", &in, &out)
	a, l := linear.NewActNorm(len(in.LogScale)), nn.Layout{}
	a.Layout(&l, "norm")
	p, g := make([]float32, l.Size), make([]float32, l.Size)
	tile := tilesOf(in.X, in.C1, in.C2)[0]
	a.StartFrom([]*Tile{tile}, p)
	nearVector(t, "log-scale at the start", a.LogScale.Of(p), out.InitLogScale, 1e-5)
	nearVector(t, "shift at the start", a.Shift.Of(p), out.InitShift, 1e-5)
	for i := range in.LogScale {
		a.LogScale.Of(p)[i], a.Shift.Of(p)[i] = float32(in.LogScale[i]), float32(in.Shift[i])
	}
	mem := kernel.Aligned(len(tile.X))
	a.ToLatent(tile, p, mem)
	tile.First = true
	for e, y := range out.Y {
		for f, want := range y {
			reference.Near(t, "z", float64(row(tile.X, f)[e]), want, 3e-6)
		}
		reference.Near(t, "log-det", float64(tile.LogDet[e]), out.LogDet, 3e-6)
	}
	a.Backward(tile, p, g, mem, nil)
	for e, d := range out.GradX {
		for f, want := range d {
			reference.Near(t, "gradient of x", float64(row(tile.DX, f)[e]), want, 3e-6)
		}
	}
	nearVector(t, "gradient of the log-scale", a.LogScale.Of(g), out.GradLogScale, 1e-5)
	nearVector(t, "gradient of the shift", a.Shift.Of(g), out.GradShift, 1e-5)
}

// Each norm of a flow starts from what comes to it.
func TestActNormsStartOneAfterTheOther(t *testing.T) {
	f, err := New(2, 0, Spec{Repeat: 3, Layers: []Part{{Kind: "act-norm"}, {Kind: "coupling"}}}, 1)
	if err != nil {
		t.Fatal(err)
	}
	for i := range f.params {
		f.params[i] += 0.1 * float32(math.Sin(float64(i)))
	}
	src := rng.New(1, rng.StreamTest, 0)
	var events matrix
	for range 300 {
		events = append(events, []float64{100 + 3*src.NormFloat64(), 1e-3 * src.NormFloat64()})
	}
	l, err := NewLikelihood(f, columnsOf(events), nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	rows := make([]int32, len(events))
	for i := range rows {
		rows[i] = int32(i)
	}
	l.StartFrom(rows)
	tiles, mem := tilesOf(events, nil, nil), f.workspace().mems[0]
	for _, tr := range f.transforms {
		for _, tile := range tiles {
			tr.ToLatent(tile, f.params, mem)
		}
		if _, ok := tr.(*linear.ActNorm); !ok {
			continue
		}
		for i := range 2 {
			var sum, square float64
			for _, tile := range tiles {
				sum += float64(kernel.Sum(row(tile.X, i)[:tile.Events]))
				square += kernel.SquaredNorm(row(tile.X, i)[:tile.Events])
			}
			// the rounding of a value near 100 in units of 3
			if mean, width := sum/300, math.Sqrt(square/299); math.Abs(mean) > 1e-4 || math.Abs(width-1) > 1e-4 {
				t.Errorf("feature %d comes out with mean %v and width %v", i, mean, width)
			}
		}
	}
}
