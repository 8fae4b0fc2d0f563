package csv

import (
	"math"

	"github.com/sluice-hep/sluice/events/column"
)

// tally is what the cells of a column have in common.
type tally struct {
	missing bool
	text    bool
	numbers bool
	decimal bool  // a number not spelled as a whole one
	large   bool  // a finite number beyond float32
	most    int64 // largest magnitude of a whole number that float32 does not hold
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

// plain adds a number that is neither large nor long, as nearly all are.
func (t *tally) plain(n decimal) bool {
	if n.form == plainWhole && n.mantissa > 1<<24 || n.exponent > 18 {
		return false
	}
	t.numbers = true
	t.decimal = t.decimal || n.form != plainWhole
	return true
}

func (t *tally) add(cell []byte) {
	if t.text {
		return
	}
	if isMissing(cell) {
		t.missing = true
		return
	}
	if v, ok := whole(cell); ok {
		t.numbers = true
		if m := magnitude(v); !exactFloat32(v) && m > t.most {
			t.most = m
		}
		return
	}
	v, ok := number(cell)
	if !ok {
		t.text = true
		return
	}
	t.numbers, t.decimal = true, true
	if !math.IsInf(v, 0) && math.IsInf(float64(float32(v)), 0) {
		t.large = true
	}
}

// typ is the narrowest type that holds every cell: float32 for measured values,
// more only where float32 would change a whole number or overflow.
func (t *tally) typ() column.Type {
	float := column.Float64
	switch {
	case t.text:
		return column.Text
	case !t.numbers || t.decimal || t.most <= exact(float):
		return float
	case t.missing:
		return column.Float64
	}
	return column.Int64
}

func (t *tally) wholeOnly() bool { return t.numbers && !t.decimal && !t.missing }

// exact is the largest whole number up to which t holds every one.
func exact(t column.Type) int64 {
	switch t {
	case column.Float32:
		return 1 << 24
	case column.Float64:
		return 1 << 53
	}
	return math.MaxInt64
}

func magnitude(v int64) int64 {
	if v < 0 && v != math.MinInt64 {
		return -v
	}
	return v & math.MaxInt64
}

func exactFloat32(v int64) bool {
	f := float32(v)
	return f < 1<<63 && int64(f) == v
}
