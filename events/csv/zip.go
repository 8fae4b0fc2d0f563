package csv

import (
	"archive/zip"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"
)

// unzip opens the one file in a zip archive.
func unzip(f io.ReadSeeker) (io.ReadCloser, error) {
	in, ok := f.(io.ReaderAt)
	size, err := f.Seek(0, io.SeekEnd)
	if !ok || err != nil {
		return nil, errors.New("a zip archive cannot be read from a pipe; unpack it, or name the file")
	}
	z, err := zip.NewReader(in, size)
	if err != nil {
		return nil, fmt.Errorf("damaged zip archive: %w", err)
	}
	var found []*zip.File
	var names []string
	for _, m := range z.File {
		// macOS adds what only it reads.
		if strings.HasSuffix(m.Name, "/") || strings.HasPrefix(m.Name, "__MACOSX/") || strings.HasPrefix(path.Base(m.Name), ".") {
			continue
		}
		found, names = append(found, m), append(names, m.Name)
	}
	if len(found) != 1 {
		const most = 10
		return nil, fmt.Errorf("is a zip archive of %d files, of which one was expected: %q; unpack it", len(found), names[:min(len(names), most)])
	}
	return found[0].Open()
}
