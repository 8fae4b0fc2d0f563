package csv

import (
	"bufio"
	"bytes"
	"io"
	"math"
	"strconv"
	"strings"

	"github.com/sluice-hep/sluice/events/column"
	"github.com/sluice-hep/sluice/internal/codec"
)

// Writer writes columns as text: a header, then a row an event. A number is the
// shortest text that reads back equal; a missing one is nan.
type Writer struct {
	out       *bufio.Writer
	packer    io.WriteCloser // nil: plain text
	separator byte
	started   bool
	line      []byte
}

// NewWriter writes to w what the extension says: .csv and .txt with commas, .tsv
// with tabs, .dat with blanks; .gz and .zst after it pack.
func NewWriter(w io.Writer, extension string) (*Writer, error) {
	out := &Writer{separator: ','}
	name, packed, _ := strings.Cut(extension[1:], ".")
	switch name {
	case "tsv":
		out.separator = '\t'
	case "dat":
		out.separator = ' '
	}
	if c, ok := map[string]codec.Codec{"gz": codec.Gzip, "zst": codec.Zstd}[packed]; ok {
		z, err := codec.NewWriter(c, w)
		if err != nil {
			return nil, err
		}
		out.packer, w = z, z
	}
	out.out = bufio.NewWriterSize(w, 1<<16)
	return out, nil
}

// Write appends a block.
func (w *Writer) Write(columns []column.Column) error {
	if !w.started {
		w.started = true
		for i, c := range columns {
			w.line = w.text(w.separate(w.line, i), c.Name)
		}
		if err := w.flush(); err != nil {
			return err
		}
	}
	for row := range columns[0].Len() {
		for i := range columns {
			w.line = w.value(w.separate(w.line, i), &columns[i], row)
		}
		if err := w.flush(); err != nil {
			return err
		}
	}
	return nil
}

func (w *Writer) separate(line []byte, i int) []byte {
	if i == 0 {
		return line
	}
	return append(line, w.separator)
}

func (w *Writer) flush() error {
	_, err := w.out.Write(append(w.line, '\n'))
	w.line = w.line[:0]
	return err
}

func (w *Writer) value(line []byte, c *column.Column, row int) []byte {
	switch c.Type {
	case column.Float32:
		return float(line, float64(c.F32[row]), 32)
	case column.Float64:
		return float(line, c.F64[row], 64)
	case column.Int64:
		return strconv.AppendInt(line, c.I64[row], 10)
	case column.Uint64:
		return strconv.AppendUint(line, c.U64[row], 10)
	default:
		return w.text(line, c.Str[row])
	}
}

// float avoids the exponent for numbers that people read without one.
func float(line []byte, v float64, bits int) []byte {
	if math.IsNaN(v) {
		return append(line, "nan"...)
	}
	if math.IsInf(v, 0) {
		if v < 0 {
			line = append(line, '-')
		}
		return append(line, "inf"...)
	}
	format := byte('f')
	if a := math.Abs(v); a != 0 && (a < 1e-5 || a >= 1e15) {
		format = 'e'
	}
	return strconv.AppendFloat(line, v, format, -1, bits)
}

// text quotes what would not read back as it is.
func (w *Writer) text(line []byte, s string) []byte {
	special := strings.IndexByte(s, w.separator) >= 0 || strings.ContainsAny(s, "\"\n\r#;|\t") ||
		s == "" || s != strings.TrimSpace(s)
	if !special {
		return append(line, s...)
	}
	line = append(line, '"')
	line = append(line, bytes.ReplaceAll([]byte(s), []byte{'"'}, []byte(`""`))...)
	return append(line, '"')
}

// Finish writes what is buffered and ends the packed stream.
func (w *Writer) Finish() error {
	if err := w.out.Flush(); err != nil {
		return err
	}
	if w.packer != nil {
		return w.packer.Close()
	}
	return nil
}

// Abort has nothing to drop: the file is the caller's.
func (w *Writer) Abort() {}
