package parquet

import (
	"fmt"

	"github.com/sluice-hep/sluice/internal/codec"
)

// worker has what one goroutine needs to read pages: a column is held as one decoded
// page, and what comes before that is here.
type worker struct {
	raw, data []byte
	codec.Unpacker
}

// The codecs that are named here.
const (
	uncompressed = 0
	packedZstd   = 6
)

// codecs by number; of those without one the name alone is known.
var codecs = [...]struct {
	name  string
	codec codec.Codec
}{
	{"UNCOMPRESSED", codec.None}, {"SNAPPY", codec.Snappy}, {"GZIP", codec.Gzip}, {"LZO", codec.None},
	{"BROTLI", codec.Brotli}, {"LZ4", codec.None}, packedZstd: {"ZSTD", codec.Zstd}, {"LZ4_RAW", codec.LZ4},
}

// unpack undoes the compression of raw, which must fill dst.
func (w *worker) unpack(dst, raw []byte, packed int32) error {
	if packed < 0 || int(packed) >= len(codecs) {
		return fmt.Errorf("the compression %d is not known; write the file with zstd or snappy", packed)
	}
	c := codecs[packed]
	if c.codec == codec.None {
		return fmt.Errorf("the compression %s is not supported; write the file with zstd or snappy", c.name)
	}
	if err := w.Fill(c.codec, dst, raw); err != nil {
		return fmt.Errorf("damaged %s data: %w", c.name, err)
	}
	return nil
}
