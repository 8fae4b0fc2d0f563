package parquet

import (
	"errors"
	"fmt"
	"io"
	"math"

	pq "github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/format"

	"github.com/sluice-hep/sluice/events/column"
)

// leaf is one column being read, page by page.
type leaf struct {
	name, unit string
	kind       kind
	typ        column.Type // as returned
	column     *pq.Column

	group int // row group being read
	pages *pages
	page  column.Column // decoded, of the kind's native type
	at    int           // first value of page not yet returned
	plain []byte        // memory of page, where that is as the file has it

	words column.Column // the dictionary
}

// choose fixes the type. Integers of which some are missing become float64,
// where the file says so; else reading tells.
func (l *leaf) choose(meta *pq.File, opts Options) (err error) {
	_, given := opts.Types[l.name]
	if l.kind.native == column.Int64 && !given && l.missing(meta) {
		l.kind.native, l.typ = column.Float64, column.Float64
		return nil
	}
	if l.typ, err = column.Choose(l.name, l.kind.native, opts.Types); err != nil {
		return err
	}
	if l.kind.native == column.Int64 && l.typ != column.Int64 {
		l.kind.native = column.Float64
	}
	return nil
}

func (l *leaf) missing(meta *pq.File) bool {
	i := l.column.Index()
	for _, g := range meta.Metadata().RowGroups {
		if i < len(g.Columns) && g.Columns[i].MetaData.Statistics.NullCount > 0 {
			return true
		}
	}
	return false
}

// read returns the next n values, for which there is to be room at once.
func (l *leaf) read(r *Reader, w *worker, n, room int) (c column.Column, err error) {
	defer func() {
		if err != nil {
			err = l.located(err, r.row)
		}
	}()
	defer recovered(&err)
	out := column.New(l.name, l.unit, l.kind.native, room)
	out = out.Slice(0, 0)
	for out.Len() < n {
		if l.at == l.page.Len() {
			if err := l.next(r, w); err == io.EOF {
				return c, fmt.Errorf("the column ends after %d of %d events", r.row+int64(out.Len()), r.rows)
			} else if err != nil {
				return c, err
			}
			continue
		}
		m := min(n-out.Len(), l.page.Len()-l.at)
		part := l.page.Slice(l.at, l.at+m)
		l.at += m
		out.F32 = append(out.F32, part.F32...)
		out.F64 = append(out.F64, part.F64...)
		out.I64 = append(out.I64, part.I64...)
		out.Str = append(out.Str, part.Str...)
	}
	return column.Settle(out, l.typ, r.row)
}

// located adds the column, and to a contradiction its name.
func (l *leaf) located(err error, row int64) error {
	var bad *column.Contradiction
	if errors.As(err, &bad) {
		bad.Column = l.name
		if bad.Place == "" {
			bad.Place = fmt.Sprintf("behind row %d: ", row)
		}
		return err
	}
	return fmt.Errorf("column %q: %w", l.name, err)
}

// next decodes the next page; io.EOF after the last.
func (l *leaf) next(r *Reader, w *worker) error {
	groups := r.meta.Metadata().RowGroups
	if l.pages == nil {
		if l.group == len(groups) {
			return io.EOF
		}
		i := l.column.Index()
		if i < 0 || i >= len(groups[l.group].Columns) {
			return errors.New("damaged metadata: a row group without the column")
		}
		var err error
		if l.pages, err = newPages(r.file, r.size, &groups[l.group].Columns[i].MetaData); err != nil {
			return err
		}
		l.words = column.Column{}
	}
	header, data, err := l.pages.next(w)
	if err == io.EOF {
		l.pages = nil
		l.group++
		return nil
	}
	if err != nil {
		return err
	}
	if header.Type == format.DictionaryPage {
		n := int(header.DictionaryPageHeader.V.NumValues)
		l.words, err = l.decode(new([]byte), data, n, format.Plain)
		return err
	}
	l.page, err = l.data(header, data)
	l.at = 0
	return err
}

// data is a page of data as a column of the native type, missing values and all.
func (l *leaf) data(header *format.PageHeader, data []byte) (out column.Column, err error) {
	var rows int
	var encoding format.Encoding
	p := places{most: byte(l.column.MaxDefinitionLevel())}
	switch header.Type {
	case format.DataPage:
		v1 := header.DataPageHeader.V
		rows, encoding = int(v1.NumValues), v1.Encoding
		p.levels, data, err = p.levels1(rows, data)
	case format.DataPageV2:
		v2 := header.DataPageHeaderV2.V
		rows, encoding = int(v2.NumValues), v2.Encoding
		p.levels, data, err = p.levels2(rows, data, int(v2.RepetitionLevelsByteLength), int(v2.DefinitionLevelsByteLength))
	default:
		return column.Column{Type: l.kind.native}, nil // an index page holds no values
	}
	if err != nil {
		return out, err
	}
	present := p.present(rows)
	values := l.words
	const oldDictionary = 2 // PLAIN_DICTIONARY, of files before version 2 of the format
	if encoding == oldDictionary || encoding == format.RLEDictionary {
		p.index, err = indices(data, present)
	} else {
		values, err = l.decode(&l.plain, data, present, encoding)
	}
	if err != nil || p.index == nil && present == rows {
		return values, err
	}
	return l.spread(values, p, rows, present)
}

// indices of values in the dictionary: a byte of their width, then the numbers.
func indices(data []byte, n int) ([]int32, error) {
	index := make([]int32, n)
	if n == 0 {
		return index, nil
	}
	if len(data) == 0 {
		return nil, errShort
	}
	return index, hybrid(index, int(data[0]), data[1:])
}

// decode turns n encoded values into a column of the native type, which may lie in memory.
func (l *leaf) decode(memory *[]byte, data []byte, n int, code format.Encoding) (column.Column, error) {
	if n == 0 {
		return column.Column{Type: l.kind.native}, nil
	}
	values, err := l.kind.plain(memory, l.column.Type(), data, n, code)
	if err != nil {
		return values, err
	}
	return column.Settle(values, l.kind.native, 0)
}

// spread puts the values where they belong.
func (l *leaf) spread(values column.Column, p places, rows, present int) (column.Column, error) {
	out := column.New("", "", l.kind.native, rows)
	switch l.kind.native {
	case column.Float32:
		return out, place(out.F32, values.F32, p, float32(math.NaN()))
	case column.Float64:
		return out, place(out.F64, values.F64, p, math.NaN())
	case column.Text:
		return out, place(out.Str, values.Str, p, "")
	}
	if present < rows {
		return out, &column.Contradiction{Value: "null", Why: "is a missing value among integers", Want: column.Float64}
	}
	return out, place(out.I64, values.I64, p, 0)
}
