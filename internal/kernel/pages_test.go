package kernel

import (
	"testing"
	"unsafe"
)

// Memory in large pages is zero at first, starts at a cache line and keeps what was written before it moved there.
func TestLargePagesKeepWhatTheyHold(t *testing.T) {
	x := Aligned(3 * pagesFrom)
	if len(x) != 3*pagesFrom || uintptr(unsafe.Pointer(&x[0]))%64 != 0 {
		t.Fatalf("%d values at %p", len(x), &x[0])
	}
	for i, v := range x {
		if v != 0 {
			t.Fatalf("value %d starts as %g", i, v)
		}
		x[i] = float32(i % 1009)
	}
	inner := x[pagesFrom : 2*pagesFrom]
	largePages(inner)
	for i, v := range x {
		if v != float32(i%1009) {
			t.Fatalf("value %d became %g", i, v)
		}
	}
}
