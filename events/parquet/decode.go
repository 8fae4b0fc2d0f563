package parquet

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"strings"

	pq "github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/deprecated"
	"github.com/parquet-go/parquet-go/encoding"
	"github.com/parquet-go/parquet-go/format"

	"github.com/sluice-hep/sluice/events/column"
	"github.com/sluice-hep/sluice/internal/codec"
)

// kind is how the values of a column are to be understood.
type kind struct {
	physical      pq.Kind
	column.Number         // that of the values and, in their lowest bits, of what they are stored as; none for text
	scale         float64 // decimals: 10 to the power of the scale; else 0
}

// stored are the numbers of the physical types. Times of 96 bits become nanoseconds.
var stored = map[pq.Kind]column.Number{
	pq.Boolean: {Kind: column.Bool, Size: 1}, pq.Float: {Kind: column.Float, Size: 4}, pq.Double: {Kind: column.Float, Size: 8},
	pq.Int32: {Kind: column.Int, Size: 4}, pq.Int64: {Kind: column.Int, Size: 8}, pq.Int96: {Kind: column.Int, Size: 8},
}

// kindOf says what a column holds, or why it is left out.
//
// The element is its description in the file: the library knows no float16.
func kindOf(leaf *pq.Column, element *format.SchemaElement) (k kind, why string) {
	k.physical = leaf.Type().Kind()
	k.Number = stored[k.physical]
	k.annotate(leaf.Type(), element)
	if k.physical == pq.FixedLenByteArray && !k.Known() && k.scale == 0 {
		return k, "holds bytes that are no number"
	}
	return k, ""
}

// native is the type that holds every value.
func (k kind) native() column.Type {
	switch {
	case k.scale != 0:
		return column.Float64
	case k.physical == pq.ByteArray:
		return column.Text
	}
	return k.Native()
}

// annotate heeds what the file says beside the physical type, in the new manner
// or in the old.
func (k *kind) annotate(t pq.Type, element *format.SchemaElement) {
	decimal := func(scale int32) {
		if scale >= 0 && scale <= 76 && (k.Kind == column.Int || k.physical == pq.ByteArray || k.physical == pq.FixedLenByteArray) {
			k.scale = math.Pow10(int(scale))
		}
	}
	unsigned := false
	if element.LogicalType.Value != nil {
		switch l := element.LogicalType.Value.(type) {
		case *format.IntType:
			unsigned = !l.IsSigned
		case *format.DecimalType:
			decimal(l.Scale)
		case *format.Float16Type:
			if k.physical == pq.FixedLenByteArray && t.Length() == 2 {
				k.Number = column.Number{Kind: column.Float, Size: 2}
			}
		}
	} else if element.ConvertedType.Valid {
		switch element.ConvertedType.V {
		case deprecated.Decimal:
			decimal(element.Scale.V)
		case deprecated.Uint8, deprecated.Uint16, deprecated.Uint32, deprecated.Uint64:
			unsigned = true
		}
	}
	if unsigned && (k.physical == pq.Int32 || k.physical == pq.Int64) {
		k.Kind = column.Uint
	}
}

// plain decodes n values, in any encoding but those of a dictionary. Floats lie in
// memory.
func (k kind) plain(memory *[]byte, t pq.Type, data []byte, n int, code format.Encoding) (c column.Column, err error) {
	if k.physical == pq.Boolean && code == format.RLE { // 4 bytes of length, runs of bits
		if len(data) < 4 {
			return c, errShort
		}
		bits := make([]byte, n)
		if err := hybrid(bits, 1, data[4:]); err != nil {
			return c, err
		}
		c = column.New("", "", column.Int64, n)
		k.Decode(&c, bits, 1)
		return c, nil
	}
	if err := checkDelta(data, n, code); err != nil {
		return c, err
	}
	e := pq.LookupEncoding(code)
	var offsets []uint32
	if k.physical == pq.ByteArray {
		offsets = make([]uint32, 0, n+1)
	}
	v, err := t.Decode(t.NewValues(codec.Room(memory, t.EstimateDecodeSize(n, data, e))[:0], offsets), data, e)
	if err != nil {
		return c, err
	}
	return k.decode(v, n)
}

// checkDelta: the delta encodings begin with their own claim of a number of
// values (block size, blocks, number of values), for which the library makes
// room.
func checkDelta(data []byte, n int, code format.Encoding) error {
	switch code {
	case format.DeltaBinaryPacked, format.DeltaLengthByteArray, format.DeltaByteArray:
	default:
		return nil
	}
	whole := data
	var claim [3]uint64
	for i := range claim {
		v, length := binary.Uvarint(data)
		if length <= 0 {
			return errShort
		}
		claim[i], data = v, data[length:]
	}
	if claim[0] > 1<<20 || claim[1] > 1<<16 || claim[2] != uint64(n) {
		return errors.New("damaged: a page that claims another number of values than its header")
	}
	if code == format.DeltaByteArray {
		return checkPrefixes(whole, n)
	}
	return nil
}

