// Package floats writes and reads float32 numbers as little-endian bytes.
package floats

import (
	"encoding/binary"
	"io"
	"math"
	"slices"
)

// block is how many numbers are converted at a time.
const block = 16 << 10

// Write writes x, 4 bytes a number.
func Write(w io.Writer, x []float32) error {
	buf := make([]byte, 0, 4*min(len(x), block))
	for part := range slices.Chunk(x, block) {
		buf = buf[:0]
		for _, v := range part {
			buf = binary.LittleEndian.AppendUint32(buf, math.Float32bits(v))
		}
		if _, err := w.Write(buf); err != nil {
			return err
		}
	}
	return nil
}

// Read fills x from what Write wrote.
func Read(r io.Reader, x []float32) error {
	buf := make([]byte, 4*min(len(x), block))
	for part := range slices.Chunk(x, block) {
		b := buf[:4*len(part)]
		if _, err := io.ReadFull(r, b); err != nil {
			return err
		}
		for i := range part {
			part[i] = math.Float32frombits(binary.LittleEndian.Uint32(b[4*i:]))
		}
	}
	return nil
}
