package npy

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"strings"

	"github.com/sluice-hep/sluice/events/column"
)

// OpenArchive opens an .npz file. Its arrays make one table: a column each, or name0, name1, ...
// where one has two dimensions. Those of another length than most are left out, and so are those that cannot be read.
func OpenArchive(path string, opts Options) (*Reader, error) { return open(path, opts, newArchive) }

func newArchive(f io.ReaderAt, size int64, opts Options) (*Reader, error) {
	z, err := zip.NewReader(f, size)
	if err != nil {
		return nil, fmt.Errorf("is not a zip archive: %w", err)
	}
	var arrays []array
	var names []string
	var left column.LeftOut
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
		switch {
		case err == nil:
			a.name = name
			arrays = append(arrays, *a)
		case opts.Key != "":
			return nil, fmt.Errorf("array %q: %w", name, err)
		default:
			left.Add("array", name, "cannot be read: "+err.Error())
		}
	}
	if len(arrays) == 0 {
		return nil, noArray(opts.Key, names, left.Say(false))
	}
	arrays = ofOneLength(arrays, &left)
	return join(arrays, len(names) == 1 || opts.Key != "", left, opts)
}

func noArray(key string, names, left []string) error {
	switch {
	case key != "":
		return fmt.Errorf("holds no array %q; there is %s", key, strings.Join(names, ", "))
	case len(left) > 0:
		return fmt.Errorf("holds no table: %s", strings.Join(left, "; "))
	}
	return errors.New("holds no arrays")
}

// ofOneLength are those arrays that make a table.
func ofOneLength(arrays []array, left *column.LeftOut) (table []array) {
	var rows, columns []int64
	for _, a := range arrays {
		rows, columns = append(rows, a.rows), append(columns, a.columns)
	}
	length := column.Length(rows, columns)
	for _, a := range arrays {
		if a.rows == length {
			table = append(table, a)
			continue
		}
		left.Add("array", a.name, fmt.Sprintf("has %d events and the table %d; name it alone, as in file.npz:NAME", a.rows, length))
	}
	return table
}

// openEntry finds the values of an array.
func openEntry(f io.ReaderAt, entry *zip.File) (*array, error) {
	// Deflate packs at most 1032 bytes into one (zlib.net/zlib_tech.html).
	if entry.UncompressedSize64 > 1032*entry.CompressedSize64+1<<16 {
		return nil, fmt.Errorf("claims %d bytes packed in %d, which cannot be", entry.UncompressedSize64, entry.CompressedSize64)
	}
	in, err := entry.Open()
	if err != nil {
		return nil, err
	}
	defer in.Close()
	h, start, err := readHeader(in)
	if err != nil {
		return nil, err
	}
	size := int64(entry.UncompressedSize64) - start
	if err := h.fits(size); err != nil {
		return nil, err
	}
	a := &array{header: h, packed: entry.Method != zip.Store}
	whole := func() (io.Reader, error) { return entry.Open() }
	if !a.packed {
		offset, err := entry.DataOffset()
		if err != nil {
			return nil, err
		}
		whole = func() (io.Reader, error) { return io.NewSectionReader(f, offset, start+size), nil }
	}
	a.open = func() (io.Reader, error) {
		in, err := whole()
		if err != nil {
			return nil, err
		}
		return newChecked(in, start, h.rows*h.columns*int64(h.record), entry.CRC32)
	}
	a.place = a.inPlace
	return a, nil
}

// inPlace has the values of an array in Fortran's order read by place: a packed stream runs one way only, and this layout wants
// many places at once. The checksum is compared at once.
func (a *array) inPlace() (io.ReaderAt, error) {
	in, err := a.open()
	if err != nil {
		return nil, err
	}
	if a.packed {
		all, err := io.ReadAll(in)
		return bytes.NewReader(all), err
	}
	values := in.(*checked)
	_, err = io.Copy(io.Discard, in)
	return io.NewSectionReader(values.in.(io.ReaderAt), values.start, values.length), err
}

// checked reads the values of an array in an archive, at whose end it compares the checksum.
type checked struct {
	in            io.Reader
	start, length int64  // bytes of the header, and of the values
	want          uint32 // of the header and all values
	header, sum   uint32 // of the header alone, and so far
	at            int64  // bytes of the values so far
	whole         bool   // they are all that come before
}

var errChecksum = errors.New("fails its checksum (CRC-32): the file is damaged")

// newChecked begins with the header.
func newChecked(in io.Reader, start, length int64, want uint32) (*checked, error) {
	header := make([]byte, start)
	if _, err := io.ReadFull(in, header); err != nil {
		return nil, err
	}
	sum := crc32.ChecksumIEEE(header)
	return &checked{in: in, start: start, length: length, want: want, header: sum, sum: sum, whole: true}, nil
}

func (c *checked) Read(b []byte) (int, error) {
	b = b[:min(int64(len(b)), c.length-c.at)]
	if len(b) == 0 {
		return 0, io.EOF
	}
	n, err := c.in.Read(b)
	c.at += int64(n)
	if !c.whole {
		return n, err
	}
	c.sum = crc32.Update(c.sum, crc32.IEEETable, b[:n])
	if c.at < c.length {
		return n, err
	}
	rest, err := io.ReadAll(c.in) // of what the header does not speak
	if c.sum = crc32.Update(c.sum, crc32.IEEETable, rest); err != nil || c.sum != c.want {
		return 0, errChecksum
	}
	return n, nil
}

// Seek goes to a place of the values of an array that is not packed.
func (c *checked) Seek(to int64, whence int) (int64, error) {
	c.at, c.whole, c.sum = to, to == 0, c.header
	return c.in.(io.Seeker).Seek(c.start+to, whence)
}
