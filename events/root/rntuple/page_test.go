package rntuple

import (
	"fmt"
	"math"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"
	"unsafe"
)

// Where no memory outside of the heap is to be had, the page that is held is written over.
func TestRoomOfTheHeap(t *testing.T) {
	s := reading{cluster: 1, held: make([]byte, 1<<20)}
	before := unsafe.SliceData(s.held)
	for _, n := range []int{1 << 17, math.MaxInt, 1 << 20} {
		if b := s.room(n); unsafe.SliceData(b) != before || cap(b) != 1<<20 || s.cluster != 1 || s.mapped != nil {
			t.Errorf("%d bytes: other room of %d bytes", n, cap(b))
		}
	}
}

// Pages of a reader that nobody closes do not stay.
func TestDroppedPages(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("tells mappings by /proc")
	}
	const n = 1 << 22
	s := new(reading)
	first := s.room(1 << 16)[:1<<16]
	first[0] = 1
	at := uintptr(unsafe.Pointer(unsafe.SliceData(s.room(n))))
	s.held[n-1] = 1
	if !mappedAt(t, at) {
		t.Fatal("the page is in the heap")
	}
	runtime.GC()
	if !mappedAt(t, at) {
		t.Fatal("the page is gone before its reader")
	}
	runtime.KeepAlive(s)
	s = nil
	for range 100 {
		runtime.GC()
		if !mappedAt(t, at) {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Error("the page is still there")
}

func mappedAt(t *testing.T, at uintptr) bool {
	t.Helper()
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(maps)) {
		var low, end uintptr
		if _, err := fmt.Sscanf(line, "%x-%x", &low, &end); err == nil && low <= at && at < end {
			return true
		}
	}
	return false
}
