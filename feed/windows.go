package feed

import (
	"context"
	"fmt"
	"io"
	"runtime"

	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/internal/rng"
)

// Room is where windows put the training events: rows from At on of memory of the caller's.
type Room struct {
	At, Size int // as many rows as two windows
	// Place writes prepared events to the rows from at on.
	Place func(t Numbered, at int) error
	// Memory is all that Place writes to the rows from first to end-1; only Share needs it.
	Memory func(first, end int) [][]byte
}

// Peers are the processes that read the windows together, of which this one is one. All of them make the same calls in the same order.
type Peers interface {
	Rank() int // of this one, from 0
	Size() int
	// Exchange sends the slices of to[r] to process r, and fills those of from[r] with what that sends here, in their order; nothing goes to itself.
	Exchange(to, from [][][]byte)
	// Agree is an error for all where one of them has one.
	Agree(err error) error
}

// Windows is a train.Stream of the training events of a survey: windows of events in memory, of which one is read
// while the other is trained on. It is for one goroutine; the caller closes it.
type Windows struct {
	s      *Survey
	open   func(context.Context) (Source, error)
	room   Room
	epochs int
	size   int // of a window: the last of an epoch may be shorter

	now, spent *window // spent is the one before, which a batch may share with now
	reader     *reader
	peers      Peers // nil for none
}

// window is a part of an epoch's events in memory.
type window struct {
	place
	half  int     // of the room
	first int     // row
	read  bool    // from the files just now
	rows  []int32 // in the order of the epoch
	err   error
}

// place is a window of an epoch, both counted from 0.
type place struct{ epoch, index int }

// NewWindows serves so many epochs from a source over the same events as the survey's. The room must take at least
// two events.
func NewWindows(s *Survey, open func(context.Context) (Source, error), room Room, epochs int) *Windows {
	w := &Windows{s: s, open: open, room: room, epochs: epochs, size: room.Size / 2}
	if s.Train <= room.Size {
		w.size = s.Train // all events stay in memory: they are read once
	}
	return w
}

// Share has each of the peers read and prepare a run of each window, of as many events as the others, and give it to the others. Windows are the same with
// them and without, and in all of them. It forgets what was read.
func (w *Windows) Share(p Peers) {
	w.Close()
	w.peers = p
}

// share is the run of n events that one of the peers reads.
func (w *Windows) share(rank, n int) (first, end int) {
	if w.peers == nil {
		return 0, n
	}
	size := w.peers.Size()
	return rank * n / size, (rank + 1) * n / size
}

func (w *Windows) rank() int {
	if w.peers == nil {
		return 0
	}
	return w.peers.Rank()
}

// complete gives the others what this process has read of a window, and takes what they have.
func (w *Windows) complete(win *window) {
	if w.peers == nil || !win.read {
		return
	}
	own, n := w.peers.Rank(), w.peers.Size()
	of := func(rank int) [][]byte {
		first, end := w.share(rank, len(win.rows))
		return w.room.Memory(win.first+first, win.first+end)
	}
	to, from := make([][][]byte, n), make([][][]byte, n)
	for r := range n {
		if r != own {
			to[r], from[r] = of(own), of(r)
		}
	}
	w.peers.Exchange(to, from)
}

// Events is the number of training events.
func (w *Windows) Events() int { return w.s.Train }

// Window is the number of events in memory at a time, from which a batch is drawn.
func (w *Windows) Window() int { return w.size }

// Rows are those of n events of an epoch from event first on; see train.Stream. n is at most Window.
func (w *Windows) Rows(ctx context.Context, epoch, first, n int) ([]int32, error) {
	w.release()
	last := min(first+n, w.s.Train)
	rows, err := w.from(ctx, epoch, first, last)
	if err != nil || first+len(rows) == last {
		return rows, err
	}
	rest, err := w.from(ctx, epoch, first+len(rows), last)
	return append(rows[:len(rows):len(rows)], rest...), err
}

// from gives the rows of events first to last-1 as far as they are in the window of the first.
func (w *Windows) from(ctx context.Context, epoch, first, last int) ([]int32, error) {
	win, err := w.window(ctx, place{epoch, first / w.size})
	if err != nil {
		return nil, err
	}
	lo := first % w.size
	return win.rows[lo:min(lo+last-first, len(win.rows))], nil
}

