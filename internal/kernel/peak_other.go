//go:build !amd64

package kernel

func peak(n int) int { return peakGeneric(n) }
