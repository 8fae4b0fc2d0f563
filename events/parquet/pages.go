package parquet

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"strconv"
	"strings"

	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"

	"github.com/sluice-hep/sluice/internal/codec"
)

// pages reads the pages of one column chunk and unpacks them.
//
// It does not leave that to the library, which makes room for whatever a header
// claims, grows without end on a damaged LZ4 block, and for some LZ4 pages
// (v0.32.0) returns the bytes of another page. Here a page may claim about a
// thousand times the file's size, and gets no more than it claims.
type pages struct {
	file    io.ReaderAt
	at, end int64
	most    int64 // bytes, or values, that a page may claim
	packed  format.CompressionCodec
	always  bool // whatever the header of a page says
}

func newPages(f io.ReaderAt, size int64, chunk *format.ColumnMetaData, always bool) (*pages, error) {
	at := chunk.DataPageOffset
	if d := chunk.DictionaryPageOffset; d != 0 && (d < at || at == 0) { // 0: no page but the dictionary
		at = d
	}
	if at < 0 || chunk.TotalCompressedSize < 0 || at > size || chunk.TotalCompressedSize > size-at {
		return nil, errThrift
	}
	return &pages{file: f, at: at, end: at + chunk.TotalCompressedSize, most: 1<<22 + 1000*size, packed: chunk.Codec, always: always}, nil
}

// next is the next page with its content unpacked, in memory of w; io.EOF after the last.
func (p *pages) next(w *worker) (*format.PageHeader, []byte, error) {
	if p.at >= p.end {
		return nil, nil, io.EOF
	}
	header, length, err := pageHeader(p.file, p.at, p.end)
	if err != nil {
		return nil, nil, err
	}
	p.at += length
	if err := p.check(header); err != nil {
		return nil, nil, err
	}
	raw := codec.Room(&w.raw, int(header.CompressedPageSize))
	if _, err := p.file.ReadAt(raw, p.at); err != nil {
		return nil, nil, err
	}
	p.at += int64(len(raw))
	if sum := crc32.ChecksumIEEE(raw); header.CRC != 0 && uint32(header.CRC) != sum {
		return nil, nil, fmt.Errorf("damaged: a page has the checksum %08x, and %08x was written", sum, uint32(header.CRC))
	}
	data, err := p.content(w, header, raw)
	return header, data, err
}

func (p *pages) check(h *format.PageHeader) error {
	values := max(h.DataPageHeader.V.NumValues, h.DataPageHeaderV2.V.NumValues, h.DictionaryPageHeader.V.NumValues)
	if int64(h.UncompressedPageSize) > p.most || int64(values) > p.most {
		return fmt.Errorf("a page of %d bytes and %d values is not believable in a file of this size", h.UncompressedPageSize, values)
	}
	if h.CompressedPageSize < 0 || int64(h.CompressedPageSize) > p.end-p.at || h.UncompressedPageSize < 0 ||
		min(h.DataPageHeader.V.NumValues, h.DataPageHeaderV2.V.NumValues, h.DictionaryPageHeader.V.NumValues) < 0 {
		return errThrift
	}
	return nil
}

// content unpacks a page. In version 2 the levels in front are never packed.
func (p *pages) content(w *worker, h *format.PageHeader, raw []byte) ([]byte, error) {
	size, levels, packed := int(h.UncompressedPageSize), 0, p.packed != format.Uncompressed
	if h.Type == format.DataPageV2 {
		v2 := h.DataPageHeaderV2.V
		both := int64(v2.RepetitionLevelsByteLength) + int64(v2.DefinitionLevelsByteLength)
		if v2.RepetitionLevelsByteLength < 0 || v2.DefinitionLevelsByteLength < 0 || both > int64(min(len(raw), size)) {
			return nil, errors.New("damaged: levels longer than their page")
		}
		levels = int(both)
		if v2.IsCompressed.Valid && !v2.IsCompressed.V && !p.always || len(raw) == levels || !packed { // no values, perhaps
			return raw, nil
		}
	}
	if !packed {
		if len(raw) != size {
			return nil, codec.ErrSize
		}
		return raw, nil
	}
	data := codec.Room(&w.data, size)
	copy(data, raw[:levels])
	return data, w.unpack(data[levels:], raw[levels:], p.packed)
}

// alwaysPacked says that the pages of a file are packed even if they say that they are not: those that Arrow wrote before
// version 3 (issues.apache.org/jira/browse/ARROW-10353).
func alwaysPacked(createdBy string) bool {
	writer, version, _ := strings.Cut(createdBy, " version ")
	major, err := strconv.Atoi(version[:max(0, strings.IndexByte(version, '.'))])
	return err == nil && major < 3 && (writer == "parquet-cpp" || writer == "parquet-cpp-arrow")
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
