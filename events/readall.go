package events

import (
	"io"
	"math"
	"os"

	"github.com/sluice-hep/sluice/events/column"
)

// ReadAll reads one or several files as one table: all that a Chain of them gives.
func ReadAll(paths []string, opts Options) (*Table, error) {
	c, err := OpenAll(paths, opts)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	width := widthOf(c.columns)
	if err := opts.fits(c.announced(), width); err != nil {
		return nil, err
	}
	all := &Table{Columns: make([]Column, len(c.columns))}
	for i, d := range c.columns {
		room := column.New(d.Name, d.Unit, d.Type, c.capacity())
		all.Columns[i] = room.Slice(0, 0)
	}
	for {
		t, err := c.Read(1 << 16)
		if err == io.EOF {
			return all, nil
		}
		if err != nil {
			return nil, err
		}
		for i := range all.Columns {
			all.Columns[i].Append(&t.Columns[i])
		}
		if err := opts.fits(int64(all.Len()), width); err != nil {
			return nil, err
		}
	}
}

// announced is the number of events in those of the files that say it.
func (c *Chain) announced() int64 {
	total := int64(0)
	for i := range c.files {
		total += max(0, c.files[i].rows)
	}
	return total
}

// capacity is the number of events to make room for: what the files say, unless that is beyond belief for their sizes.
func (c *Chain) capacity() int {
	total := int64(0)
	for i := range c.files {
		file, _ := splitKey(c.files[i].path)
		if at, err := os.Stat(file); err == nil {
			total += min(max(0, c.files[i].rows), 10*at.Size()/max(1, int64(len(c.columns))))
		}
	}
	return int(min(total, math.MaxInt32))
}
