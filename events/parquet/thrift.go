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
	odd  [][2]int // values of pairs that are no text, or missing: the bytes left before and after
}

// shape says where in a structure the pairs of a key and a value are: by the numbers of its fields, of which lists have the
// shape of their items.
type shape struct{ fields map[uint64]*shape }

// The numbers are those of github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift: of the file, and of the
// columns of its row groups.
var (
	pair     = &shape{}
	metadata = of(4, of(1, of(3, of(8, pair)))).and(5, pair)
)

func of(field uint64, s *shape) *shape { return (&shape{fields: map[uint64]*shape{}}).and(field, s) }

func (s *shape) and(field uint64, inner *shape) *shape {
	s.fields[field] = inner
	return s
}

// field is the shape of one; nil where there are no pairs in it.
func (s *shape) field(number uint64) *shape {
	if s == nil {
		return nil
	}
	return s.fields[number]
}

// structLength is the length of the structure that data begins with.
func structLength(data []byte) (int, error) {
	w := walk{data: data}
	w.structure(nil, 0)
	return len(data) - len(w.data), w.err
}

// withValues is metadata in which the value of every pair is a text, be it empty: it may be missing, and fastparquet wrote
// numbers, but the library refuses both.
func withValues(data []byte) ([]byte, error) {
	w := walk{data: data}
	w.structure(metadata, 0)
	var whole []byte
	at := 0
	for _, odd := range w.odd {
		whole = append(append(whole, data[at:len(data)-odd[0]]...), 0x18, 0) // the next field, a text of no bytes
		at = len(data) - odd[1]
	}
	return append(whole, data[at:]...), w.err
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

func (w *walk) structure(s *shape, depth int) {
	for number := uint64(0); w.err == nil; {
		left := len(w.data)
		head := w.byte()
		kind := head & 15
		if kind == 0 {
			if s == pair && number == 1 {
				w.odd = append(w.odd, [2]int{left, left})
			}
			return
		}
		if number += uint64(head >> 4); head>>4 == 0 {
			number = w.varint() / 2 // not as a difference; zigzag
		}
		if kind > 2 { // 1 and 2 are true and false in themselves
			w.value(s.field(number), kind, depth)
		}
		if s == pair && number == 2 && kind != 8 {
			w.odd = append(w.odd, [2]int{left, len(w.data)})
		}
	}
}

func (w *walk) value(s *shape, kind byte, depth int) {
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
		w.items(s, size, depth, head&15)
	case 11:
		if size := w.varint(); size > 0 {
			kinds := w.byte()
			w.items(nil, size, depth, kinds>>4, kinds&15)
		}
	case 12:
		w.structure(s, depth+1)
	case 13:
		w.skip(16)
	default:
		w.fail()
	}
}

// items steps over the items of a list or map; each takes a byte or more.
func (w *walk) items(s *shape, size uint64, depth int, kinds ...byte) {
	if size > uint64(len(w.data)) {
		w.fail()
		return
	}
	for range size {
		for _, kind := range kinds {
			if w.err != nil {
				return
			}
			w.value(s, kind, depth+1)
		}
	}
}
