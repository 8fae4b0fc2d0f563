package kernel

import (
	"sync/atomic"
	"testing"
	"time"
)

func TestPoolRunsEveryItemOnce(t *testing.T) {
	for _, threads := range []int{1, 2, 3, 8} {
		p := NewPool(threads)
		for loop, items := range []int{0, 1, 2, 3, 7, 64, 500} {
			count := make([]atomic.Int32, items)
			p.Run(items, func(worker, item int) {
				if worker < 0 || worker >= p.Threads() {
					t.Errorf("worker %d of %d", worker, p.Threads())
				}
				count[item].Add(1)
			})
			for i := range count {
				if n := count[i].Load(); n != 1 {
					t.Fatalf("threads %d, loop %d: item %d of %d ran %d times", threads, loop, i, items, n)
				}
			}
		}
		p.Close()
	}
}

// Short loops in a row, some after the workers have gone to sleep: no loop may lose or keep an item.
func TestPoolLoopsInARow(t *testing.T) {
	p := NewPool(4)
	defer p.Close()
	sum := 0
	part := make([]int, 4*16)
	for loop := range 3000 {
		if loop%500 == 0 {
			time.Sleep(5 * spinTime)
		}
		p.Run(5, func(w, i int) { part[16*w] += i + loop })
		sum += 10 + 5*loop
	}
	got := 0
	for _, v := range part {
		got += v
	}
	if got != sum {
		t.Errorf("sum of items %d, want %d", got, sum)
	}
}

func TestPoolUsesItsWorkers(t *testing.T) {
	p := NewPool(2)
	defer p.Close()
	met := make(chan struct{})
	p.Run(2, func(_, item int) { // either item waits for the other: one thread alone would not return
		if item == 0 {
			met <- struct{}{}
		} else {
			<-met
		}
	})
}

func TestPoolRunDoesNotAllocate(t *testing.T) {
	p := NewPool(2)
	defer p.Close()
	var n atomic.Int64
	fn := func(_, item int) { n.Add(int64(item)) }
	if a := testing.AllocsPerRun(100, func() { p.Run(8, fn) }); a != 0 {
		t.Errorf("%g allocations a Run", a)
	}
}
