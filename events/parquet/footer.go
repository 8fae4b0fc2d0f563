package parquet

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
)

// described is a file with other metadata at its end, and their place.
type described struct {
	io.ReaderAt
	at   int64
	tail []byte
}

// ReadAt reads across the seam.
func (d *described) ReadAt(b []byte, from int64) (n int, err error) {
	if from < d.at {
		if n, err = d.ReaderAt.ReadAt(b[:min(int64(len(b)), d.at-from)], from); err != nil || n == len(b) {
			return n, err
		}
	}
	k := copy(b[n:], d.tail[min(int64(len(d.tail)), from+int64(n)-d.at):])
	if n += k; n < len(b) {
		return n, io.EOF
	}
	return n, nil
}

// describe checks the lengths in the metadata at the end of a file, and returns it with those that the library takes, and its
// size so.
func describe(f io.ReaderAt, size int64) (io.ReaderAt, int64, error) {
	var tail [8]byte
	if size < 12 {
		return nil, 0, errors.New("is not a Parquet file: too short")
	}
	if _, err := f.ReadAt(tail[:], size-8); err != nil {
		return nil, 0, err
	}
	if magic := string(tail[4:]); magic == "PARE" {
		return nil, 0, errors.New("is encrypted; decrypt it first")
	} else if magic != "PAR1" {
		return nil, 0, errors.New("is not a Parquet file, or cut short: it does not end in PAR1")
	}
	length := int64(binary.LittleEndian.Uint32(tail[:]))
	if length > size-12 {
		return nil, 0, errThrift
	}
	footer := make([]byte, length)
	at := size - 8 - length
	if _, err := f.ReadAt(footer, at); err != nil {
		return nil, 0, err
	}
	whole, err := withValues(footer)
	if err != nil || bytes.Equal(whole, footer) {
		return f, size, err
	}
	binary.LittleEndian.PutUint32(tail[:], uint32(len(whole)))
	return &described{f, at, append(whole, tail[:]...)}, at + int64(len(whole)) + 8, nil
}
