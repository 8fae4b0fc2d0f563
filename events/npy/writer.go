package npy

import (
	"archive/zip"
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"os"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/sluice-hep/sluice/events/column"
	"github.com/sluice-hep/sluice/internal/codec"
)

// Writer writes an .npy file of structures, so that np.load(file)["pt"] is a
// column. The length of the longest text is known only at the end: a table with
// text waits in a second file, beside the first, until then.
type Writer struct {
	out     *os.File
	buf     *bufio.Writer
	columns []column.Column // names and types
	widths  []int           // characters of each text column
	waiting *spool          // nil: no text
	rows    int64
	raw     []byte
}

// NewWriter writes to f, which is empty.
func NewWriter(f *os.File) *Writer {
	return &Writer{out: f, buf: bufio.NewWriterSize(f, 1<<18)}
}

// Write appends a block.
func (w *Writer) Write(columns []column.Column) error {
	if w.columns == nil {
		if err := w.start(columns); err != nil {
			return err
		}
	}
	w.rows += int64(columns[0].Len())
	if w.waiting == nil {
		return w.records(columns)
	}
	for k := range columns {
		w.widths[k] = max(w.widths[k], widthOf(&columns[k]))
	}
	return w.waiting.add(columns)
}

func (w *Writer) start(columns []column.Column) (err error) {
	w.widths = make([]int, len(columns))
	text := false
	for k, c := range columns {
		w.columns = append(w.columns, column.Column{Name: c.Name, Type: c.Type})
		w.widths[k] = 1 // NumPy knows no text of no width
		text = text || c.Type == column.Text
	}
	if text {
		w.waiting, err = newSpool(w.out)
		return err
	}
	return w.header()
}

// header writes the header with room for any number of events; Finish writes
// it again.
func (w *Writer) header() error {
	fields := make([]string, len(w.columns))
	for k, c := range w.columns {
		fields[k] = "(" + quote(c.Name) + ", '" + typeOf(c.Type, w.widths[k]) + "')"
	}
	_, err := w.buf.Write(headerBytes("["+strings.Join(fields, ", ")+"]", w.rows))
	return err
}

// headerBytes is a header whose length does not depend on the number of events:
// in version 1 of the format, or in version 3 where names are not ASCII.
func headerBytes(descr string, rows int64) []byte {
	text := fmt.Sprintf("{'descr': %s, 'fortran_order': False, 'shape': (%d,), }", descr, rows)
	longest := len(text) + 20 - len(strconv.FormatInt(rows, 10))
	// The values begin at a multiple of 64.
	size := (12+longest+1+63)/64*64 - 10
	head := []byte(magic)
	if isASCII(text) && size <= math.MaxUint16 {
		head = binary.LittleEndian.AppendUint16(append(head, 1, 0), uint16(size))
	} else {
		size -= 2
		head = binary.LittleEndian.AppendUint32(append(head, 3, 0), uint32(size))
	}
	head = append(head, text...)
	head = append(head, strings.Repeat(" ", size-len(text)-1)...)
	return append(head, '\n')
}

func isASCII(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r >= utf8.RuneSelf }) < 0
}

