package profile

import "slices"

// frequent counts the values of a stream in one table of bounded size. Once it is full, the median of its counts is
// subtracted from each, and values without a rest go: Misra and Gries, Science of Computer Programming 2 (1982) 143, with
// the step of Anderson et al., Proc. IMC 2017, 268. As half of the table loses that much each time, no value with more
// than 1/1024 of the events is ever missing at the end. The count of a value that came before the table was first full,
// and stayed, is exact.
type frequent struct {
	values []counted
	index  []uint16 // by hash, then the next that is free: place in values, from 1 on; 0 is free. A power of 2
	lost   int64    // events that a value may have had at most before it came
}

type counted struct {
	key   uint64 // the bits of the value
	rest  int64
	seen  int64 // events since it came
	exact bool  // which are all
}

const mostValues = 2048 // more than MaxDistinct

// add counts values by their bits, of which each has its own.
func (f *frequent) add(keys []uint64) {
	for _, key := range keys {
		if 2*len(f.values) == len(f.index) {
			f.makeRoom()
		}
		slot := f.slot(key)
		k := f.index[slot]
		if k == 0 {
			f.values = append(f.values, counted{key: key, exact: f.lost == 0})
			k = uint16(len(f.values))
			f.index[slot] = k
		}
		c := &f.values[k-1]
		c.rest++
		c.seen++
	}
}

// slot is where in the index a value is, or belongs.
func (f *frequent) slot(key uint64) uint64 {
	h := key ^ key>>32
	h *= 0x9e3779b97f4a7c15 // Fibonacci hashing: Knuth, The Art of Computer Programming 3, 6.4
	mask := uint64(len(f.index) - 1)
	for i := h >> 40 & mask; ; i = (i + 1) & mask {
		if k := f.index[i]; k == 0 || f.values[k-1].key == key {
			return i
		}
	}
}

// makeRoom takes more memory, up to a bound, and then drops the rarer values.
func (f *frequent) makeRoom() {
	if len(f.values) < mostValues {
		f.index = make([]uint16, max(64, 2*len(f.index)))
	} else {
		clear(f.index)
		drop := f.median()
		f.lost += drop
		kept := f.values[:0]
		for _, c := range f.values {
			if c.rest > drop {
				c.rest -= drop
				kept = append(kept, c)
			}
		}
		f.values = kept
	}
	for k := range f.values {
		f.index[f.slot(f.values[k].key)] = uint16(k + 1)
	}
}

// median is that of the counts: at least half of them are no less.
func (f *frequent) median() int64 {
	once := 0
	for k := range f.values {
		if f.values[k].rest == 1 {
			once++
		}
	}
	if 2*once > len(f.values) { // as where most values differ
		return 1
	}
	counts := make([]int64, len(f.values))
	for k := range f.values {
		counts[k] = f.values[k].rest
	}
	slices.Sort(counts)
	return counts[len(counts)/2]
}

// usual is the median of how often the values were seen.
func (f *frequent) usual() int64 {
	counts := make([]int64, len(f.values))
	for k := range f.values {
		counts[k] = f.values[k].seen
	}
	if slices.Sort(counts); len(counts) > 0 {
		return counts[len(counts)/2]
	}
	return 0
}

// distinct counts the values, up to MaxDistinct; more says that there are more.
func (f *frequent) distinct() (n int, more bool) {
	if f.lost > 0 || len(f.values) > MaxDistinct {
		return MaxDistinct, true
	}
	return len(f.values), false
}
