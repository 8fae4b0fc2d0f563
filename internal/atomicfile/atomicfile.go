// Package atomicfile writes files that are either whole or absent: a run
// killed at any moment leaves the old file, or none, and never half a file
// that looks whole. What a killed run wrote under a temporary name is removed,
// on Linux, by the next one that writes the same file.
package atomicfile

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
)

// File is a file being written under a temporary name in the folder of its
// target. Write, Seek and WriteAt are those of os.File; end with Commit or
// Abort, not with Close.
type File struct {
	*os.File
	target string
	held   *os.File // until the temporary name is gone, so that nobody takes the file for a leftover; nil without locks
	done   atomic.Bool
}

// Create starts a file that will appear as path on Commit. It fails at once
// where path cannot be written: its folder is missing or read-only, or path is
// a folder or a device. A symbolic link at path is followed.
// One that is replaced keeps its mode; a new one has that of new files here.
func Create(path string) (*File, error) { return CreateLike(path, path) }

// CreateLike is Create of a file with the mode of that at like, if there is one: what is kept beside a file that others may not
// read should not be read either.
func CreateLike(path, like string) (*File, error) {
	target, err := place(path)
	if err != nil {
		return nil, err
	}
	mode, known := Mode(like)
	dir, base := filepath.Split(target)
	removeLeftovers(dir, base, "")
	f, held, err := createTemporary(dir, base, mode)
	if err != nil {
		return nil, noPlace(path, err)
	}
	if known {
		_ = f.Chmod(mode) // from which the mask of new files may have taken something
	}
	return &File{File: f, target: target, held: held}, nil
}

// noPlace is the error of a file that cannot be made.
func noPlace(path string, err error) error {
	var at *fs.PathError
	if errors.As(err, &at) {
		err = at.Err // a temporary name would only confuse
	}
	return fmt.Errorf("cannot write %s: %w; choose a folder that exists and that you may write to", path, err)
}

// Check is the error that Create would have, as far as that is known without writing anything.
func Check(path string) error {
	target, err := place(path)
	if err != nil {
		return err
	}
	dir := filepath.Dir(target)
	at, err := os.Stat(dir)
	switch {
	case err == nil && !at.IsDir():
		err = syscall.ENOTDIR
	case err == nil:
		err = mayWrite(dir)
	}
	if err != nil {
		return noPlace(path, err)
	}
	return nil
}

// Mode is that of the file at a path, or, where there is none, what new files are made with (known is false).
func Mode(path string) (mode fs.FileMode, known bool) {
	if at, err := os.Stat(path); err == nil {
		return at.Mode().Perm(), true
	}
	return 0o666, false
}

// place is the file that a path stands for. Symbolic links are followed, also where what they name is not there yet.
func place(path string) (target string, err error) {
	target = path
	at, err := os.Stat(path)
	switch {
	case err == nil && !at.Mode().IsRegular():
		return "", fmt.Errorf("cannot write %s: it is not a regular file; give the name of a file", path)
	case err == nil:
		target, err = filepath.EvalSymlinks(path)
	case errors.Is(err, fs.ErrNotExist):
		err = nil // the folder may be there; links that name each other are another error
		for to, none := os.Readlink(target); none == nil; to, none = os.Readlink(target) {
			if !filepath.IsAbs(to) {
				to = filepath.Join(filepath.Dir(target), to)
			}
			target = to
		}
	}
	var bad *fs.PathError
	if errors.As(err, &bad) {
		err = bad.Err
	}
	if err != nil {
		return "", fmt.Errorf("cannot write %s: %w; choose another name", path, err)
	}
	return target, nil
}

// Beside is the name of what is kept beside a file: that with a suffix, cut where file systems do not take it, to one that no other
// file has.
func Beside(path, suffix string) string {
	dir, base := filepath.Split(path)
	if len(base)+len(suffix) > longestName {
		digest := fmt.Sprintf("~%x", sha256.Sum256([]byte(base)))[:17]
		base = strings.ToValidUTF8(base[:longestName-len(digest)-len(suffix)], "") + digest
	}
	return dir + base + suffix
}

// longestName is the most bytes that file systems allow a name.
const longestName = 255

// Claim keeps others who claim a path from writing it until it is released. It is an error where another process has it, and
// where Create would fail.
func Claim(path string) (release func(), err error) {
	f, err := Create(path)
	if err != nil {
		return nil, err
	}
	dir, base := filepath.Split(f.target)
	if removeLeftovers(dir, base, filepath.Base(f.Name())) {
		f.Abort()
		return nil, fmt.Errorf("%s is being written by another process; wait for its end, or write to another file", path)
	}
	return f.Abort, nil
}

// createTemporary makes a file and locks it, again where another process took it for a leftover before it was locked.
func createTemporary(dir, base string, mode fs.FileMode) (f, held *os.File, err error) {
	for {
		f, err = os.OpenFile(filepath.Join(dir, temporaryName(base)), os.O_RDWR|os.O_CREATE|os.O_EXCL, mode)
		if err != nil {
			return nil, nil, err
		}
		held, err = hold(f)
		if err != nil && !heldByAnother(err) {
			return f, nil, nil
		}
		if err == nil {
			if _, err := os.Lstat(f.Name()); err == nil {
				return f, held, nil
			}
			held.Close()
		}
		f.Close()
	}
}

// release gives up the lock: the temporary name is gone.
func (f *File) release() {
	if f.held != nil {
		f.held.Close()
	}
}

// Commit brings the bytes to the disk and gives the file its name. On an error
// the temporary file is gone and the target is as it was.
func (f *File) Commit() error {
	if f.done.Load() {
		return fmt.Errorf("write %s: already ended", f.target)
	}
	err := f.Sync()
	if err != nil {
		f.Abort()
		return fmt.Errorf("write %s: %w", f.target, err)
	}
	if f.done.Swap(true) {
		return fmt.Errorf("write %s: ended meanwhile", f.target)
	}
	defer f.release()
	if err = f.Close(); err == nil {
		err = os.Rename(f.Name(), f.target)
	}
	if err != nil {
		os.Remove(f.Name())
		return fmt.Errorf("write %s: %w", f.target, err)
	}
	// The rename itself survives a power cut only once the folder is synced;
	// not every system can do that, and the file is whole either way.
	if dir, err := os.Open(filepath.Dir(f.target)); err == nil {
		_ = dir.Sync()
		dir.Close()
	}
	return nil
}

// Abort removes what was written and leaves the target as it was. After Commit
// or Abort it does nothing, so `defer f.Abort()` is right after every Create.
// It may be called while another goroutine writes, which fails from then on.
func (f *File) Abort() {
	if f.done.Swap(true) {
		return
	}
	f.Close()
	os.Remove(f.Name())
	f.release()
}

// WriteFile writes data to path in one step: whole, or not at all.
func WriteFile(path string, data []byte) error {
	f, err := Create(path)
	if err != nil {
		return err
	}
	defer f.Abort()
	if _, err := f.Write(data); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return f.Commit()
}
