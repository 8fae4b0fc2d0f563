package flow

import (
	"fmt"
	"math"
	"testing"

	"github.com/sluice-hep/sluice/flow/transformer"
	"github.com/sluice-hep/sluice/internal/kernel"
	"github.com/sluice-hep/sluice/internal/reference"
	"github.com/sluice-hep/sluice/internal/rng"
)

// transformersOf are all kinds of transformers at their defaults.
func transformersOf() map[string]Transformer {
	all := map[string]Transformer{}
	for _, k := range kinds {
		if k.Role == RoleTransformer {
			all[k.Name] = k.Build(&Options{kinds: kinds, full: map[string]any{}}).(Transformer)
		}
	}
	return all
}

// newFeature is a column of x with parameters h for the transformer.
func newFeature(tr Transformer, n int) *Feature {
	h := len(tr.Identity()) * kernel.Tile
	column := func() []float32 { return kernel.Aligned(kernel.Tile) }
	return &Feature{N: n, X: column(), Z: column(), LogDet: column(), H: kernel.Aligned(h), Saved: kernel.Aligned(tr.Saved() * kernel.Tile),
		D: column(), DH: kernel.Aligned(h), DLogDet: column()}
}

// Whatever the parameters, and however far out an event, nothing is NaN or infinite.
func TestTransformersStayFinite(t *testing.T) {
	for name, tr := range transformersOf() {
		for _, spread := range []float64{1, 30, 1e3, 1e6, 1e12} {
			t.Run(fmt.Sprintf("%s/%g", name, spread), func(t *testing.T) {
				src := rng.New(3, rng.StreamTest, 0)
				for range 20 {
					f := newFeature(tr, kernel.Tile)
					for i := range f.H {
						f.H[i] = float32(spread * src.NormFloat64())
					}
					for e := range f.X {
						f.X[e] = float32(3 * src.NormFloat64())
						f.D[e], f.DLogDet[e] = 1, 1
					}
					copy(f.X, []float32{0, 5, -5, math.Pi, -math.Pi, 1e6, -1e6, 1e15, -1e15, 1e-40})
					finite := func(what string, columns []float32) {
						for i, v := range columns {
							if v-v != 0 {
								t.Fatalf("%s of event %d, row %d is %v (x = %v)", what, i%kernel.Tile, i/kernel.Tile, v, f.X[i%kernel.Tile])
							}
						}
					}
					tr.ToLatent(f)
					finite("z", f.Z)
					finite("log-det", f.LogDet)
					tr.Backward(f)
					finite("gradient of x", f.D)
					finite("gradient of h", f.DH)
					tr.ToData(f)
					finite("log-det there and back", f.LogDet)
					finite("x", f.X)
				}
			})
		}
	}
}

// setRows sets the rows of h from on to the parameters of each event.
func setRows(h []float32, from int, params matrix) {
	for e, p := range params {
		for r, v := range p {
			h[(from+r)*kernel.Tile+e] = float32(v)
		}
	}
}

// transformerCase is a transformer on a column with parameters and gradients of their own for each event; raw are its rows.
type transformerCase struct {
	x, c1, c2, y, logDet, gradX []float64
	raw, gradRaw                []matrix
	tol, gradTol                float64
}

func (c transformerCase) check(t *testing.T, tr Transformer) {
	t.Helper()
	f, at := newFeature(tr, kernel.RoundLanes(len(c.x))), 0
	for _, rows := range c.raw {
		setRows(f.H, at, rows)
		at += len(rows[0])
	}
	for e, v := range c.x {
		f.X[e], f.D[e], f.DLogDet[e] = float32(v), float32(c.c1[e]), float32(c.c2[e])
	}
	tr.ToLatent(f)
	tr.Backward(f)
	for e := range c.x {
		reference.Near(t, fmt.Sprintf("z of x = %v", c.x[e]), float64(f.Z[e]), c.y[e], c.tol)
		reference.Near(t, fmt.Sprintf("log-det at x = %v", c.x[e]), float64(f.LogDet[e]), c.logDet[e], c.tol)
		if e >= len(c.x)-len(c.gradX) {
			reference.Near(t, fmt.Sprintf("gradient of x = %v", c.x[e]), float64(f.D[e]), c.gradX[e-len(c.x)+len(c.gradX)], c.gradTol)
		}
		at := 0
		for _, rows := range c.gradRaw {
			for r, want := range rows[e] {
				reference.Near(t, fmt.Sprintf("gradient of row %d at x = %v", at+r, c.x[e]), float64(f.DH[(at+r)*kernel.Tile+e]), want, c.gradTol)
			}
			at += len(rows[e])
		}
	}
}

