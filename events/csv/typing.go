package csv

import (
	"errors"
	"io"

	"github.com/sluice-hep/sluice/events/column"
)

// tally is what the cells of a column have in common.
type tally struct {
	missing bool
	text    bool
	numbers bool
	decimal bool   // a number not spelled as a whole one, or beyond 64 bits, or -0
	high    uint64 // largest whole number
	low     uint64 // largest magnitude of a negative one, at most 2^63
}

// look is what was seen of the cells: of the whole file, or of the first block of a pipe.
type look struct {
	tallies []tally
	part    bool
}

// typ is the type of column i: whole numbers are Int64, or Uint64 where that takes it and none is negative; Float64 are those
// among other numbers or missing cells. After a part of the rows whole numbers that float64 holds are Float64, so that a later
// fraction or missing cell is no contradiction.
func (l *look) typ(i int) column.Type {
	t := &l.tallies[i]
	const exact, signed = 1 << 53, 1<<63 - 1
	switch {
	case t.text:
		return column.Text
	case !t.wholeOnly() || t.missing, l.part && max(t.high, t.low) <= exact, t.high > signed && t.low > 0:
		return column.Float64
	case t.high > signed:
		return column.Uint64
	}
	return column.Int64
}

// blank says whether column i is known to hold nothing but missing values.
func (l *look) blank(i int) bool {
	return !l.part && !l.tallies[i].numbers && !l.tallies[i].text
}

func (t *tally) wholeOnly() bool { return t.numbers && !t.decimal }

// examine looks at every cell of the file, or of the first block where it cannot be read again.
func (r *Reader) examine() (look, error) {
	var l look
	if r.again != nil {
		seen, err := l.count(r.src, r)
		if err != nil {
			return l, err
		}
		r.seen = seen
		return l, r.rewind()
	}
	if err := r.src.reach(firstBlock); err != nil {
		return l, err
	}
	l.part = !r.src.eof
	peek := *r.src
	peek.eof = true
	_, err := l.count(&peek, r)
	return l, err
}

// count looks at the cells of the rows that src gives, and counts those.
func (l *look) count(src *source, r *Reader) (rows int64, err error) {
	l.tallies = make([]tally, len(r.names))
	if r.split.header {
		rows = -1
	}
	for ; ; rows++ {
		line, err := nextRow(src)
		if err == io.EOF {
			return rows, nil
		}
		if err != nil {
			return rows, err
		}
		if rows < 0 {
			continue
		}
		if err := count(l.tallies, r.split, line); errors.Is(err, errQuote) {
			if line, err = src.extend(); err != nil {
				// The parser, which knows the row, says it better; or the
				// quoted cell goes on behind the first block.
				return rows, nil
			}
			count(l.tallies, r.split, line)
		}
	}
}

// count adds the cells of one row.
func count(tallies []tally, d dialect, line []byte) error {
	i := 0
	for k := range tallies {
		n, end := scan(line[:len(line)+slack], d.skipBlanks(line, i))
		if n.form != notPlain && (line[end] == d.separator || line[end] == '\n') && tallies[k].plain(n) {
			end = d.close(line, end)
		} else {
			var content []byte
			var ok bool
			if content, end, ok = d.cell(line, i); !ok {
				return errQuote
			}
			tallies[k].add(content)
		}
		if line[end] == '\n' {
			break // a short row: the parser says so
		}
		i = end + 1
	}
	return nil
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

func (t *tally) add(cell []byte) {
	switch {
	case t.text:
	case isMissing(cell):
		t.missing = true
	default:
		m, negative, ok := whole(cell)
		if ok && !(negative && m == 0) {
			t.numbers = true
			t.whole(m, negative)
			return
		}
		_, ok = number(cell)
		t.text = !ok
		t.numbers, t.decimal = true, true
	}
}
