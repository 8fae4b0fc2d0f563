package parquet

import (
	"encoding/binary"
	"errors"
	"io"
)

// checkFooter checks the lengths in the metadata at the end of the file.
func checkFooter(f io.ReaderAt, size int64) error {
	var tail [8]byte
	if size < 12 {
		return errors.New("is not a Parquet file: too short")
	}
	if _, err := f.ReadAt(tail[:], size-8); err != nil {
		return err
	}
	if magic := string(tail[4:]); magic == "PARE" {
		return errors.New("is encrypted; decrypt it first")
	} else if magic != "PAR1" {
		return errors.New("is not a Parquet file, or cut short: it does not end in PAR1")
	}
	length := int64(binary.LittleEndian.Uint32(tail[:]))
	if length > size-12 {
		return errThrift
	}
	footer := make([]byte, length)
	if _, err := f.ReadAt(footer, size-8-length); err != nil {
		return err
	}
	_, err := structLength(footer)
	return err
}
