package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// splineCase is a spline with random parameters and points, some outside the interval and at its ends.
type splineCase struct {
	Spline
	n                int
	x, params        []float32
	z, logDet, saved []float32
}

func newSplineCase(r *rand.Rand, bins, n int, spread float32, circular bool) *splineCase {
	c := &splineCase{Spline: Spline{Bins: bins, Bound: 3, Scale: 0.5, Circular: circular}, n: n}
	c.x = randoms(r, Tile)
	Scale(c.x, 1.5)
	c.x[0], c.x[1], c.x[2], c.x[3] = 3, -3, 3.5, -1e6
	c.params = randoms(r, c.ParamRows()*Tile)
	Scale(c.params, spread)
	c.z, c.logDet, c.saved = Aligned(Tile), Aligned(Tile), Aligned(c.SavedRows()*Tile)
	return c
}

func (c *splineCase) toLatent() { c.ToLatent(c.z, c.logDet, c.x, c.params, c.saved, c.n) }

// Vector code against the float64 definition, with the tolerances of the reference vectors.
func TestSplineAgainstDefinition(t *testing.T) {
	for _, bins := range []int{1, 2, 3, 8, 33, MaxBins} {
		for _, n := range []int{16, 48, 64} {
			if bins == MaxBins && n > 16 { // the definition is slow
				continue
			}
			eachISA(t, func(t *testing.T) {
				splineAgainstDefinition(t, newSplineCase(newRand(), bins, n, 1, false))
				splineAgainstDefinition(t, newSplineCase(newRand(), bins, n, 1, true))
			})
		}
	}
}

func splineAgainstDefinition(t *testing.T, c *splineCase) {
	tol := 1e-3
	if c.Bins > 8 {
		tol = 2e-2
	}
	n, want := c.n, &splineCase{z: Aligned(Tile), logDet: Aligned(Tile)}
	c.toLatent()
	c.toLatentGeneric(want.z[:n], want.logDet[:n], c.x[:n], c.params)
	r := newRand()
	dz, dl := randoms(r, Tile), randoms(r, Tile)
	dx, dp := Aligned(Tile), Aligned(len(c.params))
	wantDx, wantDp := Aligned(Tile), Aligned(len(c.params))
	c.Backward(dx, dp, dz, dl, c.x, c.params, c.saved, n)
	c.backwardGeneric(wantDx[:n], wantDp, dz[:n], dl[:n], c.x[:n], c.params)
	back, lBack := Aligned(Tile), slices.Clone(c.logDet)
	c.ToData(back, lBack, c.z, c.params, n)
	for e := range Tile { // beyond n all are zero and stay so
		near(t, "z", e, c.z[e], float64(want.z[e]), 2e-6)
		near(t, "logDet", e, c.logDet[e], float64(want.logDet[e]), tol/4)
		near(t, "dx", e, dx[e], float64(wantDx[e]), tol)
		if e < n {
			near(t, "x", e, back[e], float64(c.x[e]), 1e-5)
			near(t, "logDet there and back", e, lBack[e], 0, 1e-3)
		}
	}
	for i := range dp {
		if !c.inside(c.x[i%Tile]) && dp[i] != 0 {
			t.Fatalf("gradient of row %d, event %d is %g, want 0", i/Tile, i%Tile, dp[i])
		}
		near(t, fmt.Sprintf("gradient of row %d", i/Tile), i%Tile, dp[i], float64(wantDp[i]), tol)
	}
}

