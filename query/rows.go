package query

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/events/column"
	"github.com/sluice-hep/sluice/events/formula"
	"github.com/sluice-hep/sluice/internal/await"
	"github.com/sluice-hep/sluice/internal/fault"
	"github.com/sluice-hep/sluice/internal/say"
)

// Rows are the events of a query on their way. They are for one goroutine.
type Rows struct {
	q    Query
	ctx  context.Context
	in   source
	size int // events read at a time

	define  Definitions // those that are made,
	made    []made      // by these
	where   *formula.Formula
	wanted  []string
	places  []int           // where a block has them, once all are made
	given   int             // the first of wanted, which come from the files
	columns []events.Column // of the blocks: name, unit and type

	unread   []string // columns of the files that nothing asks for
	replaced []string // says which columns of the files definitions replace
	absent   events.Absent
	hoped    bool // that a welcome column can be made, or is one that the files do not list

	ended                            chan struct{} // closed when the last fetch has
	read, passed, selected, complete int           // events: read, passed over unread; of the read ones, selected; of these, complete

	first, last int // the numbers of the events wanted, [first, last); 0 of 0: all
	outside     int // events that are not among these
}

// made is the formula of a column, and where it puts that among the columns of a block.
type made struct {
	*formula.Formula
	place int
}

// Block is a run of events of one file, those that the query keeps.
type Block struct {
	*events.Table
	Rows   []int64  // of the file, from 0, that each event comes from
	Number []uint64 // of each event among those of all files, from 0, passed over or not
}

// source is files, or events in memory.
type source interface {
	Columns() []events.Column
	Skipped() column.LeftOut
	Notes() []string
	Read(n int) (*events.Table, error)
	Path() string  // that the last Read came from; "" for memory
	First() int64  // row in it of the first event of the last Read
	Number() int64 // and its number among all events
	Mark() (m events.Mark, ok bool)
	Seek(events.Mark) error
	Close() error
}

// Unread are columns of the files that nothing asks for.
func (r *Rows) Unread() []string { return r.unread }

// Columns gives name, unit and type of each column of the blocks.
func (r *Rows) Columns() []events.Column { return r.columns }

// Given is the number of the first columns of a block, with Query.All, that come from the files as they are; those that are
// made follow.
func (r *Rows) Given() int { return r.given }

// Types are those of the columns that are read, for another Open of the same files.
func (r *Rows) Types() map[string]events.Type {
	types := map[string]events.Type{}
	for _, c := range r.in.Columns() {
		types[c.Name] = c.Type
	}
	return types
}

// Skipped says which columns of the first file cannot be read, where every column is wanted, and why.
func (r *Rows) Skipped() column.LeftOut {
	if !r.q.All {
		return nil
	}
	return r.in.Skipped()
}

// Notes say, a line each, what was guessed of the files and what of their lines was left out so far (see events.Chain), and
// which of their columns are defined anew.
func (r *Rows) Notes() []string { return slices.Concat(r.in.Notes(), r.replaced) }

// Path is the file that the last block came from; "" for memory.
func (r *Rows) Path() string { return r.in.Path() }

// Read is the number of events so far, passed over, left out, kept, or not among those of Between.
func (r *Rows) Read() int { return r.read + r.passed + r.outside }

// Between keeps, before the first Next, the events of the numbers [first, last) of all files alone; the others are neither selected nor looked at.
func (r *Rows) Between(first, last int) { r.first, r.last = first, last }

// among says which of n events from a number on are those of Between: [lo, hi) of them.
func (r *Rows) among(number, n int) (lo, hi int) {
	if r.last == 0 {
		return 0, n
	}
	return min(max(r.first-number, 0), n), min(max(r.last-number, 0), n)
}

// pass counts n events from a number on that the files pass over.
func (r *Rows) pass(number, n int64) {
	lo, hi := r.among(int(number), int(n))
	r.passed += max(hi-lo, 0)
	r.outside += int(n) - max(hi-lo, 0)
}

