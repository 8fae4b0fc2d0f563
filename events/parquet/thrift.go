package parquet

import (
	"encoding/binary"
	"errors"
	"reflect"
)

// errThrift: room is made for no length that a file claims before the bytes are seen to be there.
var errThrift = errors.New("damaged metadata: a length beyond the end")

// perByte is how many bytes of records a byte of metadata may make. Of what parquet.thrift requires, a column chunk makes 13, and
// nothing makes more.
const perByte = 32

var errHollow = errors.New("damaged metadata: records that lack what they must hold")

// record is a structure in Thrift's compact protocol (github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md).
type record interface {
	// fields are pointers to what is kept of each field, at its number; nil: nothing. Read are integers, truth values, bytes and
	// text, records and lists of them; what has another type than that, as values of keys that are no text, is passed over.
	fields() []any
}

// option is a number that may be missing.
type option[T int32 | int64] struct {
	v     T
	given bool
}

func some[T int32 | int64](v T) option[T] { return option[T]{v, true} }

// perhaps is a record that may be missing.
type perhaps interface {
	add() record
	get() record // or nil
}

type maybe[T any, R interface {
	*T
	record
}] struct{ to **T }

func mayBe[T any, R interface {
	*T
	record
}](to **T) perhaps {
	return maybe[T, R]{to}
}

func (m maybe[T, R]) add() record {
	*m.to = new(T)
	return R(*m.to)
}

func (m maybe[T, R]) get() record {
	if *m.to == nil {
		return nil
	}
	return R(*m.to)
}

// list is one of records.
type list interface {
	add() record
	room(n int) // for n more, most likely
	len() int
	at(i int) record
}

type listOf[T any, R interface {
	*T
	record
}] struct{ of *[]T }

func many[T any, R interface {
	*T
	record
}](of *[]T) list {
	return listOf[T, R]{of}
}

func (l listOf[T, R]) room(n int)      { *l.of = make([]T, 0, n) }
func (l listOf[T, R]) len() int        { return len(*l.of) }
func (l listOf[T, R]) at(i int) record { return R(&(*l.of)[i]) }
func (l listOf[T, R]) add() record {
	*l.of = append(*l.of, *new(T))
	return l.at(l.len() - 1)
}

// The kinds of values.
const (
	wireTrue, wireFalse, wireByte          = 1, 2, 3
	wireInt16, wireInt32, wireInt64        = 4, 5, 6
	wireDouble, wireBytes                  = 7, 8
	wireList, wireSet, wireMap, wireStruct = 9, 10, 11, 12
	wireUUID                               = 13
)

// decode reads the record that data begins with, and returns its length.
func decode(data []byte, r record) (int, error) {
	w := walk{data: data, left: perByte * len(data)}
	w.record(r, 0)
	return len(data) - len(w.data), w.err
}

// walk steps over values.
type walk struct {
	data []byte
	left int // bytes that records may still take
	err  error
}

func (w *walk) fail() { w.data, w.err = nil, errThrift }

// made counts a record that was added.
func (w *walk) made(r record) record {
	if w.left -= int(reflect.TypeOf(r).Elem().Size()); w.left < 0 {
		w.data, w.err = nil, errHollow
	}
	return r
}

// bytes are the next n, or none.
func (w *walk) bytes(n uint64) []byte {
	if n > uint64(len(w.data)) {
		w.fail()
		return nil
	}
	b := w.data[:n]
	w.data = w.data[n:]
	return b
}

