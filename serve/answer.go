package serve

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"strconv"

	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/events/column"
	"github.com/sluice-hep/sluice/events/parquet"
)

// errClient is that of an answer that nobody takes.
var errClient = errors.New("the client does not take the answer")

// gone is the error of writing an answer.
func gone(err error) error {
	if err != nil {
		return fmt.Errorf("%w: %v", errClient, err)
	}
	return nil
}

// rowWriter writes tables, one after the other, as lines of JSON or as Parquet.
type rowWriter interface {
	Write(*events.Table) error
	Close() error
}

// writer begins an answer of rows.
func (j *job) writer() rowWriter {
	j.Header().Set("Content-Type", j.gives)
	if j.gives == parquetType {
		return &parquetWriter{parquet.NewWriter(j.exchange), j.exchange}
	}
	return &lineWriter{x: j.exchange}
}

type parquetWriter struct {
	to *parquet.Writer
	x  *exchange
}

func (w *parquetWriter) Write(t *events.Table) error { return gone(w.to.Write(t.Columns)) }
func (w *parquetWriter) Close() error                { return gone(w.to.Finish()) }

// lineWriter writes an object a row.
type lineWriter struct {
	x   *exchange
	buf []byte
}

func (w *lineWriter) Write(t *events.Table) error {
	names := make([][]byte, len(t.Columns))
	for k := range t.Columns {
		quoted, err := json.Marshal(t.Columns[k].Name)
		if err != nil {
			return err
		}
		names[k] = append(quoted, ':')
	}
	const enough = 64 << 10
	for i := range t.Len() {
		for k := range t.Columns {
			w.buf = append(w.buf, "{,"[min(k, 1)])
			w.buf = appendValue(append(w.buf, names[k]...), &t.Columns[k], i)
		}
		if w.buf = append(w.buf, '}', '\n'); len(w.buf) > enough {
			if err := w.flush(); err != nil {
				return err
			}
		}
	}
	if err := w.flush(); err != nil {
		return err
	}
	w.x.control().Flush() // rows go as they come
	return nil
}

func (w *lineWriter) flush() error {
	_, err := w.x.Write(w.buf)
	w.buf = w.buf[:0]
	return gone(err)
}

func (w *lineWriter) Close() error { return nil }

// appendValue writes a value of JSON: null for a number that is missing or not finite.
func appendValue(to []byte, c *events.Column, i int) []byte {
	switch c.Type {
	case column.Int64:
		return strconv.AppendInt(to, c.I64[i], 10)
	case column.Uint64:
		return strconv.AppendUint(to, c.U64[i], 10)
	case column.Text:
		quoted, err := json.Marshal(c.Str[i])
		if err != nil { // which no text causes
			quoted = []byte("null")
		}
		return append(to, quoted...)
	case column.Float32:
		return appendFloat(to, float64(c.F32[i]), 32)
	}
	return appendFloat(to, c.F64[i], 64)
}

// appendFloat writes the shortest text that reads back as the same number.
func appendFloat(to []byte, v float64, bits int) []byte {
	if v-v != 0 {
		return append(to, "null"...)
	}
	size := math.Abs(v)
	if size != 0 && (size < 1e-6 || size >= 1e21) {
		return strconv.AppendFloat(to, v, 'e', -1, bits)
	}
	return strconv.AppendFloat(to, v, 'f', -1, bits)
}

// tableJSON answers with one object of JSON: what head marshals to, and the columns of a table with their units.
func (j *job) tableJSON(head any, t *events.Table) error {
	text, err := json.Marshal(head)
	if err != nil {
		return err
	}
	units := map[string]string{}
	for _, c := range t.Columns {
		if c.Unit != "" {
			units[c.Name] = c.Unit
		}
	}
	unit, err := json.Marshal(units)
	if err != nil {
		return err
	}
	j.Header().Set("Content-Type", jsonType)
	w := bufio.NewWriterSize(j.exchange, min(len(text)+len(unit)+32*(t.Len()+1)*(len(t.Columns)+1), 64<<10))
	w.Write(text[:len(text)-1])
	fmt.Fprintf(w, `,"units":%s,"columns":{`, unit)
	for k := range t.Columns {
		c := &t.Columns[k]
		name, err := json.Marshal(c.Name)
		if err != nil {
			return err
		}
		if k > 0 {
			w.WriteByte(',')
		}
		w.Write(name)
		w.WriteString(":[")
		for i := range c.Len() {
			if i > 0 {
				w.WriteByte(',')
			}
			w.Write(appendValue(w.AvailableBuffer(), c, i))
		}
		w.WriteByte(']')
	}
	w.WriteString("}}\n")
	return gone(w.Flush())
}

// tooMuchJSON refuses an answer of one object that would be too large to hold: its lines, and Parquet, come as they are made.
func (j *job) tooMuchJSON(rows, columns int) error {
	if j.gives == jsonType && rows*columns > mostJSON {
		return problem(http.StatusUnprocessableEntity, "%d rows of %d columns are more than one object of JSON is made of here: ask for lines or Parquet (Accept: %s or %s), or for fewer rows",
			rows, columns, linesType, parquetType)
	}
	return nil
}

// mostJSON values are in one object of JSON.
const mostJSON = 4_000_000
