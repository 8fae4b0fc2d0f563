package parquet

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"
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

// checkPages walks through the page headers of one column chunk and checks what
// the library would make room for: about a thousand times the file's size, and
// 16 Mi values, are believed.
func checkPages(f io.ReaderAt, size int64, chunk *format.ColumnMetaData) error {
	at := chunk.DataPageOffset
	if d := chunk.DictionaryPageOffset; d != 0 {
		at = d
	}
	if at < 0 || chunk.TotalCompressedSize < 0 || at > size || chunk.TotalCompressedSize > size-at {
		return errThrift
	}
	most := 1<<24 + 1000*size
	end := at + chunk.TotalCompressedSize
	for at < end {
		header, length, err := pageHeader(f, at, end)
		if err != nil {
			return err
		}
		values := max(header.DataPageHeader.V.NumValues, header.DataPageHeaderV2.V.NumValues, header.DictionaryPageHeader.V.NumValues)
		if int64(header.UncompressedPageSize) > most || int64(values) > most {
			return fmt.Errorf("a page of %d bytes and %d values in a file of %d bytes is not believable", header.UncompressedPageSize, values, size)
		}
		at += length
		if header.CompressedPageSize < 0 || int64(header.CompressedPageSize) > end-at {
			return errThrift
		}
		if chunk.Codec == format.Snappy && header.Type != format.DataPageV2 {
			if err := checkSnappy(f, at, header); err != nil {
				return err
			}
		}
		at += int64(header.CompressedPageSize)
	}
	return nil
}

// pageHeader reads the header at the given place, and its length.
func pageHeader(f io.ReaderAt, at, end int64) (*format.PageHeader, int64, error) {
	for room := int64(1 << 10); ; room *= 16 {
		b := make([]byte, min(room, end-at))
		if _, err := f.ReadAt(b, at); err != nil {
			return nil, 0, err
		}
		n, err := structLength(b)
		if err != nil && int64(len(b)) < end-at && room < 1<<26 {
			continue // a header with long statistics
		}
		if err != nil {
			return nil, 0, err
		}
		header := new(format.PageHeader)
		if err := thrift.Unmarshal(new(thrift.CompactProtocol), b[:n], header); err != nil {
			return nil, 0, err
		}
		return header, int64(n), nil
	}
}

// checkSnappy: a block of snappy begins with its own claim of a length.
func checkSnappy(f io.ReaderAt, at int64, header *format.PageHeader) error {
	b := make([]byte, min(binary.MaxVarintLen64, int(header.CompressedPageSize)))
	if _, err := f.ReadAt(b, at); err != nil {
		return err
	}
	if n, _ := binary.Uvarint(b); n != uint64(header.UncompressedPageSize) {
		return fmt.Errorf("a page claims %d bytes, its packed data %d", header.UncompressedPageSize, n)
	}
	return nil
}