type dsfInputs struct {
	X, C1, C2 []float64
	A         matrix    `json:"pre_a"`
	B         matrix    `json:"b"`
	W         matrix    `json:"pre_w"`
	Y         []float64 `json:"y_for_inverse"`
}

type dsfOutputs struct {
	Y, LogDet     []float64
	GradX         []float64 `json:"grad_x"`
	GradA         matrix    `json:"grad_pre_a"`
	GradB         matrix    `json:"grad_b"`
	GradW         matrix    `json:"grad_pre_w"`
	XInverse      []float64 `json:"x_inverse"`
	LogDetInverse []float64 `json:"logdet_inverse"`
}

// The file's map has no least steepness.
func TestReferenceSigmoidal(t *testing.T) {
	for name, c := range reference.Cases[dsfInputs, dsfOutputs](t, "naf") {
		if c.In.A == nil {
			continue // a network that is none of this package's
		}
		t.Run(name, func(t *testing.T) {
			in, out := c.In, c.Out
			tr := &transformer.Sigmoidal{Units: len(in.A[0]), Layers: 1}
			transformerCase{x: in.X, c1: in.C1, c2: in.C2, raw: []matrix{in.A, in.B, in.W}, y: out.Y, logDet: out.LogDet,
				gradX: out.GradX, gradRaw: []matrix{out.GradA, out.GradB, out.GradW}, tol: 1e-5, gradTol: 1e-4}.check(t, tr)
			f := newFeature(tr, kernel.RoundLanes(len(in.Y)))
			setRows(f.H, 0, in.A)
			setRows(f.H, len(in.A[0]), in.B)
			setRows(f.H, 2*len(in.A[0]), in.W)
			for e, v := range in.Y {
				f.Z[e] = float32(v)
			}
			tr.ToData(f)
			for e, want := range out.XInverse {
				reference.Near(t, "x of inverse", float64(f.X[e]), want, 1e-5)
				reference.Near(t, "log-det of inverse", float64(f.LogDet[e]), out.LogDetInverse[e], 1e-4)
			}
		})
	}
}

type bernsteinInputs struct {
	B         float64
	X, C1, C2 []float64
	Raw       matrix
}

type bernsteinOutputs struct {
	Y, LogDet []float64
	GradRaw   matrix    `json:"grad_raw"`
	GradX     []float64 `json:"grad_x_inside"`
}

func TestReferenceBernstein(t *testing.T) {
	for name, c := range reference.Cases[bernsteinInputs, bernsteinOutputs](t, "bernstein") {
		t.Run(name, func(t *testing.T) {
			in, out := c.In, c.Out
			transformerCase{x: in.X, c1: in.C1, c2: in.C2, raw: []matrix{in.Raw}, y: out.Y, logDet: out.LogDet,
				gradX: out.GradX, gradRaw: []matrix{out.GradRaw}, tol: 1e-5, gradTol: 1e-4}.check(t, transformer.NewBernstein(len(in.Raw[0]), in.B))
		})
	}
}

// A step's worth of arithmetic of each transformer.
func BenchmarkTransformer(b *testing.B) {
	for name, tr := range transformersOf() {
		f := newFeature(tr, kernel.Tile)
		src := rng.New(3, rng.StreamTest, 0)
		for e := range f.X {
			f.X[e] = float32(src.NormFloat64())
		}
		for j, v := range tr.Identity() {
			for e := range kernel.Tile {
				f.H[j*kernel.Tile+e] = v + float32(0.1*src.NormFloat64())
			}
		}
		for _, pass := range []struct {
			name string
			fn   func()
		}{
			{"toLatent+backward", func() {
				tr.ToLatent(f)
				for e := range f.D {
					f.D[e], f.DLogDet[e] = f.Z[e], -1
				}
				tr.Backward(f)
			}},
			{"toLatent", func() { tr.ToLatent(f) }},
		} {
			b.Run(name+"/"+pass.name, func(b *testing.B) {
				for b.Loop() {
					pass.fn()
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*kernel.Tile), "ns/event")
			})
		}
	}
}
