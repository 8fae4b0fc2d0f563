//go:build linux || darwin

package rntuple

import "golang.org/x/sys/unix"

// outside is n bytes outside of the collector's heap, which keeps as much free as lives in it; nil where the system has none.
func outside(n int) []byte {
	b, err := unix.Mmap(-1, 0, n, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		return nil
	}
	return b
}

// giveBack takes what outside gave.
func giveBack(b []byte) { _ = unix.Munmap(b) } // of what is mapped it cannot fail
