package events

import (
	"io"
	"math"
	"os"
	"slices"
)

// ReadAll reads one or several files as one table: all that a Chain of them gives.
func ReadAll(paths []string, opts Options) (*Table, error) {
	c, err := OpenAll(paths, opts)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	all := &Table{Columns: slices.Clone(c.columns)}
	width := widthOf(all.Columns)
	if err := opts.fits(c.announced(), width); err != nil {
		return nil, err
	}
	all.reserve(c.capacity())
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

func (t *Table) reserve(n int) {
	for i := range t.Columns {
		c := &t.Columns[i]
		switch c.Type {
		case Float32:
			c.F32 = slices.Grow(c.F32, n)
		case Float64:
			c.F64 = slices.Grow(c.F64, n)
		case Int64:
			c.I64 = slices.Grow(c.I64, n)
		case Uint64:
			c.U64 = slices.Grow(c.U64, n)
		default:
			c.Str = slices.Grow(c.Str, n)
		}
	}
}
