package root

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/cespare/xxhash/v2"

	"github.com/sluice-hep/sluice/internal/codec"
)

// unpacker unpacks records. It is for one goroutine.
type unpacker struct{ codec.Unpacker }

// A packed record is a run of blocks, each after 9 bytes (RZip.cxx): two letters
// for the codec, its version, and the two lengths, little-endian, in 3 bytes.
const blockHead = 9

func blockLengths(b []byte) (packed, size int) {
	return int(b[3]) | int(b[4])<<8 | int(b[5])<<16, int(b[6]) | int(b[7])<<8 | int(b[8])<<16
}

// unpack unpacks all blocks of src, of size bytes together, into room, or into new memory where that is too small. Room is made
// for a block, of at most 16 MB, when those before it are unpacked: what a damaged file claims is not believed, and what
// packs a thousand times is.
func (u *unpacker) unpack(room, src []byte, size int) ([]byte, error) {
	total := 0
	for at := 0; at < len(src); {
		if len(src)-at < blockHead {
			return nil, errors.New("ends in the middle of a packed block")
		}
		packed, n := blockLengths(src[at:])
		if at += blockHead + packed; at > len(src) {
			return nil, errors.New("ends in the middle of a packed block")
		}
		total += n
	}
	if total != size {
		return nil, fmt.Errorf("claims %d bytes, and its blocks %d", size, total)
	}
	room = room[:0]
	for len(src) > 0 {
		packed, n := blockLengths(src)
		at := len(room)
		room = slices.Grow(room, n)[:at+n]
		if err := u.block(room[at:], src[blockHead:blockHead+packed], string(src[:2])); err != nil {
			return nil, err
		}
		src = src[blockHead+packed:]
	}
	return room, nil
}

// byLetters are the codecs by the first letters of a block's head.
var byLetters = map[string]codec.Codec{"ZL": codec.Zlib, "L4": codec.LZ4, "ZS": codec.Zstd, "XZ": codec.XZ, "CS": codec.Deflate}

func (u *unpacker) block(dst, src []byte, letters string) (err error) {
	c, known := byLetters[letters]
	switch {
	case !known:
		return fmt.Errorf("is packed by an unknown codec %q", letters)
	case c == codec.LZ4: // behind its checksum
		if len(src) < 8 {
			err = io.ErrUnexpectedEOF
		} else if xxhash.Sum64(src[8:]) != binary.BigEndian.Uint64(src) {
			err = errors.New("its checksum disagrees")
		} else {
			err = u.Fill(c, dst, src[8:])
		}
	default:
		err = u.Fill(c, dst, src)
	}
	if err != nil {
		return fmt.Errorf("does not unpack (%s): %w", c, err)
	}
	return nil
}
