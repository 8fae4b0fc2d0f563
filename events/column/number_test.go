package column

import (
	"encoding/binary"
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// numbers are all that can be decoded, in both orders of bytes.
func numbers() []Number {
	var all []Number
	for _, kind := range []Kind{Float, Int, Uint, Bool} {
		for _, size := range []int{1, 2, 4, 8} {
			for _, big := range []bool{false, true} {
				if n := (Number{kind, size, big}); n.Known() {
					all = append(all, n)
				}
			}
		}
	}
	return all
}

// An integer, a float and a truth value come out as what their bits say, whatever their size, order and distance.
func TestNumbersAreDecoded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.SampledFrom(numbers()).Draw(t, "number")
		patterns := rapid.SliceOfN(rapid.OneOf(rapid.Uint64(), rapid.SampledFrom([]uint64{0, 1, 1 << 63, math.MaxUint64, math.MaxInt64})), 1, 20).Draw(t, "bits")
		stride := n.Size + rapid.IntRange(0, 9).Draw(t, "gap")
		raw := make([]byte, (len(patterns)-1)*stride+n.Size)
		got := New("x", "", n.Native(), len(patterns))
		for i, p := range patterns {
			b := binary.BigEndian.AppendUint64(nil, p<<(64-8*n.Size))[:n.Size]
			if !n.Big {
				slices.Reverse(b)
			}
			copy(raw[i*stride:], b)
		}
		n.Decode(&got, raw, stride)
		for i, p := range patterns {
			low := 64 - 8*n.Size
			var ok bool
			switch n.Kind {
			case Bool:
				ok = got.Type == Int64 && got.I64[i] == map[bool]int64{true: 1}[p<<low != 0]
			case Int:
				ok = got.Type == Int64 && got.I64[i] == int64(p<<low)>>low
			case Uint:
				ok = n.Size < 8 && got.Type == Int64 && got.I64[i] == int64(p<<low>>low) || n.Size == 8 && got.Type == Uint64 && got.U64[i] == p
			default:
				switch n.Size {
				case 2:
					ok = got.Type == Float32 && math.Float32bits(got.F32[i]) == math.Float32bits(Half(uint16(p)))
				case 4:
					ok = got.Type == Float32 && math.Float32bits(got.F32[i]) == uint32(p)
				default:
					ok = got.Type == Float64 && math.Float64bits(got.F64[i]) == p
				}
			}
			if !ok {
				t.Fatalf("%+v: %x came out as %s %s", n, p, got.Type, got.Format(i))
			}
		}
	})
}

// What is encoded is decoded equal, between bytes that stay.
func TestNumbersAreEncoded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := Column{Type: rapid.SampledFrom([]Type{Float32, Float64, Int64, Uint64}).Draw(t, "type")}
		for _, p := range rapid.SliceOfN(rapid.Uint64(), 1, 20).Draw(t, "bits") {
			switch c.Type {
			case Float32:
				c.F32 = append(c.F32, math.Float32frombits(uint32(p)))
			case Float64:
				c.F64 = append(c.F64, math.Float64frombits(p))
			case Int64:
				c.I64 = append(c.I64, int64(p))
			default:
				c.U64 = append(c.U64, p)
			}
		}
		n := c.Type.Number(rapid.Bool().Draw(t, "big"))
		stride := n.Size + rapid.IntRange(0, 9).Draw(t, "gap")
		raw := make([]byte, c.Len()*stride)
		for i := range raw {
			raw[i] = 0xa5
		}
		n.Encode(raw, stride, &c)
		got := New("", "", c.Type, c.Len())
		n.Decode(&got, raw, stride)
		packed := n.Append([]byte("x"), &c)
		for i := range c.Len() {
			if slices.ContainsFunc(raw[i*stride+n.Size:(i+1)*stride], func(b byte) bool { return b != 0xa5 }) {
				t.Fatalf("%+v wrote between the numbers", n)
			}
			if string(packed[1+i*n.Size:][:n.Size]) != string(raw[i*stride:][:n.Size]) {
				t.Fatalf("%+v: appended otherwise", n)
			}
			if c.Type == Float32 && math.Float32bits(got.F32[i]) != math.Float32bits(c.F32[i]) || c.Type == Float64 && math.Float64bits(got.F64[i]) != math.Float64bits(c.F64[i]) ||
				c.Type == Int64 && got.I64[i] != c.I64[i] || c.Type == Uint64 && got.U64[i] != c.U64[i] {
				t.Fatalf("%+v: %s came back as %s", n, c.Format(i), got.Format(i))
			}
		}
	})
}

// Settle changes no value: what the type wanted does not hold is an error that names the row.
func TestSettleIsExact(t *testing.T) {
	for _, c := range []struct {
		from Column
		want Type
		row  string // of the error; "" for none
	}{
		{Column{Type: Int64, I64: []int64{1 << 53, -1 << 63}}, Float64, ""},
		{Column{Type: Int64, I64: []int64{0, 1<<53 + 1}}, Float64, `row 12: column "n": "9007199254740993" is not held exactly by float64`},
		{Column{Type: Int64, I64: []int64{math.MaxInt64}}, Uint64, ""},
		{Column{Type: Int64, I64: []int64{-1}}, Uint64, `row 11: column "n": "-1" is not held by uint64`},
		{Column{Type: Uint64, U64: []uint64{math.MaxInt64}}, Int64, ""},
		{Column{Type: Uint64, U64: []uint64{1 << 63}}, Int64, `row 11: column "n": "9223372036854775808" is not held by int64`},
		{Column{Type: Uint64, U64: []uint64{1 << 63}}, Float64, ""},
		{Column{Type: Uint64, U64: []uint64{math.MaxUint64}}, Float64, `row 11: column "n": "18446744073709551615" is not held exactly by float64`},
		{Column{Type: Float64, F64: []float64{-2, 2.5}}, Int64, `row 12: column "n": "2.5" is not held by int64`},
		{Column{Type: Float64, F64: []float64{1 << 63}}, Uint64, ""},
		{Column{Type: Float64, F64: []float64{math.NaN()}}, Int64, `row 11: column "n": "NaN" is not held by int64`},
		{Column{Type: Float64, F64: []float64{math.Inf(1), 0.1, 1e39}}, Float32, `row 13: column "n": "1e+39" is beyond float32`},
		{Column{Type: Float32, F32: []float32{0.1}}, Float64, ""},
	} {
		c.from.Name = "n"
		got, err := Settle(c.from, c.want, 10)
		if c.row == "" {
			if err != nil || got.Type != c.want || got.Float(0) != c.from.Float(0) {
				t.Errorf("%+v as %s: %+v %v", c.from, c.want, got, err)
			}
		} else if err == nil || err.Error() != c.row {
			t.Errorf("%+v as %s: %v, want %s", c.from, c.want, err, c.row)
		}
	}
}
