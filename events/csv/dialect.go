package csv

import (
	"bytes"
	"fmt"
	"slices"
)

// dialect is how cells are parted and numbers written.
type dialect struct {
	separator byte // ' ' stands for any run of blanks and tabs
	point     byte // of decimals: '.' or ','
	width     int  // cells a row; 0 where that is not known
}

func isBlank(c byte) bool { return c == ' ' || c == '\t' || c == '\r' }

// skipBlanks is the start of the cell at or behind i.
func (d dialect) skipBlanks(b []byte, i int) int {
	for isBlank(b[i]) && (b[i] != d.separator || d.separator == ' ') {
		i++
	}
	return i
}

// ends reports whether c ends a cell.
func (d dialect) ends(c byte) bool {
	return c == d.separator || c == '\n' || d.separator == ' ' && (c == '\t' || c == '\r')
}

// cell is the content of the cell that starts at b[i], without surrounding
// blanks and quotes, and the index of what ends it: a separator or the \n. ok is
// false where a quoted cell has no end.
func (d dialect) cell(b []byte, i int) (content []byte, end int, ok bool) {
	i = d.skipBlanks(b, i)
	if b[i] == '"' {
		return d.quoted(b, i+1)
	}
	end = i
	for !d.ends(b[end]) {
		end++
	}
	last := end
	for last > i && isBlank(b[last-1]) {
		last--
	}
	return b[i:last], d.close(b, end), true
}

// close steps from the end of a cell over the blanks that part it from the next.
func (d dialect) close(b []byte, end int) int {
	if d.separator != ' ' {
		return end
	}
	for isBlank(b[end]) {
		end++
	}
	if b[end] == '\n' {
		return end
	}
	return end - 1 // the last blank is the separator
}

// quoted is a cell whose opening quote was passed; "" stands for one quote.
func (d dialect) quoted(b []byte, i int) (content []byte, end int, ok bool) {
	var copied []byte
	for {
		n := bytes.IndexByte(b[i:], '"')
		if n < 0 {
			return nil, 0, false
		}
		content, i = b[i:i+n], i+n+1
		if b[i] != '"' {
			break
		}
		copied = append(append(copied, content...), '"')
		i++
	}
	if copied != nil {
		content = append(copied, content...)
	}
	for end = i; !d.ends(b[end]); end++ {
		if !isBlank(b[end]) {
			// Text behind the closing quote belongs to the cell.
			content = append(content[:len(content):len(content)], b[end])
		}
	}
	return content, d.close(b, end), true
}

// cells splits one row. It copies nothing; it fails on a quote without end.
func (d dialect) cells(line []byte) ([][]byte, error) {
	var all [][]byte
	for i := 0; ; i++ {
		content, end, ok := d.cell(line, i)
		if !ok {
			return nil, errQuote
		}
		all = append(all, content)
		if line[end] == '\n' {
			return all, nil
		}
		i = end
	}
}

// row splits a row of a table. Between blanks a cell that begins with # behind the last column is a comment.
func (d dialect) row(line []byte) ([][]byte, error) {
	cells, err := d.cells(line)
	if d.width > 0 && len(cells) > d.width && d.separator == ' ' && bytes.HasPrefix(cells[d.width], []byte{'#'}) {
		cells = cells[:d.width]
	}
	return cells, err
}

const separators = ",;\t| :"

// dialectOf is the way that parts all rows into equally many cells, more than one; among several, the one that leaves the most
// numbers.
func dialectOf(rows []numbered, given byte) (dialect, error) {
	tried := separators
	if given != 0 {
		tried = string(given)
	}
	best, bestScore := dialect{separator: given, point: '.'}, 0.0
	for _, s := range []byte(tried) {
		if bytes.IndexByte([]byte("\"\n\r#"), s) >= 0 {
			return best, fmt.Errorf("%q cannot be a separator", s)
		}
		for _, point := range []byte(".,") {
			d := dialect{separator: s, point: point}
			for _, d.width = range d.widths(rows) {
				if score := d.evenness(rows); score > bestScore {
					best, bestScore = d, score
				}
			}
		}
	}
	if best.separator == 0 {
		return roughly(rows), nil
	}
	return best, nil
}

// evenness is 0 for a dialect that cannot be, else 1 plus the fraction of cells that are numbers.
func (d dialect) evenness(rows []numbered) float64 {
	cells, numbers, named := 0, 0, 0
	pointed := d.point == '.'
	for _, line := range rows {
		row, err := d.row(line.text)
		if err != nil || len(row) < 2 || len(row) != d.width {
			return 0
		}
		cells += d.width
		for _, c := range row {
			_, ok := d.number(c)
			if _, other := (dialect{point: '.'}).number(c); d.point == ',' && !ok && other {
				return 0 // a decimal point beside decimal commas
			}
			pointed = pointed || ok && bytes.IndexByte(c, ',') >= 0
			if ok || isMissing(c) {
				numbers++
			}
		}
		if numbers == 0 {
			named = d.width // the first row, of words
		}
	}
	// A colon also parts the hours of a time, and a comma and a blank the words of a sentence.
	doubtful := d.separator == ':' && (named == 0 || d.point == ',') || d.separator == ' ' && d.point == ','
	if !pointed || d.separator == d.point || doubtful && numbers < cells-named {
		return 0
	}
	return 1 + float64(numbers)/float64(cells)
}

// widths are the numbers of cells that a row may have: as the shortest one, or up to the first cell that begins with #.
func (d dialect) widths(rows []numbered) (widths []int) {
	shortest, bare := 0, 0
	for k, line := range rows {
		row, err := d.cells(line.text)
		if err != nil {
			return nil
		}
		if k == 0 {
			shortest, bare = len(row), beforeComment(row)
		}
		shortest, bare = min(shortest, len(row)), min(bare, beforeComment(row))
	}
	return []int{shortest, bare}
}

// beforeComment is the number of cells before one, behind the first, that begins with #.
func beforeComment(row [][]byte) int {
	if n := slices.IndexFunc(row[1:], func(c []byte) bool { return bytes.HasPrefix(c, []byte{'#'}) }); n >= 0 {
		return 1 + n
	}
	return len(row)
}

// roughly is the separator that parts most rows into several numbers each, for reading to tell which of the others is no part of
// the table; a comma where there is none.
func roughly(rows []numbered) dialect {
	best, most := dialect{separator: ',', point: '.'}, len(rows)/2
	for _, s := range []byte(",;\t| ") {
		d := dialect{separator: s, point: '.'}
		n := 0
		for _, line := range rows {
			if row, err := d.cells(line.text); err == nil && len(row) > 1 && d.allNumbers(row[:beforeComment(row)]) {
				n++
			}
		}
		if n > most || n == most && 2*n >= len(rows) && n > 0 {
			best, most = d, n
		}
	}
	return best
}

func (d dialect) allNumbers(row [][]byte) bool {
	return !slices.ContainsFunc(row, func(c []byte) bool {
		_, ok := d.number(c)
		return !ok && !isMissing(c)
	})
}
