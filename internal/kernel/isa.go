package kernel

import "os"

// instructionSet is a way to run the kernels.
type instructionSet int

const (
	isaGeneric instructionSet = iota
	isaAVX2
	isaAVX512
)

func (s instructionSet) String() string { return [...]string{"generic", "avx2", "avx512"}[s] }

// isa is the instruction set in use.
var isa = chooseISA(os.Getenv("SLUICE_ISA"))

// ISA names the instruction set in use: avx512, avx2 or generic. It is the best that the CPU has, or the one
// in the environment variable SLUICE_ISA where the CPU has it.
func ISA() string { return isa.String() }

// chooseISA returns the instruction set asked for if the CPU has it, else the best it has.
func chooseISA(asked string) instructionSet {
	have := supportedISAs()
	for _, s := range have {
		if s.String() == asked {
			return s
		}
	}
	return have[0]
}
