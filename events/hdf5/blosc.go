package hdf5

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/sluice-hep/sluice/internal/codec"
)

// blosc decodes containers of blosc 1 (c-blosc, README_CHUNK_FORMAT.rst): a
// header of 16 bytes, the places of the blocks, and blocks that are shuffled and
// packed, each as a whole or a stream for each byte of a value.
type blosc struct {
	head
	block []byte // unpacked, before it is unshuffled
}

// head is the header.
type head struct {
	flags        byte
	size         int // bytes of a value
	bytes        int // unpacked
	blockBytes   int
	packed       int
	codec        byte
	shuffled     bool
	bitsShuffled bool
	whole        bool // blocks are not split into streams
}

const (
	mostSplits   = 16  // values of more bytes are not split
	fewestValues = 128 // nor are blocks of fewer values
)

func parseHead(in []byte, room int) (head, error) {
	var h head
	if len(in) < 16 {
		return h, errors.New("is cut short: a blosc header has 16 bytes")
	}
	if version := in[0]; version < 1 || version > 2 {
		return h, fmt.Errorf("is of version %d of blosc; 1 and 2 are read", version)
	}
	h.flags, h.size = in[2], int(in[3])
	h.bytes = int(binary.LittleEndian.Uint32(in[4:]))
	h.blockBytes = int(binary.LittleEndian.Uint32(in[8:]))
	h.packed = int(binary.LittleEndian.Uint32(in[12:]))
	h.shuffled = h.flags&1 != 0 && h.size > 1
	h.bitsShuffled = h.flags&4 != 0
	h.whole = h.flags&16 != 0
	h.codec = h.flags >> 5
	switch {
	case h.bytes > room:
		return h, fmt.Errorf("unpacks to %d bytes, and %d are due", h.bytes, room)
	case h.packed > len(in) || h.packed < 16:
		return h, fmt.Errorf("is cut short: blosc wants %d bytes, and there are %d", h.packed, len(in))
	case h.size == 0 || h.bytes > 0 && (h.blockBytes <= 0 || h.blockBytes > h.bytes):
		return h, fmt.Errorf("has blosc blocks of %d bytes in %d, values of %d", h.blockBytes, h.bytes, h.size)
	}
	return h, nil
}

// decode unpacks in to out.
func (b *blosc) decode(out, in []byte, u *unpacker) ([]byte, error) {
	h, err := parseHead(in, len(out))
	if err != nil {
		return nil, err
	}
	b.head = h
	in, out = in[:h.packed], out[:h.bytes]
	const asIs = 2
	if h.flags&asIs != 0 {
		if len(in)-16 < len(out) {
			return nil, errLZ
		}
		copy(out, in[16:])
		return out, nil
	}
	if h.bytes == 0 {
		return out, nil
	}
	blocks := (h.bytes + h.blockBytes - 1) / h.blockBytes
	if len(in) < 16+4*blocks {
		return nil, errLZ
	}
	for k := range blocks {
		from := int(binary.LittleEndian.Uint32(in[16+4*k:]))
		if from < 16+4*blocks || from > len(in) {
			return nil, errLZ
		}
		piece := out[k*h.blockBytes : min((k+1)*h.blockBytes, h.bytes)]
		if err := b.decodeBlock(piece, in[from:], u); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (b *blosc) decodeBlock(out, in []byte, u *unpacker) error {
	bits := b.bitsShuffled && len(out)/b.size%8 == 0
	to := out
	if b.shuffled || bits {
		to = codec.Room(&b.block, len(out))
	}
	streams := 1
	if !b.whole && b.size <= mostSplits && b.blockBytes/b.size >= fewestValues && len(out) == b.blockBytes {
		streams = b.size
	}
	length := len(out) / streams
	for s := range streams {
		if len(in) < 4 {
			return errLZ
		}
		n := int(int32(binary.LittleEndian.Uint32(in)))
		in = in[4:]
		if n < 0 || n > len(in) {
			return errLZ
		}
		if err := b.stream(to[s*length:(s+1)*length], in[:n], u); err != nil {
			return err
		}
		in = in[n:]
	}
	switch {
	case b.shuffled:
		unshuffle(out, to, b.size)
	case bits:
		unshuffleBits(out, to, b.size)
	}
	return nil
}

// codecs are blosc's by their numbers; that of blosclz, 0, is decoded here.
var codecs = [...]codec.Codec{1: codec.LZ4, 2: codec.Snappy, 3: codec.Zlib, 4: codec.Zstd}

// stream unpacks one stream, which fills out.
func (b *blosc) stream(out, in []byte, u *unpacker) error {
	if len(in) == len(out) { // it did not pack
		copy(out, in)
		return nil
	}
	if int(b.codec) >= len(codecs) {
		return fmt.Errorf("is packed by codec %d of blosc, which is not known", b.codec)
	}
	if b.codec > 0 {
		if err := u.Fill(codecs[b.codec], out, in); err != nil {
			return fmt.Errorf("does not unpack (blosc): %w", err)
		}
		return nil
	}
	got, err := unlz(out, in, true)
	if err == nil && len(got) != len(out) {
		err = fmt.Errorf("has a blosc stream of %d bytes, and %d are due", len(got), len(out))
	}
	return err
}

// unshuffleBits puts bits back in order: for each byte of a value, and each bit
// of that from the lowest, in holds the bits of all values. Their number is a
// multiple of 8; what is left over comes last.
func unshuffleBits(out, in []byte, size int) {
	n := len(in) / size
	copy(out[n*size:], in[n*size:])
	row := n / 8
	for k := range size {
		rows := in[8*k*row:]
		for i := range row {
			var w uint64
			for bit := range 8 {
				w |= uint64(rows[bit*row+i]) << (8 * bit)
			}
			w = transposeBits(w)
			for v := range 8 {
				out[(8*i+v)*size+k] = byte(w >> (8 * v))
			}
		}
	}
}

// transposeBits turns a matrix of 8 x 8 bits, a row a byte (Warren, Hacker's
// Delight, 7-3).
func transposeBits(w uint64) uint64 {
	t := (w ^ w>>7) & 0x00aa00aa00aa00aa
	w ^= t ^ t<<7
	t = (w ^ w>>14) & 0x0000cccc0000cccc
	w ^= t ^ t<<14
	t = (w ^ w>>28) & 0x00000000f0f0f0f0
	return w ^ t ^ t<<28
}
