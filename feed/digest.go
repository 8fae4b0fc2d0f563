package feed

import (
	"math"

	"github.com/sluice-hep/sluice/events"
)

// digest gives 64 bits an event that look random: they tell which sample it belongs to, and are its number for the noise of
// the preparation. They are made of its values, exactly, of its row in its file, which tells events of the same values
// apart, and of the seed, so that they depend neither on the order of the files nor on the types of their columns.
type digest struct {
	columns []string
	seed    uint64
	bits    []uint64
}

func newDigest(columns []string, seed uint64) digest {
	return digest{columns: columns, seed: mix(seed)}
}

// of is valid until the next call.
func (d *digest) of(b Block) ([]uint64, error) {
	d.bits = d.bits[:0]
	for _, row := range b.Rows {
		d.bits = append(d.bits, mix(d.seed+uint64(row)*golden))
	}
	for _, name := range d.columns {
		c, err := b.Column(name)
		if err != nil {
			return nil, err
		}
		for i := range d.bits {
			d.bits[i] = mix(d.bits[i] + bits(c, i))
		}
	}
	return d.bits, nil
}

// bits are those of a float64, and for an integer that it does not hold the integer's besides; of a text a hash.
func bits(c *events.Column, i int) uint64 {
	if c.Type == events.Text {
		return bitsOf(c.Str[i])
	}
	v := c.Float(i) + 0 // -0 + 0 is 0
	b := math.Float64bits(v)*golden + 1
	switch {
	case c.Type == events.Int64 && (v >= 1<<63 || int64(v) != c.I64[i]):
		b += uint64(c.I64[i])
	case c.Type == events.Uint64 && (v >= 1<<64 || uint64(v) != c.U64[i]):
		b += c.U64[i]
	}
	return b
}

const golden = 0x9e3779b97f4a7c15 // 2^64 / golden ratio, odd

// mix is the finaliser of SplitMix64 (Steele, Lea, Flood, OOPSLA 2014).
func mix(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// bitsOf is the hash of a text: FNV-1a (Fowler, Noll, Vo), of 64 bits.
func bitsOf(text string) uint64 {
	h := uint64(0xcbf29ce484222325)
	for i := range len(text) {
		h = (h ^ uint64(text[i])) * 0x100000001b3
	}
	return mix(h)
}
