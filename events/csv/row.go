package csv

import (
	"fmt"
	"math"
	"strconv"

	"github.com/sluice-hep/sluice/events/column"
)

// parse puts the cells of a row into event row of the block, or, of a column of unknown type, into its tally.
func (r *Reader) parse(b []byte, row int) error {
	err := r.parseCells(b, row)
	if err != errQuote {
		return err
	}
	if b, err = r.src.extend(); err != nil { // a quoted cell runs over the end of the line
		return fmt.Errorf("%s%w", r.place(), err)
	}
	return r.parseCells(b, row)
}

func (r *Reader) parseCells(b []byte, row int) error {
	i := 0
	for k := range r.plan {
		end, err := r.parseCell(&r.plan[k], b, i, row)
		if err != nil {
			return err
		}
		if b[end] == '\n' {
			if k == len(r.plan)-1 {
				return nil
			}
			return r.ragged(b)
		}
		i = end + 1
	}
	if r.split.separator == ' ' && b[r.split.skipBlanks(b, i)] == '#' {
		r.behind.add(r.src.number)
		return nil
	}
	return r.ragged(b)
}

// parseCell puts the cell at b[i] into the block; it returns the index of what
// ends it. Plain decimals go the short way, in one pass over their bytes.
func (r *Reader) parseCell(f *field, b []byte, i, row int) (int, error) {
	if f.wanted && f.Type != column.Text {
		start := i
		if b[i] <= ' ' {
			start = r.split.skipBlanks(b, i)
		}
		d, end := scan(b[:len(b)+slack], start, r.split.point)
		behind := end
		if b[end] == '\r' && b[end+1] == '\n' {
			end++
		}
		if d.form != notPlain && (b[end] == r.split.separator || b[end] == '\n') && (f.put(d, row) || r.round(f, d, b[start:behind], row)) {
			if r.split.separator == ' ' {
				end = r.split.close(b, end)
			}
			return end, nil
		}
	}
	content, end, ok := r.split.cell(b, i)
	if !ok {
		return 0, errQuote
	}
	if !f.wanted {
		return end, nil
	}
	if f.Type == column.Text {
		f.Str[row] = r.label(f, content)
		return end, nil
	}
	return end, r.long(f, content, row)
}

// put stores a plain decimal where that is surely exact.
func (f *field) put(d decimal, row int) (ok bool) {
	switch f.Type {
	case column.Float32:
		f.F32[row], ok = d.float32()
		return ok
	case column.Float64:
		f.F64[row], ok = d.float64()
		f.whole = f.whole && (d.form == plainWhole || !ok)
		return ok
	case column.Uint64:
		f.U64[row] = d.mantissa
		return d.form == plainWhole && d.sign == 0
	case unknown:
		return f.plain(d)
	default:
		v := int64(d.mantissa)
		if d.form != plainWhole || v < 0 {
			return false
		}
		if d.sign != 0 {
			v = -v
		}
		f.I64[row] = v
		return true
	}
}

// round stores a decimal of more digits than float64 has; it leaves what is spelled in other ways.
func (r *Reader) round(f *field, d decimal, cell []byte, row int) bool {
	if f.Type != column.Float64 || d.form != plain || r.split.point != '.' {
		return false
	}
	v, err := strconv.ParseFloat(view(cell), 64)
	if err == nil {
		f.F64[row], f.whole = v, false
	}
	return err == nil
}

// long stores any cell: missing, infinite, quoted, with many digits.
func (r *Reader) long(f *field, cell []byte, row int) error {
	switch {
	case f.Type == unknown:
		if f.add(cell, r.split) {
			f.Odd = fmt.Sprintf("%s%q is not a number", r.place(), shortened(cell))
			f.numeral = cell[0]-'0' <= 9 || len(cell) > 1 && cell[1]-'0' <= 9
		}
		return nil
	case isMissing(cell):
		return r.absent(f, cell, row)
	}
	if n := truth(cell); n != nil && f.truths {
		cell = n
	}
	if m, negative, ok := whole(cell); ok && f.Type != column.Float32 {
		return r.wholeNumber(f, cell, m, negative, row)
	}
	v, ok := r.split.number(cell)
	if !ok {
		return r.contradiction(f, cell, "is not a number", column.Text)
	}
	return r.fraction(f, cell, v, row)
}

