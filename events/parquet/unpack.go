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

// worker has what one goroutine needs to read pages: a column is held as one decoded
// page, and what comes before that is here.
type worker struct {
	raw, data []byte
	zstd      *zstd.Decoder
}

var errSize = errors.New("damaged: packed data that is not of the size written")

// unpack undoes the compression of raw, which must fill dst.
func (w *worker) unpack(dst, raw []byte, codec format.CompressionCodec) error {
	err := w.any(dst, raw, codec)
	if err != nil && err != errSize {
		return fmt.Errorf("damaged %s data: %w", codec, err)
	}
	return err
}

func (w *worker) any(dst, raw []byte, codec format.CompressionCodec) error {
	switch codec {
	case format.Snappy:
		if n, err := snappy.DecodedLen(raw); err != nil || n != len(dst) {
			return errSize
		}
		_, err := snappy.Decode(dst, raw)
		return err
	case format.Gzip:
		z, err := gzip.NewReader(bytes.NewReader(raw))
		if err != nil {
			return err
		}
		return fill(dst, z)
	case format.Brotli:
		return fill(dst, brotli.NewReader(bytes.NewReader(raw)))
	case format.Lz4Raw:
		n, err := lz4.UncompressBlock(raw, dst)
		if err == nil && n != len(dst) {
			err = errSize
		}
		return err
	case format.Zstd:
		return w.zstandard(dst, raw)
	}
	return fmt.Errorf("the compression %s is not supported; write the file with zstd or snappy", codec)
}

func fill(dst []byte, in io.Reader) error {
	_, err := io.ReadFull(in, dst)
	return err
}

func (w *worker) zstandard(dst, raw []byte) error {
	if w.zstd == nil {
		// Without the limit a frame of unknown size, or a second one, would grow the output without end.
		z, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecodeAllCapLimit(true))
		if err != nil {
			return err
		}
		w.zstd = z
	}
	out, err := w.zstd.DecodeAll(raw, dst[:0:len(dst)])
	if err == nil && len(out) != len(dst) || errors.Is(err, zstd.ErrDecoderSizeExceeded) {
		return errSize
	}
	return err
}

func (w *worker) close() {
	if w.zstd != nil {
		w.zstd.Close()
	}
}

// room is a buffer of n bytes in what b has, or in new memory that b keeps.
func room(b *[]byte, n int) []byte {
	if cap(*b) < n {
		*b = make([]byte, n)
	}
	return (*b)[:n]
}
