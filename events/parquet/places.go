package parquet

import (
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/parquet-go/parquet-go/format"
)

// places says where the values of a page go.
type places struct {
	rows, present int // events of the page, and those whose value is there
	encoding      format.Encoding
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

// levels1 parts the levels of a page of version 1 from its values.
func (p *places) levels1(rows int, data []byte) (levels, rest []byte, err error) {
	if p.most == 0 {
		return nil, data, nil
	}
	if len(data) < 4 {
		return nil, nil, errShort
	}
	n := binary.LittleEndian.Uint32(data)
	data = data[4:]
	if uint64(n) > uint64(len(data)) {
		return nil, nil, errShort
	}
	levels = make([]byte, rows)
	return levels, data[n:], hybrid(levels, 1, data[:n])
}

// levels2 does so in version 2, which states their lengths elsewhere.
func (p *places) levels2(rows int, data []byte, repetition, definition int) (levels, rest []byte, err error) {
	data = data[repetition:]
	if p.most == 0 || definition == 0 {
		return nil, data[definition:], nil
	}
	levels = make([]byte, rows)
	return levels, data[definition:], hybrid(levels, 1, data[:definition])
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