// absent stores a missing value.
func (r *Reader) absent(f *field, cell []byte, row int) error {
	f.missing = true
	switch f.Type {
	case column.Float32:
		f.F32[row] = float32(math.NaN())
	case column.Float64:
		f.F64[row] = math.NaN()
	default:
		return r.contradiction(f, cell, "is a missing value among whole numbers", column.Float64)
	}
	return nil
}

// fraction stores a number that is not spelled as a whole one, or in a column of float32.
func (r *Reader) fraction(f *field, cell []byte, v float64, row int) error {
	f.whole = false
	switch f.Type {
	case column.Float32:
		var ok bool
		if v, ok = r.split.parse(cell, 32); !ok {
			return r.contradiction(f, cell, "is beyond float32", column.Float64)
		}
		f.F32[row] = float32(v)
	case column.Float64:
		f.F64[row] = v
	default:
		return r.contradiction(f, cell, "is not a whole number of 64 bits", column.Float64)
	}
	return nil
}

func (r *Reader) wholeNumber(f *field, cell []byte, magnitude uint64, negative bool, row int) error {
	switch {
	case f.Type == column.Uint64 && negative:
		return r.contradiction(f, cell, "is negative", column.Float64)
	case f.Type == column.Uint64:
		f.U64[row] = magnitude
	case f.Type == column.Float64:
		v := float64(magnitude)
		exact := v < 1<<64 && uint64(v) == magnitude
		if negative {
			v = -v
		}
		f.F64[row] = v
		if !exact && f.whole {
			return r.inexact(f, cell)
		}
	case magnitude > math.MaxInt64 && !negative:
		return r.contradiction(f, cell, "is beyond int64", column.Uint64)
	case negative:
		f.I64[row] = -int64(magnitude)
	default:
		f.I64[row] = int64(magnitude)
	}
	return nil
}

// inexact says why whole numbers are float64, of which one changes thereby.
func (r *Reader) inexact(f *field, cell []byte) error {
	why, want := "is not held exactly by float64", column.Text
	switch {
	case f.missing:
		why += ", which the column is because values of it are missing"
	case !r.looked:
		want = column.Int64
	}
	return r.contradiction(f, cell, why, want)
}

func (r *Reader) contradiction(f *field, cell []byte, why string, want column.Type) error {
	return &column.Contradiction{Place: r.place(), Column: f.Name, Value: shortened(cell), Why: why, Want: want}
}

// shortened is a cell as a message shows it.
func shortened(cell []byte) string {
	const most = 60
	if len(cell) > most {
		return string(cell[:most]) + "..."
	}
	return string(cell)
}

// ragged says how the row differs from the first one.
func (r *Reader) ragged(b []byte) error {
	cells, err := r.split.cells(b)
	if err != nil {
		return err
	}
	if len(cells) == len(r.plan) { // a quote without end, cut off at the end of the line
		return errQuote
	}
	what := "the first row"
	if r.named {
		what = "the header"
	}
	return fmt.Errorf("%s%d cells where %s has %d (separator %q)", r.place(), len(cells), what, len(r.plan), r.split.separator)
}

// label is the text of a cell, of which one copy is kept.
func (r *Reader) label(f *field, cell []byte) string {
	s, ok := f.labels[string(cell)]
	if ok {
		return s
	}
	s = r.text(cell)
	if f.labels == nil {
		f.labels = make(map[string]string)
	}
	if len(f.labels) < 4096 { // beyond that these are no labels
		f.labels[string(cell)] = s
	}
	return s
}
