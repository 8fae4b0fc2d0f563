package column

import (
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
)

func TestEach(t *testing.T) {
	for _, n := range []int{0, 1, 2, 1000} {
		seen := make([]atomic.Int32, n)
		if err := Each(n, func(i int) error { seen[i].Add(1); return nil }); err != nil {
			t.Fatal(err)
		}
		for i := range seen {
			if calls := seen[i].Load(); calls != 1 {
				t.Fatalf("%d of %d was called %d times", i, n, calls)
			}
		}
	}
}

// The error does not depend on which call is faster, and a panic is one.
func TestEachFails(t *testing.T) {
	bad := errors.New("bad")
	for range 100 {
		calls := atomic.Int32{}
		err := Each(1000, func(i int) error {
			calls.Add(1)
			if i < 20 {
				return nil
			}
			return fmt.Errorf("%d: %w", i, bad)
		})
		if !errors.Is(err, bad) || !strings.HasPrefix(err.Error(), "20:") || calls.Load() > 900 {
			t.Fatalf("%v after %d calls", err, calls.Load())
		}
	}
	for _, n := range []int{1, 3} {
		if err := Each(n, func(int) error { panic("torn") }); err == nil || !strings.Contains(err.Error(), "torn") {
			t.Errorf("a panic: %v", err)
		}
	}
}
