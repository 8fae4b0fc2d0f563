package codec

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"hash/crc64"
	"io"

	"github.com/ulikunitz/xz/lzma"
)

var errXZ = errors.New("its xz header is damaged")

// unxz unpacks the one block of an .xz stream (tukaani.org/xz/xz-file-format.txt).
// The dictionary that the stream asks for, up to 4 GiB, never needs to be larger
// than what is unpacked, so the container is read here.
func unxz(dst, src []byte) (int, error) {
	const streamHead = 12
	if len(src) < streamHead+12 || string(src[:6]) != "\xfd7zXZ\x00" {
		return 0, errXZ
	}
	check := src[7] & 15
	block := src[streamHead:]
	length := 4 * (int(block[0]) + 1)
	if block[0] == 0 || length > len(block) {
		return 0, errXZ
	}
	head := block[:length-4]
	if crc32.ChecksumIEEE(head) != binary.LittleEndian.Uint32(block[length-4:]) {
		return 0, errXZ
	}
	const lzma2 = 0x21
	if head[1] != 0 || head[2] != lzma2 || head[3] != 1 {
		return 0, errors.New("is an xz stream with other filters than LZMA2, which cannot be read")
	}
	in := bytes.NewReader(block[length:])
	r, err := lzma.Reader2Config{DictCap: max(len(dst), lzma.MinDictCap)}.NewReader2(in)
	if err != nil {
		return 0, err
	}
	n, err := drain(dst, r)
	if err != nil {
		return n, err
	}
	used := len(block) - in.Len()
	used += (4 - used%4) % 4
	return n, verify(dst[:n], block[min(used, len(block)):], check)
}

// verify compares the check of an xz block.
func verify(dst, sum []byte, check byte) error {
	var want []byte
	switch check {
	case 0:
		return nil
	case 1:
		want = binary.LittleEndian.AppendUint32(nil, crc32.ChecksumIEEE(dst))
	case 4:
		want = binary.LittleEndian.AppendUint64(nil, crc64.Checksum(dst, crc64.MakeTable(crc64.ECMA)))
	default:
		return fmt.Errorf("has a check of kind %d, which cannot be made", check)
	}
	if len(sum) < len(want) {
		return io.ErrUnexpectedEOF
	}
	if !bytes.Equal(want, sum[:len(want)]) {
		return errors.New("its checksum disagrees")
	}
	return nil
}
