package csv

import (
	"errors"
	"fmt"
	"math"

	"github.com/sluice-hep/sluice/events/column"
)

// parse puts the cells of a line into event row of the block.
func (r *Reader) parse(b []byte, row int) error {
	i := 0
	last := len(r.plan) - 1
	for k := range r.plan {
		f := &r.plan[k]
		end, err := r.parseCell(f, b, i, row)
		if err != nil {
			return err
		}
		if b[end] == '\n' {
			if k == last {
				return nil
			}
			return r.ragged(b)
		}
		i = end + 1
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
		d, end := scan(b[:len(b)+slack], start)
		if d.form != notPlain && (b[end] == r.split.separator || b[end] == '\n') && f.put(d, row) {
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
		f.Str[row] = f.words.get(content)
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

// long stores any cell: missing, infinite, quoted, with many digits.
func (r *Reader) long(f *field, cell []byte, row int) error {
	if isMissing(cell) {
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
	if m, negative, ok := whole(cell); ok && f.Type != column.Float32 {
		return r.wholeNumber(f, cell, m, negative, row)
	}
	v, ok := number(cell)
	if !ok {
		return r.contradiction(f, cell, "is not a number", column.Text)
	}
	f.whole = false
	switch f.Type {
	case column.Float32:
		if w, ok := parse(cell, 32); ok {
			v = w
		} else if !math.IsInf(v, 0) || math.IsInf(v, 0) && !isInfinite(cell) {
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

func isInfinite(cell []byte) bool {
	_, ok := infinity(cell)
	return ok
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
		if !exact && f.whole && f.missing {
			return fmt.Errorf("column %q: %w", f.Name, column.Inexact(r.row, string(cell)))
		} else if !exact && f.whole {
			return r.contradiction(f, cell, "is not held exactly by float64", column.Int64)
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

func (r *Reader) contradiction(f *field, cell []byte, why string, want column.Type) error {
	const most = 60
	value := string(cell[:min(len(cell), most)])
	if len(cell) > most {
		value += "..."
	}
	return &column.Contradiction{Place: r.place(), Column: f.Name, Value: value, Why: why, Want: want}
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
	if r.split.header {
		what = "the header"
	}
	return errors.New(r.place() + fmt.Sprintf("%d cells where %s has %d (separator %q)", len(cells), what, len(r.plan), r.split.separator))
}

// words keeps one copy of each label of a text column.
type words struct{ known map[string]string }

func (w *words) get(cell []byte) string {
	if len(cell) == 0 {
		return ""
	}
	if s, ok := w.known[string(cell)]; ok {
		return s
	}
	s := string(cell)
	if w.known == nil {
		w.known = make(map[string]string)
	}
	if len(w.known) < 4096 { // beyond that these are no labels
		w.known[s] = s
	}
	return s
}
