package feed

import (
	"context"
	"errors"
	"maps"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/internal/floats"
	"github.com/sluice-hep/sluice/internal/mpi"
	"github.com/sluice-hep/sluice/train"
)

var _ train.Stream = (*Windows)(nil)

// stage is a room that keeps the ids and the numbers of its events.
type stage struct {
	ids     []float32
	numbers []uint64
	placed  int // events that were read into it
}

func (s *stage) room(at, size int) Room {
	s.ids, s.numbers = make([]float32, at+size), make([]uint64, at+size)
	return Room{At: at, Size: size, Memory: func(first, end int) [][]byte { return [][]byte{floats.InMemory(s.ids[first:end])} }, Place: func(t Numbered, at int) error {
		s.placed += t.Len()
		for i, number := range t.Number {
			s.ids[at+i], s.numbers[at+i] = float32(t.Columns[0].Float(i)), number
		}
		return nil
	}}
}

// read takes epochs from window to window, from the given event of the first on, and gives the ids of each.
func (s *stage) read(t *testing.T, w *Windows, epoch, first, epochs, batch int) [][]float32 {
	t.Helper()
	var all [][]float32
	for ; epoch < epochs; epoch++ {
		var seen []float32
		for ; first < w.Events(); first += batch {
			rows, err := w.Rows(context.Background(), epoch, first, batch)
			if err != nil {
				t.Fatal(err)
			}
			if want := min(batch, w.Events()-first); len(rows) != want {
				t.Fatalf("epoch %d, event %d: %d rows, want %d", epoch, first, len(rows), want)
			}
			for _, r := range rows {
				seen = append(seen, s.ids[r])
			}
		}
		first = 0
		all = append(all, seen)
	}
	return all
}

func TestWindowsBringEveryEventOnceAnEpoch(t *testing.T) {
	paths := write(t, 2000, 10, 1300)
	for _, room := range []int{100, 700, 1000, 5000} { // the last takes all events
		s := survey(t, paths, 64, config)
		var at stage
		closed := 0
		w := NewWindows(s, func(context.Context) (Source, error) {
			f := open(t, paths, 64)
			f.closed = &closed
			return f, nil
		}, at.room(7, min(room, s.Train)), 3)
		epochs := at.read(t, w, 0, 0, 3, 40)
		held := slices.Concat(ids(t, s.Valid), ids(t, s.Test))
		for e, seen := range epochs {
			sorted := slices.Sorted(slices.Values(seen))
			if len(slices.Compact(sorted)) != s.Train || len(sorted) != s.Train {
				t.Errorf("room for %d, epoch %d: an event comes twice", room, e)
			}
			for _, id := range held {
				if slices.Contains(seen, float32(id)) {
					t.Fatalf("room for %d, epoch %d: event %g was held out and trains", room, e, id)
				}
			}
		}
		if slices.Equal(epochs[0], epochs[1]) || slices.IsSorted(epochs[0]) {
			t.Errorf("room for %d: the order is not new in each epoch", room)
		}
		// Sections come in random order: the first window is no run of the file.
		if first := epochs[0][:40]; room > 100 && slices.Max(first)-slices.Min(first) < 600 {
			t.Errorf("room for %d: the first batch is from %g to %g", room, slices.Min(first), slices.Max(first))
		}
		w.Close()
		if closed != 1 {
			t.Errorf("room for %d: the source was closed %d times", room, closed)
		}

		// From any place on, the same.
		for _, from := range []struct{ epoch, event int }{{0, 40}, {0, 2000}, {1, 0}, {1, 1000}, {2, 2200}} {
			rest := at.read(t, w, from.epoch, from.event, 3, 40)
			if !slices.Equal(rest[0], epochs[from.epoch][from.event:]) || len(rest) > 1 && !slices.Equal(rest[1], epochs[from.epoch+1]) {
				t.Errorf("room for %d: from event %d of epoch %d the order is another", room, from.event, from.epoch)
			}
			w.Close()
		}
	}
}

func TestNumbersOfEventsStay(t *testing.T) {
	paths := write(t, 900, 300)
	s := survey(t, paths, 50, config)
	var at stage
	w := NewWindows(s, func(context.Context) (Source, error) { return open(t, paths, 50), nil }, at.room(0, 200), 2)
	defer w.Close()
	number := map[float32]uint64{}
	for epoch := range 2 {
		for first := 0; first < w.Events(); first += 30 {
			rows, err := w.Rows(context.Background(), epoch, first, 30)
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range rows {
				id, n := at.ids[r], at.numbers[r]
				if was, ok := number[id]; epoch == 1 && (!ok || was != n) {
					t.Fatalf("event %g had number %d and has %d", id, was, n)
				}
				number[id] = n
			}
		}
	}
	all := slices.Sorted(maps.Values(number))
	if len(all) != s.Train || len(slices.Compact(all)) != s.Train {
		t.Errorf("%d different numbers for %d events", len(all), s.Train)
	}
}

// A training leaves out the last events of an epoch where they are too few for a batch, and with them perhaps a window.
func TestLastWindowLeftOut(t *testing.T) {
	paths := write(t, 1000)
	cfg := config
	cfg.Valid, cfg.Test = -1, -1
	s := survey(t, paths, 50, cfg)
	var at stage
	opened := 0
	w := NewWindows(s, func(context.Context) (Source, error) { opened++; return open(t, paths, 50), nil }, at.room(0, 330*2), 3)
	defer w.Close()
	var want [3][]float32
	copy(want[:], at.read(t, w, 0, 0, 3, 110))
	w.Close()
	opened = 0
	for epoch := range 3 {
		for first := 0; first+110 <= 990; first += 110 {
			rows, err := w.Rows(context.Background(), epoch, first, 110)
			if err != nil {
				t.Fatal(err)
			}
			if at.ids[rows[0]] != want[epoch][first] {
				t.Fatalf("epoch %d, event %d: another event", epoch, first)
			}
		}
		near, err := w.Near(context.Background(), epoch, 989)
		if err != nil || len(near) != 330 {
			t.Fatalf("%d rows near, %v", len(near), err)
		}
	}
	if opened != 1 {
		t.Errorf("the files were opened %d times", opened)
	}
}

