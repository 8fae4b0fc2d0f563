package column

import (
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
)

// Each calls f for 0 to n-1 on all cores. Of the errors it returns that of the least i; a panic is one.
func Each(n int, f func(i int) error) error {
	var c Crew[struct{}]
	return c.Each(n, func(_ *struct{}, i int) error { return f(i) })
}

// Crew does work that needs memory of its own for each goroutine, a W, which it keeps from one call to the next. It is for
// one goroutine; the zero value is ready.
type Crew[W any] struct{ members []*W }

// Each calls f for 0 to n-1 on as many cores as Go uses, each with a W of its own. After an error nothing new is begun.
// It returns the error of the least i, whatever the number of cores; a panic, which a codec may raise over damaged bytes, is
// an error too.
func (c *Crew[W]) Each(n int, f func(w *W, i int) error) error {
	count := min(runtime.GOMAXPROCS(0), n)
	for len(c.members) < count {
		c.members = append(c.members, new(W))
	}
	var next atomic.Int64
	var hold sync.Mutex
	first, err := n, error(nil)
	work := func(w *W) {
		for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
			if bad := safely(f, w, i); bad != nil {
				next.Store(int64(n)) // all before i are begun
				hold.Lock()
				if i < first {
					first, err = i, bad
				}
				hold.Unlock()
			}
		}
	}
	var wait sync.WaitGroup
	for k := 1; k < count; k++ {
		wait.Go(func() { work(c.members[k]) })
	}
	if count > 0 {
		work(c.members[0])
	}
	wait.Wait()
	return err
}

func safely[W any](f func(w *W, i int) error, w *W, i int) (err error) {
	defer func() {
		if p := recover(); p != nil {
			*w = *new(W)
			err = fmt.Errorf("damaged data: %v", p)
		}
	}()
	return f(w, i)
}
