package csv

import (
	"io"

	"github.com/sluice-hep/sluice/events/column"
)

// packedEnd is the Offset of the end of a packed file.
const packedEnd = -1

// Mark is the place of the next row, by its byte and line. Packed text has none
// between its first row and its end.
func (r *Reader) Mark() (column.Mark, bool) {
	m := column.Mark{Row: r.row}
	switch {
	case r.again == nil, r.err != nil && r.err != io.EOF:
		return m, false
	case !r.src.packed:
		m.Offset, m.Line = r.src.base+int64(r.src.at), r.src.number
	case r.row > 0:
		m.Offset = packedEnd
		return m, r.ended()
	}
	return m, true
}

// ended looks whether a row follows, and leaves it there.
func (r *Reader) ended() bool {
	if r.err == io.EOF {
		return true
	}
	_, err := r.src.row()
	if err == nil {
		r.src.at = r.src.start
		r.src.number--
	}
	return err == io.EOF
}

// Seek goes on at a place that Mark gave.
func (r *Reader) Seek(m column.Mark) (err error) {
	end := error(nil)
	switch {
	case r.again == nil:
		return column.ErrMark
	case !r.src.packed:
		err = r.byByte(m)
	case m == r.first:
		err = r.anew()
	case m.Offset == packedEnd && m.Row > 0:
		end = io.EOF
	default:
		return column.ErrMark
	}
	if err != nil {
		return err
	}
	r.row, r.err = m.Row, end
	r.take(0) // an error leaves a block half filled
	return nil
}

// byByte goes to the beginning of a line.
func (r *Reader) byByte(m column.Mark) error {
	size, err := r.again.Seek(0, io.SeekEnd)
	if err != nil {
		return column.WithoutPath(err)
	}
	// A last line without \n ends a byte later, with that which source adds.
	if m.Row < 0 || m.Offset < r.first.Offset || m.Offset > size+1 {
		return column.ErrMark
	}
	before := []byte{'\n'}
	if m.Offset > r.first.Offset && m.Offset < size {
		if _, err = r.again.Seek(m.Offset-1, io.SeekStart); err == nil {
			_, err = io.ReadFull(r.again, before)
		}
	} else {
		_, err = r.again.Seek(min(m.Offset, size), io.SeekStart)
	}
	if err != nil {
		return column.WithoutPath(err)
	}
	if before[0] != '\n' {
		return column.ErrMark
	}
	*r.src = source{in: r.src.in, stop: r.src.stop, buf: r.src.buf[:0], base: m.Offset, number: m.Line}
	return nil
}

// anew reads a packed file from its beginning.
func (r *Reader) anew() error {
	r.src.close()
	if _, err := r.again.Seek(0, io.SeekStart); err != nil {
		return column.WithoutPath(err)
	}
	src, err := newSource(r.again, r.src.buf)
	if err != nil {
		return err
	}
	r.src = src
	return r.begin()
}
