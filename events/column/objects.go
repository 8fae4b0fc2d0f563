package column

import (
	"fmt"
	"io"
)

// Objects are the rows of a reader that makes a row of every object instead of every event.
type Objects struct {
	Asked int      // columns that are returned; those behind only say how many objects there are
	ready []Column // not yet returned
	made  int64
}

// Empty says whether none is ready.
func (o *Objects) Empty() bool { return len(o.ready) == 0 || o.ready[0].Len() == 0 }

// Next returns those that are ready, at most n.
func (o *Objects) Next(n int) []Column {
	n = min(n, o.ready[0].Len())
	out := make([]Column, len(o.ready))
	for k := range out {
		c := &o.ready[k]
		out[k], o.ready[k] = c.Slice(0, n), c.Slice(n, c.Len())
	}
	return out
}

// Expand makes the objects of a block ready, of which the first event is given. counts[k] is how many objects each event has
// in column k, which holds them one after the other; nil where it has one value an event, which each object repeats.
func (o *Objects) Expand(chosen *Choice, block []Column, counts [][]int32, event int64) (err error) {
	first := -1
	for k := range counts {
		if first < 0 && counts[k] != nil {
			first = k
		}
		for i, n := range counts[k] {
			if n != counts[first][i] {
				return fmt.Errorf("event %d holds %d values of %q and %d of %q", event+int64(i)+1,
					counts[first][i], block[first].Name, n, block[k].Name)
			}
		}
	}
	var of []int32 // the event of each object, from 0
	for i, n := range counts[first] {
		for range n {
			of = append(of, int32(i))
		}
	}
	for k := range block {
		if c := &block[k]; counts[k] == nil {
			if *c, err = Settle(*c, chosen.Columns[k].Type, event); err != nil {
				return err
			}
			*c = c.Take(of)
		}
	}
	if err := chosen.Settle(block, o.made); err != nil {
		return err
	}
	o.ready = block[:o.Asked]
	o.made += int64(len(of))
	return nil
}

// Walk is how a reader goes through events, or through their objects: a Reader that embeds one lacks Read and Close.
type Walk struct {
	Chosen  Choice
	Left    LeftOut  // what of the file is not read
	Told    []string // what else there is to say of the file, a line each
	Events  int64    // of the file
	Row     int64    // events read
	Objects *Objects // nil: a row an event
	Borders Borders
}

// Columns gives name, unit and type of each column.
func (w *Walk) Columns() []Column {
	if w.Objects != nil {
		return w.Chosen.Columns[:w.Objects.Asked]
	}
	return w.Chosen.Columns
}

// Rows is the number of events; -1 where a row is an object.
func (w *Walk) Rows() int64 {
	if w.Objects != nil {
		return -1
	}
	return w.Events
}

// Skipped says what is left out.
func (w *Walk) Skipped() LeftOut { return w.Left }

// Notes say what else there is to say of the file.
func (w *Walk) Notes() []string { return w.Told }

// Next is how many of the next n events lie before a border; io.EOF after the last.
func (w *Walk) Next(n, most int64) (int, error) {
	n = min(n, most, w.Events-w.Row)
	if n == 0 {
		return 0, io.EOF
	}
	return w.Borders.Within(w.Row, int(n)), nil
}

// ReadObjects gives the next objects, at most n, of at most so many events at once; expand makes those of the next m
// events ready, or of fewer, and says of how many.
func (w *Walk) ReadObjects(n int, most int64, expand func(m int) (int, error)) ([]Column, error) {
	const atOnce = 1 << 13
	for w.Objects.Empty() {
		m, err := w.Next(int64(n), min(most, atOnce))
		if err == nil {
			m, err = expand(m)
		}
		if err != nil {
			return nil, err
		}
		w.Row += int64(m)
	}
	return w.Objects.Next(n), nil
}

// Mark is the place of the next event, or of the next object, whose Offset is its event: of the first behind a border.
func (w *Walk) Mark() (m Mark, ok bool) {
	ok = w.Borders.At(w.Row)
	if w.Objects == nil {
		return Mark{Row: w.Row}, ok
	}
	return Mark{Row: w.Objects.made, Offset: w.Row}, ok && w.Objects.Empty()
}

// Seek goes on at a place that Mark gave.
func (w *Walk) Seek(m Mark) error {
	event := m.Row
	if w.Objects != nil {
		event = m.Offset
	}
	if m.Row < 0 || !w.Borders.At(event) {
		return ErrMark
	}
	if w.Objects != nil {
		w.Objects.made, w.Objects.ready = m.Row, nil
	}
	w.Row = event
	return nil
}
