package parquet

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

const magic = "PAR1"

// footer reads the metadata at the end of a file.
func footer(f io.ReaderAt, size int64) (*metadata, error) {
	var head [4]byte
	var tail [8]byte
	if size < 12 {
		return nil, errors.New("is not a Parquet file: too short")
	}
	if _, err := f.ReadAt(head[:], 0); err != nil {
		return nil, err
	}
	if _, err := f.ReadAt(tail[:], size-8); err != nil {
		return nil, err
	}
	switch {
	case string(tail[4:]) == "PARE":
		return nil, errEncrypted
	case string(tail[4:]) != magic:
		return nil, errors.New("is not a Parquet file, or cut short: it does not end in PAR1")
	case string(head[:]) != magic:
		return nil, errors.New("is not a Parquet file, or damaged: it does not begin with PAR1")
	}
	length := int64(binary.LittleEndian.Uint32(tail[:]))
	if length > size-12 {
		return nil, errThrift
	}
	b := make([]byte, length)
	if _, err := f.ReadAt(b, size-8-length); err != nil {
		return nil, err
	}
	m := new(metadata)
	n, err := decode(b, m)
	switch {
	case err != nil:
		return nil, err
	case m.encrypted != nil:
		return nil, errEncrypted
	case int64(n) != length:
		return nil, fmt.Errorf("damaged metadata: %d bytes too many", length-int64(n))
	}
	return m, nil
}

var errEncrypted = errors.New("is encrypted; decrypt it first")
