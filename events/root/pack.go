package root

import (
	"bytes"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/klauspost/compress/zlib"
)

// packer packs baskets. It is for one goroutine.
type packer struct {
	zlib *zlib.Writer
}

// pack returns src as packed blocks, or itself where that is no shorter.
func (p *packer) pack(src []byte) []byte {
	var out bytes.Buffer
	const most = 1<<24 - 1 // bytes a block
	for at := 0; at < len(src); at += most {
		part := src[at:min(at+most, len(src))]
		head := out.Len()
		out.Write(make([]byte, blockHead))
		p.deflate(&out, part)
		n := out.Len() - head - blockHead
		if n > most || out.Len() >= len(src) {
			return src
		}
		copy(out.Bytes()[head:], []byte{'Z', 'L', 8,
			byte(n), byte(n >> 8), byte(n >> 16), byte(len(part)), byte(len(part) >> 8), byte(len(part) >> 16)})
	}
	return out.Bytes()
}

// deflate cannot fail: a buffer takes everything.
func (p *packer) deflate(out *bytes.Buffer, src []byte) {
	if p.zlib == nil {
		p.zlib, _ = zlib.NewWriterLevel(out, 1)
	} else {
		p.zlib.Reset(out)
	}
	_, _ = p.zlib.Write(src)
	_ = p.zlib.Close()
}

// each calls f for 0..n-1 on all cores, with a packer for each.
func each(n int, f func(k int, p *packer)) {
	var wait sync.WaitGroup
	var next atomic.Int64
	for range min(runtime.GOMAXPROCS(0), n) {
		wait.Go(func() {
			p := new(packer)
			for k := int(next.Add(1)) - 1; k < n; k = int(next.Add(1)) - 1 {
				f(k, p)
			}
		})
	}
	wait.Wait()
}
