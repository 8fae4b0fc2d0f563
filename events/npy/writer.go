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
// column, or an .npz archive of an array a column. The length of the longest text
// is known only at the end, and an archive holds one array after the other: a
// table with text, and any archive, waits in a second file, beside the first, until then.
type Writer struct {
	out     *os.File
	archive bool
	buf     *bufio.Writer   // of an .npy file
	columns []column.Column // names and types
	types   []dtype         // wide enough for the texts so far
	waiting *spool          // nil: events are written as they come
	rows    int64
	raw     []byte
}

// NewWriter writes an .npy file to f, which is empty.
func NewWriter(f *os.File) *Writer {
	return &Writer{out: f, buf: bufio.NewWriterSize(f, 1<<18)}
}

// NewArchiveWriter writes an .npz file to f, which is empty.
func NewArchiveWriter(f *os.File) (*Writer, error) {
	s, err := newSpool(f)
	return &Writer{out: f, archive: true, waiting: s}, err
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
		return w.records(w.buf, columns, w.types)
	}
	for k := range columns {
		w.types[k].Size = max(w.types[k].Size, dtypeOf(&columns[k]).Size)
	}
	return w.waiting.add(columns)
}

func (w *Writer) start(columns []column.Column) (err error) {
	text := false
	for _, c := range columns {
		w.columns = append(w.columns, column.Column{Name: c.Name, Type: c.Type})
		w.types = append(w.types, dtypeOf(&column.Column{Type: c.Type}))
		text = text || c.Type == column.Text
	}
	if w.waiting != nil {
		return nil
	}
	if text {
		w.waiting, err = newSpool(w.out)
		return err
	}
	return w.header()
}

// header writes the header of an .npy file, of constant length; Finish writes it again, with the number of events.
func (w *Writer) header() error {
	fields := make([]string, len(w.columns))
	for k, c := range w.columns {
		fields[k] = "(" + quote(c.Name) + ", " + w.types[k].descr() + ")"
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
	ascii := strings.IndexFunc(text, func(r rune) bool { return r >= utf8.RuneSelf }) < 0
	if ascii && size <= math.MaxUint16 {
		head = binary.LittleEndian.AppendUint16(append(head, 1, 0), uint16(size))
	} else {
		size -= 2
		head = binary.LittleEndian.AppendUint32(append(head, 3, 0), uint32(size))
	}
	head = append(head, text...)
	head = append(head, strings.Repeat(" ", size-len(text)-1)...)
	return append(head, '\n')
}

// quote is a Python string.
func quote(s string) string {
	var b strings.Builder
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
	return "'" + b.String() + "'"
}

// records writes the events of a block one after the other, in pieces that stay in the cache.
func (w *Writer) records(out io.Writer, columns []column.Column, types []dtype) error {
	record := 0
	for _, d := range types {
		record += d.Size
	}
	step := max(1, (1<<18)/record)
	for at := 0; at < columns[0].Len(); at += step {
		n := min(step, columns[0].Len()-at)
		raw := codec.Room(&w.raw, n*record)
		offset := 0
		for k, d := range types {
			c := columns[k].Slice(at, at+n)
			d.encode(raw[offset:], record, &c)
			offset += d.Size
		}
		if _, err := out.Write(raw); err != nil {
			return err
		}
	}
	return nil
}

// waited writes columns [i, j) of the blocks that waited.
func (w *Writer) waited(out io.Writer, i, j int) error {
	for _, block := range w.waiting.blocks {
		columns, err := w.waiting.read(block[i:j], w.columns[i:j])
		if err != nil {
			return err
		}
		if err := w.records(out, columns, w.types[i:j]); err != nil {
			return err
		}
	}
	return nil
}

// Finish writes what waited, and the number of events into the header.
func (w *Writer) Finish() error {
	defer w.Abort()
	if w.archive {
		return w.arrays()
	}
	if w.waiting != nil {
		if err := w.header(); err != nil {
			return err
		}
		if err := w.waited(w.buf, 0, len(w.columns)); err != nil {
			return err
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

// arrays writes an archive.
func (w *Writer) arrays() error {
	z := zip.NewWriter(w.out)
	for k, c := range w.columns {
		entry, err := z.CreateHeader(&zip.FileHeader{Name: c.Name + ".npy", Method: zip.Store})
		if err != nil {
			return err
		}
		if _, err := entry.Write(headerBytes(w.types[k].descr(), w.rows)); err != nil {
			return err
		}
		if err := w.waited(entry, k, k+1); err != nil {
			return err
		}
	}
	return z.Close()
}

// Abort drops what waits.
func (w *Writer) Abort() {
	if w.waiting != nil {
		w.waiting.close()
	}
}
