package csv

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/sluice-hep/sluice/events/column"
	"github.com/sluice-hep/sluice/internal/codec"
)

const (
	firstBlock = 4 << 20  // bytes that decide types, and in which a row must end
	longestRow = 16 << 20 // a longer row is no row but a file of another kind

	// Reading begins in small pieces, of which each is at most a quarter of what was read before: whoever goes on
	// at a mark may want little from there.
	leastPiece = 16 << 10
	mostPiece  = 1 << 20
)

var errQuote = errors.New("a quoted cell has no closing quote")

// source gives the lines of a file. A line ends with \n, always: one is added
// where the last line has none.
type source struct {
	in     io.Reader
	stop   func()
	buf    []byte
	at     int // start of the next line
	start  int // start of the line given last
	eof    bool
	packed bool
	base   int64 // place of buf in the file, where that is not packed
	number int64 // of the line given last, from 1
	read   int64 // bytes since reading began, here or at a mark
	mark   byte  // which begins comments beside #, where the file begins with one: %, !, ; or the first of //; else 0
	cr     bool  // lines end with \r alone
}

// What a line may be.
const (
	rowLine = iota
	blankLine
	commentLine
)

func (s *source) kind(line []byte) int {
	i := 0
	for isBlank(line[i]) {
		i++
	}
	switch c := line[i]; {
	case c == '\n':
		return blankLine
	case c == '#', c == s.mark && c != 0 && (c != '/' || line[i+1] == '/'):
		return commentLine
	}
	return rowLine
}

// newSource begins to read f behind so many lines, into the memory of room where there is some.
func newSource(f io.ReadSeeker, room []byte, skip int) (*source, error) {
	s := &source{in: f, stop: func() {}, buf: room[:0]}
	if cap(room) == 0 {
		s.buf = make([]byte, 0, 1<<16)
	}
	err := s.open(f)
	if err == nil {
		err = s.begin(skip)
	}
	if err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

// open finds how f is packed.
func (s *source) open(f io.ReadSeeker) error {
	head := make([]byte, 6)
	n, err := io.ReadFull(f, head)
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return column.WithoutPath(err)
	}
	head = head[:n]
	switch c := codec.Of(head); c {
	case codec.None:
		s.buf = append(s.buf, head...)
		return nil
	case codec.Zip:
		z, err := unzip(f)
		if err != nil {
			return err
		}
		s.ahead(z)
	default:
		z, err := codec.NewReader(c, io.MultiReader(bytes.NewReader(head), f))
		if err != nil {
			return fmt.Errorf("damaged %s data: %w", c, err)
		}
		s.ahead(z)
	}
	return nil
}

// begin reads the first piece and finds how lines end and comments begin.
func (s *source) begin(skip int) error {
	if err := s.fill(); err != nil {
		return err
	}
	if bytes.HasPrefix(s.buf, []byte("\xff\xfe")) || bytes.HasPrefix(s.buf, []byte("\xfe\xff")) {
		return errors.New("is UTF-16 text; save it as UTF-8")
	}
	if bytes.HasPrefix(s.buf, []byte("\xef\xbb\xbf")) { // a UTF-8 byte order mark
		s.at = 3
	}
	for bytes.IndexByte(s.buf, '\r') >= 0 && bytes.IndexByte(s.buf, '\n') < 0 && !s.eof && len(s.buf) < firstBlock {
		if err := s.fill(); err != nil {
			return err
		}
	}
	if i := bytes.IndexByte(s.buf, '\r'); i >= 0 && bytes.IndexByte(s.buf, '\n') == len(s.buf)-1 && i < len(s.buf)-2 || i >= 0 && bytes.IndexByte(s.buf, '\n') < 0 {
		s.cr = true
		s.endLines(0)
	}
	for k := range skip {
		if _, err := s.line(); err == io.EOF {
			return fmt.Errorf("holds %d lines, and %d are to be skipped", k, skip)
		} else if err != nil {
			return err
		}
	}
	rest := bytes.TrimLeft(s.buf[s.at:], " \t\r\n")
	for _, mark := range []string{"%", "!", "//"} {
		if bytes.HasPrefix(rest, []byte(mark)) {
			s.mark = mark[0]
		}
	}
	if first, _, _ := bytes.Cut(rest, []byte{'\n'}); bytes.HasPrefix(first, []byte{';'}) && bytes.Count(first, []byte{';'}) == 1 { // else it parts cells
		s.mark = ';'
	}
	return nil
}

