package hdf5

import (
	"bytes"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"unsafe"

	"github.com/klauspost/compress/zlib"

	"github.com/sluice-hep/sluice/events/column"
	"github.com/sluice-hep/sluice/internal/codec"
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
	all := w.buffer
	if w.index != 0 {
		numbers := column.New("", "", column.Int64, n)
		for i := range numbers.I64 {
			numbers.I64[i] = w.rows + int64(i)
		}
		all = append(slices.Clip(all), numbers)
	}
	out := make([][]byte, len(all))
	err := w.packers.Each(len(all), func(p *packer, k int) (err error) {
		if all[k].Type != column.Text {
			out[k], err = p.pack(&all[k], w.chunk)
		}
		return err
	})
	return out, err
}

// pack is the column as a chunk of that many events; those that are missing are zero.
func (p *packer) pack(c *column.Column, chunk int) ([]byte, error) {
	number := c.Type.Number(false)
	raw := codec.Room(&p.raw, chunk*number.Size)
	clear(raw[c.Len()*number.Size:])
	number.Encode(raw, number.Size, c)
	shuffled := codec.Room(&p.shuffled, len(raw))
	shuffle(shuffled, raw, number.Size)
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

// pointersTo makes C strings of values, the first of which is row, that live until pin lets go of them.
func pointersTo(values []string, row int64, pin *runtime.Pinner) ([]uintptr, error) {
	var blob []byte
	for i, s := range values {
		if strings.IndexByte(s, 0) >= 0 {
			return nil, fmt.Errorf("row %d: the text %q holds a zero byte, where texts end in HDF5", row+int64(i)+1, s)
		}
		blob = append(append(blob, s...), 0)
	}
	addresses := make([]uintptr, len(values))
	if len(values) > 0 {
		pin.Pin(unsafe.SliceData(blob))
		addresses[0] = uintptr(unsafe.Pointer(unsafe.SliceData(blob)))
	}
	for i := 1; i < len(values); i++ {
		addresses[i] = addresses[i-1] + uintptr(len(values[i-1])+1)
	}
	return addresses, nil
}
