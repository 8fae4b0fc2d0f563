package flow

import (
	"slices"
	"sync"
	"time"

	"github.com/sluice-hep/sluice/internal/kernel"
)

// crews are workers that wait for the next evaluation: to start threads and memory anew costs more than a short one.
type crews struct {
	mu   sync.Mutex
	free []*crew
}

// crew is the workers of one evaluation.
type crew struct {
	pool *kernel.Pool
	work []workspace // one a worker, made when it is first needed
	end  *time.Timer // runs while it waits
}

// idle is how long a crew waits before it ends.
const idle = time.Second

func (f *Flow) takeCrew() *crew {
	n := f.threads()
	f.crews.mu.Lock()
	defer f.crews.mu.Unlock()
	for i, c := range f.crews.free {
		if c.pool.Threads() == n {
			f.crews.free = slices.Delete(f.crews.free, i, i+1)
			c.end.Stop()
			return c
		}
	}
	return &crew{pool: kernel.NewPool(n), work: make([]workspace, n)}
}

func (f *Flow) returnCrew(c *crew) {
	f.crews.mu.Lock()
	defer f.crews.mu.Unlock()
	f.crews.free = append(f.crews.free, c)
	c.end = time.AfterFunc(idle, func() { f.endCrew(c) })
}

// endCrew ends a crew unless it is at work.
func (f *Flow) endCrew(c *crew) {
	f.crews.mu.Lock()
	defer f.crews.mu.Unlock()
	if i := slices.Index(f.crews.free, c); i >= 0 {
		f.crews.free = slices.Delete(f.crews.free, i, i+1)
		c.pool.Close()
	}
}

// Close ends the workers that wait for the next evaluation, which would start others.
func (f *Flow) Close() {
	f.crews.mu.Lock()
	defer f.crews.mu.Unlock()
	for _, c := range f.crews.free {
		c.end.Stop()
		c.pool.Close()
	}
	f.crews.free = nil
}
