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
}

// Crew is the workers of one evaluation.
type Crew[W any] struct {
	Pool *kernel.Pool
	Work []W         // one a worker, made when it is first needed
	end  *time.Timer // runs while it waits
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
			c.end.Stop()
			return c
		}
	}
	return &Crew[W]{Pool: kernel.NewPool(threads), Work: make([]W, threads)}
}

// Return lets a crew wait for the next Take, for a second.
func (s *Crews[W]) Return(c *Crew[W]) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.free = append(s.free, c)
	c.end = time.AfterFunc(idle, func() { s.endOne(c) })
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
		c.end.Stop()
		c.Pool.Close()
	}
	s.free = nil
}
