// Package floats writes and reads float32 numbers as little-endian bytes.
package floats

import (
	"encoding/binary"
	"io"
	"slices"
	"unsafe"
)

// block is how many numbers are taken at a time: a reader or hash is given what the cache holds.
const block = 16 << 10

// native tells whether numbers lie in memory as they are written.
var native = binary.NativeEndian.Uint16([]byte{1, 0}) == 1

// Write writes x, 4 bytes a number.
func Write(w io.Writer, x []float32) error {
	for part := range slices.Chunk(x, block) {
		b := InMemory(part)
		if !native {
			b = slices.Clone(b)
			swap(b)
		}
		if _, err := w.Write(b); err != nil {
			return err
		}
	}
	return nil
}

// Read fills x from what Write wrote.
func Read(r io.Reader, x []float32) error {
	for part := range slices.Chunk(x, block) {
		b := InMemory(part)
		if _, err := io.ReadFull(r, b); err != nil {
			return err
		}
		if !native {
			swap(b)
		}
	}
	return nil
}

// InMemory are the bytes of numbers as they lie in memory; none of none.
func InMemory[T float32 | float64](x []T) []byte {
	if len(x) == 0 {
		return nil
	}
	return unsafe.Slice((*byte)(unsafe.Pointer(&x[0])), int(unsafe.Sizeof(x[0]))*len(x))
}

// Columns are c columns of n numbers, all 0, in one piece of memory.
func Columns(c, n int) [][]float32 {
	flat := make([]float32, c*n)
	x := make([][]float32, c)
	for i := range x {
		x[i] = flat[i*n : (i+1)*n : (i+1)*n]
	}
	return x
}

// swap turns the bytes of each number round.
func swap(b []byte) {
	for n := range slices.Chunk(b, 4) {
		slices.Reverse(n)
	}
}
