package column

import (
	"fmt"
	"runtime"
	"sync"
)

// Each calls f for 0, 1 ... n-1 on all cores, and waits. After an error no other call begins; the error is that of the
// lowest number. A panic, which would be one of a codec over damaged bytes, is an error.
func Each(n int, f func(i int) error) error {
	if n == 1 {
		return safely(f, 0)
	}
	var (
		all    sync.WaitGroup
		lock   sync.Mutex
		next   int
		failed = n // the lowest number with an error
		first  error
	)
	take := func() (i int, ok bool) {
		lock.Lock()
		defer lock.Unlock()
		next++
		return next - 1, next <= n && first == nil
	}
	for range min(n, runtime.GOMAXPROCS(0)) {
		all.Go(func() {
			for i, ok := take(); ok; i, ok = take() {
				if err := safely(f, i); err != nil {
					lock.Lock()
					if i < failed {
						failed, first = i, err
					}
					lock.Unlock()
				}
			}
		})
	}
	all.Wait()
	return first
}

func safely(f func(i int) error, i int) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("damaged data: %v", p)
		}
	}()
	return f(i)
}
