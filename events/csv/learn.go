package csv

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/sluice-hep/sluice/events/column"
)

// layout is what the first lines tell of a file.
type layout struct {
	dialect
	names, units []string
	named        bool     // the names are those of a header
	head         [][]byte // the lines before the first event, without their ends: a header, rulers, units
	repeats      bool     // a row that is like one of them cannot be an event
	framed       bool     // bars stand before the first column and behind the last
	latin        bool     // some text is no UTF-8
	notes        []string
}

// numbered is a row, or a comment, and the number of its last line.
type numbered struct {
	text   []byte
	number int64
}

// firstLines are up to 20 rows of the first block, of which no more is read than they take, and the comments before them. The
// source stays where it is.
func firstLines(src *source) (rows, comments []numbered, err error) {
	const enough = 20
	for {
		rows, comments = linesAhead(src, enough)
		if len(rows) == enough || src.eof || len(src.buf) >= firstBlock {
			return rows, comments, nil
		}
		if err := src.reach(min(4*len(src.buf), firstBlock)); err != nil {
			return nil, nil, err
		}
	}
}

// linesAhead are up to most rows of what was read.
func linesAhead(src *source, most int) (rows, comments []numbered) {
	peek := *src
	peek.eof = true // no further than that
	for len(rows) < most {
		text, err := peek.line()
		if err != nil {
			break
		}
		switch peek.kind(text) {
		case commentLine:
			if len(rows) == 0 {
				comments = append(comments, numbered{text, peek.number})
			}
		case rowLine:
			if text, err = peek.whole(text); err != nil {
				return rows, comments
			}
			rows = append(rows, numbered{text, peek.number})
		}
	}
	return rows, comments
}

// learn finds separator, header and names from the first lines.
func learn(src *source, opts Options) (*layout, error) {
	if bytes.IndexByte(src.buf[:min(len(src.buf), 4096)], 0) >= 0 {
		return nil, errors.New("holds zero bytes: not a table of text")
	}
	all, comments, err := firstLines(src)
	if err != nil {
		return nil, err
	}
	rows := slices.DeleteFunc(slices.Clone(all), isRuler)
	if len(rows) == 0 {
		if len(src.buf) >= firstBlock {
			return nil, errors.New("no row ends in the first 4 MiB: not a table of text")
		}
		return nil, errors.New("holds no rows")
	}
	l := &layout{}
	if l.dialect, err = dialectOf(rows, opts.Separator); err != nil {
		return nil, err
	}
	if l.point == ',' {
		l.note("numbers are read with decimal commas, as %s", firstWith(',', rows))
	}
	first, err := l.row(rows[0].text)
	if err != nil {
		return nil, fmt.Errorf("row 1: %w", err)
	}
	l.name(first, rows, comments, opts.Header)
	l.begin(all, rows)
	return l, nil
}

func (l *layout) note(format string, args ...any) {
	l.notes = append(l.notes, fmt.Sprintf(format, args...))
}

// text is that of a cell; what is no UTF-8 is taken for Latin-1, of which each byte is a letter.
func (l *layout) text(cell []byte) string {
	if utf8.Valid(cell) {
		return string(cell)
	}
	l.latin = true
	letters := make([]rune, len(cell))
	for i, c := range cell {
		letters[i] = rune(c)
	}
	return string(letters)
}

// firstWith is the first word in rows that holds c.
func firstWith(c byte, rows []numbered) string {
	for _, line := range rows {
		for _, word := range bytes.FieldsFunc(line.text, func(r rune) bool { return strings.ContainsRune(";| \t\r\n\"", r) }) {
			if bytes.IndexByte(word, c) >= 0 {
				return string(word)
			}
		}
	}
	return ""
}

