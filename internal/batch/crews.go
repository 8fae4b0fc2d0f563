package batch

import (
	"slices"
	"sync"
	"time"

	"github.com/sluice-hep/sluice/internal/kernel"
)

// Crews are workers that wait for the next evaluation: to start threads and memory anew costs more than a short one. W is what each works with.
type Crews[W any] struct {
	mu   sync.Mutex
	free []*Crew[W]
	keep bool // until Close
}

// Crew is the workers of one evaluation.
type Crew[W any] struct {
	Pool *kernel.Pool
	Work []W         // one a worker, made when it is first needed
	end  *time.Timer // runs while it waits; nil before, and where it is kept
}

// idle is how long a crew waits before it ends.
const idle = time.Second

// Take gives a crew of so many threads, which Return takes back.
func (s *Crews[W]) Take(threads int) *Crew[W] {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, c := range s.free {
		if c.Pool.Threads() == threads {
			s.free = slices.Delete(s.free, i, i+1)
			c.stop()
			return c
		}
	}
	return &Crew[W]{Pool: kernel.NewPool(threads), Work: make([]W, threads)}
}

// Return lets a crew wait for the next Take, for a second, or where crews are kept until Close.
func (s *Crews[W]) Return(c *Crew[W]) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.free = append(s.free, c)
	if !s.keep {
		c.end = time.AfterFunc(idle, func() { s.endOne(c) })
	}
}

// Keep lets crews wait until Close: for whoever evaluates now and then, and each time at once.
func (s *Crews[W]) Keep() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keep = true
}

// endOne ends a crew unless it is at work.
func (s *Crews[W]) endOne(c *Crew[W]) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if i := slices.Index(s.free, c); i >= 0 {
		s.free = slices.Delete(s.free, i, i+1)
		c.Pool.Close()
	}
}

// Close ends the crews that wait; a Take after it starts others.
func (s *Crews[W]) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.free {
		c.stop()
		c.Pool.Close()
	}
	s.free = nil
}

// stop ends the time that a crew has.
func (c *Crew[W]) stop() {
	if c.end != nil {
		c.end.Stop()
	}
}
