package csv

import (
	"bytes"
	"fmt"
	"io"
	"slices"
)

// left are the lines that are no events.
type left struct {
	comments tell   // among the events
	before   tell   // before them
	sign     string // that the first begins with
	behind   tell   // rows with a comment behind them, which are events
	heads    tell   // repeated headers
}

// tell counts lines, and keeps the number of the first.
type tell struct {
	count int
	first int64
}

func (t *tell) add(number int64) {
	if t.count++; t.count == 1 {
		t.first = number
	}
}

func (l *left) lines() (notes []string) {
	for _, n := range []struct {
		tell
		one, many string
	}{
		{l.comments, "a line that is a comment (it begins with %[3]s) was left out: line %[2]d", "%[1]d lines that are comments (they begin with %[3]s) were left out; the first is line %[2]d"},
		{l.behind, "a comment behind a row was left out: line %[2]d", "comments behind %[1]d rows were left out; the first is in line %[2]d"},
		{l.heads, "a row that repeats the header was left out: line %[2]d", "%[1]d rows that repeat the header were left out; the first is line %[2]d"},
	} {
		switch n.count {
		case 0:
		case 1:
			notes = append(notes, fmt.Sprintf(n.one, n.count, n.first, l.sign))
		default:
			notes = append(notes, fmt.Sprintf(n.many, n.count, n.first, l.sign))
		}
	}
	return notes
}

// mark finds what may begin a line that is no event.
func (r *Reader) mark() {
	for _, c := range []byte(" \t\r\n#") {
		r.special[c] = true
	}
	r.special[r.src.mark] = r.special[r.src.mark] || r.src.mark != 0
	for _, h := range r.head {
		if r.repeats {
			r.special[h[0]] = true
		}
	}
}

// next is the next row that is an event.
func (r *Reader) next() ([]byte, error) {
	for {
		line, err := r.src.line()
		if err == io.EOF && r.row == 0 { // there is nothing else
			r.comments = r.before
		}
		if err != nil || !r.special[line[0]] {
			return line, err
		}
		switch kind := r.src.kind(line); {
		case kind == blankLine:
		case kind == commentLine:
			r.comment(line)
		case r.repeats && r.repeated(line):
			if !isRuler(numbered{text: line}) {
				r.heads.add(r.src.number)
			}
		default:
			return line, nil
		}
	}
}

// comment counts a line that is one. Those before the events are nothing to speak of.
func (r *Reader) comment(line []byte) {
	to := &r.comments
	if r.row == 0 {
		to = &r.before
	}
	if to.add(r.src.number); to.count == 1 {
		line = bytes.TrimLeft(line, " \t")
		if r.sign = string(line[:1]); r.sign == "/" {
			r.sign = "//"
		}
	}
}

func (r *Reader) repeated(line []byte) bool {
	return slices.ContainsFunc(r.head, func(h []byte) bool {
		return bytes.HasPrefix(line, h) && len(bytes.TrimSpace(line[len(h):])) == 0
	})
}

// Notes say, a line each, what was guessed, and what was left out: of a file all that is, where it was looked through for types,
// and else, as of a pipe, what was so far.
func (r *Reader) Notes() []string {
	notes := slices.Clone(r.notes)
	if r.latin {
		notes = append(notes, "text that is no UTF-8 is read as Latin-1")
	}
	switch {
	case r.looked:
		return append(notes, r.found.lines()...)
	case r.sought:
		return notes
	}
	return append(notes, r.left.lines()...)
}