// Near are the rows of the window of an event; see train.Stream.
func (w *Windows) Near(ctx context.Context, epoch, event int) ([]int32, error) {
	w.release()
	win, err := w.window(ctx, place{epoch, min(event, w.s.Train-1) / w.size})
	if err != nil {
		return nil, err
	}
	return win.rows, nil
}

// release lets the reader write over the window before this one.
func (w *Windows) release() {
	if w.spent != nil {
		w.reader.free <- w.spent.half
		w.spent = nil
	}
}

// window waits for the window at a place, which is mostly the one that the reader has read ahead.
func (w *Windows) window(ctx context.Context, at place) (*window, error) {
	if w.now != nil && w.now.place == at {
		return w.now, nil
	}
	if w.reader != nil && w.after(w.reader.coming) == at { // an epoch may end before its last window
		if _, err := w.window(ctx, w.reader.coming); err != nil {
			return nil, err
		}
		w.release()
	}
	if w.reader == nil || w.reader.coming != at {
		w.Close()
		w.reader = w.read(at)
	}
	next, err := w.reader.next(ctx)
	if w.peers != nil {
		err = w.peers.Agree(err)
	}
	if err != nil {
		w.Close()
		return nil, err
	}
	w.complete(next)
	w.now, w.spent = next, w.now
	w.reader.coming = w.after(at)
	return next, nil
}

// next waits for the window that was read ahead.
func (r *reader) next(ctx context.Context) (*window, error) {
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case next := <-r.full:
		return next, next.err
	}
}

func (w *Windows) after(at place) place {
	if (at.index+1)*w.size < w.s.Train {
		return place{at.epoch, at.index + 1}
	}
	return place{at.epoch + 1, 0}
}

// Close ends the reading ahead. Windows can be used again, and then begin to read anew.
func (w *Windows) Close() {
	if w.reader != nil {
		w.reader.stop()
		<-w.reader.done
	}
	w.reader, w.now, w.spent = nil, nil, nil
}

// reader fills windows ahead of the training, on a goroutine of its own.
type reader struct {
	coming place // of the window that full gives next
	full   chan *window
	free   chan int // halves of the room that may be written over
	done   chan struct{}
	stop   context.CancelFunc
}

func (w *Windows) read(at place) *reader {
	ctx, stop := context.WithCancel(context.Background())
	r := &reader{coming: at, full: make(chan *window), free: make(chan int, 2), done: make(chan struct{}), stop: stop}
	r.free <- 0
	r.free <- 1
	go func() {
		defer close(r.done)
		if err := w.fill(ctx, r, at); err != nil {
			select {
			case r.full <- &window{err: err}:
			case <-ctx.Done():
			}
		}
	}()
	return r
}

// fill reads window after window from a place on; nil after the last epoch and when ctx is cancelled.
func (w *Windows) fill(ctx context.Context, r *reader, at place) error {
	src, err := w.open(ctx)
	if err != nil {
		return err
	}
	defer src.Close()
	f := &filler{w: w, src: src}
	var rows [2][]int32
	for ; at.epoch < w.epochs; at = w.after(at) {
		var half int
		select {
		case half = <-r.free:
		case <-ctx.Done():
			return nil
		}
		n := min(w.size, w.s.Train-at.index*w.size)
		first, read, err := f.load(ctx, at, half, n)
		if err != nil || ctx.Err() != nil {
			return err
		}
		rows[half] = w.s.shuffled(rows[half], at, first, n)
		select {
		case r.full <- &window{place: at, half: half, first: first, read: read, rows: rows[half]}:
		case <-ctx.Done():
			return nil
		}
	}
	return nil
}

// filler brings events into memory.
type filler struct {
	w    *Windows
	src  Source
	c    *cursor
	next int // event of its epoch
}

