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
)

// kind is how the values of a column are to be understood.
type kind struct {
	physical pq.Kind
	native   column.Type // holds every value without loss
	small    bool        // integers of at most 16 bits
	unsigned bool
	half     bool    // float16
	scale    float64 // decimals: 10 to the power of the scale; else 0
}

// kindOf says what a column holds, or why it is left out.
//
// The element is its description in the file: the library knows no float16.
func kindOf(leaf *pq.Column, element *format.SchemaElement) (k kind, why string) {
	k.physical = leaf.Type().Kind()
	switch k.physical {
	case pq.Float, pq.Boolean:
		k.native = column.Float32
	case pq.Double:
		k.native = column.Float64
	case pq.Int32, pq.Int64, pq.Int96:
		k.native = column.Int64
	case pq.ByteArray:
		k.native = column.Text
	default:
		why = "holds bytes that are no number"
	}
	k.annotate(leaf.Type(), element)
	switch {
	case k.scale != 0:
		k.native = column.Float64
		return k, ""
	case k.half:
		k.native = column.Float32
		return k, ""
	case k.small:
		k.native = column.Float32
	}
	return k, why
}

// annotate heeds what the file says beside the physical type, in the new manner
// or in the old.
func (k *kind) annotate(t pq.Type, element *format.SchemaElement) {
	decimal := func(scale int32) {
		if scale >= 0 && scale <= 76 && (k.native == column.Int64 || k.physical == pq.ByteArray || k.physical == pq.FixedLenByteArray) {
			k.scale = math.Pow10(int(scale))
		}
	}
	if element.LogicalType.Value != nil {
		switch l := element.LogicalType.Value.(type) {
		case *format.IntType:
			k.small = l.BitWidth <= 16
			k.unsigned = !l.IsSigned
		case *format.DecimalType:
			decimal(l.Scale)
		case *format.Float16Type:
			k.half = k.physical == pq.FixedLenByteArray && t.Length() == 2
		}
		return
	}
	if element.ConvertedType.Valid {
		switch element.ConvertedType.V {
		case deprecated.Decimal:
			decimal(element.Scale.V)
		case deprecated.Int8, deprecated.Int16:
			k.small = true
		case deprecated.Uint8, deprecated.Uint16:
			k.small, k.unsigned = true, true
		case deprecated.Uint32, deprecated.Uint64:
			k.unsigned = true
		}
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
		c = column.New("", "", column.Float32, n)
		for i, b := range bits {
			c.F32[i] = float32(b)
		}
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
	v, err := t.Decode(t.NewValues(room(memory, t.EstimateDecodeSize(n, data, e))[:0], offsets), data, e)
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
		c = k.ints32(v)
	case pq.Int64:
		if c, err = k.ints64(v); err != nil {
			return c, err
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
	return k.scaled(c.Slice(0, n)), nil
}

func booleans(bits []byte, n int) (column.Column, error) {
	c := column.New("", "", column.Float32, n)
	if len(bits)*8 < n {
		return c, fmt.Errorf("a page of %d values holds %d", n, len(bits)*8)
	}
	for i := range n {
		c.F32[i] = float32(bits[i/8] >> (i % 8) & 1)
	}
	return c, nil
}

func (k kind) ints32(v encoding.Values) column.Column {
	if k.unsigned {
		return integers(v.Uint32())
	}
	return integers(v.Int32())
}

func (k kind) ints64(v encoding.Values) (column.Column, error) {
	if k.unsigned && k.native == column.Float64 && k.scale == 0 {
		c := column.New("", "", column.Float64, len(v.Uint64()))
		for i, x := range v.Uint64() {
			c.F64[i] = float64(x)
		}
		return c, nil
	}
	c := integers(v.Int64())
	if k.unsigned {
		for _, x := range c.I64 {
			if x < 0 {
				return c, &column.Contradiction{Value: fmt.Sprint(uint64(x)), Why: "is beyond int64", Want: column.Float64}
			}
		}
	}
	return c, nil
}

func integers[T int32 | uint32 | int64](x []T) column.Column {
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
		c := column.New("", "", column.Float64, n)
		for i := range n {
			c.F64[i] = bigEndian(data[offsets[i]:offsets[i+1]])
		}
		return c
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
	if k.half {
		c := column.New("", "", column.Float32, n)
		for i := range n {
			c.F32[i] = column.Half(binary.LittleEndian.Uint16(data[2*i:]))
		}
		return c
	}
	c := column.New("", "", column.Float64, n)
	for i := range n {
		c.F64[i] = bigEndian(data[i*size:][:size])
	}
	return c
}

// bigEndian is a signed number of any length, the most significant byte first.
func bigEndian(b []byte) float64 {
	if len(b) == 0 {
		return 0
	}
	v := float64(int8(b[0]))
	for _, c := range b[1:] {
		v = v*256 + float64(c)
	}
	return v
}

// scaled puts the point into decimals, and small integers into float32.
func (k kind) scaled(c column.Column) column.Column {
	if k.scale != 0 {
		out := column.New("", "", column.Float64, c.Len())
		for i := range out.F64 {
			if c.Type == column.Int64 {
				out.F64[i] = float64(c.I64[i]) / k.scale
			} else {
				out.F64[i] = c.F64[i] / k.scale
			}
		}
		return out
	}
	if k.small && c.Type == column.Int64 {
		out := column.New("", "", column.Float32, c.Len())
		for i, v := range c.I64 {
			out.F32[i] = float32(v)
		}
		return out
	}
	return c
}
