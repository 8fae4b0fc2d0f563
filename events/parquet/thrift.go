package parquet

import (
	"encoding/binary"
	"errors"
)

// errThrift: the Parquet library makes room for any length that a file claims,
// up to hundreds of gigabytes, before it looks for the bytes. So the claims are
// checked here first.
var errThrift = errors.New("damaged metadata: a length beyond the end")

// walk steps over values in Thrift's compact protocol
// (github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md).
type walk struct {
	data []byte
	err  error
}

// structLength is the length of the structure that data begins with.
func structLength(data []byte) (int, error) {
	w := walk{data: data}
	w.structure(0)
	return len(data) - len(w.data), w.err
}

func (w *walk) fail() { w.data, w.err = nil, errThrift }

func (w *walk) skip(n uint64) {
	if n > uint64(len(w.data)) {
		w.fail()
		return
	}
	w.data = w.data[n:]
}

func (w *walk) byte() byte {
	if len(w.data) == 0 {
		w.fail()
		return 0
	}
	b := w.data[0]
	w.data = w.data[1:]
	return b
}

func (w *walk) varint() uint64 {
	v, n := binary.Uvarint(w.data)
	if n <= 0 {
		w.fail()
		return 0
	}
	w.data = w.data[n:]
	return v
}

func (w *walk) structure(depth int) {
	for w.err == nil {
		head := w.byte()
		kind := head & 15
		if kind == 0 {
			return
		}
		if head>>4 == 0 {
			w.varint() // the number of the field, not as a difference
		}
		if kind > 2 { // 1 and 2 are true and false in themselves
			w.value(kind, depth)
		}
	}
}

func (w *walk) value(kind byte, depth int) {
	if depth > 32 {
		w.fail()
		return
	}
	switch kind {
	case 1, 2, 3:
		w.skip(1)
	case 4, 5, 6:
		w.varint()
	case 7:
		w.skip(8)
	case 8:
		w.skip(w.varint())
	case 9, 10:
		head := w.byte()
		size := uint64(head >> 4)
		if size == 15 {
			size = w.varint()
		}
		w.items(size, depth, head&15)
	case 11:
		if size := w.varint(); size > 0 {
			kinds := w.byte()
			w.items(size, depth, kinds>>4, kinds&15)
		}
	case 12:
		w.structure(depth + 1)
	case 13:
		w.skip(16)
	default:
		w.fail()
	}
}

// items steps over the items of a list or map; each takes a byte or more.
func (w *walk) items(size uint64, depth int, kinds ...byte) {
	if size > uint64(len(w.data)) {
		w.fail()
		return
	}
	for range size {
		for _, kind := range kinds {
			if w.err != nil {
				return
			}
			w.value(kind, depth+1)
		}
	}
}
