package stats

import (
	"cmp"
	"math"
	"slices"
)

const (
	digit   = 11 // bits that a pass of the radix sort orders by
	passes  = (64 + digit - 1) / digit
	fewKeys = 256 // are sorted by comparisons
)

type key struct {
	bits uint64
	at   int32
}

// order gives the numbers of the values in ascending order, equal ones as they come. No value may be NaN.
func order(x []float64) []int32 {
	keys, other := make([]key, len(x)), make([]key, len(x))
	for i, v := range x {
		b := math.Float64bits(v + 0) // -0 is 0
		keys[i] = key{b ^ (uint64(int64(b)>>63) | 1<<63), int32(i)}
	}
	if len(x) < fewKeys {
		slices.SortStableFunc(keys, func(a, b key) int { return cmp.Compare(a.bits, b.bits) })
	} else {
		keys = radix(keys, other)
	}
	o := make([]int32, len(x))
	for i, k := range keys {
		o[i] = k.at
	}
	return o
}

// radix sorts keys by their bits, in turns between the two slices, and returns the one that is sorted.
func radix(keys, other []key) []key {
	var counts [passes][1 << digit]int32
	for _, k := range keys {
		for p := range counts {
			counts[p][k.bits>>(p*digit)&(1<<digit-1)]++
		}
	}
	for p := range counts {
		c, from := &counts[p], int32(0)
		if c[keys[0].bits>>(p*digit)&(1<<digit-1)] == int32(len(keys)) {
			continue // all have this digit in common
		}
		for d, n := range c {
			c[d], from = from, from+n
		}
		for _, k := range keys {
			at := &c[k.bits>>(p*digit)&(1<<digit-1)]
			other[*at] = k
			*at++
		}
		keys, other = other, keys
	}
	return keys
}
