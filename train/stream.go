package train

import (
	"context"

	"github.com/sluice-hep/sluice/internal/rng"
)

// Stream gives the training events of each epoch in an order of its own. Whatever it gives depends on the arguments
// alone, so that a training resumed sees the same; it need be fast only where they follow each other.
type Stream interface {
	// Events is the number of training events of an epoch.
	Events() int
	// Rows are the rows of n events of an epoch, from event first of its order on, fewer at its end. The objective
	// has these events until the next call.
	Rows(ctx context.Context, epoch, first, n int) ([]int32, error)
	// Near are the rows of the training events, that one among them, which are in memory together with an event of
	// an epoch's order (the last, for one beyond its end): those by which statistics are taken.
	Near(ctx context.Context, epoch, event int) ([]int32, error)
}

// shuffled is the stream of events that are all in memory.
type shuffled struct {
	rows  []int32
	seed  uint64
	order []int32 // of epoch-1; none yet where that is 0
	epoch int
}

func (s *shuffled) Events() int { return len(s.rows) }

func (s *shuffled) Rows(_ context.Context, epoch, first, n int) ([]int32, error) {
	if s.epoch != epoch+1 {
		s.order = append(s.order[:0], s.rows...)
		rng.New(s.seed, rng.StreamShuffle, uint32(epoch)).Shuffle(s.order)
		s.epoch = epoch + 1
	}
	return s.order[first:min(first+n, len(s.order))], nil
}

func (s *shuffled) Near(context.Context, int, int) ([]int32, error) { return s.rows, nil }
