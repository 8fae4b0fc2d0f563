package hdf5

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

const signature = "\x89HDF\r\n\x1a\n"

// plausible checks the superblock (HDF5 File Format Specification, II.A) of a
// file of the given size before the C library gets it.
func plausible(f io.ReaderAt, size int64) error {
	var head [64]byte
	// A user block may come first: the superblock is at 0, 512, 1024, 2048, ...
	for at := int64(0); at < size; at = max(512, 2*at) {
		n, err := f.ReadAt(head[:], at)
		if err != nil && err != io.EOF {
			return err
		}
		if bytes.HasPrefix(head[:n], []byte(signature)) {
			return superblock(head[:n], at, size)
		}
	}
	return errors.New("is not an HDF5 file: it has no signature")
}

// superblock checks b, the bytes from the signature at `at` on.
func superblock(b []byte, at, size int64) error {
	if len(b) < 48 {
		return fmt.Errorf("is cut short: it ends %d bytes into its superblock", len(b))
	}
	// Where the bytes of an address stand, and behind them those of a length; and the addresses.
	places := [][2]int{{13, 24}, {13, 28}, {9, 12}, {9, 12}}
	version := int(b[8])
	if version >= len(places) {
		return fmt.Errorf("offset %d: version %d of the superblock is not known; 0 to 3 are", at+8, version)
	}
	width, lengths, base := b[places[version][0]], b[places[version][0]+1], places[version][1]
	end := base + 2*int(width)
	if width != 4 && width != 8 || lengths != 4 && lengths != 8 {
		return fmt.Errorf("offset %d: addresses of %d bytes and lengths of %d are not believable", at+8, width, lengths)
	}
	if len(b) < end+int(width) {
		return fmt.Errorf("is cut short: it ends %d bytes into its superblock", len(b))
	}
	if v := address(b[base:], width); v != uint64(at) && v != 0 {
		return fmt.Errorf("offset %d: the base address is %d, and the superblock is at %d", at+int64(base), v, at)
	}
	switch v := address(b[end:], width); {
	case v > uint64(size):
		return fmt.Errorf("is cut short: it says that it ends at byte %d, and there are %d bytes", v, size)
	case v <= uint64(at):
		return fmt.Errorf("offset %d: the end of the file, %d, is before the superblock", at+int64(end), v)
	}
	return nil
}

func address(b []byte, width byte) uint64 {
	if width == 4 {
		return uint64(binary.LittleEndian.Uint32(b))
	}
	return binary.LittleEndian.Uint64(b)
}
