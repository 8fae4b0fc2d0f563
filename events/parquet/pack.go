package parquet

import (
	"github.com/klauspost/compress/zstd"
	codec "github.com/parquet-go/parquet-go/compress/zstd"
)

// packer is the library's zstd with a window as long as a page: with the usual one
// each encoder takes 16 MB.
type packer struct {
	codec.Codec
	encoder *zstd.Encoder
}

func newPacker() (*packer, error) {
	const page = 256 << 10 // the library's
	e, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(page), zstd.WithZeroFrames(true), zstd.WithEncoderCRC(false))
	return &packer{encoder: e}, err
}

// Encode packs src into the memory of dst.
func (p *packer) Encode(dst, src []byte) ([]byte, error) {
	return p.encoder.EncodeAll(src, dst[:0]), nil
}
