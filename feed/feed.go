// Package feed brings the events of a training that do not fit into memory. A first pass over the files, the Survey, counts
// them, sets the validation and test events aside and keeps what the preparation is fitted on. Windows then bring the
// training events of each epoch: sections of the files in random order, a window of them in memory at a time and shuffled
// there, while the next is read.
//
// What comes depends on the files, the seed and the bound of memory alone.
package feed

import (
	"math"

	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/query"
)

// Block is a run of complete events, those that the analysis selects.
type Block = query.Block

// Source reads the events of an analysis a block at a time, and again from marks. It is for one goroutine.
type Source interface {
	Next() (Block, error) // perhaps empty; io.EOF after the last
	Mark() (m events.Mark, ok bool)
	Seek(events.Mark) error
	Close() error
}

// digest gives 64 bits an event that look random: they tell which sample it belongs to. They are made of its values
// (rounded to float32), of its row in its file, which tells events of the same values apart, and of the seed, so that
// they do not depend on the order of the files.
type digest struct {
	columns []string
	seed    uint64
	bits    []uint64
}

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
		if c.Type == events.Float32 {
			for i, v := range c.F32 {
				d.bits[i] = mix(d.bits[i] + bits(v))
			}
			continue
		}
		for i := range d.bits {
			d.bits[i] = mix(d.bits[i] + bits(float32(c.Float(i))))
		}
	}
	return d.bits, nil
}

func bits(v float32) uint64 { return uint64(math.Float32bits(v+0))*golden + 1 } // -0 + 0 is 0

const golden = 0x9e3779b97f4a7c15 // 2^64 / golden ratio, odd

// mix is the finaliser of SplitMix64 (Steele, Lea, Flood, OOPSLA 2014).
func mix(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