// quote is a Python string.
func quote(s string) string {
	var b strings.Builder
	b.WriteByte('\'')
	for _, r := range s {
		switch {
		case r == '\'' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r < ' ':
			fmt.Fprintf(&b, "\\x%02x", r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('\'')
	return b.String()
}

func typeOf(t column.Type, width int) string {
	switch t {
	case column.Float32:
		return "<f4"
	case column.Float64:
		return "<f8"
	case column.Int64:
		return "<i8"
	case column.Uint64:
		return "<u8"
	}
	return "<U" + strconv.Itoa(width)
}

// widthOf is the number of characters of the longest text.
func widthOf(c *column.Column) int {
	width := 1
	for _, s := range c.Str {
		width = max(width, utf8.RuneCountInString(s))
	}
	return width
}

// records writes the events of a block one after the other, in pieces that stay in the cache.
func (w *Writer) records(columns []column.Column) error {
	record := 0
	for k := range columns {
		record += sizeOf(&columns[k], w.widths[k])
	}
	step := max(1, (1<<18)/record)
	for at := 0; at < columns[0].Len(); at += step {
		n := min(step, columns[0].Len()-at)
		raw := codec.Room(&w.raw, n*record)
		offset := 0
		for k := range columns {
			c := columns[k].Slice(at, at+n)
			encode(raw[offset:], record, &c, w.widths[k])
			offset += sizeOf(&c, w.widths[k])
		}
		if _, err := w.buf.Write(raw); err != nil {
			return err
		}
	}
	return nil
}

// sizeOf is the bytes of a value.
func sizeOf(c *column.Column, width int) int {
	if c.Type == column.Text {
		return 4 * width
	}
	return c.Type.Number(false).Size
}

// encode spells values stride bytes apart, texts in width characters.
func encode(raw []byte, stride int, c *column.Column, width int) {
	if c.Type != column.Text {
		c.Type.Number(false).Encode(raw, stride, c)
		return
	}
	for i, s := range c.Str {
		b := raw[i*stride:][:4*width]
		for _, r := range s {
			binary.LittleEndian.PutUint32(b, uint32(r))
			b = b[4:]
		}
		clear(b)
	}
}

// encoded is a column in memory that room keeps.
func encoded(room *[]byte, c *column.Column, width int) []byte {
	size := sizeOf(c, width)
	raw := codec.Room(room, c.Len()*size)
	encode(raw, size, c, width)
	return raw
}

// Finish writes what waited, and the number of events into the header.
func (w *Writer) Finish() error {
	if w.waiting != nil {
		defer w.waiting.close()
		if err := w.header(); err != nil {
			return err
		}
		for block := range w.waiting.blocks() {
			columns, err := w.waiting.read(block, w.columns)
			if err != nil {
				return err
			}
			if err := w.records(columns); err != nil {
				return err
			}
		}
	}
	if err := w.buf.Flush(); err != nil {
		return err
	}
	if _, err := w.out.Seek(0, io.SeekStart); err != nil {
		return err
	}
	if err := w.header(); err != nil {
		return err
	}
	return w.buf.Flush()
}

// ArchiveWriter writes an .npz file: an array a column. An archive holds one
// array after the other, so the blocks wait in a second file until the end.
type ArchiveWriter struct {
	out     *os.File
	columns []column.Column
	widths  []int
	waiting *spool
	rows    int64
}

// NewArchiveWriter writes to f, which is empty.
func NewArchiveWriter(f *os.File) (*ArchiveWriter, error) {
	s, err := newSpool(f)
	if err != nil {
		return nil, err
	}
	return &ArchiveWriter{out: f, waiting: s}, nil
}

// Write appends a block.
func (w *ArchiveWriter) Write(columns []column.Column) error {
	if w.columns == nil {
		for _, c := range columns {
			w.columns = append(w.columns, column.Column{Name: c.Name, Type: c.Type})
			w.widths = append(w.widths, 1)
		}
	}
	for k := range columns {
		w.widths[k] = max(w.widths[k], widthOf(&columns[k]))
	}
	w.rows += int64(columns[0].Len())
	return w.waiting.add(columns)
}

// Finish writes the archive.
func (w *ArchiveWriter) Finish() error {
	defer w.waiting.close()
	z := zip.NewWriter(w.out)
	for k := range w.columns {
		entry, err := z.CreateHeader(&zip.FileHeader{Name: w.columns[k].Name + ".npy", Method: zip.Store})
		if err != nil {
			return err
		}
		if err := w.array(entry, k); err != nil {
			return err
		}
	}
	return z.Close()
}

func (w *ArchiveWriter) array(entry io.Writer, k int) error {
	c := w.columns[k]
	if _, err := entry.Write(headerBytes("'"+typeOf(c.Type, w.widths[k])+"'", w.rows)); err != nil {
		return err
	}
	var raw []byte
	for block := range w.waiting.blocks() {
		values, err := w.waiting.column(block, k, c)
		if err != nil {
			return err
		}
		if _, err := entry.Write(encoded(&raw, &values, w.widths[k])); err != nil {
			return err
		}
	}
	return nil
}

// Abort drops what waits.
func (w *ArchiveWriter) Abort() { w.waiting.close() }

// Abort drops what waits.
func (w *Writer) Abort() {
	if w.waiting != nil {
		w.waiting.close()
	}
}
