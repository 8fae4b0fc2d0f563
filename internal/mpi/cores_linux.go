package mpi

import (
	"math/bits"
	"unsafe"

	"golang.org/x/sys/unix"
)

// coreSet is the cores that a process may use, a bit a core.
type coreSet [unsafe.Sizeof(unix.CPUSet{})]byte

func (s *coreSet) count() (n int) {
	for _, b := range s {
		n += bits.OnesCount8(b)
	}
	return n
}

// cores are those of this process; none where the system does not tell.
func cores() (s coreSet) {
	var set unix.CPUSet
	if unix.SchedGetaffinity(0, &set) == nil {
		s = *(*coreSet)(unsafe.Pointer(&set))
	}
	return s
}