// endLines puts the usual end behind the lines, from byte i on, of a file that ends them with \r alone.
func (s *source) endLines(i int) {
	for k := range s.buf[i:] {
		if s.buf[i+k] == '\r' {
			s.buf[i+k] = '\n'
		}
	}
}

// ahead reads in a goroutine of its own: unpacking and parsing take about as
// long, and so share two cores.
func (s *source) ahead(z io.ReadCloser) {
	out, in := io.Pipe()
	var done sync.WaitGroup
	done.Go(func() {
		defer z.Close()
		in.CloseWithError(unpackTo(in, z))
	})
	s.in, s.packed = out, true
	s.stop = func() {
		out.Close()
		done.Wait()
	}
}

// unpackTo gives what is unpacked in pieces of the size that the parser takes. A damaged stream is an error here even where
// its decoder panics.
func unpackTo(out io.Writer, z io.Reader) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("damaged compressed data: %v", p)
		}
	}()
	pieces := bufio.NewWriterSize(out, mostPiece)
	_, err = pieces.ReadFrom(z)
	if flushed := pieces.Flush(); flushed != nil {
		return flushed // the parser has enough
	}
	if err != nil {
		return fmt.Errorf("damaged compressed data: %w", err)
	}
	return nil
}

func (s *source) close() { s.stop() }

// fill reads a piece more.
func (s *source) fill() error {
	return s.reach(len(s.buf) + int(max(leastPiece, min(s.read/4, mostPiece))))
}

// reach reads until the buffer holds n bytes or the file ends.
func (s *source) reach(n int) error {
	const extra = 1 + slack // for the last \n, and for scan
	for len(s.buf) < n && !s.eof {
		if len(s.buf)+extra >= cap(s.buf) {
			s.buf = append(make([]byte, 0, min(4*cap(s.buf), n+extra)), s.buf...)
		}
		m, err := s.in.Read(s.buf[len(s.buf):min(n, cap(s.buf)-extra)])
		s.buf = s.buf[:len(s.buf)+m]
		s.read += int64(m)
		if s.cr {
			s.endLines(len(s.buf) - m)
		}
		if err == io.EOF {
			s.eof = true
			if len(s.buf) > 0 && s.buf[len(s.buf)-1] != '\n' {
				s.buf = append(s.buf, '\n')
			}
		} else if err != nil {
			return fmt.Errorf("after line %d: %w", s.number, column.WithoutPath(err))
		}
	}
	return nil
}

// line is the next line, with its \n; valid until the next call. io.EOF after
// the last.
func (s *source) line() ([]byte, error) {
	s.start = s.at
	if err := s.more(); err != nil {
		return nil, err
	}
	s.number++
	return s.buf[s.start:s.at], nil
}

// whole is the line given last, with those that follow where a quote in it is open.
func (s *source) whole(line []byte) ([]byte, error) {
	if bytes.Count(line, []byte{'"'})%2 == 0 {
		return line, nil
	}
	return s.extend()
}

// rowsAhead guesses, from the line given last, how many rows the buffer holds yet.
func (s *source) rowsAhead() int {
	return (len(s.buf) - s.at) / max(s.at-s.start, 2)
}

// more moves at behind the next \n, keeping what lies from start on.
func (s *source) more() error {
	searched := s.at
	for {
		if i := bytes.IndexByte(s.buf[searched:], '\n'); i >= 0 {
			s.at = searched + i + 1
			return nil
		}
		if s.eof {
			return io.EOF
		}
		searched = len(s.buf) - s.start
		if searched >= longestRow {
			return fmt.Errorf("line %d is longer than %d MiB; is this a table of text?", s.number+1, longestRow>>20)
		}
		if s.start > 0 {
			n := copy(s.buf, s.buf[s.start:])
			s.at -= s.start
			s.base += int64(s.start)
			s.buf, s.start = s.buf[:n], 0
		}
		if err := s.fill(); err != nil {
			return err
		}
	}
}

// extend is the line given last with the lines that follow, up to an even
// number of quotes: a quoted cell may hold line ends.
func (s *source) extend() ([]byte, error) {
	quotes := bytes.Count(s.buf[s.start:s.at], []byte{'"'})
	for {
		length := s.at - s.start
		if err := s.more(); err == io.EOF {
			return nil, errQuote
		} else if err != nil {
			return nil, err
		}
		s.number++
		quotes += bytes.Count(s.buf[s.start+length:s.at], []byte{'"'})
		if quotes%2 == 0 {
			return s.buf[s.start:s.at], nil
		}
	}
}
