package parquet

import (
	"encoding/binary"
	"fmt"
	"math/bits"
	"slices"
)

// places says where the values of a page go.
type places struct {
	rows, present int // events of the page, and those whose value is there
	encoding      int32
	values        []byte  // encoded
	index         []int32 // of each value in the dictionary; nil: in order
	levels        []byte  // most where the value is there; nil: all are
	most          byte
}

// missing says whether the value of event i is.
func (p *places) missing(i int) bool { return len(p.levels) > 0 && p.levels[i] != p.most }

// count counts the values that are there.
func (p *places) count() {
	p.present = p.rows - len(p.levels)
	for _, level := range p.levels {
		if level == p.most {
			p.present++
		}
	}
}

// firstMissing is the first event whose value is missing, or -1.
func (p *places) firstMissing() int {
	return slices.IndexFunc(p.levels, func(level byte) bool { return level != p.most })
}

// part parts the levels of a page of version 1, which begin with their length, from its values.
func (p *places) part(data []byte) error {
	if p.most == 0 {
		p.values = data
		return nil
	}
	if len(data) < 4 {
		return errShort
	}
	n := binary.LittleEndian.Uint32(data)
	if data = data[4:]; uint64(n) > uint64(len(data)) {
		return errShort
	}
	return p.partAt(data, int(n))
}

// partAt does so where the length is known.
func (p *places) partAt(data []byte, n int) error {
	p.values = data[n:]
	if p.most == 0 || n == 0 {
		return nil
	}
	p.levels = make([]byte, p.rows)
	return hybrid(p.levels, bits.Len8(p.most), data[:n])
}

func place[T any](out, values []T, p places, missing T) error {
	k := 0
	for i := range out {
		if p.missing(i) {
			out[i] = missing
			continue
		}
		j := k
		if p.index != nil {
			j = int(p.index[k])
		}
		if j < 0 || j >= len(values) {
			return fmt.Errorf("value %d of a dictionary of %d", j, len(values))
		}
		out[i] = values[j]
		k++
	}
	return nil
}
