package npy

import "golang.org/x/sys/unix"

// release gives the disk back what is read: so that a file of events and what waits for it take its size once.
func (s *spool) release(at, n int64) {
	_ = unix.Fallocate(int(s.file.Fd()), unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_KEEP_SIZE, at, n) // not every file system can
}
