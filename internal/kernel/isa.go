package kernel

import "os"

// Instruction sets, in the words of SLUICE_ISA.
const (
	isaGeneric = "generic"
	isaAVX2    = "avx2"
	isaAVX512  = "avx512"
)

// isa is the instruction set in use.
var isa = chooseISA(os.Getenv("SLUICE_ISA"))

// ISA names the instruction set in use: avx512, avx2 or generic. It is the best that the CPU has, or the one
// in the environment variable SLUICE_ISA where the CPU has it.
func ISA() string { return isa }

// chooseISA returns the instruction set asked for if the CPU has it, else the best it has.
func chooseISA(asked string) string {
	have := supportedISAs()
	for _, s := range have {
		if s == asked {
			return s
		}
	}
	return have[0]
}
