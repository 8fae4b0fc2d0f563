package npy

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
)

// OpenArchive opens an .npz file. Its arrays, of equal length, make one table:
// a column each, or name0, name1, ... where one has two dimensions.
func OpenArchive(path string, opts Options) (*Reader, error) { return open(path, opts, newArchive) }

func newArchive(f io.ReaderAt, size int64, opts Options) (*Reader, error) {
	z, err := zip.NewReader(f, size)
	if err != nil {
		return nil, fmt.Errorf("is not a zip archive: %w", err)
	}
	var arrays []array
	var names, skipped []string
	for _, entry := range z.File {
		name, ok := strings.CutSuffix(entry.Name, ".npy")
		if !ok {
			continue
		}
		names = append(names, name)
		if opts.Key != "" && name != opts.Key {
			continue
		}
		if len(arrays) >= mostColumns {
			return nil, fmt.Errorf("holds more than %d arrays", mostColumns)
		}
		a, err := openEntry(f, entry)
		if err != nil && opts.Key == "" && errors.Is(err, errNoTable) {
			skipped = append(skipped, fmt.Sprintf("array %q: %v", name, err))
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("array %q: %w", name, err)
		}
		a.name = name
		arrays = append(arrays, *a)
	}
	if len(arrays) == 0 {
		return nil, noArray(opts.Key, names, skipped)
	}
	if err := equalLength(arrays); err != nil {
		return nil, err
	}
	r, err := join(arrays, opts)
	if err != nil {
		return nil, err
	}
	r.Left = append(skipped, r.Left...)
	return r, nil
}

func noArray(key string, names, skipped []string) error {
	if key != "" {
		return fmt.Errorf("holds no array %q; there is %s", key, strings.Join(names, ", "))
	}
	if len(skipped) > 0 {
		return fmt.Errorf("holds no table: %s", strings.Join(skipped, "; "))
	}
	return errors.New("holds no arrays")
}

func equalLength(arrays []array) error {
	first := &arrays[0]
	for _, a := range arrays {
		if a.rows != first.rows {
			return fmt.Errorf("array %q has %d events and %q has %d; name one, as in file.npz:%s", first.name, first.rows, a.name, a.rows, a.name)
		}
	}
	return nil
}

// errNoTable marks arrays that an archive may hold beside its table.
var errNoTable = errors.New("no table")

// openEntry opens an array at its first value.
func openEntry(f io.ReaderAt, entry *zip.File) (*array, error) {
	// Deflate packs at most 1032 bytes into one (zlib.net/zlib_tech.html).
	if entry.UncompressedSize64 > 1032*entry.CompressedSize64+1<<16 {
		return nil, fmt.Errorf("claims %d bytes packed in %d, which cannot be", entry.UncompressedSize64, entry.CompressedSize64)
	}
	in, err := entry.Open()
	if err != nil {
		return nil, err
	}
	h, start, err := readHeader(in)
	if err != nil {
		return nil, err
	}
	if len(h.shape) == 0 || len(h.shape) > 2 {
		return nil, fmt.Errorf("%w: %d dimensions", errNoTable, len(h.shape))
	}
	size := int64(entry.UncompressedSize64) - start
	if err := h.fits(size); err != nil {
		return nil, err
	}
	a := &array{header: h, values: in}
	if entry.Method == zip.Store {
		offset, err := entry.DataOffset()
		if err != nil {
			return nil, err
		}
		values := io.NewSectionReader(f, offset+start, size)
		a.values, a.at = values, values
		return a, nil
	}
	if h.fortran && h.columns > 1 {
		// A packed stream runs one way only, and this layout wants many places
		// at once.
		all, err := io.ReadAll(io.LimitReader(in, size))
		if err != nil {
			return nil, err
		}
		a.at = bytes.NewReader(all)
		return a, nil
	}
	a.again = func() (io.Reader, error) {
		in, err := entry.Open()
		if err == nil {
			_, err = io.CopyN(io.Discard, in, start)
		}
		return in, err
	}
	return a, nil
}
