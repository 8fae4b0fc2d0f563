package kernel

import (
	"math"
	"math/rand/v2"
	"testing"
)

// eachISA runs a test under every instruction set that the machine has.
func eachISA(t *testing.T, f func(t *testing.T)) {
	t.Helper()
	before := isa
	defer func() { isa = before }()
	for _, s := range supportedISAs() {
		isa = s
		t.Run(s.String(), f)
	}
}

func TestChooseISA(t *testing.T) {
	best := supportedISAs()[0]
	for asked, want := range map[string]instructionSet{"": best, "generic": isaGeneric, "sse9": best, "AVX2": best} {
		got, err := chooseISA(asked)
		if got != want {
			t.Errorf("SLUICE_ISA=%s runs %s, want %s", asked, got, want)
		}
		if here := asked == "" || asked == "generic"; here != (err == nil) {
			t.Errorf("SLUICE_ISA=%s: %v", asked, err)
		}
	}
}

// A test of kernels that this machine has not would pass for nothing.
func TestISAAskedFor(t *testing.T) {
	if err := CheckISA(); err != nil {
		t.Error(err)
	}
}

// randoms returns n values about 1 in size.
func randoms(r *rand.Rand, n int) []float32 {
	x := Aligned(n)
	for i := range x {
		x[i] = float32(r.NormFloat64())
	}
	return x
}

func newRand() *rand.Rand { return rand.New(rand.NewPCG(1, 2)) }

func nan32() float32         { return float32(math.NaN()) }
func inf32(sign int) float32 { return float32(math.Inf(sign)) }
func isNaN32(x float32) bool { return x != x }
