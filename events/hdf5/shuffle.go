package hdf5

import "encoding/binary"

// unshuffle puts bytes back in order: in holds the first bytes of all values of
// size bytes, then the second ones, and so on; what is left over comes last.
func unshuffle(out, in []byte, size int) {
	n := 0
	if size > 1 {
		n = len(in) / size
	}
	if n <= 1 {
		copy(out, in)
		return
	}
	copy(out[n*size:], in[n*size:])
	done := 0
	switch size {
	case 4:
		done = unshuffle4(out, in, n)
	case 8:
		done = unshuffle8(out, in, n)
	}
	for k := range size {
		stream := in[k*n : (k+1)*n]
		for i := done; i < n; i++ {
			out[i*size+k] = stream[i]
		}
	}
}

// swap exchanges, between a and b, what the mask selects: the high part of each
// unit of a with the low part of b.
func swap(a, b *uint64, shift uint, mask uint64) {
	t := (*a>>shift ^ *b) & mask
	*b ^= t
	*a ^= t << shift
}

const (
	everyByte = 0x00ff00ff00ff00ff
	everyPair = 0x0000ffff0000ffff
	everyQuad = 0x00000000ffffffff
)

// unshuffle8 turns 8 values at a time: 8 words, one of each stream, are an 8 x 8
// matrix of bytes, which is transposed in words (Warren, Hacker's Delight, 7-3).
// It returns the number of values done.
func unshuffle8(out, in []byte, n int) int {
	i := 0
	for ; i+8 <= n; i += 8 {
		var w [8]uint64
		for k := range w {
			w[k] = binary.LittleEndian.Uint64(in[k*n+i:])
		}
		transpose8(&w)
		o := out[8*i : 8*i+64]
		for k := range w {
			binary.LittleEndian.PutUint64(o[8*k:], w[k])
		}
	}
	return i
}

func transpose8(w *[8]uint64) {
	for k := 0; k < 8; k += 2 {
		swap(&w[k], &w[k+1], 8, everyByte)
	}
	for _, k := range [4]int{0, 1, 4, 5} {
		swap(&w[k], &w[k+2], 16, everyPair)
	}
	for k := range 4 {
		swap(&w[k], &w[k+4], 32, everyQuad)
	}
}

// unshuffle4 turns 8 values of 4 bytes at a time.
func unshuffle4(out, in []byte, n int) int {
	i := 0
	for ; i+8 <= n; i += 8 {
		var w [4]uint64
		for k := range w {
			w[k] = binary.LittleEndian.Uint64(in[k*n+i:])
		}
		// Words of bytes a0..a7, b0..b7, c0..c7, d0..d7 to a0 b0 c0 d0 a4 ..., a1 b1 ...
		swap(&w[0], &w[1], 8, everyByte)
		swap(&w[2], &w[3], 8, everyByte)
		swap(&w[0], &w[2], 16, everyPair)
		swap(&w[1], &w[3], 16, everyPair)
		o := out[4*i : 4*i+32]
		for k := range w {
			binary.LittleEndian.PutUint32(o[4*k:], uint32(w[k]))
			binary.LittleEndian.PutUint32(o[16+4*k:], uint32(w[k]>>32))
		}
	}
	return i
}

// shuffle gathers the first bytes of all values, then the second ones, ...
func shuffle(out, in []byte, size int) {
	n := len(in) / size
	for k := range size {
		stream := out[k*n : (k+1)*n]
		for i := range stream {
			stream[i] = in[i*size+k]
		}
	}
	copy(out[n*size:], in[n*size:])
}
