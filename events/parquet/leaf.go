package parquet

import (
	"fmt"
	"io"
	"math"

	"github.com/sluice-hep/sluice/events/column"
)

// leaf is one column being read, page by page.
type leaf struct {
	name, unit string
	odd        string // see column.Column
	kind       kind
	held       column.Type // of a page: the native one, or where integers are missing float64 or text
	typ        column.Type // as returned
	index      int         // among the leaves of the file
	most       byte        // the definition level where a value is there

	group  int // row group being read
	pages  *pages
	page   column.Column // decoded, as held
	at     int           // first value of page not yet returned
	memory memory        // of page, where no value is missing

	words column.Column // the dictionary
}

// choose fixes the type. Integers of which some are missing are float64, and so are times of 96 bits that int64 does not hold.
func (l *leaf) choose(r *Reader, opts Options) (err error) {
	times := l.kind.physical == int96
	l.held = l.kind.native()
	if l.held != l.held.WithMissing() && (times || l.most > 0) {
		t, given := opts.Types[l.name]
		missing := given && t == t.WithMissing() // as they may be
		if !given {
			if missing, err = l.missing(r); err != nil {
				return fmt.Errorf("column %q: %w", l.name, err)
			}
		}
		if missing {
			if l.kind.rounded = times; times {
				l.held = l.held.WithMissing()
			} else {
				l.held = column.Lacking(l.name, l.held, opts.Types)
			}
		}
	}
	if l.kind.rounded {
		l.odd = "is rounded to float64, as times of it are missing or beyond the year 2262"
	}
	l.typ, err = column.Choose(l.name, l.held, opts.Types)
	return err
}

// missing says whether some values are null, or times beyond int64: where the file counts them not, a look at its pages tells.
func (l *leaf) missing(r *Reader) (is bool, err error) {
	defer func() { // a codec may panic over damaged bytes
		if p := recover(); p != nil {
			err = fmt.Errorf("damaged data: %v", p)
		}
	}()
	var uncounted []int
	for i := range r.meta.groups {
		switch s := &r.meta.groups[i].columns[l.index].pages.statistics; {
		case s.nulls > 0:
			return true, nil
		case l.kind.physical == int96, s.oldMin == nil && s.oldMax == nil && s.min == nil && s.max == nil:
			uncounted = append(uncounted, i)
		}
	}
	var w worker
	for _, i := range uncounted {
		pages, err := l.open(r, i)
		if err != nil {
			return false, err
		}
		for {
			header, data, err := pages.next(&w)
			if err == io.EOF {
				break
			}
			if err != nil {
				return false, err
			}
			p, err := l.places(header, data)
			if err != nil || p.present < p.rows {
				return true, err
			}
			if header.kind == dictionaryPage {
				p.values = data
			}
			if l.kind.physical == int96 && p.encoding == plain && beyondInt64(p.values) {
				return true, nil
			}
		}
	}
	return false, nil
}

// open begins a row group.
func (l *leaf) open(r *Reader, group int) (*pages, error) {
	p, err := newPages(r.file, r.size, &r.meta.groups[group].columns[l.index].pages, alwaysPacked(r.meta.createdBy))
	if err == nil && r.mostPage > 0 {
		p.most = min(p.most, r.mostPage)
	}
	return p, err
}

// read returns the next n values, for which there is to be room at once.
func (l *leaf) read(r *Reader, w *worker, n, room int) (c column.Column, err error) {
	out := column.New(l.name, l.unit, l.held, room)
	out = out.Slice(0, 0)
	for out.Len() < n {
		row := r.row + int64(out.Len())
		if l.at == l.page.Len() {
			if err := l.next(r, w, row); err == io.EOF {
				return c, fmt.Errorf("the column ends after %d of %d events", row, r.meta.rows)
			} else if err != nil {
				return c, fmt.Errorf("column %q: %w", l.name, err)
			}
			continue
		}
		m := min(n-out.Len(), l.page.Len()-l.at)
		part := l.page.Slice(l.at, l.at+m)
		l.at += m
		out.Append(&part)
	}
	return column.Settle(out, l.typ, r.row)
}

