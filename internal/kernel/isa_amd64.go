package kernel

import "golang.org/x/sys/cpu"

// supportedISAs lists what the CPU and the operating system have, best first.
func supportedISAs() []instructionSet {
	have := []instructionSet{isaGeneric}
	if x := &cpu.X86; x.HasAVX2 && x.HasFMA && x.HasBMI2 {
		have = append([]instructionSet{isaAVX2}, have...)
		if x.HasAVX512F {
			have = append([]instructionSet{isaAVX512}, have...)
		}
	}
	return have
}
