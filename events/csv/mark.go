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
		return m, true
	case r.row == 0:
		return m, true
	}
	m.Offset = packedEnd
	return m, r.ended()
}

// ended looks whether a row follows, and leaves it there.
func (r *Reader) ended() bool {
	if r.err == io.EOF {
		return true
	}
	_, err := r.next()
	if err == nil {
		r.src.at = r.src.start
		r.src.number--
	}
	return err == io.EOF
}

// Seek goes on at a place that Mark gave.
func (r *Reader) Seek(m column.Mark) (err error) {
	switch {
	case r.again == nil:
		return column.ErrMark
	case !r.src.packed:
		err = r.byByte(m)
	case m.Offset == packedEnd && m.Row > 0:
		r.row, r.err = m.Row, io.EOF
		return nil
	case m == r.first:
		err = r.anew()
	default:
		return column.ErrMark
	}
	if err != nil {
		return err
	}
	r.row, r.err = m.Row, nil
	for i := range r.plan { // an error leaves a block half filled
		if f := &r.plan[i]; f.wanted {
			f.Column = r.columns[f.at]
		}
	}
	return nil
}

// byByte goes to the beginning of a line.
func (r *Reader) byByte(m column.Mark) error {
	if m.Row < 0 || m.Offset < r.first.Offset {
		return column.ErrMark
	}
	size, err := r.again.Seek(0, io.SeekEnd)
	if err != nil {
		return column.WithoutPath(err)
	}
	if m.Offset > size+1 { // the end of a last line without \n, which source adds
		return column.ErrMark
	}
	if m.Offset > r.first.Offset && m.Offset < size { // behind the end of a line
		var before [1]byte
		if _, err := r.again.Seek(m.Offset-1, io.SeekStart); err != nil {
			return column.WithoutPath(err)
		}
		if _, err := io.ReadFull(r.again, before[:]); err != nil {
			return column.WithoutPath(err)
		}
		if before[0] != '\n' {
			return column.ErrMark
		}
	} else if _, err := r.again.Seek(min(m.Offset, size), io.SeekStart); err != nil {
		return column.WithoutPath(err)
	}
	s := r.src
	s.buf, s.at, s.start, s.eof, s.read = s.buf[:0], 0, 0, false, 0
	s.base, s.number = m.Offset, m.Line
	return nil
}

// anew reads the file from its beginning.
func (r *Reader) anew() error {
	if err := r.rewind(); err != nil {
		return err
	}
	return r.begin()
}

// rewind goes to the beginning of the file.
func (r *Reader) rewind() error {
	r.src.close()
	if _, err := r.again.Seek(0, io.SeekStart); err != nil {
		return column.WithoutPath(err)
	}
	src, err := newSource(r.again, r.src.buf)
	if err == nil {
		r.src = src
	}
	return err
}