// next decodes the next page, which begins with event row; io.EOF after the last.
func (l *leaf) next(r *Reader, w *worker, row int64) (err error) {
	if l.pages == nil {
		if l.group == len(r.meta.groups) {
			return io.EOF
		}
		if l.pages, err = l.open(r, l.group); err != nil {
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
	if header.kind == dictionaryPage {
		l.words, err = l.kind.values(new(memory), data, int(header.dictionary.values), plain)
		return err
	}
	l.page, err = l.data(header, data, row)
	l.at = 0
	return err
}

// places says where the values of a page go, and what of data they are.
func (l *leaf) places(header *pageHeader, data []byte) (p places, err error) {
	p.most = l.most
	switch header.kind {
	case dataPage:
		p.rows, p.encoding = int(header.v1.values), header.v1.encoding
		err = p.part(data)
	case dataPageV2:
		p.rows, p.encoding = int(header.v2.values), header.v2.encoding
		err = p.partAt(data[header.v2.repetition:], int(header.v2.levels))
	} // an index page holds no values
	p.count()
	return p, err
}

// data is a page of data, which begins with event row, as a column of the type held, missing values and all.
func (l *leaf) data(header *pageHeader, data []byte, row int64) (out column.Column, err error) {
	p, err := l.places(header, data)
	if err != nil || p.rows == 0 {
		return column.Column{Type: l.held}, err
	}
	values := l.words
	if values.Len() == 0 {
		values.Type = l.kind.native()
	}
	if p.encoding == plainDictionary || p.encoding == rleDictionary {
		p.index, err = indices(p.values, p.present)
	} else {
		values, err = l.kind.values(&l.memory, p.values, p.present, p.encoding)
	}
	if err != nil {
		return values, err
	}
	if p.index != nil || p.present < p.rows {
		if values, err = l.spread(values, p, row); err != nil {
			return values, err
		}
	}
	if l.held == values.Type {
		return values, nil
	}
	if l.held == column.Text {
		return asText(&values, p), nil
	}
	return l.floats(&values, p, row)
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

// spread puts the values where they belong; integers that are missing are 0.
func (l *leaf) spread(values column.Column, p places, row int64) (column.Column, error) {
	out := column.New("", "", values.Type, p.rows)
	if i := p.firstMissing(); i >= 0 && l.held != l.held.WithMissing() {
		return out, fmt.Errorf("row %d: is a missing value among integers; read the column as float64", row+int64(i)+1)
	}
	switch values.Type {
	case column.Float32:
		return out, place(out.F32, values.F32, p, float32(math.NaN()))
	case column.Float64:
		return out, place(out.F64, values.F64, p, math.NaN())
	case column.Int64:
		return out, place(out.I64, values.I64, p, 0)
	case column.Uint64:
		return out, place(out.U64, values.U64, p, 0)
	}
	return out, place(out.Str, values.Str, p, "")
}

// asText are integers as text, those that are missing as none.
func asText(c *column.Column, p places) column.Column {
	out := column.New("", "", column.Text, c.Len())
	for i := range out.Str {
		if !p.missing(i) {
			out.Str[i] = c.Format(i)
		}
	}
	return out
}

// floats are integers as float64, those that are missing as NaN: exactly, unless float32 was asked for, which rounds.
func (l *leaf) floats(c *column.Column, p places, row int64) (column.Column, error) {
	out := column.New("", "", column.Float64, c.Len())
	for i := range out.F64 {
		v, exact := c.Nearest(i)
		if p.missing(i) {
			v = math.NaN()
		} else if !exact && l.typ != column.Float32 {
			return out, column.Inexact(l.name, row+int64(i), c.Format(i))
		}
		out.F64[i] = v
	}
	return out, nil
}
