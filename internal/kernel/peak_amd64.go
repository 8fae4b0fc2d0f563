package kernel

//go:noinline
func peak(n int) int {
	switch isa {
	case isaAVX512:
		peakAVX512(n)
		return peakFlopsAVX512
	case isaAVX2:
		peakAVX2(n)
		return peakFlopsAVX2
	}
	return peakGeneric(n)
}