// checkPrefixes: where each text repeats the beginning of the one before, a page
// of megabytes can stand for terabytes.
func checkPrefixes(data []byte, n int) error {
	prefixes, err := pq.LookupEncoding(format.DeltaBinaryPacked).DecodeInt32(make([]int32, 0, n), data)
	if err != nil {
		return err
	}
	total := int64(0)
	for _, p := range prefixes {
		if total += int64(p); p < 0 || total > 1<<28 {
			return errors.New("a page of text that unpacks to more than 256 MiB is not believable")
		}
	}
	return nil
}

// decode turns n values of a page, missing ones left out, into a column of
// integers, floats or text.
func (k kind) decode(v encoding.Values, n int) (c column.Column, err error) {
	switch k.physical {
	case pq.Boolean:
		return booleans(v.Boolean(), n)
	case pq.Float:
		c = column.Column{Type: column.Float32, F32: v.Float()}
	case pq.Double:
		c = column.Column{Type: column.Float64, F64: v.Double()}
	case pq.Int32:
		if k.Kind == column.Uint {
			c = integers(v.Uint32())
		} else {
			c = integers(v.Int32())
		}
	case pq.Int64:
		if k.Kind == column.Uint {
			c = column.Column{Type: column.Uint64, U64: v.Uint64()}
		} else {
			c = column.Column{Type: column.Int64, I64: v.Int64()}
		}
	case pq.Int96:
		c = dates(v.Int96())
	case pq.ByteArray:
		c = k.bytes(v)
	default:
		c = k.fixed(v)
	}
	if c.Len() < n {
		return c, fmt.Errorf("a page of %d values holds %d", n, c.Len())
	}
	c = c.Slice(0, n)
	if k.scale == 0 {
		return c, nil
	}
	out := column.New("", "", column.Float64, n)
	for i := range out.F64 {
		out.F64[i] = c.Float(i) / k.scale
	}
	return out, nil
}

func booleans(bits []byte, n int) (column.Column, error) {
	c := column.New("", "", column.Int64, n)
	if len(bits)*8 < n {
		return c, fmt.Errorf("a page of %d values holds %d", n, len(bits)*8)
	}
	for i := range n {
		c.I64[i] = int64(bits[i/8] >> (i % 8) & 1)
	}
	return c, nil
}

func integers[T int32 | uint32](x []T) column.Column {
	c := column.New("", "", column.Int64, len(x))
	for i, v := range x {
		c.I64[i] = int64(v)
	}
	return c
}

// dates are nanoseconds since 1970 of the old 96-bit time: nanoseconds of the
// day, and the Julian day.
func dates(x []deprecated.Int96) column.Column {
	c := column.New("", "", column.Int64, len(x))
	for i, v := range x {
		day := int64(v[2]) - 2440588
		c.I64[i] = day*86400e9 + int64(uint64(v[1])<<32|uint64(v[0]))
	}
	return c
}

func (k kind) bytes(v encoding.Values) column.Column {
	data, offsets := v.ByteArray()
	n := max(len(offsets)-1, 0)
	if k.scale != 0 {
		return decimals(n, func(i int) []byte { return data[offsets[i]:offsets[i+1]] })
	}
	c := column.New("", "", column.Text, n)
	all := strings.ToValidUTF8(string(data), "\uFFFD")
	if len(all) != len(data) { // rare: mend each by itself
		for i := range n {
			c.Str[i] = strings.ToValidUTF8(string(data[offsets[i]:offsets[i+1]]), "\uFFFD")
		}
		return c
	}
	for i := range n {
		c.Str[i] = all[offsets[i]:offsets[i+1]]
	}
	return c
}

func (k kind) fixed(v encoding.Values) column.Column {
	data, size := v.FixedLenByteArray()
	if size <= 0 {
		return column.Column{Type: column.Float32}
	}
	n := len(data) / size
	if k.scale != 0 {
		return decimals(n, func(i int) []byte { return data[i*size:][:size] })
	}
	c := column.New("", "", column.Float32, n)
	k.Decode(&c, data, size)
	return c
}

// decimals are signed numbers of any length, the most significant byte first.
func decimals(n int, at func(i int) []byte) column.Column {
	c := column.New("", "", column.Float64, n)
	for i := range c.F64 {
		for j, b := range at(i) {
			if v := &c.F64[i]; j == 0 {
				*v = float64(int8(b))
			} else {
				*v = *v*256 + float64(b)
			}
		}
	}
	return c
}
