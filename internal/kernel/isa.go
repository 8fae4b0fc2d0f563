package kernel

import (
	"fmt"
	"os"
)

// instructionSet is a way to run the kernels.
type instructionSet int

const (
	isaGeneric instructionSet = iota
	isaAVX2
	isaAVX512
)

func (s instructionSet) String() string { return [...]string{"generic", "avx2", "avx512"}[s] }

// isa is the instruction set in use, errISA says that it is not the one asked for.
var isa, errISA = chooseISA(os.Getenv("SLUICE_ISA"))

// CheckISA is an error where the environment variable SLUICE_ISA asks for what the machine has not.
func CheckISA() error { return errISA }

// ISA names the instruction set in use: avx512, avx2 or generic. It is the best that the CPU has, or the one
// in the environment variable SLUICE_ISA where the CPU has it; see CheckISA.
func ISA() string { return isa.String() }

// chooseISA returns the instruction set asked for, or the best, with an error where another was asked for.
func chooseISA(asked string) (instructionSet, error) {
	have := supportedISAs()
	for _, s := range have {
		if s.String() == asked {
			return s, nil
		}
	}
	if asked == "" {
		return have[0], nil
	}
	return have[0], fmt.Errorf("SLUICE_ISA: this machine has no %q, but %v", asked, have)
}
