package parquet

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"strconv"
	"strings"

	"github.com/sluice-hep/sluice/internal/codec"
)

// pages reads the pages of one column chunk and unpacks them. A page may claim about a
// thousand times the file's size, and gets no more than it claims.
type pages struct {
	file    io.ReaderAt
	at, end int64
	most    int64 // bytes, or values, that a page may claim
	packed  int32 // the codec
	always  bool  // whatever the header of a page says
}

func newPages(f io.ReaderAt, size int64, chunk *chunkPages, always bool) (*pages, error) {
	at := chunk.at
	if d := chunk.dictionary.v; d != 0 && (d < at || at == 0) { // 0: no page but the dictionary
		at = d
	}
	if at < 0 || chunk.size < 0 || at > size || chunk.size > size-at {
		return nil, errThrift
	}
	return &pages{file: f, at: at, end: at + chunk.size, most: 1<<22 + 1000*size, packed: chunk.codec, always: always}, nil
}

// next is the next page with its content unpacked, in memory of w; io.EOF after the last.
func (p *pages) next(w *worker) (*pageHeader, []byte, error) {
	if p.at >= p.end {
		return nil, nil, io.EOF
	}
	header, length, err := headerAt(p.file, p.at, p.end)
	if err != nil {
		return nil, nil, err
	}
	p.at += length
	if err := p.check(header); err != nil {
		return nil, nil, err
	}
	raw := codec.Room(&w.raw, int(header.packed))
	if _, err := p.file.ReadAt(raw, p.at); err != nil {
		return nil, nil, err
	}
	p.at += int64(len(raw))
	if sum := crc32.ChecksumIEEE(raw); header.sum != 0 && uint32(header.sum) != sum {
		return nil, nil, fmt.Errorf("damaged: a page has the checksum %08x, and %08x was written", sum, uint32(header.sum))
	}
	data, err := p.content(w, header, raw)
	return header, data, err
}

func (p *pages) check(h *pageHeader) error {
	values := max(h.v1.values, h.v2.values, h.dictionary.values)
	if int64(h.unpacked) > p.most || int64(values) > p.most {
		return fmt.Errorf("a page of %d bytes and %d values is not believable in a file of this size", h.unpacked, values)
	}
	if h.packed < 0 || int64(h.packed) > p.end-p.at || h.unpacked < 0 || min(h.v1.values, h.v2.values, h.dictionary.values) < 0 {
		return errThrift
	}
	return nil
}

// content unpacks a page. In version 2 the levels in front are never packed.
func (p *pages) content(w *worker, h *pageHeader, raw []byte) ([]byte, error) {
	size, levels, packed := int(h.unpacked), 0, p.packed != uncompressed
	if h.kind == dataPageV2 {
		both := int64(h.v2.repetition) + int64(h.v2.levels)
		if h.v2.repetition < 0 || h.v2.levels < 0 || both > int64(min(len(raw), size)) {
			return nil, errors.New("damaged: levels longer than their page")
		}
		levels = int(both)
		if !h.v2.packed && !p.always || len(raw) == levels || !packed { // no values, perhaps
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

// headerAt reads the header at the given place, and its length.
func headerAt(f io.ReaderAt, at, end int64) (*pageHeader, int64, error) {
	for room := int64(1 << 10); ; room *= 16 {
		b := make([]byte, min(room, end-at))
		if _, err := f.ReadAt(b, at); err != nil {
			return nil, 0, err
		}
		header := &pageHeader{v2: dataHeaderV2{packed: true}}
		n, err := decode(b, header)
		if err != nil && int64(len(b)) < end-at && room < 1<<26 {
			continue // a header with long statistics
		}
		return header, int64(n), err
	}
}