func (w *walk) byte() byte {
	if b := w.bytes(1); b != nil {
		return b[0]
	}
	return 0
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

// zigzag undoes the order 0, -1, 1, -2, ... of integers.
func zigzag(v uint64) int64 { return int64(v>>1) ^ -int64(v&1) }

// record reads one; nil is passed over.
func (w *walk) record(r record, depth int) {
	var fields []any
	if r != nil {
		fields = r.fields()
	}
	for number := int64(0); w.err == nil; {
		head := w.byte()
		kind := head & 15
		if kind == 0 {
			return
		}
		if number += int64(head >> 4); head>>4 == 0 { // not as a difference
			number = zigzag(w.varint())
		}
		var to any
		if number > 0 && number < int64(len(fields)) {
			to = fields[number]
		}
		if kind == wireTrue || kind == wireFalse { // in themselves
			if to, ok := to.(*bool); ok {
				*to = kind == wireTrue
			}
			continue
		}
		w.value(to, kind, depth)
	}
}

func (w *walk) value(to any, kind byte, depth int) {
	if depth > 32 {
		w.fail()
		return
	}
	switch kind {
	case wireTrue, wireFalse, wireByte: // of lists, the first two
		w.byte()
	case wireInt16, wireInt32, wireInt64:
		set(to, zigzag(w.varint()))
	case wireDouble:
		w.bytes(8)
	case wireBytes:
		b := w.bytes(w.varint())
		switch to := to.(type) {
		case *string:
			*to = string(b)
		case *[]byte:
			*to = append([]byte{}, b...)
		}
	case wireList, wireSet:
		head := w.byte()
		size := uint64(head >> 4)
		if size == 15 {
			size = w.varint()
		}
		l, _ := to.(list)
		w.items(l, size, depth, head&15)
	case wireMap:
		if size := w.varint(); size > 0 {
			kinds := w.byte()
			w.items(nil, size, depth, kinds>>4, kinds&15)
		}
	case wireStruct:
		var r record
		switch to := to.(type) {
		case record:
			r = to
		case perhaps:
			r = w.made(to.add())
		}
		w.record(r, depth+1)
	case wireUUID:
		w.bytes(16)
	default:
		w.fail()
	}
}

func set(to any, v int64) {
	switch to := to.(type) {
	case *int32:
		*to = int32(v)
	case *int64:
		*to = v
	case *option[int32]:
		*to = some(int32(v))
	case *option[int64]:
		*to = some(v)
	}
}

// items reads those of a list, or passes over those of a map; each takes a byte or more, and records as a rule 16.
func (w *walk) items(l list, size uint64, depth int, kinds ...byte) {
	if size > uint64(len(w.data)) {
		w.fail()
		return
	}
	if l != nil {
		l.room(min(int(size), len(w.data)/16))
	}
	for range size {
		for _, kind := range kinds {
			if w.err != nil {
				return
			}
			var to any
			if l != nil && kind == wireStruct {
				to = w.made(l.add())
			}
			w.value(to, kind, depth+1)
		}
	}
}

// encode appends a record to b.
func encode(b []byte, r record) []byte {
	last := 0
	for number, from := range r.fields() {
		if kind := wireOf(from); kind != 0 {
			b = append(b, byte(number-last)<<4|kind) // no numbers of a record are more than 15 apart
			b = encodeValue(b, from)
			last = number
		}
	}
	return append(b, 0)
}

// wireOf is the kind of a field; 0: it is not there.
func wireOf(from any) byte {
	switch from := from.(type) {
	case *bool:
		if *from {
			return wireTrue
		}
		return wireFalse
	case *int8:
		return wireByte
	case *int32:
		return wireInt32
	case *int64:
		return wireInt64
	case *option[int32]:
		if from.given {
			return wireInt32
		}
	case *option[int64]:
		if from.given {
			return wireInt64
		}
	case *string:
		return wireBytes
	case *[]byte:
		if *from != nil {
			return wireBytes
		}
	case perhaps:
		if from.get() != nil {
			return wireStruct
		}
	case record:
		return wireStruct
	case list, *[]bool, *[]int32, *[]int64, *[]string, *[][]byte:
		return wireList
	}
	return 0
}

func encodeValue(b []byte, from any) []byte {
	switch from := from.(type) {
	case *int8:
		return append(b, byte(*from))
	case *int32:
		return binary.AppendVarint(b, int64(*from))
	case *int64:
		return binary.AppendVarint(b, *from)
	case *option[int32]:
		return binary.AppendVarint(b, int64(from.v))
	case *option[int64]:
		return binary.AppendVarint(b, from.v)
	case *string:
		return append(binary.AppendUvarint(b, uint64(len(*from))), *from...)
	case *[]byte:
		return append(binary.AppendUvarint(b, uint64(len(*from))), *from...)
	case perhaps:
		return encode(b, from.get())
	case record:
		return encode(b, from)
	case list:
		b = encodeHead(b, from.len(), wireStruct)
		for i := range from.len() {
			b = encode(b, from.at(i))
		}
	case *[]bool:
		b = encodeHead(b, len(*from), wireTrue)
		for i := range *from {
			b = append(b, wireOf(&(*from)[i]))
		}
	case *[]int32:
		return encodeItems(b, *from, wireInt32)
	case *[]int64:
		return encodeItems(b, *from, wireInt64)
	case *[]string:
		return encodeItems(b, *from, wireBytes)
	case *[][]byte:
		return encodeItems(b, *from, wireBytes)
	}
	return b
}

func encodeItems[T any](b []byte, items []T, kind byte) []byte {
	b = encodeHead(b, len(items), kind)
	for i := range items {
		b = encodeValue(b, &items[i])
	}
	return b
}

func encodeHead(b []byte, size int, kind byte) []byte {
	if size < 15 {
		return append(b, byte(size)<<4|kind)
	}
	return binary.AppendUvarint(append(b, 15<<4|kind), uint64(size))
}
