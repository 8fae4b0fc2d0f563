package kernel

import (
	"syscall"
	"unsafe"
)

const (
	pageBytes    = 2 << 20
	madvCollapse = 25 // since Linux 6.1; package syscall has no name for it
)

// largePages asks for pages of 2 MB under x, where most systems give them to those alone who ask: a pass through the weights
// touches more pages of 4 KB than the processor keeps addresses of. Whole pages are asked for, so that neighbours in Go's
// heap have their share. A system without them says no, and x stays as it is.
func largePages(x []float32) {
	at := uintptr(unsafe.Pointer(unsafe.SliceData(x)))
	first := at &^ (pageBytes - 1)
	bytes := (at+4*uintptr(len(x))+pageBytes-1)&^(pageBytes-1) - first
	syscall.Syscall(syscall.SYS_MADVISE, first, bytes, syscall.MADV_HUGEPAGE)
	syscall.Syscall(syscall.SYS_MADVISE, first, bytes, madvCollapse)
}
