// Package kernel holds the float32 arithmetic of flows on tiles, and the pool
// of workers: the only package that knows the CPU.
//
// A tile is a matrix of features (rows) by 64 events, contiguous: value e of
// feature f is t[f*Tile+e]. Operations on tiles take n, the number of events to
// compute, a multiple of Lanes; what lies beyond is left alone.
//
// Every operation gives the same bits under AVX2 and AVX-512: each element is
// one chain of fused multiply-adds in a fixed order, and sums over events go
// through Lanes partial sums. Denormal numbers count as zero.
package kernel

//go:generate go run -C gen .

import (
	"fmt"
	"unsafe"
)

const (
	Tile  = 64 // events in a tile
	Lanes = 16 // events are computed in multiples of this
)

// RoundLanes rounds a number of events up to a multiple of Lanes.
func RoundLanes(n int) int { return (n + Lanes - 1) &^ (Lanes - 1) }

// pagesFrom is how many values are worth large pages.
const pagesFrom = 1 << 17

// Aligned returns n zeros that start at a multiple of 64 bytes. Large ones lie in large pages where the system has them.
func Aligned(n int) []float32 {
	x := make([]float32, n+16)
	if n >= pagesFrom {
		largePages(x)
	}
	o := int((64 - uintptr(unsafe.Pointer(&x[0]))%64) % 64 / 4)
	return x[o : o+n : o+n]
}

func checkEvents(n int) {
	if n < 0 || n > Tile || n%Lanes != 0 {
		panic(fmt.Sprintf("kernel: %d events; a multiple of %d up to %d is needed", n, Lanes, Tile))
	}
}
