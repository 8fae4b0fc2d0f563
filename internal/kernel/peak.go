package kernel

import "time"

// PeakGFLOPS measures how many float32 operations one core does in the best case, in 1e9 a second: fused
// multiply-adds on registers, in the instruction set in use. It takes about 20 ms.
func PeakGFLOPS() float64 {
	best := 0.0
	const turns = 10000
	for start := time.Now(); time.Since(start) < 20*time.Millisecond; {
		t := time.Now()
		flops := peak(turns)
		best = max(best, float64(flops)*turns/float64(time.Since(t).Nanoseconds()))
	}
	return best
}

// peakGeneric does n turns of chains of multiply-adds, and returns the operations of a turn.
func peakGeneric(n int) int {
	var x [8]float32
	for range n {
		for i := range x {
			x[i] = x[i]*0.5 + 1
		}
	}
	if x[0] < 0 { // the compiler must not leave the loop out
		return 0
	}
	return 2 * len(x)
}
