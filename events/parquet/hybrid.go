package parquet

import (
	"encoding/binary"
	"errors"
)

var errShort = errors.New("damaged: a page with fewer values than written")

// hybrid decodes runs and bit-packed groups of whole numbers of the given width
// (parquet.apache.org/docs/file-format/data-pages/encodings, RLE) until out is
// full.
func hybrid[T uint8 | int32](out []T, width int, data []byte) error {
	if width < 0 || width > 32 {
		return errors.New("damaged: values of an impossible width")
	}
	for len(out) > 0 {
		head, n := binary.Uvarint(data)
		if n <= 0 {
			return errShort
		}
		data = data[n:]
		count := head >> 1
		if head&1 == 0 {
			bytes := (width + 7) / 8
			if len(data) < bytes || count == 0 {
				return errShort
			}
			v := T(littleEndian(data[:bytes]))
			data = data[bytes:]
			run := out[:min(count, uint64(len(out)))]
			for i := range run {
				run[i] = v
			}
			out = out[len(run):]
			continue
		}
		if count == 0 {
			return errShort
		}
		groups := min(count, uint64(len(out)+7)/8)
		if need := groups * uint64(width); need > uint64(len(data)) {
			// The last group of a page may be cut where its values end.
			if (uint64(len(out))*uint64(width)+7)/8 > uint64(len(data)) {
				return errShort
			}
		}
		run := out[:min(groups*8, uint64(len(out)))]
		unpackBits(run, width, data)
		out = out[len(run):]
		data = data[min(count*uint64(width), uint64(len(data))):]
	}
	return nil
}

func littleEndian(b []byte) uint32 {
	var v uint32
	for i, c := range b {
		v |= uint32(c) << (8 * i)
	}
	return v
}

// unpackBits reads numbers of width bits, the least significant bit first.
func unpackBits[T uint8 | int32](out []T, width int, data []byte) {
	var have uint64
	bits, at := 0, 0
	mask := uint64(1)<<width - 1
	for i := range out {
		for bits < width {
			have |= uint64(data[at]) << bits
			at++
			bits += 8
		}
		out[i] = T(have & mask)
		have >>= width
		bits -= width
	}
}
