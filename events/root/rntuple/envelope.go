package rntuple

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/sluice-hep/sluice/events/column"
	"github.com/sluice-hep/sluice/internal/codec"
)

// Store is the ROOT file that an RNTuple lies in.
type Store interface {
	io.ReaderAt
	io.Closer
	Size() int64
	// Unpacker unpacks what ROOT has packed; each is for one goroutine.
	Unpacker() Unpack
}

// Unpack unpacks src, of size bytes, into room or into new memory where that is too small. No room is made before src is seen
// to agree on the size, which is at most most.
type Unpack func(room, src []byte, size int, most int64) ([]byte, error)

// For every byte of its file an envelope, a page, and what is held of all pages at once, may unpack to 1000, beyond what
// always may: pages of one value repeated are 1 MiB in some tens of bytes.
const (
	bloat = 1000
	free  = 64 << 20
)

func (r *Reader) most() int64 { return bloat*r.store.Size() + free }

// worker holds what one goroutine needs to read pages.
type worker struct {
	unpack              Unpack
	packed, room, plain []byte
}

// fetch reads packed bytes, with more behind them. They stay good until the next fetch with w.
func (r *Reader) fetch(w *worker, p place, more int64) ([]byte, error) {
	size := r.store.Size()
	switch {
	case p.kind != 0:
		return nil, fmt.Errorf("lies outside of the file, in a storage of kind %d", p.kind)
	case p.at < 0 || p.length < 0 || p.at > size || p.length > size-p.at || more > size-p.at-p.length:
		return nil, fmt.Errorf("lies beyond the end of the file (%d bytes at %d)", p.length, p.at)
	case r.longest > 0 && p.length > r.longest:
		return nil, fmt.Errorf("has %d bytes, cut into records of %d, which cannot be read", p.length, r.longest)
	}
	b := codec.Room(&w.packed, int(p.length+more))
	if _, err := r.store.ReadAt(b, p.at); err != nil {
		return nil, fmt.Errorf("at byte %d: %w", p.at, column.WithoutPath(err))
	}
	return b, nil
}

// unpacked unpacks packed bytes, of size bytes unpacked, into room, or copies those that are not packed.
func (r *Reader) unpacked(w *worker, room, packed []byte, size int64) ([]byte, error) {
	switch {
	case int64(len(packed)) == size:
		return append(room, packed...), nil
	case size < 0 || size > r.most():
		return nil, fmt.Errorf("claims %d bytes, which is beyond belief for a file of %d", size, r.store.Size())
	}
	if w.unpack == nil {
		w.unpack = r.store.Unpacker()
	}
	return w.unpack(room, packed, int(size), r.most())
}

// The kinds of envelopes.
const (
	headerEnvelope = iota + 1
	footerEnvelope
	pagesEnvelope
)

// envelope reads an envelope, of size bytes unpacked, and compares its checksum, which it returns.
func (r *Reader) envelope(kind uint64, p place, size int64) (in cursor, sum uint64, err error) {
	var w worker
	b, err := r.fetch(&w, p, 0)
	if err == nil {
		b, err = r.unpacked(&w, nil, b, size)
	}
	if err == nil && len(b) < 16 {
		err = errShort
	}
	if err == nil {
		head := binary.LittleEndian.Uint64(b)
		end := len(b) - 8
		sum = binary.LittleEndian.Uint64(b[end:])
		switch {
		case head&0xffff != kind || head>>16 != uint64(len(b)):
			err = fmt.Errorf("does not begin as one, at byte %d", p.at)
		case xxh3(b[:end]) != sum:
			err = errors.New("is damaged: its checksum disagrees")
		}
		in = newCursor(b[8:end])
	}
	if err != nil {
		names := [...]string{headerEnvelope: "its header", footerEnvelope: "its footer", pagesEnvelope: "a list of its pages"}
		err = fmt.Errorf("%s %w", names[kind], err)
	}
	return in, sum, err
}
