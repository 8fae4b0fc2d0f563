package parquet

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/zstd"

	"github.com/sluice-hep/sluice/events/column"
)

// A row group is what the writer holds in memory, packed, and where later readers can begin. DuckDB makes groups of 122,880.
// Of thousands of columns each group costs the writer and readers a description of each
// column too, so that smaller ones would take more memory.
const (
	rowsPerGroup  = 1 << 17
	bytesPerGroup = 64 << 20
	bytesPerPage  = 256 << 10
)

// createdBy names the writer, and its version, in the form that parquet-mr's VersionParser takes: a reader that cannot
// parse it may leave the statistics unused.
const createdBy = "sluice version 1.0.0 (build 0)"

// Writer writes columns as a Parquet file, packed with zstd. A missing number is
// NaN.
type Writer struct {
	to     io.Writer
	at     int64 // bytes written
	meta   metadata
	groups column.Groups
	chunks []filling // of the row group
	packer *zstd.Encoder

	raw, squeezed                []byte // of a page
	columnIndexes, offsetIndexes []byte // of the row groups written
}

// NewWriter writes to w.
func NewWriter(w io.Writer) *Writer {
	return &Writer{to: w, meta: metadata{version: 2, createdBy: createdBy}}
}

func (w *Writer) start(columns []column.Column) (err error) {
	w.groups.Events = min(rowsPerGroup, max(1, bytesPerGroup/widthOf(columns)))
	w.meta.schema = []element{{name: "events", members: some(int32(len(columns)))}}
	taken := make(map[string]bool, len(columns))
	for _, c := range columns {
		if taken[c.Name] {
			return fmt.Errorf("two columns are named %q; rename one", c.Name)
		}
		taken[c.Name] = true
		if c.Unit != "" {
			w.meta.pairs = append(w.meta.pairs, pair{unitKey + c.Name, c.Unit})
		}
		w.meta.schema = append(w.meta.schema, elementOf(&c))
		w.meta.orders = append(w.meta.orders, order{new(empty)})
		w.chunks = append(w.chunks, filling{values: column.Column{Type: c.Type}, ends: column.Column{Type: c.Type}})
	}
	// With the usual window, longer than a page, each encoder takes 16 MB.
	w.packer, err = zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(bytesPerPage), zstd.WithZeroFrames(true), zstd.WithEncoderCRC(false))
	if err != nil {
		return err
	}
	return w.put([]byte(magic))
}

// widthOf is the bytes of an event, and a guess for texts.
func widthOf(columns []column.Column) int {
	width := 0
	for _, c := range columns {
		width += cmp.Or(c.Type.Number(false).Size, 8)
	}
	return width
}

func elementOf(c *column.Column) element {
	e := element{name: c.Name, repetition: some[int32](required)}
	switch c.Type {
	case column.Float32:
		e.physical = some[int32](float)
	case column.Float64:
		e.physical = some[int32](double)
	case column.Int64:
		e.physical, e.converted = some[int32](int64s), some[int32](convertedInt64)
		e.logical = &logical{integer: &integer{bits: 64, signed: true}}
	case column.Uint64:
		e.physical, e.converted = some[int32](int64s), some[int32](convertedUint64)
		e.logical = &logical{integer: &integer{bits: 64}}
	default:
		e.physical, e.converted = some[int32](byteArray), some[int32](convertedUTF8)
		e.logical = &logical{text: new(empty)}
	}
	return e
}

// Write appends a block.
func (w *Writer) Write(columns []column.Column) error {
	if w.chunks == nil {
		if err := w.start(columns); err != nil {
			return err
		}
	}
	return w.groups.Add(columns, w.part, w.group)
}

// part adds events to the row group.
func (w *Writer) part(columns []column.Column) error {
	for k := range w.chunks {
		if err := w.chunks[k].add(w, columns[k]); err != nil {
			return fmt.Errorf("column %q: %w", columns[k].Name, err)
		}
	}
	return nil
}

// group ends the row group, if it holds events.
func (w *Writer) group() error {
	g := group{at: w.at}
	for k := range w.chunks {
		c := &w.chunks[k]
		if err := c.page(w); err != nil {
			return fmt.Errorf("column %q: %w", w.meta.schema[k+1].name, err)
		}
		if g.rows = c.rows; g.rows == 0 {
			return nil
		}
		g.columns = append(g.columns, c.chunk(w, &w.meta.schema[k+1]))
		pages := &g.columns[k].pages
		g.bytes, g.packed = g.bytes+pages.unpacked, g.packed+pages.size
		if err := w.put(c.pages); err != nil {
			return err
		}
		c.reset()
	}
	w.meta.rows += g.rows
	w.meta.groups = append(w.meta.groups, g)
	return nil
}

func (w *Writer) put(b []byte) error {
	n, err := w.to.Write(b)
	w.at += int64(n)
	return err
}

// Describe keeps a text in the metadata of the file.
func (w *Writer) Describe(key, value string) { w.meta.pairs = append(w.meta.pairs, pair{key, value}) }

// Finish writes what is buffered, and the metadata.
func (w *Writer) Finish() error {
	if w.chunks == nil {
		return errors.New("no table was written")
	}
	if err := w.group(); err != nil {
		return err
	}
	for i := range w.meta.groups {
		for k := range w.meta.groups[i].columns {
			c := &w.meta.groups[i].columns[k]
			c.columnIndex.v += w.at
			c.offsetIndex.v += w.at + int64(len(w.columnIndexes))
		}
	}
	footer := encode(nil, &w.meta)
	footer = append(binary.LittleEndian.AppendUint32(footer, uint32(len(footer))), magic...)
	return errors.Join(w.put(w.columnIndexes), w.put(w.offsetIndexes), w.put(footer))
}

// Abort has nothing to drop: the file is the caller's.
func (w *Writer) Abort() {}
