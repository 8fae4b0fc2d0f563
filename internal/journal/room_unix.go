//go:build linux || darwin

package journal

import (
	"math"
	"os"

	"golang.org/x/sys/unix"
)

// room is how many bytes there are for a file to grow by.
func room(f *os.File) int64 {
	var at unix.Statfs_t
	if err := unix.Fstatfs(int(f.Fd()), &at); err != nil {
		return math.MaxInt64
	}
	return int64(min(at.Bavail, math.MaxInt64/uint64(at.Bsize))) * int64(at.Bsize)
}
