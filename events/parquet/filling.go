package parquet

import (
	"cmp"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"math"
	"slices"

	"github.com/sluice-hep/sluice/events/column"
)

// filling is a column chunk that is being filled.
type filling struct {
	values column.Column // of the page
	size   int           // bytes of it

	pages    []byte // those that are done
	rows     int64  // in them
	unpacked int64  // bytes of them, were they not packed
	index    columnIndex
	places   []pageAt      // from the beginning of pages on
	ends     column.Column // the least and the greatest value of each, but NaN
}

func (c *filling) reset() {
	none := c.values.Slice(0, 0)
	*c = filling{values: none, pages: c.pages[:0], ends: c.ends.Slice(0, 0)}
}

// add adds values, and ends each page that is full.
func (c *filling) add(w *Writer, part column.Column) error {
	for part.Len() > 0 {
		n, size := fitting(&part, bytesPerPage-c.size)
		piece := part.Slice(0, n)
		part = part.Slice(n, part.Len())
		c.values.Append(&piece)
		if c.size += size; c.size >= bytesPerPage {
			if err := c.page(w); err != nil {
				return err
			}
		}
	}
	return nil
}

// fitting is how many values fill a room of bytes, and their bytes.
func fitting(c *column.Column, room int) (n, size int) {
	if c.Type != column.Text {
		width := c.Type.Number(false).Size
		n = min(c.Len(), room/width)
		return n, n * width
	}
	for n < c.Len() && size < room {
		size += 4 + len(c.Str[n])
		n++
	}
	return n, size
}

// page ends the page, if it holds values.
func (c *filling) page(w *Writer) error {
	n := c.values.Len()
	if n == 0 {
		return nil
	}
	w.raw = plainly(w.raw[:0], &c.values)
	w.squeezed = w.packer.EncodeAll(w.raw, w.squeezed[:0])
	if max(len(w.raw), len(w.squeezed)) > math.MaxInt32 {
		return errors.New("a text of 2 GiB is too long for a page")
	}
	ends := extremes(&c.values)
	head := plainHeader{pageHeader{kind: dataPage, unpacked: int32(len(w.raw)), packed: int32(len(w.squeezed)), sum: int32(crc32.ChecksumIEEE(w.squeezed))}}
	head.v1 = dataHeader{values: int32(n), encoding: plain, levels: rle, repetition: rle, statistics: statisticsOf(&ends)}
	at := len(c.pages)
	c.pages = encode(c.pages, &head)
	c.unpacked += int64(len(c.pages) - at + len(w.raw))
	c.pages = append(c.pages, w.squeezed...)
	c.places = append(c.places, pageAt{int64(at), int32(len(c.pages) - at), c.rows})
	c.index.add(&head.v1.statistics)
	c.ends.Append(&ends)
	c.rows += int64(n)
	c.values, c.size = c.values.Slice(0, 0), 0
	return nil
}

func (x *columnIndex) add(s *statistics) {
	x.allNull, x.nulls = append(x.allNull, false), append(x.nulls, 0)
	x.min, x.max = append(x.min, s.min), append(x.max, s.max)
}

// chunk describes the pages, which are to be written next, and keeps their indexes, whose places are not known before the end.
func (c *filling) chunk(w *Writer, e *element) (d chunk) {
	ends := extremes(&c.ends)
	d.pages = chunkPages{
		physical: e.physical.v, encodings: []int32{plain}, path: []string{e.name}, codec: packedZstd, values: c.rows,
		unpacked: c.unpacked, size: int64(len(c.pages)), at: w.at, statistics: statisticsOf(&ends),
	}
	if !slices.ContainsFunc(c.index.min, func(b []byte) bool { return b == nil }) {
		d.columnIndex = some(int64(len(w.columnIndexes)))
		w.columnIndexes = encode(w.columnIndexes, &c.index)
		d.columnIndexLength = some(int32(int64(len(w.columnIndexes)) - d.columnIndex.v))
	}
	for i := range c.places {
		c.places[i].at += w.at
	}
	d.offsetIndex = some(int64(len(w.offsetIndexes)))
	w.offsetIndexes = encode(w.offsetIndexes, &offsetIndex{c.places})
	d.offsetIndexLength = some(int32(int64(len(w.offsetIndexes)) - d.offsetIndex.v))
	return d
}

// plainly appends values in the plain encoding: texts behind their lengths.
func plainly(b []byte, c *column.Column) []byte {
	if c.Type != column.Text {
		return c.Type.Number(false).Append(b, c)
	}
	for _, s := range c.Str {
		b = append(binary.LittleEndian.AppendUint32(b, uint32(len(s))), s...)
	}
	return b
}

// extremes are the least and the greatest value, or nothing.
func extremes(c *column.Column) column.Column {
	return column.Column{Type: c.Type, F32: outermost(c.F32), F64: outermost(c.F64), I64: outermost(c.I64), U64: outermost(c.U64), Str: outermost(c.Str)}
}

func outermost[T cmp.Ordered](x []T) []T {
	for len(x) > 0 && x[0] != x[0] { // NaN
		x = x[1:]
	}
	if len(x) == 0 {
		return nil
	}
	low, high := x[0], x[0]
	for _, v := range x {
		if v < low {
			low = v
		}
		if v > high {
			high = v
		}
	}
	return []T{low, high}
}

// statisticsOf states extremes. Long texts are left out.
func statisticsOf(ends *column.Column) (s statistics) {
	const most = 64
	if ends.Len() == 0 || len(ends.Str) > 0 && max(len(ends.Str[0]), len(ends.Str[1])) > most {
		return s
	}
	if ends.Type == column.Text { // without a length
		return statistics{min: []byte(ends.Str[0]), max: []byte(ends.Str[1])}
	}
	low, high := ends.Slice(0, 1), ends.Slice(1, 2)
	return statistics{min: plainly(nil, &low), max: plainly(nil, &high)}
}