// name finds the names: in the first row, or else in a comment before it.
func (l *layout) name(first [][]byte, rows, comments []numbered, header Header) {
	counted := header == HeaderAuto && l.counts(first, rows[1:])
	l.named = header == HeaderYes || counted || header == HeaderAuto && l.isHeader(first, rows[1:])
	names := make([]string, len(first))
	for i, cell := range first {
		names[i] = "col" + strconv.Itoa(i)
		if l.named {
			names[i] = l.text(cell)
		}
	}
	if counted {
		l.note("the first row counts the columns, and is taken for their names, not for an event (--header no: it is one)")
	}
	if header == HeaderAuto && !l.named {
		l.commented(names, comments)
	}
	n := len(first)
	l.framed = l.named && l.separator == '|' && n > 2 && len(first[0]) == 0 && len(first[n-1]) == 0
	l.names = column.Unique(names)
}

// isHeader: a row with a cell that is no number, unless another of its cells is
// a number that does not just count the columns (as some tools name them). What looks like a number, as (1+2j) or 12:30 do, is
// no name above its like.
func (d dialect) isHeader(cells [][]byte, below []numbered) bool {
	text := false
	var next [][]byte
	if len(below) > 0 {
		next, _ = d.row(below[0].text)
	}
	for i, c := range cells {
		if truth(c) != nil || isMissing(c) {
			continue
		}
		v, ok := d.number(c)
		if !ok && i < len(next) && isNumeral(c) && isNumeral(next[i]) {
			if _, number := d.number(next[i]); !number {
				return false
			}
		}
		if !ok {
			text = true
		} else if v != float64(i) && v != float64(i+1) {
			return false
		}
	}
	return text
}

// isNumeral says whether a cell begins as a number does, behind a sign or a bracket.
func isNumeral(c []byte) bool {
	c = bytes.TrimLeft(c, "(+-.")
	return len(c) > 0 && c[0]-'0' <= 9
}

// counts says whether cells are 0, 1, 2, ..., as pandas names the columns of an array, the first without a name where it
// writes an index. Two or three such numbers between blanks may be an event, too.
func (d dialect) counts(cells [][]byte, rows []numbered) bool {
	index := len(cells) > 1 && len(cells[0]) == 0
	if index {
		cells = cells[1:]
	}
	for i, c := range cells {
		if string(c) != strconv.Itoa(i) {
			return false
		}
	}
	n := len(cells)
	switch {
	case len(rows) == 0 || n == 1 && !index:
		return false
	case index && n > 1 || n > 2 && d.separator != ' ':
		return true
	case index:
		return bytes.HasPrefix(bytes.TrimLeft(rows[0].text, "\" "), []byte{'0'})
	}
	return (n > 2 || d.separator != ' ') && slices.ContainsFunc(rows, func(line numbered) bool {
		row, _ := d.row(line.text)
		return slices.ContainsFunc(row, func(c []byte) bool {
			_, number := d.number(c)
			_, _, whole := whole(c)
			return number && !whole
		})
	})
}

// commented takes the names from the last comment of as many words as there are columns, and the units from one behind it.
func (l *layout) commented(names []string, comments []numbered) {
	for _, c := range slices.Backward(comments) {
		words := l.words(bytes.TrimLeft(c.text, "#%!;/: \t"), len(names))
		switch units, bracketed := inBrackets(words); {
		case words == nil:
		case bracketed:
			l.units = units
		default:
			for i, w := range words {
				names[i] = l.text(w)
			}
			l.note("the names of the columns are those in the comment of line %d", c.number)
			return
		}
	}
}

// words are those of a comment, by the separator of the table or by another; nil where they are not n, or one is a number.
func (l *layout) words(comment []byte, n int) [][]byte {
	for _, s := range []byte{l.separator, ',', ';', '\t', ' '} {
		if s == ' ' && bytes.IndexByte(comment, ',') >= 0 {
			continue
		}
		words, err := dialect{separator: s}.cells(comment)
		if err != nil || len(words) != n || n == 1 && bytes.ContainsAny(words[0], " ,") {
			continue
		}
		if !slices.ContainsFunc(words, func(w []byte) bool {
			_, number := l.number(w)
			return number || len(w) == 0
		}) {
			return words
		}
	}
	return nil
}