// Nothing is computed only to be thrown away, and nothing is lost: finite where the arguments are, NaN where
// a point is NaN, the identity outside.
func TestSplineExtremes(t *testing.T) {
	eachISA(t, func(t *testing.T) {
		for i, spread := range []float32{0, 1e-30, 30, 1000, 0, 1e-30, 30, 1000} {
			c := newSplineCase(newRand(), 8, Tile, spread, i >= 4)
			c.Scale = 0 // means 1
			for i, v := range []float32{inf32(1), inf32(-1), 0, 1e-40, math.Nextafter32(3, 4), math.MaxFloat32} {
				c.x[10+i] = v
			}
			c.toLatent()
			dx, dp, one := Aligned(Tile), Aligned(len(c.params)), Aligned(Tile)
			for i := range one {
				one[i] = 1
			}
			c.Backward(dx, dp, one, one, c.x, c.params, c.saved, Tile)
			x, l := Aligned(Tile), Aligned(Tile)
			c.ToData(x, l, c.z, c.params, Tile)
			for e, v := range c.x {
				if !(abs(v) <= 3) && (c.z[e] != v || c.logDet[e] != 0 || x[e] != v || dx[e] != 1) {
					t.Errorf("spread %g: outside, at %g: z %g, logDet %g, x %g, dx %g", spread, v, c.z[e], c.logDet[e], x[e], dx[e])
				}
				if abs(v) <= 3 && !(abs(c.z[e]) <= 3.0001 && abs(x[e]) <= 3.0001 && abs(c.logDet[e]) < 40 && abs(l[e]) < 40 && abs(dx[e]) < 1e20) {
					t.Errorf("spread %g: at %g: z %g, x %g, logDet %g and %g, dx %g", spread, v, c.z[e], x[e], c.logDet[e], l[e], dx[e])
				}
			}
			for i, v := range dp {
				if !(abs(v) < 1e20) {
					t.Fatalf("spread %g: gradient of row %d, event %d (x = %g) is %g", spread, i/Tile, i%Tile, c.x[i%Tile], v)
				}
			}
		}
		c := newSplineCase(newRand(), 5, Tile, 1, false)
		c.x[7] = nan32()
		c.toLatent()
		if !isNaN32(c.z[7]) || isNaN32(c.z[6]) || isNaN32(c.z[8]) {
			t.Errorf("x = NaN at 7 gives z = %g", c.z[6:9])
		}
	})
}

func abs(x float32) float32 { return float32(math.Abs(float64(x))) }

func TestSplineWithoutSaving(t *testing.T) {
	eachISA(t, func(t *testing.T) {
		c := newSplineCase(newRand(), 8, Tile, 1, false)
		c.toLatent()
		z, l := Aligned(Tile), Aligned(Tile)
		c.ToLatent(z, l, c.x, c.params, nil, Tile)
		if !slices.Equal(z, c.z) || !slices.Equal(l, c.logDet) {
			t.Error("z or logDet depends on whether backward follows")
		}
		if a := testing.AllocsPerRun(50, func() { c.ToLatent(z, l, c.x, c.params, nil, Tile) }); a != 0 && !raceEnabled {
			t.Errorf("%g allocations a call", a)
		}
	})
}

// Gradients of the definition itself, by central differences.
func TestSplineGradients(t *testing.T) {
	for _, circular := range []bool{false, true} {
		splineGradients(t, newSplineCase(newRand(), 4, 16, 1, circular))
	}
}

func splineGradients(t *testing.T, c *splineCase) {
	r := newRand()
	dz, dl := randoms(r, Tile), randoms(r, Tile)
	dx, dp := Aligned(Tile), Aligned(len(c.params))
	c.backwardGeneric(dx[:16], dp, dz[:16], dl[:16], c.x[:16], c.params)
	loss := func(e int) float64 {
		z, l := []float32{0}, []float32{0}
		c.toLatentGeneric(z, l, c.x[e:e+1], c.params[e:])
		return float64(dz[e])*float64(z[0]) + float64(dl[e])*float64(l[0])
	}
	slope := func(p *float32, e int) float64 {
		const h = 1.0 / 512 // float32 values give 1e-7/h = 5e-5, the third derivative a few h^2
		v := *p
		*p = v + h
		up := loss(e)
		*p = v - h
		down := loss(e)
		*p = v
		return (up - down) / (2 * h)
	}
	for e := 4; e < 16; e++ {
		for row := range c.ParamRows() {
			near(t, fmt.Sprintf("gradient of row %d", row), e, dp[row*Tile+e], slope(&c.params[row*Tile+e], e), 2e-3)
		}
	}
}

func BenchmarkSpline(b *testing.B) {
	for _, bins := range []int{8, 128} {
		c := newSplineCase(newRand(), bins, Tile, 1, false)
		dx, dp := Aligned(Tile), Aligned(len(c.params))
		x, l := Aligned(Tile), Aligned(Tile)
		c.toLatent()
		for _, f := range []struct {
			name string
			f    func()
		}{
			{"toLatent", c.toLatent},
			{"backward", func() { c.Backward(dx, dp, c.x, c.x, c.x, c.params, c.saved, Tile) }},
			{"toData", func() { c.ToData(x, l, c.x, c.params, Tile) }},
		} {
			b.Run(fmt.Sprintf("%s/%dbins", f.name, bins), func(b *testing.B) {
				b.ReportMetric(1e-6*Tile/bestTime(b, f.f), "Mevents/s")
			})
		}
	}
}
