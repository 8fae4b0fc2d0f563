package column

import (
	"errors"
	"io/fs"
	"os"
)

// OpenFile opens a file to read. Its errors lack the path, which the caller of
// the format adds.
func OpenFile(path string) (*os.File, error) {
	f, err := os.Open(path)
	return f, WithoutPath(err)
}

// OpenSized is OpenFile for formats that are read from any place: open gets the
// file and its size. The file is closed if open fails; else the reader keeps it.
func OpenSized[R any](path string, open func(f *os.File, size int64) (R, error)) (r R, err error) {
	f, err := OpenFile(path)
	if err != nil {
		return r, err
	}
	defer func() {
		if err != nil {
			f.Close()
		}
	}()
	at, err := f.Stat()
	if err != nil {
		return r, WithoutPath(err)
	}
	return open(f, at.Size())
}

// WithoutPath drops the path from an error of package os.
func WithoutPath(err error) error {
	var at *fs.PathError
	if errors.As(err, &at) {
		return at.Err
	}
	return err
}
