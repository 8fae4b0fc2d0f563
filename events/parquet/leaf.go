package parquet

import (
	"errors"
	"fmt"
	"io"
	"math"
	"slices"

	pq "github.com/parquet-go/parquet-go"

	"github.com/sluice-hep/sluice/events/internal/column"
)

// leaf is one column being read, page by page.
type leaf struct {
	name, unit string
	kind       kind
	typ        column.Type // as returned
	column     *pq.Column

	group int // row group being read
	pages pq.Pages
	page  column.Column // decoded, of the kind's native type
	at    int           // first value of page not yet returned

	dictionary pq.Dictionary
	words      column.Column // the dictionary, decoded
}

// choose fixes the type. Integers of which some are missing become float64,
// where the file says so; else reading tells.
func (l *leaf) choose(meta *pq.File, opts Options) (err error) {
	_, given := opts.Types[l.name]
	if l.kind.native == column.Int64 && !given && l.missing(meta) {
		l.kind.native, l.typ = column.Float64, column.Float64
		return nil
	}
	if l.typ, err = column.Choose(l.name, l.kind.native, opts.Double, opts.Types); err != nil {
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

func (l *leaf) close() {
	if l.pages != nil {
		l.pages.Close()
		l.pages = nil
	}
}

// read returns the next n values.
func (l *leaf) read(r *Reader, n int) (c column.Column, err error) {
	defer func() {
		if err != nil {
			err = l.located(err, r.row)
		}
	}()
	defer recovered(&err)
	out := column.Column{Name: l.name, Unit: l.unit, Type: l.kind.native}
	for out.Len() < n {
		if l.at == l.page.Len() {
			if err := l.next(r); err == io.EOF {
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
func (l *leaf) next(r *Reader) error {
	if l.pages == nil {
		groups := r.meta.RowGroups()
		if l.group == len(groups) {
			return io.EOF
		}
		i := l.column.Index()
		chunk := &r.meta.Metadata().RowGroups[l.group].Columns[i].MetaData
		if err := checkPages(r.file, r.size, chunk); err != nil {
			return err
		}
		l.pages = groups[l.group].ColumnChunks()[i].Pages()
		l.dictionary = nil
	}
	page, err := l.pages.ReadPage()
	if err == io.EOF {
		l.close()
		l.group++
		return nil
	}
	if err != nil {
		return err
	}
	defer pq.Release(page)
	l.page, err = l.decode(page)
	l.at = 0
	return err
}

// decode is the page as a column of the native type, missing values and all.
func (l *leaf) decode(page pq.Page) (column.Column, error) {
	rows := int(page.NumValues())
	levels := page.DefinitionLevels()
	most := byte(l.column.MaxDefinitionLevel())
	present := rows
	if len(levels) > 0 {
		present = 0
		for _, level := range levels {
			if level == most {
				present++
			}
		}
	}
	values, index, err := l.values(page, present)
	if err != nil {
		return values, err
	}
	if values, err = column.Settle(values, l.kind.native, 0); err != nil {
		return values, err
	}
	if index == nil && present == rows {
		return copied(values), nil // the page's memory is used again
	}
	out := column.New("", "", l.kind.native, rows)
	p := places{index: index, levels: levels, most: most}
	switch l.kind.native {
	case column.Float32:
		err = place(out.F32, values.F32, p, float32(math.NaN()))
	case column.Float64:
		err = place(out.F64, values.F64, p, math.NaN())
	case column.Text:
		err = place(out.Str, values.Str, p, "")
	default:
		if present < rows {
			return out, &column.Contradiction{Value: "null", Why: "is a missing value among integers", Want: column.Float64}
		}
		err = place(out.I64, values.I64, p, 0)
	}
	return out, err
}

// values are the values of a page that are not missing, or, where the page has a
// dictionary, that one with the index of each value.
func (l *leaf) values(page pq.Page, present int) (values column.Column, index []int32, err error) {
	dictionary := page.Dictionary()
	data := page.Data()
	if dictionary == nil {
		values, err = l.kind.decode(data, present)
		return values, nil, err
	}
	if dictionary != l.dictionary {
		words := dictionary.Page()
		if l.words, err = l.kind.decode(words.Data(), dictionary.Len()); err != nil {
			return values, nil, err
		}
		l.dictionary, l.words = dictionary, copied(l.words)
	}
	index = data.Int32()
	if len(index) < present {
		return values, nil, fmt.Errorf("a page of %d values holds %d", present, len(index))
	}
	return l.words, index[:present], nil
}

func copied(c column.Column) column.Column {
	c.F32, c.F64, c.I64, c.Str = slices.Clone(c.F32), slices.Clone(c.F64), slices.Clone(c.I64), slices.Clone(c.Str)
	return c
}

// places says where the values of a page go.
type places struct {
	index  []int32 // of each value in the dictionary; nil: in order
	levels []byte  // most where the value is there; nil: all are
	most   byte
}

func place[T any](out, values []T, p places, missing T) error {
	k := 0
	for i := range out {
		if len(p.levels) > 0 && p.levels[i] != p.most {
			out[i] = missing
			continue
		}
		j := k
		if p.index != nil {
			j = int(p.index[k])
		}
		if j < 0 || j >= len(values) {
			return fmt.Errorf("value %d of a dictionary of %d", j, len(values))
		}
		out[i] = values[j]
		k++
	}
	return nil
}
