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

// WithoutPath drops the path from an error of package os.
func WithoutPath(err error) error {
	var at *fs.PathError
	if errors.As(err, &at) {
		return at.Err
	}
	return err
}
