package column

import (
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
)

// Whatever runs first, the error is that of the least number; a panic is one, and spoils nothing for later calls.
func TestEach(t *testing.T) {
	for range 200 {
		var done [100]atomic.Int32
		err := Each(100, func(i int) error {
			done[i].Add(1)
			if i == 40 || i > 60 {
				return fmt.Errorf("no %d", i)
			}
			return nil
		})
		if err == nil || err.Error() != "no 40" {
			t.Fatal(err)
		}
		for i := range 40 {
			if n := done[i].Load(); n != 1 {
				t.Fatalf("%d was done %d times", i, n)
			}
		}
	}
	var crew Crew[[]byte]
	for range 50 {
		err := crew.Each(30, func(w *[]byte, i int) error {
			if len(*w) > 0 && (*w)[0] == 1 {
				return errors.New("a member is kept after it failed")
			}
			if *w = append((*w)[:0], 0); i == 7 {
				(*w)[0] = 1
				panic("damaged")
			}
			return nil
		})
		if err == nil || !strings.Contains(err.Error(), "damaged data: damaged") {
			t.Fatal(err)
		}
	}
	if err := Each(0, func(int) error { return errors.New("called") }); err != nil {
		t.Error(err)
	}
}
