package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/operand"
)

// peakChains is the number of independent FMA chains of the peak kernel: more than latency times units.
const peakChains = 14

// peakFile writes a loop of nothing but fused multiply-adds.
func peakFile(s *isa) *file {
	f := newFile(s, "peak_"+s.file)
	f.function("peak"+s.name, "(n int)", "(n int)")
	n := f.Load(f.Param("n"), f.GP64())
	r := f.regs
	for i := range peakChains + 2 {
		f.zero(r[i])
	}
	f.Label("loop")
	for i := range peakChains {
		f.VFMADD231PS(r[peakChains], r[peakChains+1], r[i])
	}
	f.DECQ(n)
	f.JNZ(operand.LabelRef("loop"))
	f.end()
	f.stubs = append(f.stubs, fmt.Sprintf("// peakFlops%s is the number of operations of one turn of peak%s.\nconst peakFlops%s = %d\n", s.name, s.name, s.name, 2*peakChains*s.lanes()))
	return f
}
