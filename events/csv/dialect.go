package csv

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"

	"github.com/sluice-hep/sluice/events/column"
)

// dialect is how cells are parted.
type dialect struct {
	separator byte // ' ' stands for any run of blanks and tabs
	header    bool
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

// firstLines are up to 20 rows of the first block, of which no more is read than they take, without blank lines and
// comments. The source stays where it is.
func firstLines(src *source) ([][]byte, error) {
	const enough = 20
	for {
		lines := linesAhead(src, enough)
		if len(lines) == enough || src.eof || len(src.buf) >= firstBlock {
			return lines, nil
		}
		if err := src.reach(min(4*len(src.buf), firstBlock)); err != nil {
			return nil, err
		}
	}
}

// linesAhead are up to most rows of what was read.
func linesAhead(src *source, most int) [][]byte {
	peek := *src
	peek.eof = true // no further than that
	var lines [][]byte
	for len(lines) < most {
		line, err := peek.row()
		if err != nil {
			break
		}
		if bytes.Count(line, []byte{'"'})%2 == 1 {
			if line, err = peek.extend(); err != nil {
				break
			}
		}
		lines = append(lines, line)
	}
	return lines
}

// learn finds separator, header and names from the first lines.
func learn(src *source, opts Options) (dialect, []string, error) {
	if bytes.IndexByte(src.buf[:min(len(src.buf), 4096)], 0) >= 0 {
		return dialect{}, nil, errors.New("holds zero bytes: not a table of text")
	}
	lines, err := firstLines(src)
	if err != nil {
		return dialect{}, nil, err
	}
	if len(lines) == 0 {
		if len(src.buf) >= firstBlock {
			return dialect{}, nil, errors.New("no row ends in the first 4 MiB: not a table of text")
		}
		return dialect{}, nil, errors.New("holds no rows")
	}
	d := dialect{separator: opts.Separator}
	if d.separator == 0 {
		d.separator = separatorOf(lines)
	}
	if bytes.IndexByte([]byte("\"\n\r#"), d.separator) >= 0 {
		return d, nil, fmt.Errorf("%q cannot be a separator", d.separator)
	}
	first, err := d.cells(lines[0])
	if err != nil {
		return d, nil, fmt.Errorf("row 1: %w", err)
	}
	d.header = opts.Header == HeaderYes || opts.Header == HeaderAuto && isHeader(first)
	names := make([]string, len(first))
	for i, cell := range first {
		names[i] = "col" + strconv.Itoa(i)
		if d.header {
			names[i] = string(cell)
		}
	}
	return d, column.Unique(names), nil
}

// isHeader: a row with a cell that is no number, unless another of its cells is
// a number that does not just count the columns (as some tools name them).
func isHeader(cells [][]byte) bool {
	text := false
	for i, c := range cells {
		if isMissing(c) {
			continue
		}
		v, ok := number(c)
		if !ok {
			text = true
		} else if v != float64(i) && v != float64(i+1) {
			return false
		}
	}
	return text
}

// separatorOf is the separator that parts all lines into equally many cells,
// more than one; among several, the one that leaves the most numbers.
func separatorOf(lines [][]byte) byte {
	best, bestScore := byte(','), 0.0
	for _, s := range []byte(",;\t| ") {
		if score := evenness(dialect{separator: s}, lines); score > bestScore {
			best, bestScore = s, score
		}
	}
	return best
}

// evenness is 0 for a separator that cannot be, else 1 plus the fraction of
// cells that are numbers.
func evenness(d dialect, lines [][]byte) float64 {
	width, cells, numbers := 0, 0, 0
	for _, line := range lines {
		row, err := d.cells(line)
		if err != nil || len(row) < 2 || width != 0 && len(row) != width {
			return 0
		}
		width = len(row)
		cells += width
		for _, c := range row {
			if _, ok := number(c); ok || isMissing(c) {
				numbers++
			}
		}
	}
	return 1 + float64(numbers)/float64(cells)
}
