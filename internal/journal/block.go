package journal

import (
	"encoding/binary"
	"errors"

	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/events/column"
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
		if c.Type != events.Text {
			b = c.Type.Number(false).Append(b, c)
		}
		for _, s := range c.Str {
			b = appendText(b, s)
		}
	}
	return b
}

func appendText(b []byte, s string) []byte {
	return append(binary.LittleEndian.AppendUint32(b, uint32(len(s))), s...)
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
	name, unit := r.text(), r.text()
	var t events.Type
	if b := r.take(1); b != nil {
		t = events.Type(b[0])
	}
	number, size := t.Number(false), 4 // at least, of a text
	if number.Known() {
		size = number.Size
	} else if t != events.Text {
		r.bad = true
	}
	if r.bad = r.bad || rows < 0 || rows > len(r.rest)/size; r.bad {
		return events.Column{}
	}
	c := column.New(name, unit, t, rows)
	if number.Known() {
		number.Decode(&c, r.take(rows*size), size)
	}
	for i := range c.Str {
		c.Str[i] = r.text()
	}
	return c
}