// begin finds the lines before the first event: a header, and rulers and units beside it.
func (l *layout) begin(all, rows []numbered) {
	header := l.named
	for len(all) > 0 {
		line := all[0]
		switch units := l.unitsIn(line, all[1:]); {
		case isRuler(line):
		case header:
			header = false
		case l.named && l.units == nil && units != nil:
			l.units = units
			l.note("line %d is taken for units, not for an event", line.number)
		default:
			l.repeats = slices.ContainsFunc(rows, func(line numbered) bool { return line.number >= all[0].number && l.holdsNumber(line) })
			return
		}
		l.head = append(l.head, bytes.TrimRight(bytes.Clone(line.text), " \t\r\n"))
		all = all[1:]
	}
}

func (l *layout) holdsNumber(line numbered) bool {
	row, _ := l.row(line.text)
	return slices.ContainsFunc(row, func(c []byte) bool {
		_, ok := l.number(c)
		return ok
	})
}

// unitsIn are those in a row of nothing else: in brackets, or short words over most columns, two or more, all of numbers; else nil.
func (l *layout) unitsIn(line numbered, below []numbered) []string {
	cells, err := l.row(line.text)
	below = slices.DeleteFunc(slices.Clone(below), func(b numbered) bool { // that come again
		text := bytes.TrimRight(b.text, " \t\r\n")
		return bytes.Equal(text, bytes.TrimRight(line.text, " \t\r\n")) || slices.ContainsFunc(l.head, func(h []byte) bool { return bytes.Equal(text, h) })
	})
	if err != nil || len(cells) != len(l.names) {
		return nil
	}
	numbers := l.numbersIn(below, len(cells))
	if units, ok := inBrackets(cells); ok {
		for i, c := range cells {
			if !isMissing(c) && numbers[i] {
				return units
			}
		}
		return nil
	}
	units := make([]string, len(cells))
	words := 0
	for i, c := range cells {
		_, number := l.number(c)
		if units[i] = unit(c); isMissing(c) || string(c) == "1" {
			continue
		}
		if words++; number || truth(c) != nil || len(c) > 16 || !numbers[i] {
			return nil
		}
	}
	if words < 2 || 2*words <= len(cells) {
		return nil
	}
	return units
}

// numbersIn says which of so many columns hold numbers alone in rows.
func (l *layout) numbersIn(rows []numbered, columns int) []bool {
	numbers, other := make([]bool, columns), make([]bool, columns)
	for _, line := range rows {
		if isRuler(line) {
			continue
		}
		row, err := l.row(line.text)
		if err != nil {
			row = nil
		}
		for i := range columns {
			if i >= len(row) {
				other[i] = true
				continue
			}
			_, ok := l.number(row[i])
			numbers[i] = numbers[i] || ok
			other[i] = other[i] || !ok && !isMissing(row[i])
		}
	}
	for i := range numbers {
		numbers[i] = numbers[i] && !other[i]
	}
	return numbers
}

// inBrackets are the units in cells such as [GeV] or (GeV), some of which may be empty.
func inBrackets(cells [][]byte) (units []string, ok bool) {
	for _, c := range cells {
		n := len(c)
		bracketed := n > 1 && (c[0] == '[' && c[n-1] == ']' || c[0] == '(' && c[n-1] == ')')
		if !bracketed && !isMissing(c) {
			return nil, false
		}
		ok = ok || bracketed
		units = append(units, unit(c))
	}
	return units, ok
}

// unit is that in a cell; a number alone has none.
func unit(cell []byte) string {
	u := strings.Trim(string(cell), "[]() ")
	if isMissing([]byte(u)) || u == "1" {
		return ""
	}
	return u
}

// isRuler says whether a line is but drawn: ---- ---- or +----+----+.
func isRuler(line numbered) bool {
	drawn := bytes.Trim(line.text, "-=_+|*:;, \t\r\n")
	return len(drawn) == 0 && (bytes.Contains(line.text, []byte("---")) || bytes.Contains(line.text, []byte("===")) || bytes.Contains(line.text, []byte("___")))
}
