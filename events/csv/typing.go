package csv

import (
	"io"

	"github.com/sluice-hep/sluice/events/column"
)

// tally is what the cells of a column have in common.
type tally struct {
	missing bool
	text    bool
	numbers bool
	truths  bool   // true and false; where a type is given they are 1 and 0 in any column
	decimal bool   // a number not spelled as a whole one, or beyond 64 bits, or -0
	high    uint64 // largest whole number
	low     uint64 // largest magnitude of a negative one, at most 2^63
}

// typ is the type of a column: whole numbers are Int64, or Uint64 where that takes it and none is negative; Float64 are those
// among other numbers or missing cells. After a part of the rows whole numbers that float64 holds are Float64, so that a later
// fraction or missing cell is no contradiction.
func (t *tally) typ(part bool) column.Type {
	const exact, signed = 1 << 53, 1<<63 - 1
	switch {
	case t.text, t.truths && t.numbers:
		return column.Text
	case !t.wholeOnly() || t.missing, part && max(t.high, t.low) <= exact, t.high > signed && t.low > 0:
		return column.Float64
	case t.high > signed:
		return column.Uint64
	}
	return column.Int64
}

func (t *tally) wholeOnly() bool { return (t.numbers || t.truths) && !t.decimal }

// look finds the types that are unknown, from the whole file or from the first block where it cannot be read again. Packed text that
// ends within the first block is kept, and so unpacked once.
func (r *Reader) look() error {
	src, pipe := r.src, r.again == nil
	held := pipe
	if pipe || src.packed {
		switch err := src.reach(firstBlock); {
		case err == nil:
			held = pipe || src.eof
		case pipe:
			return err
		default: // which tallyRows tells with the line
			if err := r.anew(); err != nil {
				return err
			}
		}
	}
	part := pipe && !src.eof
	if held {
		peek := *src
		peek.eof = true
		r.src = &peek
	}
	err := r.tallyRows()
	for k, i := range r.picked {
		if f := &r.plan[i]; f.Type == unknown {
			f.settle(part)
			r.columns[k] = f.Column
		}
	}
	if !pipe && err == nil {
		r.seen, r.looked, r.found = r.row, true, r.left
	}
	if held {
		r.src, r.row, r.left = src, 0, left{}
	}
	if held || err != nil {
		return err
	}
	if src.packed {
		src.buf = nil // less does to read
	}
	return r.Seek(r.first)
}

// settle fixes the type of a column that was looked at.
func (f *field) settle(part bool) {
	f.Type = f.typ(part)
	f.whole, f.blank = f.wholeOnly(), !part && !f.numbers && !f.text && !f.truths
	f.missing = f.missing && !part
	if f.Type != column.Text || !f.numbers && !f.numeral { // labels alone are no surprise
		f.Odd = ""
	}
}

// tallyRows parses all rows up to one that is wrong, as reading will say that comes to it.
func (r *Reader) tallyRows() error {
	by := newSkimmer(r.split, len(r.plan))
	defer by.tally(r.plan)
	for rest := 0; ; rest-- {
		if rest <= 0 && !r.skim(by) {
			rest = 64
		}
		line, err := r.next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if r.parse(line, 0) != nil {
			return nil
		}
		r.row++
	}
}

// plain adds a number of at most 19 digits, as nearly all are, unless it needs rounding.
func (t *tally) plain(n decimal) bool {
	t.numbers = true
	if n.form != plainWhole || n.sign != 0 && n.mantissa == 0 {
		t.decimal = true
		return true
	}
	return t.whole(n.mantissa, n.sign != 0)
}

// whole adds a whole number; false where int64 and uint64 do not hold it.
func (t *tally) whole(magnitude uint64, negative bool) bool {
	switch {
	case !negative:
		t.high = max(t.high, magnitude)
	case magnitude <= 1<<63:
		t.low = max(t.low, magnitude)
	default:
		return false
	}
	return true
}

// add adds any cell. It tells the first that is no number, and the first true or false.
func (t *tally) add(cell []byte, d dialect) (odd bool) {
	if t.text {
		return false
	}
	if isMissing(cell) {
		t.missing = true
		return false
	}
	m, negative, ok := whole(cell)
	if ok && !(negative && m == 0) {
		t.numbers = true
		t.whole(m, negative)
		return false
	}
	if truth(cell) != nil {
		odd, t.truths = !t.truths, true
		return odd
	}
	if _, ok = d.number(cell); ok {
		t.numbers, t.decimal = true, true
		return false
	}
	t.text = true
	return true
}
