package flow

import (
	"math"
	"testing"

	"github.com/sluice-hep/sluice/flow/tile"
	"github.com/sluice-hep/sluice/flow/whole"
	"github.com/sluice-hep/sluice/internal/kernel"
	"github.com/sluice-hep/sluice/internal/reference"
)

type bendCase struct {
	U, W, Z0       []float64
	B, Alpha, Beta float64
	X, C1          matrix
	C2             []float64
}

type bendResult struct {
	Y         matrix
	LogDet    []float64
	GradX     matrix    `json:"grad_x"`
	GradU     []float64 `json:"grad_u"`
	GradW     []float64 `json:"grad_w"`
	GradB     float64   `json:"grad_b"`
	GradAlpha float64   `json:"grad_alpha"`
	GradBeta  float64   `json:"grad_beta"`
	GradZ0    []float64 `json:"grad_z0"`
}

// throughReference takes the events of a case through a layer, back, and back again from z to x.
func throughReference(t *testing.T, l *layer, in bendCase, out bendResult) {
	t.Helper()
	rows, scratch := l.Memory()
	mem, spare := kernel.Aligned(rows*kernel.Tile), kernel.Aligned(scratch*kernel.Tile)
	tiles := tilesOf(in.X, in.C1, in.C2)
	for _, tile := range tiles {
		l.ToLatent(tile, l.p, mem)
		l.Transform.(Independent).Backward(tile, l.p, l.g, mem, spare)
	}
	nearTiles(t, "y", tiles, dataOf, out.Y, 3e-6)
	nearTiles(t, "gradient of x", tiles, gradientOf, out.GradX, 3e-6)
	for e, want := range out.LogDet {
		reference.Near(t, "log-det", float64(tiles[e/kernel.Tile].LogDet[e%kernel.Tile]), want, 3e-6)
	}
	back := tilesOf(out.Y, nil, nil)
	for _, tile := range back {
		l.ToData(tile, l.p, mem)
	}
	nearTiles(t, "x", back, dataOf, in.X, 1e-5)
}

func TestReferencePlanar(t *testing.T) {
	for name, c := range reference.Cases[bendCase, bendResult](t, "planar") {
		t.Run(name, func(t *testing.T) {
			planar := whole.NewPlanar(len(c.In.U), 0)
			l := newLayer(t, planar)
			setFloats(planar.U.Of(l.p), c.In.U)
			setFloats(planar.W.Of(l.p), c.In.W)
			planar.B.Of(l.p)[0] = float32(c.In.B)
			throughReference(t, l, c.In, c.Out)
			nearVector(t, "gradient of u", planar.U.Of(l.g), c.Out.GradU, 3e-6)
			nearVector(t, "gradient of w", planar.W.Of(l.g), c.Out.GradW, 3e-6)
			nearVector(t, "gradient of b", planar.B.Of(l.g), []float64{c.Out.GradB}, 3e-6)
		})
	}
}

func TestReferenceRadial(t *testing.T) {
	for name, c := range reference.Cases[bendCase, bendResult](t, "radial") {
		t.Run(name, func(t *testing.T) {
			radial := whole.NewRadial(len(c.In.Z0), 0)
			l := newLayer(t, radial)
			setFloats(radial.Center.Of(l.p), c.In.Z0)
			radial.Alpha.Of(l.p)[0], radial.Beta.Of(l.p)[0] = float32(c.In.Alpha), float32(c.In.Beta)
			throughReference(t, l, c.In, c.Out)
			nearVector(t, "gradient of x0", radial.Center.Of(l.g), c.Out.GradZ0, 3e-6)
			nearVector(t, "gradient of alpha and beta", []float32{radial.Alpha.Of(l.g)[0], radial.Beta.Of(l.g)[0]}, []float64{c.Out.GradAlpha, c.Out.GradBeta}, 3e-6)
		})
	}
}

// Parameters at and beyond the edge of what can be inverted, and events at the center and far out, give finite numbers and
// a way back.
func TestBendsAtTheirEdges(t *testing.T) {
	x := matrix{{0, 0}, {1e-20, 0}, {0.5, -0.25}, {-3, 2}, {1e6, -1e6}, {1e10, 1}}
	ones := make([]float64, len(x))
	for i := range ones {
		ones[i] = 1
	}
	for _, v := range [][]float32{{0, 0, 0, 0, 0}, {30, -40, -3, 4, 0.5}, {3, 4, 3, 4, 0}, {1, 1, 1e-18, 0, 1}, {-30, 0, 1e3, 0, 0}, {0, 0, 0, -80, 0}} {
		for _, tr := range []Transform{whole.NewPlanar(2, 0), whole.NewRadial(2, 0)} {
			l := newLayer(t, tr)
			copy(l.p, v)
			rows, scratch := l.Memory()
			mem := kernel.Aligned(rows * kernel.Tile)
			tile := tilesOf(x, x, ones)[0]
			l.ToLatent(tile, l.p, mem)
			up := append([]float32(nil), tile.LogDet...)
			l.Transform.(Independent).Backward(tile, l.p, l.g, mem, kernel.Aligned(scratch*kernel.Tile))
			l.ToData(tile, l.p, mem)
			for e := range x {
				for i, want := range x[e] {
					got, d := float64(row(tile.X, i)[e]), float64(row(tile.DX, i)[e])
					if d-d != 0 {
						t.Errorf("%T %v: the gradient of event %d is %v", tr, v, e, d)
					}
					// the slope is 1e-6 at least, and what is lost of x in float32 grows by its inverse
					if far := math.Abs(got - want); !(far <= 1e-6*(1+math.Abs(want))*max(1, math.Exp(-float64(up[e])))*10) && !steep(l, tr) {
						t.Errorf("%T %v: event %d came back as %v, not %v (log-det %v)", tr, v, e, got, want, up[e])
					}
					if got-got != 0 {
						t.Errorf("%T %v: event %d came back as %v", tr, v, e, got)
					}
				}
				if s := up[e] + tile.LogDet[e]; s-s != 0 {
					t.Errorf("%T %v: log-dets %v of event %d", tr, v, up[e], e)
				}
			}
			for _, v := range l.g {
				if v-v != 0 {
					t.Errorf("%T: gradient %v", tr, l.g)
				}
			}
		}
	}
}

// steep says that a planar layer is longer than float32 can take back.
func steep(l *layer, tr Transform) bool {
	p, ok := tr.(*whole.Planar)
	if !ok {
		return false
	}
	dot, norm, square := 0.0, 0.0, 0.0
	for i, w := range p.W.Of(l.p) {
		dot, norm = dot+float64(w)*float64(p.U.Of(l.p)[i]), norm+float64(w)*float64(w)
	}
	for i, w := range p.W.Of(l.p) {
		hat := float64(p.U.Of(l.p)[i]) + (tile.Softplus(dot)-1-dot)/max(norm, 1e-12)*float64(w)
		square += hat * hat
	}
	return square > 1e6
}
