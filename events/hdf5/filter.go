package hdf5

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/sluice-hep/sluice/internal/codec"
)

// Filters by their registered numbers (github.com/HDFGroup/hdf5_plugins,
// RegisteredFilterPlugins).
const (
	filterGzip       = 1
	filterShuffle    = 2
	filterFletcher32 = 3
	filterLZF        = 32000
	filterBlosc      = 32001
	filterZstd       = 32015
)

// filter is one step of a chunk's way from memory to the file.
type filter struct {
	id     int32
	values []uint32 // its parameters
	label  string   // as the file names it
}

// known says that the filter is undone here.
func (f *filter) known() bool {
	switch f.id {
	case filterGzip, filterFletcher32, filterLZF, filterBlosc, filterZstd:
		return true
	}
	return f.id == filterShuffle && len(f.values) > 0
}

func (f *filter) name() string {
	if f.label == "" {
		return fmt.Sprintf("filter %d", f.id)
	}
	return fmt.Sprintf("%q", f.label)
}

// unpacker undoes filters; its buffers serve one goroutine.
type unpacker struct {
	codec.Unpacker
	a, b   []byte
	blocks blosc
}

// unpack undoes the filters on a chunk of want bytes; bit i of skipped says that
// filter i was not applied. The answer is packed itself, or a buffer of u.
func (u *unpacker) unpack(filters []filter, skipped uint32, packed []byte, want int) (in []byte, err error) {
	in = packed
	for i := len(filters) - 1; i >= 0; i-- {
		if i < 32 && skipped>>i&1 == 1 {
			continue
		}
		if in, err = u.undo(&filters[i], in, want); err != nil {
			return nil, err
		}
	}
	if len(in) != want {
		return nil, fmt.Errorf("unpacks to %d bytes, and %d are due", len(in), want)
	}
	return in, nil
}

// undo reverts one filter. The answer is part of in, or a buffer of u.
func (u *unpacker) undo(f *filter, in []byte, want int) (out []byte, err error) {
	if f.id == filterFletcher32 {
		return verified(in)
	}
	out = codec.Room(&u.a, want+4) // a checksum may stand between packing steps
	u.a, u.b = u.b, u.a
	switch f.id {
	case filterShuffle:
		if len(in) > len(out) {
			return nil, fmt.Errorf("has %d bytes to unshuffle, and %d are due", len(in), want)
		}
		out = out[:len(in)]
		unshuffle(out, in, int(f.values[0]))
		return out, nil
	case filterGzip:
		return u.to(out, codec.Zlib, in)
	case filterLZF:
		return unlz(out, in, false)
	case filterBlosc:
		return u.blocks.decode(out, in, u)
	case filterZstd:
		return u.to(out, codec.Zstd, in)
	}
	return nil, fmt.Errorf("is packed by %s, which is not read", f.name())
}

// to unpacks in to out, which may be longer.
func (u *unpacker) to(out []byte, c codec.Codec, in []byte) ([]byte, error) {
	n, err := u.Unpack(c, out, in)
	if err != nil {
		return nil, fmt.Errorf("does not unpack: %w", err)
	}
	return out[:n], nil
}

var errChecksum = errors.New("fails its checksum (fletcher32): the file is damaged")

// verified checks the four bytes at the end of b, a Fletcher checksum over the
// 16-bit words before (H5checksum.c), and cuts them off.
func verified(b []byte) ([]byte, error) {
	n := len(b) - 4
	if n < 0 {
		return nil, errors.New("is too short for its checksum")
	}
	stored := binary.LittleEndian.Uint32(b[n:])
	sum := fletcher32(b[:n])
	// Libraries before 1.6.3 swapped the bytes of each half.
	swapped := sum&0x00ff00ff<<8 | sum>>8&0x00ff00ff
	if stored != sum && stored != swapped {
		return nil, errChecksum
	}
	return b[:n], nil
}

func fletcher32(b []byte) uint32 {
	var low, high uint32
	fold := func(x uint32) uint32 { return x&0xffff + x>>16 }
	for len(b) >= 2 {
		words := min(360, len(b)/2) // as many as cannot overflow the sums
		for i := 0; i < 2*words; i += 2 {
			low += uint32(b[i])<<8 | uint32(b[i+1])
			high += low
		}
		b = b[2*words:]
		low, high = fold(low), fold(high)
	}
	if len(b) == 1 {
		low += uint32(b[0]) << 8
		high += low
		low, high = fold(low), fold(high)
	}
	return fold(high)<<16 | fold(low)
}
