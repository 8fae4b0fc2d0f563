package kernel

import "golang.org/x/sys/cpu"

// supportedISAs lists what the CPU and the operating system have, best first.
func supportedISAs() []string {
	have := []string{isaGeneric}
	if x := &cpu.X86; x.HasAVX2 && x.HasFMA {
		have = append([]string{isaAVX2}, have...)
		if x.HasAVX512F && x.HasAVX512DQ && x.HasAVX512BW && x.HasAVX512VL {
			have = append([]string{isaAVX512}, have...)
		}
	}
	return have
}