// Total is the number of all events, selected or not. Files that do not say theirs are read for it, in another pass.
func (r *Rows) Total() (int, error) {
	if r.q.Table != nil {
		return r.q.Table.Len(), nil
	}
	all, err := Query{Files: r.q.Files, Reading: r.q.Reading, Known: r.Types()}.Open(r.ctx, r.size)
	if err != nil {
		return 0, err
	}
	defer all.Close()
	if files, ok := all.in.(*events.Chain); ok && files.Rows() >= 0 {
		return int(files.Rows()), nil
	}
	for {
		if _, err := all.next(); err == io.EOF {
			return all.Read(), nil
		} else if err != nil {
			return 0, err
		}
	}
}

// Next is the next block; it may be empty. io.EOF follows the last.
func (r *Rows) Next() (Block, error) {
	b, err := r.next()
	if err != nil {
		return Block{}, err
	}
	found, marked, err := r.gaps(b)
	switch {
	case err != nil:
		return Block{}, err
	case len(found) == 0:
	case !r.q.Drop:
		return Block{}, r.refuse(found)
	default:
		b = b.take(unmarked(marked))
	}
	r.complete += b.Len()
	return b, nil
}

// next is the next block, complete or not.
func (r *Rows) next() (Block, error) {
	if err := r.ctx.Err(); err != nil {
		return Block{}, fmt.Errorf("interrupted after %d events: %w", r.Read(), err)
	}
	if r.last > 0 && r.Read() >= r.last {
		return Block{}, io.EOF
	}
	t, err := r.fetch()
	if err != nil {
		return Block{}, err
	}
	lo, hi := r.among(int(r.in.Number()), t.Len())
	first, number := r.in.First()+int64(lo), uint64(r.in.Number())+uint64(lo)
	r.outside += t.Len() - (hi - lo)
	t = t.Slice(lo, hi)
	r.read += t.Len()
	b := Block{Table: t, Rows: make([]int64, t.Len()), Number: make([]uint64, t.Len())}
	for i := range b.Rows {
		b.Rows[i], b.Number[i] = first+int64(i), number+uint64(i)
	}
	if b, err = r.compute(b); err != nil {
		return Block{}, err
	}
	r.selected += b.Len()
	return b, nil
}

// fetch reads. Where ctx ends first, what comes of it is dropped: Close waits for that alone.
func (r *Rows) fetch() (*events.Table, error) {
	path, ended := r.in.Path(), make(chan struct{})
	r.ended = ended
	return await.Do(r.ctx, cmp.Or(path, "the next block"), func() (*events.Table, error) {
		defer close(ended)
		return r.in.Read(r.size)
	})
}

// compute defines, selects, and keeps the columns wanted.
func (r *Rows) compute(b Block) (Block, error) {
	for k, d := range r.define {
		if err := r.ctx.Err(); err != nil {
			return Block{}, err
		}
		c, err := r.made[k].Column(d.Name, b.Columns)
		if err != nil {
			return Block{}, r.located(err)
		}
		if at := r.made[k].place; at < len(b.Columns) {
			b.Columns[at] = c
		} else {
			b.Columns = append(b.Columns, c)
		}
	}
	if r.where != nil {
		rows, err := r.where.Rows(b.Columns)
		if err != nil {
			return Block{}, r.located(err)
		}
		b = b.take(rows)
	}
	var err error
	b.Table, err = r.project(b.Table)
	return b, err
}

// project keeps the columns wanted, with their units.
func (r *Rows) project(t *events.Table) (*events.Table, error) {
	out := &events.Table{Weight: r.q.Weight}
	for k, name := range r.wanted {
		i := column.Find(t.Columns, name, r.places[k])
		if i < 0 {
			return nil, r.located(fmt.Errorf("events: %w", column.Missing(t.Names(), name)))
		}
		c := t.Columns[i]
		if !r.q.All {
			c = *r.absent.Cleared(t, &c)
		}
		if unit, ok := r.q.Units[name]; ok {
			c.Unit = unit
		}
		out.Columns = append(out.Columns, c)
	}
	return out, nil
}

