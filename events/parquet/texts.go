package parquet

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"

	"github.com/sluice-hep/sluice/events/column"
)

// texts are values of any length, one after the other in data.
type texts struct {
	data []byte
	ends []int // of each; the first is 0, before it
}

func (t *texts) at(i int) []byte { return t.data[t.ends[i]:t.ends[i+1]] }

// textsOf decodes n values.
func textsOf(data []byte, n int, code int32) (texts, error) {
	switch code {
	case plain:
		return plainTexts(data, n)
	case deltaLengths:
		return textsByLengths(data, n)
	case deltaTexts:
		return textsByPrefixes(data, n)
	}
	return texts{}, unknown(code)
}

// plainTexts come behind their lengths.
func plainTexts(data []byte, n int) (t texts, err error) {
	if 4*int64(n) > int64(len(data)) {
		return t, errShort
	}
	t.data, t.ends = make([]byte, 0, len(data)-4*n), make([]int, 1, n+1)
	for range n {
		if len(data) < 4 {
			return t, errShort
		}
		size := binary.LittleEndian.Uint32(data)
		if data = data[4:]; uint64(size) > uint64(len(data)) {
			return t, errShort
		}
		t.data = append(t.data, data[:size]...)
		t.ends = append(t.ends, len(t.data))
		data = data[size:]
	}
	return t, nil
}

// textsByLengths come behind the lengths of all.
func textsByLengths(data []byte, n int) (t texts, err error) {
	lengths := make([]int64, n)
	if t.data, err = deltas(lengths, data); err != nil {
		return t, err
	}
	t.ends = make([]int, 1, n+1)
	end := 0
	for _, length := range lengths {
		if length < 0 || length > int64(len(t.data)-end) {
			return t, errShort
		}
		end += int(length)
		t.ends = append(t.ends, end)
	}
	t.data = t.data[:end]
	return t, nil
}

// textsByPrefixes begin with so many bytes of the one before: a page of megabytes can stand for terabytes.
func textsByPrefixes(data []byte, n int) (t texts, err error) {
	prefixes := make([]int64, n)
	if data, err = deltas(prefixes, data); err != nil {
		return t, err
	}
	rest, err := textsByLengths(data, n)
	if err != nil {
		return t, err
	}
	total := int64(len(rest.data))
	for _, p := range prefixes {
		if total += p; p < 0 || p > 1<<28 || total > 1<<28 {
			return t, errors.New("a page of text that unpacks to more than 256 MiB is not believable")
		}
	}
	t.data, t.ends = make([]byte, 0, total), make([]int, 1, n+1)
	for i, p := range prefixes {
		before := t.data[t.ends[max(i-1, 0)]:]
		if p > int64(len(before)) {
			return t, fmt.Errorf("damaged: a text that begins with %d bytes of one of %d", p, len(before))
		}
		t.data = append(append(t.data, before[:p]...), rest.at(i)...)
		t.ends = append(t.ends, len(t.data))
	}
	return t, nil
}

// column is of text; what is no UTF-8 is marked.
func (t *texts) column() column.Column {
	c := column.New("", "", column.Text, max(len(t.ends)-1, 0))
	all := string(t.data)
	for i := range c.Str {
		c.Str[i] = strings.ToValidUTF8(all[t.ends[i]:t.ends[i+1]], "\uFFFD")
	}
	return c
}

// deltas decodes integers that are packed by their differences (parquet.apache.org/docs/file-format/data-pages/encodings,
// DELTA_BINARY_PACKED), as many as they say themselves, and returns what follows. Sums wrap.
func deltas(out []int64, data []byte) ([]byte, error) {
	var head [3]uint64 // values of a block, its parts, values in all
	for i := range head {
		v, n := binary.Uvarint(data)
		if n <= 0 {
			return nil, errShort
		}
		head[i], data = v, data[n:]
	}
	parts := int(min(head[1], 1<<16+1))
	if head[0] > 1<<20 || parts < 1 || parts > 1<<16 || head[0]%(8*head[1]) != 0 || head[0] == 0 || head[2] != uint64(len(out)) {
		return nil, errors.New("damaged: a page that claims another number of values than its header")
	}
	v, n := binary.Varint(data)
	if n <= 0 {
		return nil, errShort
	}
	data = data[n:]
	if len(out) > 0 {
		out[0], out = v, out[1:]
	}
	for each := int(head[0]) / parts; len(out) > 0; {
		least, n := binary.Varint(data)
		if n <= 0 || len(data)-n < parts {
			return nil, errShort
		}
		widths := data[n:][:parts]
		data = data[n+parts:]
		for _, width := range widths {
			run := out[:min(each, len(out))]
			if width > 64 || (len(run)*int(width)+7)/8 > len(data) {
				return nil, errShort
			}
			for i := range run {
				v += least + int64(bitsAt(data, i*int(width), int(width)))
				run[i] = v
			}
			out = out[len(run):]
			if len(run) > 0 { // parts without values have no bytes
				data = data[min(each*int(width)/8, len(data)):]
			}
		}
	}
	return data, nil
}

// bitsAt is a number of up to 64 bits, the lowest first.
func bitsAt(data []byte, bit, width int) uint64 {
	at, shift := bit/8, bit%8
	var end [9]byte
	if data = data[min(at, len(data)):]; len(data) < len(end) {
		copy(end[:], data)
		data = end[:]
	}
	v := binary.LittleEndian.Uint64(data)>>shift | uint64(data[8])<<(64-shift)
	return v & (1<<width - 1)
}
