package journal

import (
	"encoding/binary"
	"errors"

	"github.com/sluice-hep/sluice/events"
)

// A block in a journal: the text of a state, the numbers of columns and of events (uint32), and each column: name,
// unit, type (a byte) and values. A text is its length (uint32) and its bytes. Little-endian.

var errBlock = errors.New("journal: a block contradicts itself")

func appendBlock(b, state []byte, t *events.Table) []byte {
	b = appendText(b, string(state))
	b = binary.LittleEndian.AppendUint32(b, uint32(len(t.Columns)))
	b = binary.LittleEndian.AppendUint32(b, uint32(t.Len()))
	for i := range t.Columns {
		c := &t.Columns[i]
		b = append(appendText(appendText(b, c.Name), c.Unit), byte(c.Type))
		switch c.Type {
		case events.Float32:
			b = appendNumbers(b, c.F32)
		case events.Float64:
			b = appendNumbers(b, c.F64)
		case events.Int64:
			b = appendNumbers(b, c.I64)
		case events.Uint64:
			b = appendNumbers(b, c.U64)
		default:
			for _, s := range c.Str {
				b = appendText(b, s)
			}
		}
	}
	return b
}

func appendText(b []byte, s string) []byte {
	return append(binary.LittleEndian.AppendUint32(b, uint32(len(s))), s...)
}

type number interface {
	float32 | float64 | int64 | uint64
}

func appendNumbers[T number](b []byte, x []T) []byte {
	b, _ = binary.Append(b, binary.LittleEndian, x) // fails for no slice of numbers
	return b
}

// decodeBlock reads what appendBlock wrote; the state shares memory with b. No length in it is believed beyond what b
// holds.
func decodeBlock(b []byte) (state []byte, t *events.Table, err error) {
	in := &blockReader{rest: b}
	state = in.take(int(in.uint32()))
	columns, rows := int(in.uint32()), int(in.uint32())
	t = &events.Table{}
	for range columns {
		if in.bad {
			break
		}
		t.Columns = append(t.Columns, in.column(rows))
	}
	if in.bad || len(in.rest) > 0 || columns == 0 || rows == 0 {
		return nil, nil, errBlock
	}
	return state, t, nil
}

// blockReader takes a block apart; bad once there was too little.
type blockReader struct {
	rest []byte
	bad  bool
}

func (r *blockReader) take(n int) []byte {
	if n < 0 || n > len(r.rest) {
		r.bad, r.rest = true, nil
		return nil
	}
	b := r.rest[:n]
	r.rest = r.rest[n:]
	return b
}

func (r *blockReader) uint32() uint32 {
	b := r.take(4)
	if b == nil {
		return 0
	}
	return binary.LittleEndian.Uint32(b)
}

func (r *blockReader) text() string { return string(r.take(int(r.uint32()))) }

func (r *blockReader) column(rows int) events.Column {
	c := events.Column{Name: r.text(), Unit: r.text()}
	if b := r.take(1); b != nil {
		c.Type = events.Type(b[0])
	}
	switch c.Type {
	case events.Float32:
		c.F32 = numbers[float32](r, rows, 4)
	case events.Float64:
		c.F64 = numbers[float64](r, rows, 8)
	case events.Int64:
		c.I64 = numbers[int64](r, rows, 8)
	case events.Uint64:
		c.U64 = numbers[uint64](r, rows, 8)
	case events.Text:
		if !r.holds(rows, 4) {
			return c
		}
		c.Str = make([]string, rows)
		for i := range c.Str {
			c.Str[i] = r.text()
		}
	default:
		r.bad = true
	}
	return c
}

// holds makes sure that there are n things of at least so many bytes.
func (r *blockReader) holds(n, size int) bool {
	r.bad = r.bad || n < 0 || n > len(r.rest)/size
	return !r.bad
}

func numbers[T number](r *blockReader, rows, size int) []T {
	if !r.holds(rows, size) {
		return nil
	}
	x := make([]T, rows)
	_, _ = binary.Decode(r.take(rows*size), binary.LittleEndian, x) // as long as x
	return x
}
