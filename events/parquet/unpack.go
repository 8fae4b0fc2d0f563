package parquet

import (
	"fmt"

	"github.com/parquet-go/parquet-go/format"

	"github.com/sluice-hep/sluice/internal/codec"
)

// worker has what one goroutine needs to read pages: a column is held as one decoded
// page, and what comes before that is here.
type worker struct {
	raw, data []byte
	codec.Unpacker
}

var codecs = map[format.CompressionCodec]codec.Codec{
	format.Snappy: codec.Snappy, format.Gzip: codec.Gzip, format.Brotli: codec.Brotli, format.Lz4Raw: codec.LZ4, format.Zstd: codec.Zstd,
}

// unpack undoes the compression of raw, which must fill dst.
func (w *worker) unpack(dst, raw []byte, packed format.CompressionCodec) error {
	c, known := codecs[packed]
	if !known {
		return fmt.Errorf("the compression %s is not supported; write the file with zstd or snappy", packed)
	}
	if err := w.Fill(c, dst, raw); err != nil {
		return fmt.Errorf("damaged %s data: %w", packed, err)
	}
	return nil
}
