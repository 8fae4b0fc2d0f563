package hdf5

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"unsafe"

	"github.com/klauspost/compress/zlib"
	"github.com/sluice-hep/sluice/events/column"
)

// gzipLevel packs shuffled floats nearly as small as the highest level does, several times as fast.
const gzipLevel = 1

// packer packs chunks; its buffers serve one goroutine.
type packer struct {
	raw, shuffled []byte
	deflate       *zlib.Writer
}

// pack packs the n events in the buffer, a chunk a column, on all cores, and
// after them the numbers of the events. Columns of text stay empty.
func (w *Writer) pack(n int) ([][]byte, error) {
	out := make([][]byte, len(w.buffer)+1)
	fail := make([]error, len(out))
	count := min(runtime.GOMAXPROCS(0), len(out))
	for len(w.packers) < count {
		w.packers = append(w.packers, &packer{})
	}
	var next atomic.Int64
	var all sync.WaitGroup
	for _, p := range w.packers[:count] {
		all.Go(func() {
			for k := int(next.Add(1)) - 1; k < len(out); k = int(next.Add(1)) - 1 {
				c := &column.Column{Type: column.Int64}
				switch {
				case k < len(w.buffer):
					c = &w.buffer[k]
				case w.index == 0:
					continue
				default:
					c.I64 = make([]int64, n)
					for i := range c.I64 {
						c.I64[i] = w.rows + int64(i)
					}
				}
				if c.Type != column.Text {
					out[k], fail[k] = p.pack(c, w.chunk)
				}
			}
		})
	}
	all.Wait()
	for _, err := range fail {
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// pack is the column as a chunk of that many events; those that are missing are zero.
func (p *packer) pack(c *column.Column, chunk int) ([]byte, error) {
	size := 8
	if c.Type == column.Float32 {
		size = 4
	}
	raw := buffer(&p.raw, chunk*size)
	clear(raw[c.Len()*size:])
	for i, v := range c.F32 {
		binary.LittleEndian.PutUint32(raw[4*i:], math.Float32bits(v))
	}
	for i, v := range c.F64 {
		binary.LittleEndian.PutUint64(raw[8*i:], math.Float64bits(v))
	}
	for i, v := range c.I64 {
		binary.LittleEndian.PutUint64(raw[8*i:], uint64(v))
	}
	shuffled := buffer(&p.shuffled, len(raw))
	shuffle(shuffled, raw, size)
	var packed bytes.Buffer
	packed.Grow(len(raw) / 2)
	if p.deflate == nil {
		z, err := zlib.NewWriterLevel(&packed, gzipLevel)
		if err != nil {
			return nil, err
		}
		p.deflate = z
	}
	p.deflate.Reset(&packed)
	if _, err := p.deflate.Write(shuffled); err != nil {
		return nil, err
	}
	if err := p.deflate.Close(); err != nil {
		return nil, err
	}
	return packed.Bytes(), nil
}

// pointersTo makes C strings of values, the first of which is row; release ends their life.
func pointersTo(values []string, row int64) (addresses []uintptr, release func(), err error) {
	size := 0
	for i, s := range values {
		if strings.IndexByte(s, 0) >= 0 {
			return nil, nil, fmt.Errorf("row %d: the text %q holds a zero byte, where texts end in HDF5", row+int64(i)+1, s)
		}
		size += len(s) + 1
	}
	blob := make([]byte, size)
	var pin runtime.Pinner
	pin.Pin(unsafe.SliceData(blob))
	addresses = make([]uintptr, len(values))
	at := 0
	for i, s := range values {
		addresses[i] = uintptr(unsafe.Pointer(unsafe.SliceData(blob))) + uintptr(at)
		at += copy(blob[at:], s) + 1
	}
	return addresses, pin.Unpin, nil
}
