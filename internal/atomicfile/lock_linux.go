package atomicfile

import (
	"os"

	"golang.org/x/sys/unix"
)

// hold locks a file until what it returns is closed or the process ends, however it ends. The lock is one of an open
// file description: other Files of this process respect it, and so do other computers on a shared file system.
func hold(f *os.File) (*os.File, error) {
	fd, err := unix.FcntlInt(f.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	held := os.NewFile(uintptr(fd), f.Name())
	if err := unix.FcntlFlock(held.Fd(), unix.F_OFD_SETLK, &unix.Flock_t{Type: unix.F_WRLCK}); err != nil {
		held.Close()
		return nil, err
	}
	return held, nil
}

// LockFolder keeps others who lock a folder out until it is released, or the process ends. ok is false where another has it.
func LockFolder(path string) (release func(), ok bool) {
	dir, err := os.Open(path)
	if err != nil {
		return func() {}, true // whoever writes there will say why not
	}
	if err := unix.Flock(int(dir.Fd()), unix.LOCK_EX|unix.LOCK_NB); err == unix.EWOULDBLOCK {
		dir.Close()
		return nil, false
	}
	return func() { dir.Close() }, true
}

// mayWrite is an error where a folder cannot be written to.
func mayWrite(dir string) error { return unix.Access(dir, unix.W_OK) }

// heldByAnother tells whether hold failed because somebody else has the lock.
func heldByAnother(err error) bool { return err == unix.EAGAIN || err == unix.EACCES }
