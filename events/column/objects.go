package column

import "fmt"

// Objects are the rows of a reader that makes a row of every object instead of every event. A nil *Objects is that of a
// reader that does not.
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

// Mark is the place of the next event, or of the next object, whose Offset is its event.
func (o *Objects) Mark(event int64, borders Borders) (m Mark, ok bool) {
	ok = borders.At(event)
	if o == nil {
		return Mark{Row: event}, ok
	}
	return Mark{Row: o.made, Offset: event}, ok && o.Empty()
}

// Seek goes on at a place that Mark gave, and says at which event.
func (o *Objects) Seek(m Mark, borders Borders) (event int64, err error) {
	event = m.Row
	if o != nil {
		event = m.Offset
	}
	if m.Row < 0 || !borders.At(event) {
		return 0, ErrMark
	}
	if o != nil {
		o.made, o.ready = m.Row, nil
	}
	return event, nil
}
