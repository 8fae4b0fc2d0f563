package serve

import (
	"context"
	"sync"
)

// slots are the processors that requests share. A request takes one for each block of its events, a block of few milliseconds, so that one of few
// events waits for a block, and not for a request of a million.
type slots struct {
	all int // how many there are

	mu     sync.Mutex
	free   int
	turn   int                  // of those given to someone who waited
	queues [2][]chan<- struct{} // who waits: with few events, and with many
}

func newSlots(n int) *slots { return &slots{all: n, free: n} }

// Those with few events go first, but for every fourth slot: also many of them leave the others some.
const few, many, share = 0, 1, 4

// take waits for a slot.
func (s *slots) take(ctx context.Context, queue int) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	if s.free > 0 {
		s.free--
		s.mu.Unlock()
		return nil
	}
	mine := make(chan struct{}, 1)
	s.queues[queue] = append(s.queues[queue], mine)
	s.mu.Unlock()
	select {
	case <-mine:
		return nil
	case <-ctx.Done():
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, c := range s.queues[queue] {
		if c == mine {
			s.queues[queue] = append(s.queues[queue][:i:i], s.queues[queue][i+1:]...)
			return ctx.Err()
		}
	}
	s.next() // it was given meanwhile
	return ctx.Err()
}

// give ends the use of a slot.
func (s *slots) give() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.next()
}

// next gives a slot to whoever waits.
func (s *slots) next() {
	s.turn++
	first := few
	if s.turn%share == 0 {
		first = many
	}
	for _, q := range [2]int{first, 1 - first} {
		if waiting := s.queues[q]; len(waiting) > 0 {
			waiting[0] <- struct{}{}
			s.queues[q] = waiting[1:]
			return
		}
	}
	s.free++
}
