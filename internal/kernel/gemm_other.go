//go:build !amd64

package kernel

func (g *Gemm) run() { gemmGeneric(g) }
