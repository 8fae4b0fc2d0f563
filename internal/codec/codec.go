// Package codec unpacks what the formats of files pack. Damage, and data that claim less or more than they hold, are
// errors, and nothing is written beyond the room that is given.
package codec

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/dsnet/compress/brotli"
	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/snappy"
	"github.com/klauspost/compress/zlib"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
)

// Codec is a way to pack bytes.
type Codec uint8

// The codecs.
const (
	None Codec = iota
	Zlib
	Gzip
	Zstd
	LZ4 // blocks, without a frame
	Snappy
	Brotli
	XZ
	Deflate // without a head or a checksum
	Bzip2   // files alone, as
	Zip     // which is but known
)

func (c Codec) String() string {
	return [...]string{"none", "zlib", "gzip", "zstd", "lz4", "snappy", "brotli", "xz", "deflate", "bzip2", "zip"}[c]
}

// ErrSize is that of data which do not unpack to the size that was written.
var ErrSize = errors.New("it is not of the size written")

// Unpacker unpacks blocks and keeps its decoders. It is for one goroutine; the zero value is ready.
type Unpacker struct {
	source bytes.Reader
	zlib   io.ReadCloser
	gzip   *gzip.Reader
	brotli *brotli.Reader
	raw    io.ReadCloser
	zstd   *zstd.Decoder
}

// Fill unpacks src, which must fill dst.
func (u *Unpacker) Fill(c Codec, dst, src []byte) error {
	n, err := u.Unpack(c, dst, src)
	if err == nil && n != len(dst) {
		return fmt.Errorf("%w: %d bytes, and %d are due", ErrSize, n, len(dst))
	}
	return err
}

// Unpack unpacks src to dst and returns the number of bytes; where dst is too short for them that is an error.
func (u *Unpacker) Unpack(c Codec, dst, src []byte) (int, error) {
	switch c {
	case None:
		if len(src) > len(dst) {
			return 0, tooLong(dst)
		}
		return copy(dst, src), nil
	case Zstd:
		return u.unzstd(dst, src)
	case LZ4:
		return lz4.UncompressBlock(src, dst)
	case Snappy:
		n, err := snappy.DecodedLen(src)
		if err == nil && n > len(dst) {
			err = tooLong(dst)
		}
		if err != nil {
			return 0, err
		}
		_, err = snappy.Decode(dst, src)
		return n, err
	case XZ:
		return unxz(dst, src)
	}
	u.source.Reset(src)
	in, err := u.stream(c)
	if err != nil {
		return 0, err
	}
	n, err := drain(dst, in)
	if err == nil && c == Brotli && u.source.Len() > 0 { // which stops at its end
		err = errors.New("more follows its end")
	}
	return n, err
}

// stream is the decoder of a codec that is read as a stream, at the beginning of source.
func (u *Unpacker) stream(c Codec) (io.Reader, error) {
	var err error
	switch {
	case c == Zlib && u.zlib == nil:
		u.zlib, err = zlib.NewReader(&u.source)
		return u.zlib, err
	case c == Zlib:
		return u.zlib, u.zlib.(zlib.Resetter).Reset(&u.source, nil)
	case c == Gzip && u.gzip == nil:
		u.gzip, err = gzip.NewReader(&u.source)
		return u.gzip, err
	case c == Gzip:
		return u.gzip, u.gzip.Reset(&u.source)
	case c == Deflate && u.raw == nil:
		u.raw = flate.NewReader(&u.source)
		return u.raw, nil
	case c == Deflate:
		return u.raw, u.raw.(flate.Resetter).Reset(&u.source, nil)
	case c == Brotli && u.brotli == nil:
		u.brotli, err = brotli.NewReader(&u.source, nil)
		return u.brotli, err
	case c == Brotli:
		return u.brotli, u.brotli.Reset(&u.source)
	}
	return nil, fmt.Errorf("the codec %d is not known", c)
}

// drain reads in to its end, which makes a decoder compare its checksum.
func drain(dst []byte, in io.Reader) (n int, err error) {
	for n < len(dst) && err == nil {
		var m int
		m, err = in.Read(dst[n:])
		n += m
	}
	if err == nil {
		var more [1]byte
		var m int
		if m, err = in.Read(more[:]); m > 0 {
			return n, tooLong(dst)
		}
	}
	if err == io.EOF {
		err = nil
	}
	return n, err
}

func tooLong(dst []byte) error { return fmt.Errorf("%w: more than %d bytes", ErrSize, len(dst)) }

func (u *Unpacker) unzstd(dst, src []byte) (int, error) {
	if u.zstd == nil {
		// Without the limit a frame of unknown size, or a second one, would grow the output without end.
		z, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecodeAllCapLimit(true))
		if err != nil {
			return 0, err
		}
		u.zstd = z
	}
	out, err := u.zstd.DecodeAll(src, dst[:0:len(dst)])
	if errors.Is(err, zstd.ErrDecoderSizeExceeded) {
		err = tooLong(dst)
	}
	return len(out), err
}

// Room is a buffer of n bytes in what b has, or in new memory that b keeps.
func Room(b *[]byte, n int) []byte {
	if cap(*b) < n {
		*b = make([]byte, n)
	}
	return (*b)[:n]
}
