package root

import (
	"errors"
	"fmt"

	"github.com/sluice-hep/sluice/events/column"
	"github.com/sluice-hep/sluice/events/root/rntuple"
)

// earlyRNTuple is the class of RNTuples before their format was settled.
const earlyRNTuple = "ROOT::Experimental::RNTuple"

// store is the file as an RNTuple in it sees it.
type store struct{ *file }

func (s store) Size() int64 { return s.size }

func (s store) Unpacker() rntuple.Unpack {
	var u unpacker
	return func(room, src []byte, size int, most int64) ([]byte, error) {
		if int64(size) > most {
			return nil, fmt.Errorf("claims %d bytes, which is beyond belief for a file of this size", size)
		}
		return u.unpack(room, src, size)
	}
}

func (f *file) openRNTuple(e *entry, opts Options) (column.Reader, error) {
	if e.class == earlyRNTuple {
		return nil, errors.New("is of a version before 1.0 of the format; write it again with ROOT 6.34 or newer")
	}
	anchor, err := f.record(&e.key)
	if err != nil {
		return nil, err
	}
	return rntuple.Open(store{f}, anchor, rntuple.Options{Columns: opts.Columns, Types: opts.Types, Flatten: opts.Flatten, Unit: unitIn})
}

func (f *file) extentOfRNTuple(e *entry) (x extent) {
	if e.class == earlyRNTuple {
		return x
	}
	anchor, err := f.record(&e.key)
	if err != nil {
		return x
	}
	if x.bytes, x.events, err = rntuple.Extent(store{f}, anchor); err != nil {
		return extent{}
	}
	return x
}
