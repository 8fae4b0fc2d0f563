package events

import (
	"errors"

	"github.com/sluice-hep/sluice/events/column"
)

// Mark is a place in the files of a Chain where reading can begin. Marks of the
// same place are equal.
type Mark struct {
	file   int
	before int64 // events of the files before it
	first  int64 // events of the file that come before
	at     column.Mark
}

// Mark is the place of the event that the next Read gives first, or the end of
// its file. ok is false where reading could not begin there without reading, from
// an earlier place, much of what lies before it, and where a pipe is among the files.
func (c *Chain) Mark() (m Mark, ok bool) {
	if c.in == nil || c.once {
		return Mark{}, false
	}
	at, ok := c.in.Mark()
	return Mark{file: c.next - 1, before: c.before, first: c.done, at: at}, ok
}

// Seek goes on reading at a place that this Chain, or another over the same files
// with the same options, has marked: also after the end or an error. Read then gives,
// tells and counts what it would have in sequence from there.
func (c *Chain) Seek(m Mark) error {
	if m.file < 0 || m.file >= len(c.files) || m.first < 0 {
		return errors.New("events: a place to go on at that is none of these files")
	}
	if c.in == nil || m.file != c.next-1 {
		if err := c.shut(); err != nil {
			return err
		}
		if err := c.open(m.file); err != nil {
			return err
		}
	}
	if err := inFile(c.in.path, c.in.Seek(m.at)); err != nil {
		return err
	}
	c.before, c.done, c.at = m.before, m.first, m.first
	c.gaps = c.in.gaps()
	for len(c.gaps) > 0 && c.gaps[0].First < m.first {
		c.gaps = c.gaps[1:]
	}
	return nil
}
