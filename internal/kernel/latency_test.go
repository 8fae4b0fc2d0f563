package kernel

import (
	"runtime"
	"slices"
	"sync/atomic"
	"testing"
	"time"
)

// A garbage collection has to stop every thread, and a thread inside assembly does not stop. The bound is
// half of a second for one collection of many while kernels run without a break; they need milliseconds, and
// minutes where a loop over assembly cannot be interrupted.
func TestCollectionDoesNotWaitForKernels(t *testing.T) {
	var stop atomic.Bool
	done := make(chan struct{})
	r := newRand()
	g := product(r, 298, 64, 298, false)
	x := randoms(r, 1<<20)
	c := newSplineCase(r, 128, Tile, 1, false)
	go func() {
		defer close(done)
		for !stop.Load() {
			g.Run()
			Exp(x, x)
			SquaredNorm(x)
			c.toLatent()
		}
	}()
	var waits []time.Duration
	for range 10 {
		time.Sleep(time.Millisecond)
		start := time.Now()
		runtime.GC()
		waits = append(waits, time.Since(start))
	}
	stop.Store(true)
	<-done
	slices.Sort(waits)
	t.Logf("a collection took %v in the median, %v at most", waits[len(waits)/2], waits[len(waits)-1])
	if waits[len(waits)/2] > 500*time.Millisecond {
		t.Errorf("a collection took %v in the median", waits[len(waits)/2])
	}
}

// Denormal operands count as zero, so they cost nothing and the results do not depend on the CPU.
func TestDenormalsCountAsZero(t *testing.T) {
	if isa == isaGeneric {
		t.Skip("plain Go keeps denormal numbers")
	}
	g := product(newRand(), 6, 16, 8, false)
	for i := range g.A {
		g.A[i] = 1e-40
	}
	for i := range g.B {
		g.B[i] = 1e30
	}
	g.Run()
	for i := range 6 {
		for j := range 16 {
			if v := g.C[i*g.LDC+j]; v != 0 {
				t.Fatalf("denormal times 1e30 is %g in element (%d, %d), want 0", v, i, j)
			}
		}
	}
	// and the caller's own arithmetic keeps them
	small := []float32{0x1p-126}
	if half := small[0] / 2; half == 0 {
		t.Error("denormal numbers are lost outside the kernels")
	}
}
