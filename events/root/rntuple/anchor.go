package rntuple

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// anchor says where header and footer lie.
type anchor struct {
	header, footer place
	headerLength   int64 // unpacked
	footerLength   int64
	longest        int64 // record; longer ones are cut in several
}

// readAnchor reads the object of class ROOT::RNTuple, which is big-endian as the objects of ROOT are: a byte count and the
// version of the class, members, and behind the byte count the hash of the members.
func readAnchor(b []byte) (*anchor, error) {
	const head, members, counted = 6, 64, 1 << 30
	if len(b) < head+members+8 {
		return nil, errors.New("its anchor is cut short")
	}
	end := 4 + int64(binary.BigEndian.Uint32(b)&^counted)
	if end < head+members || end+8 > int64(len(b)) {
		return nil, errors.New("its anchor has no believable length")
	}
	m := b[head:end]
	version := [4]uint16{}
	for i := range version {
		version[i] = binary.BigEndian.Uint16(m[2*i:])
	}
	if version[0] != 1 {
		return nil, fmt.Errorf("is of version %d.%d.%d.%d of the format, and 1 can be read; write it again with ROOT 6.34 or newer",
			version[0], version[1], version[2], version[3])
	}
	if binary.BigEndian.Uint64(b[end:]) != xxh3(m) {
		return nil, errors.New("the checksum of its anchor disagrees")
	}
	word := func(i int) int64 { return int64(binary.BigEndian.Uint64(m[8+8*i:])) }
	return &anchor{
		header: place{at: word(0), length: word(1)}, headerLength: word(2),
		footer: place{at: word(3), length: word(4)}, footerLength: word(5),
		longest: word(6),
	}, nil
}