// take keeps the events in rows.
func (b Block) take(rows []int32) Block {
	if len(rows) == b.Len() {
		return b
	}
	out := Block{Table: b.Take(rows), Rows: make([]int64, len(rows)), Number: make([]uint64, len(rows))}
	for i, k := range rows {
		out.Rows[i], out.Number[i] = b.Rows[k], b.Number[k]
	}
	return out
}

// located begins an error with the file that it is about.
func (r *Rows) located(err error) error {
	if p := r.in.Path(); p != "" {
		return fmt.Errorf("%s: %w", p, err)
	}
	return err
}

// Mark is the place of the event that the next Next reads first; see events.Chain.
func (r *Rows) Mark() (events.Mark, bool) { return r.in.Mark() }

// Seek goes on at a mark of these events.
func (r *Rows) Seek(m events.Mark) error { return r.in.Seek(m) }

// Close ends the reading.
func (r *Rows) Close() error {
	if r.ended != nil {
		select {
		case <-r.ended:
		default: // of which nobody knows how long it takes
			go func() {
				<-r.ended
				r.in.Close()
			}()
			return nil
		}
	}
	return r.in.Close()
}

// Notices are the notes, and say what was selected of the events read so far.
func (r *Rows) Notices() []string { return append(r.Notes(), r.Selected()...) }

// Selected says how many of the events read so far pass the selection, where not all do.
func (r *Rows) Selected() (lines []string) {
	if all := r.read + r.passed; r.selected < all {
		lines = append(lines, fmt.Sprintf("%d of %s pass the selection", r.selected, say.Count(all, "event")))
	}
	return lines
}

// Warnings say what was left out of the selected events read so far.
func (r *Rows) Warnings() []string {
	if left := r.selected - r.complete; left > 0 {
		return []string{fmt.Sprintf("%d of %s have a missing value and are left out", left, say.Count(r.selected, "event"))}
	}
	return nil
}

// Nothing says why there are no events; it is nil where there are some.
func (r *Rows) Nothing() error {
	switch {
	case r.complete > 0:
		return nil
	case r.selected > 0:
		return fmt.Errorf("every one of the %d events has a missing value in one of %q", r.selected, r.q.Complete)
	case r.read+r.passed > 0:
		return fmt.Errorf("the selection %q leaves none of %d events", r.q.Where, r.read+r.passed)
	}
	return r.located(errors.New("there are no events"))
}

// All reads the events that are left into one table.
func (r *Rows) All() (*events.Table, error) {
	all := &events.Table{Weight: r.q.Weight, Columns: slices.Clone(r.columns)}
	for {
		b, err := r.Next()
		if err == io.EOF {
			return all, r.Nothing()
		}
		if err != nil {
			return nil, err
		}
		all.Append(b.Table)
	}
}

// table is events in memory as a source.
type table struct {
	t     *events.Table
	next  int
	first int // of the last Read
}

func (m *table) Columns() []events.Column  { return m.t.Slice(0, 0).Columns }
func (m *table) Skipped() column.LeftOut   { return nil }
func (m *table) Notes() []string           { return nil }
func (m *table) Path() string              { return "" }
func (m *table) First() int64              { return int64(m.first) }
func (m *table) Number() int64             { return int64(m.first) }
func (m *table) Mark() (events.Mark, bool) { return events.Mark{}, false }
func (m *table) Close() error              { return nil }

func (m *table) Seek(events.Mark) error {
	return fault.Of(errors.New("the events of a toy, or of a table, take more than a quarter of the memory allowed, and only files are read in windows: " +
		"allow more (--memory, in a card memory), or write them to a file first (sluice convert --toy)"))
}

func (m *table) Read(n int) (*events.Table, error) {
	if m.next == m.t.Len() {
		return nil, io.EOF
	}
	m.first = m.next
	m.next = min(m.next+n, m.t.Len())
	return m.t.Slice(m.first, m.next), nil
}