// load brings the share of this process in the n events of a window into a half of the room, unless all events are there for good (read is false then). It
// returns the row of the window's first.
func (f *filler) load(ctx context.Context, at place, half, n int) (first int, read bool, err error) {
	w := f.w
	if w.size == w.s.Train {
		if f.c != nil {
			return w.room.At, false, nil
		}
		at, half = place{}, 0 // whatever the epoch
	}
	lo, hi := w.share(w.rank(), n)
	if begin := at.index*w.size + lo; f.c == nil || at.index == 0 || begin != f.next {
		if f.c, err = w.s.newCursor(ctx, f.src, w.s.order(at.epoch), begin); err != nil {
			return 0, false, err
		}
	}
	f.next = at.index*w.size + hi
	first = w.room.At + half*w.size
	return first, true, f.take(ctx, first+lo, hi-lo)
}

// take writes the next n events to the rows from at on.
func (f *filler) take(ctx context.Context, at, n int) error {
	for n > 0 && ctx.Err() == nil {
		t, err := f.c.next(n)
		if err != nil {
			return err
		}
		if err := f.w.room.Place(t, at); err != nil {
			return err
		}
		runtime.Gosched() // a worker of the training may wait for this thread
		at += t.Len()
		n -= t.Len()
	}
	return nil
}

// order is that of the sections in an epoch.
func (s *Survey) order(epoch int) []int32 {
	return rng.New(s.seed, rng.StreamShuffle, uint32(epoch)).Perm(len(s.sections))
}

// shuffled fills rows with those of n events from first on, in the order of a window.
func (s *Survey) shuffled(rows []int32, at place, first, n int) []int32 {
	rows = rows[:0]
	for i := range n {
		rows = append(rows, int32(first+i))
	}
	rng.New(s.seed, rng.StreamWindow+uint32(at.index), uint32(at.epoch)).Shuffle(rows)
	return rows
}

// cursor reads the training events of sections in a given order.
type cursor struct {
	s      *Survey
	src    Source
	digest digest
	order  []int32 // sections not begun
	under  section // the one under way, and
	left   int     // events of it, and
	train  int     // training events of it that were not read yet
	rest   Numbered
}

// newCursor begins after so many training events.
func (s *Survey) newCursor(ctx context.Context, src Source, order []int32, skip int) (*cursor, error) {
	c := &cursor{s: s, src: src, digest: digest{columns: s.digest.columns, seed: s.digest.seed}, order: order, rest: Numbered{Table: &events.Table{}}}
	for ; len(c.order) > 0 && skip >= s.sections[c.order[0]].train; c.order = c.order[1:] {
		skip -= s.sections[c.order[0]].train
	}
	for skip > 0 {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		t, err := c.next(skip)
		if err != nil {
			return nil, err
		}
		skip -= t.Len()
	}
	return c, nil
}

func (c *cursor) changed() error {
	return fmt.Errorf("feed: the files have changed since the training began: they no longer hold the %d events of before", c.s.Events)
}

// next gives the next training events, at most n; there must be some.
func (c *cursor) next(n int) (Numbered, error) {
	for c.rest.Len() == 0 {
		if err := c.read(); err != nil {
			return Numbered{}, err
		}
	}
	n = min(n, c.rest.Len())
	t := c.rest.slice(0, n)
	c.rest = c.rest.slice(n, c.rest.Len())
	return t, nil
}

// read reads the next block.
func (c *cursor) read() error {
	for c.left == 0 {
		if c.train != 0 || len(c.order) == 0 {
			return c.changed()
		}
		c.under = c.s.sections[c.order[0]]
		c.left, c.train = c.under.events, c.under.train
		c.order = c.order[1:]
		if c.left > 0 {
			if err := c.src.Seek(c.under.mark); err != nil {
				return err
			}
		}
	}
	b, err := c.src.Next()
	runtime.Gosched()
	if err == io.EOF {
		return c.changed()
	}
	if err != nil {
		return err
	}
	if n := b.Len(); n > c.left {
		b = Block{Table: b.Slice(0, c.left), Rows: b.Rows[:c.left]}
	}
	digests, err := c.digest.of(b)
	if err != nil {
		return err
	}
	var rows []int32
	var number []uint64
	for i, d := range digests {
		if c.s.border.trains(d) {
			rows, number = append(rows, int32(i)), append(number, d)
		}
	}
	c.left -= b.Len()
	c.train -= len(rows)
	c.rest = Numbered{b.Take(rows), number}
	return nil
}
