package kernel

import (
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// Pool is a set of workers that share out the items of a loop. Workers take items themselves, so a
// worker that is held up delays only the item it has. Between loops they watch for the next one for
// spinTime, then sleep.
type Pool struct {
	mu      sync.Mutex // one Run at a time
	fn      func(worker, item int)
	items   int
	state   atomic.Uint64 // number of the loop << 32 | items not yet taken
	pending atomic.Int64  // items not yet finished
	closed  atomic.Bool
	caller  *sleeper
	workers []*sleeper
	spin    bool // a thread that spins does not keep another from running
}

// spinTime is about what it costs to wake a sleeping thread, so waiting is at most twice as dear as knowing
// the length of the wait beforehand.
const spinTime = 40 * time.Microsecond

// NewPool starts a pool of the given number of threads, of which one is the caller's own; 0 means one a CPU.
func NewPool(threads int) *Pool {
	if threads <= 0 {
		threads = runtime.GOMAXPROCS(0)
	}
	p := &Pool{spin: threads <= runtime.GOMAXPROCS(0), caller: newSleeper()}
	for w := 1; w < threads; w++ {
		p.workers = append(p.workers, newSleeper())
	}
	for w, s := range p.workers {
		go p.work(w+1, s)
	}
	return p
}

// Threads is the number of threads, the caller's included.
func (p *Pool) Threads() int { return len(p.workers) + 1 }

// Run calls fn for every item in [0, items) and returns when all calls have. The worker's number, in
// [0, Threads), picks its workspace; the caller is worker 0. fn must neither call Run nor panic. Run does not allocate.
func (p *Pool) Run(items int, fn func(worker, item int)) {
	if items <= 0 {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.workers) == 0 || items == 1 {
		for i := range items {
			fn(0, i)
		}
		return
	}
	p.fn, p.items = fn, items
	p.pending.Store(int64(items))
	p.state.Store((p.state.Load()>>32+1)<<32 | uint64(uint32(items)))
	for _, s := range p.workers[:min(items-1, len(p.workers))] {
		s.wake()
	}
	p.take(0)
	p.caller.wait(p.spin, func() bool { return p.pending.Load() == 0 })
	p.fn = nil
}

// take runs items until none is left. The loop is read only after an item of its loop was won: Run cannot have
// returned before that item is finished.
func (p *Pool) take(worker int) {
	for {
		s := p.state.Load()
		left := uint32(s)
		if left == 0 {
			return
		}
		if !p.state.CompareAndSwap(s, s-1) {
			continue
		}
		p.fn(worker, p.items-int(left))
		if p.pending.Add(-1) == 0 {
			p.caller.wake()
		}
	}
}

func (p *Pool) work(worker int, s *sleeper) {
	for {
		s.wait(p.spin, func() bool { return uint32(p.state.Load()) != 0 || p.closed.Load() })
		if p.closed.Load() {
			return
		}
		p.take(worker)
	}
}

// Close ends the workers. The pool cannot be used afterwards.
func (p *Pool) Close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed.Store(true)
	for _, s := range p.workers {
		s.wake()
	}
}

// sleeper is where one thread waits.
type sleeper struct {
	asleep atomic.Bool
	bell   chan struct{} // one ring for every change of asleep from true to false
}

func newSleeper() *sleeper { return &sleeper{bell: make(chan struct{}, 1)} }

// wait returns once ready does: whoever makes it so calls wake afterwards.
func (s *sleeper) wait(spin bool, ready func() bool) {
	for start := time.Now(); spin && time.Since(start) < spinTime; {
		for range 16 {
			if ready() {
				return
			}
			pause()
		}
	}
	for !ready() {
		s.asleep.Store(true)
		if ready() && s.asleep.CompareAndSwap(true, false) {
			return
		}
		<-s.bell
	}
}

func (s *sleeper) wake() {
	if s.asleep.CompareAndSwap(true, false) {
		s.bell <- struct{}{}
	}
}
