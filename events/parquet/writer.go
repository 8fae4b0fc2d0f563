package parquet

import (
	"cmp"
	"fmt"
	"io"

	pq "github.com/parquet-go/parquet-go"

	"github.com/sluice-hep/sluice/events/column"
)

// A row group is what the writer holds in memory, and where later readers can begin.
// With 2^20 rows the writer of 28 columns took 315 MB. DuckDB makes groups of 122,880.
// Of thousands of columns each group costs the writer and readers a description of each
// column too, so that smaller ones would take more memory.
const (
	rowsPerGroup  = 1 << 17
	bytesPerGroup = 64 << 20
)

// Writer writes columns as a Parquet file, packed with zstd. A missing number is
// NaN.
type Writer struct {
	to     io.Writer
	out    *pq.GenericWriter[any]
	groups column.Groups
	values []pq.Value
}

// NewWriter writes to w.
func NewWriter(w io.Writer) *Writer { return &Writer{to: w} }

// ordered is a schema whose columns keep their order; a pq.Group sorts them.
type ordered struct {
	pq.Group
	fields []pq.Field
}

func (o ordered) Fields() []pq.Field { return o.fields }

// createdBy names the writer, and its version, in the form that parquet-mr's VersionParser takes: a reader that cannot
// parse it may leave the statistics unused.
type createdBy string

// ConfigureWriter makes it an option.
func (c createdBy) ConfigureWriter(config *pq.WriterConfig) { config.CreatedBy = string(c) }

func (w *Writer) start(columns []column.Column) error {
	group := make(pq.Group, len(columns))
	for _, c := range columns {
		if _, twice := group[c.Name]; twice {
			return fmt.Errorf("two columns are named %q; rename one", c.Name)
		}
		group[c.Name] = node(c.Type)
	}
	byName := make(map[string]pq.Field, len(columns))
	for _, f := range group.Fields() {
		byName[f.Name()] = f
	}
	w.groups.Events = min(rowsPerGroup, max(1, bytesPerGroup/widthOf(columns)))
	zstd, err := newPacker()
	if err != nil {
		return err
	}
	root := ordered{Group: group}
	options := []pq.WriterOption{pq.Compression(zstd), createdBy("sluice version 1.0.0 (build 0)")}
	for _, c := range columns {
		root.fields = append(root.fields, byName[c.Name])
		if c.Unit != "" {
			options = append(options, pq.KeyValueMetadata(unitKey+c.Name, c.Unit))
		}
	}
	w.out = pq.NewGenericWriter[any](w.to, append(options, pq.NewSchema("events", root))...)
	return nil
}

// widthOf is the bytes of an event, and a guess for texts.
func widthOf(columns []column.Column) int {
	width := 0
	for _, c := range columns {
		width += cmp.Or(c.Type.Number(false).Size, 8)
	}
	return width
}

func node(t column.Type) pq.Node {
	switch t {
	case column.Float32:
		return pq.Leaf(pq.FloatType)
	case column.Float64:
		return pq.Leaf(pq.DoubleType)
	case column.Int64:
		return pq.Int(64)
	case column.Uint64:
		return pq.Uint(64)
	}
	return pq.String()
}

// Write appends a block.
func (w *Writer) Write(columns []column.Column) (err error) {
	defer recovered(&err)
	if w.out == nil {
		if err := w.start(columns); err != nil {
			return err
		}
	}
	return w.groups.Add(columns, w.part, w.out.Flush)
}

// part adds events to the row group.
func (w *Writer) part(columns []column.Column) error {
	for k, out := range w.out.ColumnWriters() {
		if err := w.column(out, &columns[k]); err != nil {
			return fmt.Errorf("column %q: %w", columns[k].Name, err)
		}
	}
	return nil
}

func (w *Writer) column(out *pq.ColumnWriter, c *column.Column) error {
	const step = 4096
	for at := 0; at < c.Len(); at += step {
		part := c.Slice(at, min(at+step, c.Len()))
		w.values = w.values[:0]
		for _, v := range part.F32 {
			w.values = append(w.values, pq.FloatValue(v))
		}
		for _, v := range part.F64 {
			w.values = append(w.values, pq.DoubleValue(v))
		}
		for _, v := range part.I64 {
			w.values = append(w.values, pq.Int64Value(v))
		}
		for _, v := range part.U64 {
			w.values = append(w.values, pq.Int64Value(int64(v)))
		}
		for _, v := range part.Str {
			w.values = append(w.values, pq.ByteArrayValue([]byte(v)))
		}
		if _, err := out.WriteRowValues(w.values); err != nil {
			return err
		}
	}
	return nil
}

// Describe keeps a text in the metadata of the file.
func (w *Writer) Describe(key, value string) { w.out.SetKeyValueMetadata(key, value) }

// Finish writes what is buffered, and the metadata.
func (w *Writer) Finish() (err error) {
	defer recovered(&err)
	return w.out.Close()
}

// Abort has nothing to drop: the file is the caller's.
func (w *Writer) Abort() {}
