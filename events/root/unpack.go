package root

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/cespare/xxhash/v2"
	"github.com/klauspost/compress/zlib"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
)

// decoder unpacks records. It is for one goroutine.
type decoder struct {
	zlib io.ReadCloser
	zstd *zstd.Decoder
	in   bytes.Reader
}

// A packed record is a run of blocks, each after 9 bytes (RZip.cxx): two letters
// for the codec, its version, and the two lengths, little-endian, in 3 bytes.
const blockHead = 9

func blockLengths(b []byte) (packed, size int) {
	return int(b[3]) | int(b[4])<<8 | int(b[5])<<16, int(b[6]) | int(b[7])<<8 | int(b[8])<<16
}

// unpack unpacks all blocks of src, of size bytes together, into room, or into
// new memory where that is too small. No room is made before the blocks agree on
// the size, and it is at most most.
func (d *decoder) unpack(room, src []byte, size int, most int64) ([]byte, error) {
	if int64(size) > most {
		return nil, fmt.Errorf("claims %d bytes, which is beyond belief for a file of this size", size)
	}
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
	if cap(room) < size {
		room = make([]byte, size)
	}
	room = room[:size]
	for to := room; len(src) > 0; {
		packed, n := blockLengths(src)
		if err := d.block(to[:n], src[blockHead:blockHead+packed], string(src[:2])); err != nil {
			return nil, err
		}
		src, to = src[blockHead+packed:], to[n:]
	}
	return room, nil
}

func (d *decoder) block(dst, src []byte, codec string) (err error) {
	var name string
	switch codec {
	case "ZL":
		name, err = "zlib", d.inflate(dst, src)
	case "L4":
		name, err = "lz4", unpackLZ4(dst, src)
	case "ZS":
		name, err = "zstd", d.unpackZstd(dst, src)
	case "XZ":
		name, err = "lzma", unpackXZ(dst, src)
	case "CS":
		return errors.New("is packed by ROOT's oldest codec, which cannot be read; write it again with ROOT 5 or 6")
	default:
		return fmt.Errorf("is packed by an unknown codec %q", codec)
	}
	if err != nil {
		return fmt.Errorf("does not unpack (%s): %w", name, err)
	}
	return nil
}

func (d *decoder) inflate(dst, src []byte) error {
	d.in.Reset(src)
	if d.zlib == nil {
		r, err := zlib.NewReader(&d.in)
		if err != nil {
			return err
		}
		d.zlib = r
	} else if err := d.zlib.(zlib.Resetter).Reset(&d.in, nil); err != nil {
		return err
	}
	return readExactly(d.zlib, dst)
}

// readExactly fills dst and checks that the stream ends there, which makes the
// decoder compare its checksum.
func readExactly(r io.Reader, dst []byte) error {
	if _, err := io.ReadFull(r, dst); err != nil {
		return err
	}
	var more [1]byte
	switch n, err := r.Read(more[:]); {
	case n > 0:
		return errors.New("holds more than it claims")
	case err != io.EOF:
		return err
	}
	return nil
}

func (d *decoder) unpackZstd(dst, src []byte) error {
	if d.zstd == nil {
		// Without the limit a frame of unknown size, or a second one, would grow the output beyond what the block claims.
		z, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecodeAllCapLimit(true))
		if err != nil {
			return err
		}
		d.zstd = z
	}
	var head zstd.Header
	if err := head.Decode(src); err != nil {
		return err
	}
	if head.HasFCS && head.FrameContentSize != uint64(len(dst)) {
		return fmt.Errorf("holds %d bytes and claims %d", head.FrameContentSize, len(dst))
	}
	out, err := d.zstd.DecodeAll(src, dst[:0:len(dst)])
	if err != nil {
		return err
	}
	return fills(dst, len(out))
}

func unpackLZ4(dst, src []byte) error {
	if len(src) < 8 {
		return io.ErrUnexpectedEOF
	}
	if xxhash.Sum64(src[8:]) != binary.BigEndian.Uint64(src) {
		return errors.New("its checksum disagrees")
	}
	n, err := lz4.UncompressBlock(src[8:], dst)
	if err != nil {
		return err
	}
	return fills(dst, n)
}

func fills(dst []byte, n int) error {
	if n != len(dst) {
		return fmt.Errorf("holds %d bytes and claims %d", n, len(dst))
	}
	return nil
}
