package csv

import (
	"bytes"
	"encoding/binary"
	"math/bits"
)

// skimmer tallies rows of decimals without their values: of short ones types follow from what is no digit, and from whether
// digits stand before that. It knows less than a row may hold; other rows are parsed.
type skimmer struct {
	class [256]uint8
	next  [places * 2 * byteClasses]uint8 // by the place in a cell, whether digits follow it, and what stands there
	kinds []uint8                         // of the cells of each column
}

// What a byte is that is no digit.
const (
	byteOther = iota
	byteMinus
	bytePlus
	bytePoint
	bytePower // e, or d as Fortran writes it
	byteBlank
	bytePart
	byteLine
	byteClasses
)

// Places in a cell: behind its beginning, its sign, ...
const (
	atCell    = iota
	atSign    // of the number
	atPoint   // without digits before it
	inside    // the point, digits before it
	atPower   // the letter
	atPowers  // the sign of the exponent
	atWhole   // blanks behind a cell of that kind
	atMinus   // the same
	atDecimal // the same
	places

	ofRow = 0x40 // the end of a cell and of the row; with the kind of the cell
	ofOne = 0x80 // of a cell
	wrong = 0xff
)

// Kinds of cells.
const (
	isWhole = 1 << iota
	isNegative
	isDecimal
)

func newSkimmer(d dialect, columns int) *skimmer {
	s := &skimmer{kinds: make([]uint8, columns)}
	for class, letters := range []string{byteMinus: "-", bytePlus: "+", bytePower: "eEdD", byteBlank: " \t\r", byteLine: "\n"} {
		for _, c := range []byte(letters) {
			s.class[c] = uint8(class)
		}
	}
	s.class[d.point], s.class[d.separator] = bytePoint, bytePart
	if d.separator == ' ' {
		s.class['\t'] = bytePart
	}
	for at := range uint8(places) {
		s.fill(at, 0, d.separator == ' ')
		s.fill(at, 1, d.separator == ' ')
	}
	return s
}

// fill says what may follow a place, without digits between or, for 1, with some.
func (s *skimmer) fill(at, digits uint8, blanks bool) {
	next := s.next[int(at*2+digits)*byteClasses:][:byteClasses]
	for i := range next {
		next[i] = wrong
	}
	kind, closed := uint8(0), uint8(0)
	switch some := digits == 1; {
	case at == atCell && some, at == atWhole && !some:
		kind, closed = isWhole, atWhole
	case at == atSign && some, at == atMinus && !some:
		kind, closed = isNegative, atMinus
	case (at == atPoint || at == atPower || at == atPowers) && some, at == inside, at == atDecimal && !some:
		kind, closed = isDecimal, atDecimal
	}
	if kind != 0 {
		next[bytePart], next[byteLine], next[byteBlank] = ofOne|kind, ofOne|ofRow|kind, closed
	}
	switch {
	case at == atCell && digits == 0:
		next[byteMinus], next[bytePoint], next[byteBlank] = atSign, atPoint, atCell
		if blanks { // more of them, also at the end of a row
			next[bytePart], next[byteLine] = atCell, ofRow
		}
	case at == atSign && digits == 0:
		next[bytePoint] = atPoint
	case at <= atSign:
		next[bytePoint], next[bytePower] = inside, atPower
	case at <= inside && kind != 0:
		next[bytePower] = atPower
	case at == atPower && digits == 0:
		next[byteMinus], next[bytePlus] = atPowers, atPowers
	}
}

// skim tallies rows of b, in which rows end, up to one that it does not know, and returns how many and where that begins.
func (s *skimmer) skim(b []byte, special *[256]bool) (rows int64, begin, before int) {
	var padded [64]byte
	column, at, last, cell := 0, uint8(atCell), -1, 0
	if len(b) == 0 || special[b[0]] {
		return 0, 0, 0
	}
	for base := 0; base < len(b); base += 64 {
		block := b[base:]
		if len(block) < 64 {
			clear(padded[copy(padded[:], block):])
			block = padded[:]
		}
		for found := noDigits(block); found != 0; found &= found - 1 {
			i := base + bits.TrailingZeros64(found)
			if i >= len(b) {
				return rows, begin, before
			}
			digits := 0
			if i > last+1 {
				digits = byteClasses
			}
			next := s.next[int(at)*2*byteClasses+digits+int(s.class[b[i]])]
			last = i
			if next < places {
				if at = next; next == atCell {
					cell = i + 1
				}
				continue
			}
			kind := next & (isWhole | isNegative | isDecimal)
			if next == wrong || kind == isWhole && i-cell > 15 || kind == isNegative && (i-cell > 16 || b[cell+1] == '0') {
				return rows, begin, before
			}
			if kind != 0 {
				if column == len(s.kinds) {
					return rows, begin, before
				}
				s.kinds[column] |= kind
				column++
			}
			at, cell = atCell, i+1
			if next&ofRow != 0 {
				if column != len(s.kinds) {
					return rows, begin, before
				}
				rows, before, begin, column = rows+1, begin, i+1, 0
				if begin < len(b) && special[b[begin]] {
					return rows, begin, before
				}
			}
		}
	}
	return rows, begin, before
}

// noDigits has a bit for each of 64 bytes that is no digit.
func noDigits(b []byte) (found uint64) {
	const low, high = 0x7f7f7f7f7f7f7f7f, 0x8080808080808080
	_ = b[63]
	for k := 0; k < 64; k += 8 {
		v := binary.LittleEndian.Uint64(b[k:]) ^ 0x3030303030303030
		v = (v&low + 0x7676767676767676 | v) & high
		found |= v >> 7 * 0x0102040810204080 >> 56 << k
	}
	return found
}

// tally adds what was found.
func (s *skimmer) tally(plan []field) {
	for k, kinds := range s.kinds {
		t := &plan[k].tally
		t.numbers = t.numbers || kinds != 0
		t.decimal = t.decimal || kinds&isDecimal != 0
		if kinds&isNegative != 0 {
			t.low = max(t.low, 1)
		}
	}
}

// skim passes over the rows ahead that are tallied at a glance; it says whether there are some.
func (r *Reader) skim(by *skimmer) bool {
	s := r.src
	last := bytes.LastIndexByte(s.buf[s.at:], '\n')
	if last < 0 {
		return false
	}
	rows, begin, before := by.skim(s.buf[s.at:s.at+last+1], &r.special)
	s.start, s.at = s.at+before, s.at+begin
	s.number += rows
	r.row += rows
	return rows > 0
}
