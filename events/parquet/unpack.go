package parquet

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/snappy"
	"github.com/klauspost/compress/zstd"
	"github.com/parquet-go/parquet-go/format"
	"github.com/pierrec/lz4/v4"
)

// unpacker undoes the compression of a column's pages.
type unpacker struct {
	codec format.CompressionCodec
	zstd  *zstd.Decoder
}

var errSize = errors.New("damaged: packed data that is not of the size written")

// bytes unpacks raw to exactly size bytes.
func (u *unpacker) bytes(raw []byte, size int) ([]byte, error) {
	out, err := u.any(raw, size)
	if err != nil && err != errSize {
		return nil, fmt.Errorf("damaged %s data: %w", u.codec, err)
	}
	if err == nil && len(out) != size {
		err = errSize
	}
	return out, err
}

func (u *unpacker) any(raw []byte, size int) ([]byte, error) {
	switch u.codec {
	case format.Uncompressed:
		return raw, nil
	case format.Snappy:
		if n, err := snappy.DecodedLen(raw); err != nil || n != size {
			return nil, errSize
		}
		return snappy.Decode(make([]byte, size), raw)
	case format.Gzip:
		z, err := gzip.NewReader(bytes.NewReader(raw))
		if err != nil {
			return nil, err
		}
		return fill(z, size)
	case format.Brotli:
		return fill(brotli.NewReader(bytes.NewReader(raw)), size)
	case format.Lz4Raw:
		out := make([]byte, size)
		n, err := lz4.UncompressBlock(raw, out)
		return out[:max(n, 0)], err
	case format.Zstd:
		return u.zstandard(raw, size)
	}
	return nil, fmt.Errorf("the compression %s is not supported; write the file with zstd or snappy", u.codec)
}

func fill(in io.Reader, size int) ([]byte, error) {
	out := make([]byte, size)
	_, err := io.ReadFull(in, out)
	return out, err
}

func (u *unpacker) zstandard(raw []byte, size int) ([]byte, error) {
	if u.zstd == nil {
		// One frame may claim no window above 128 MiB, as zstd's own tool has it.
		z, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(128<<20), zstd.WithDecoderLowmem(true))
		if err != nil {
			return nil, err
		}
		u.zstd = z
	}
	var head zstd.Header
	if err := head.Decode(raw); err != nil {
		return nil, err
	}
	if head.HasFCS { // the frame knows its size, and the decoder keeps to it
		if head.FrameContentSize != uint64(size) {
			return nil, errSize
		}
		return u.zstd.DecodeAll(raw, make([]byte, 0, size))
	}
	if err := u.zstd.Reset(bytes.NewReader(raw)); err != nil {
		return nil, err
	}
	return fill(u.zstd, size)
}

func (u *unpacker) close() {
	if u.zstd != nil {
		u.zstd.Close()
	}
}
