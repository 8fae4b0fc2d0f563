package kernel

import (
	"fmt"
	"runtime"
	"testing"
	"time"
)

// BenchmarkPool shares out products of about 20 us each, and nothing at all: the cost of a join.
func BenchmarkPool(b *testing.B) {
	for _, threads := range []int{1, 2} {
		p := NewPool(threads)
		g := make([]*Gemm, threads)
		for i := range g {
			g[i] = product(newRand(), 128, 64, 128, false)
		}
		for _, items := range []int{2, 16, 64} {
			b.Run(fmt.Sprintf("%d items on %d threads", items, threads), func(b *testing.B) {
				run := func(w, _ int) { g[w].Run() }
				b.ReportMetric(1e6*bestTime(b, func() { p.Run(items, run) }), "us-best")
			})
		}
		b.Run(fmt.Sprintf("empty on %d threads", threads), func(b *testing.B) {
			b.ReportMetric(1e6*bestTime(b, func() { p.Run(threads, func(int, int) {}) }), "us-best")
		})
		p.Close()
	}
}

// An idle pool sleeps: its goroutines wait for a bell, they do not spin.
func TestPoolSleepsWhenIdle(t *testing.T) {
	p := NewPool(3)
	defer p.Close()
	p.Run(10, func(int, int) {})
	asleep := 0
	for range 200 { // a busy machine may take its time
		time.Sleep(time.Millisecond)
		asleep = 0
		for _, s := range p.workers {
			if s.asleep.Load() {
				asleep++
			}
		}
		if asleep == len(p.workers) {
			return
		}
		runtime.Gosched()
	}
	t.Errorf("%d of %d idle workers sleep", asleep, len(p.workers))
}