func TestWindowsErrors(t *testing.T) {
	paths := write(t, 1000)
	s := survey(t, paths, 50, config)
	var at stage
	fail := 4
	w := NewWindows(s, func(context.Context) (Source, error) {
		f := open(t, paths, 50)
		f.fail = fail
		return f, nil
	}, at.room(0, 200), 2)
	defer w.Close()
	var err error
	for first := 0; err == nil && first < 500; first += 50 {
		_, err = w.Rows(context.Background(), 0, first, 50)
	}
	if err == nil || !strings.Contains(err.Error(), "disk is gone") {
		t.Errorf("a source that fails: %v", err)
	}
	fail = 0
	if _, err := w.Rows(context.Background(), 0, 0, 50); err != nil {
		t.Errorf("after a failure that is over: %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := w.Rows(ctx, 1, 0, 50); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	if _, err := w.Rows(context.Background(), 1, 0, 50); err != nil {
		t.Errorf("after a cancellation: %v", err)
	}

	w.Close()

	other := write(t, 500) // the files are not those of the survey any more
	w = NewWindows(s, func(context.Context) (Source, error) { return open(t, other, 50), nil }, at.room(0, 200), 2)
	defer w.Close()
	err = nil
	for first := 0; err == nil && first < s.Train; first += 50 {
		_, err = w.Rows(context.Background(), 0, first, 50)
	}
	if err == nil {
		t.Error("half of the events are gone, and nothing is said")
	}
	w.Close()

	failed := errors.New("cannot be opened")
	w = NewWindows(s, func(context.Context) (Source, error) { return nil, failed }, at.room(0, 200), 2)
	defer w.Close()
	if _, err := w.Near(context.Background(), 0, 0); !errors.Is(err, failed) {
		t.Error(err)
	}
}

// A file that can be read only from its beginning is one section: its events are mixed within windows, and going on
// within it can be stopped.
func TestOneSection(t *testing.T) {
	table, err := events.ReadAll(write(t, 2000), events.Options{})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "all.csv.gz")
	out, err := events.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(out.Write(table), out.Close()); err != nil {
		t.Fatal(err)
	}
	paths := []string{path}
	s := survey(t, paths, 64, config)
	if len(s.sections) != 1 {
		t.Fatalf("%d sections", len(s.sections))
	}
	var at stage
	w := NewWindows(s, func(context.Context) (Source, error) { return open(t, paths, 64), nil }, at.room(0, 300), 2)
	defer w.Close()
	epochs := at.read(t, w, 0, 0, 2, 40)
	for e, seen := range epochs {
		if slices.Sort(seen); len(slices.Compact(seen)) != s.Train {
			t.Errorf("epoch %d: an event comes twice", e)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	src := open(t, paths, 64)
	defer src.Close()
	if _, err := s.newCursor(ctx, src, s.order(0), 1200); !errors.Is(err, context.Canceled) || src.calls > 0 {
		t.Errorf("stopped, it read %d blocks: %v", src.calls, err)
	}
}

func TestProcessesReadAWindowTogether(t *testing.T) {
	const ranks = 3
	paths := write(t, 2000, 10, 1300)
	for _, room := range []int{100, 700, 1000, 5000} { // the last takes all events
		s := survey(t, paths, 64, config)
		windows := func(at *stage) *Windows {
			return NewWindows(s, func(context.Context) (Source, error) { return open(t, paths, 64), nil }, at.room(7, min(room, s.Train)), 3)
		}
		var alone stage
		w := windows(&alone)
		want := alone.read(t, w, 0, 30, 3, 40) // from the middle of a window, as a training goes on
		w.Close()
		stages, got := make([]stage, ranks), make([][][]float32, ranks)
		var all sync.WaitGroup
		for r, p := range mpi.Goroutines(ranks) {
			w := windows(&stages[r])
			w.Share(p)
			all.Go(func() {
				defer w.Close()
				got[r] = stages[r].read(t, w, 0, 30, 3, 40)
			})
		}
		all.Wait()
		for r := range ranks {
			if !reflect.DeepEqual(got[r], want) {
				t.Errorf("room for %d: rank %d has other events than one process", room, r)
			}
			if most := alone.placed/ranks + 10*room; stages[r].placed > min(most, alone.placed/2) {
				t.Errorf("room for %d: rank %d has prepared %d events, one process %d", room, r, stages[r].placed, alone.placed)
			}
		}
	}
}

func TestProcessesEndTogether(t *testing.T) {
	paths := write(t, 2000, 10, 1300)
	s := survey(t, paths, 64, config)
	errs := make([]error, 2)
	var all sync.WaitGroup
	for r, p := range mpi.Goroutines(2) {
		var at stage
		w := NewWindows(s, func(context.Context) (Source, error) {
			if r == 1 {
				return nil, errors.New("no such file here")
			}
			return open(t, paths, 64), nil
		}, at.room(0, 700), 3)
		w.Share(p)
		all.Go(func() {
			defer w.Close()
			_, errs[r] = w.Rows(context.Background(), 0, 0, 40)
		})
	}
	all.Wait()
	for r, err := range errs {
		if err == nil || !strings.Contains(err.Error(), "no such file here") {
			t.Errorf("rank %d: %v", r, err)
		}
	}
}
