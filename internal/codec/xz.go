package codec

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"hash/crc64"
	"io"
	"slices"

	"github.com/ulikunitz/xz/lzma"
)

var errXZ = errors.New("its xz header is damaged")

const xzMagic = "\xfd7zXZ\x00"

// unxz unpacks an .xz stream. The dictionary that it asks for, up to 4 GiB, never needs to be larger than what is unpacked.
func unxz(dst, src []byte) (int, error) {
	z, err := newXZReader(bufio.NewReader(bytes.NewReader(src)), 0)
	if err != nil {
		return 0, err
	}
	z.dictionary = max(len(dst), lzma.MinDictCap)
	return drain(dst, z)
}

// xzReader unpacks .xz streams, one after the other (tukaani.org/xz/xz-file-format.txt). The container is read here, so that
// the dictionary, of which each block says what it takes, is bounded.
type xzReader struct {
	count      counter // of what was read
	most       int     // bytes of a dictionary; a block that asks for more is refused, where it is not 0
	dictionary int     // bytes, where most is 0

	block io.Reader // nil: none is open
	check byte
	sum   hash.Hash // nil: none is kept
	began int64     // where the packed data of the block begin
}

// counter counts the bytes that pass, one at a time where that is asked, so that nothing behind a block is read.
type counter struct {
	in *bufio.Reader
	n  int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.in.Read(p)
	c.n += int64(n)
	return n, err
}

func (c *counter) ReadByte() (byte, error) {
	b, err := c.in.ReadByte()
	if err == nil {
		c.n++
	}
	return b, err
}

func newXZReader(in *bufio.Reader, most int) (*xzReader, error) {
	z := &xzReader{count: counter{in: in}, most: most}
	return z, z.stream()
}

// take reads n bytes.
func (z *xzReader) take(n int) ([]byte, error) {
	b := make([]byte, n)
	_, err := io.ReadFull(&z.count, b)
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return b, err
}

// stream reads the header of a stream.
func (z *xzReader) stream() error {
	head, err := z.take(12)
	if err != nil {
		return err
	}
	if string(head[:6]) != xzMagic || crc32.ChecksumIEEE(head[6:8]) != binary.LittleEndian.Uint32(head[8:]) {
		return errXZ
	}
	z.check = head[7] & 15
	return nil
}

func (z *xzReader) Read(p []byte) (int, error) {
	for {
		if z.block == nil {
			if err := z.next(); err != nil {
				return 0, err
			}
		}
		n, err := z.block.Read(p)
		if z.sum != nil {
			z.sum.Write(p[:n])
		}
		if err == io.EOF {
			err = z.end()
		}
		if n > 0 || err != nil {
			return n, err
		}
	}
}

// next opens the next block, of this stream or of one behind it.
func (z *xzReader) next() error {
	for {
		size, err := z.count.ReadByte()
		if err != nil {
			return io.ErrUnexpectedEOF
		}
		if size != 0 {
			return z.open(size)
		}
		if err := z.index(); err != nil {
			return err
		}
	}
}

// open reads the header of a block.
func (z *xzReader) open(size byte) error {
	rest, err := z.take(4*(int(size)+1) - 1)
	if err != nil {
		return err
	}
	head := append([]byte{size}, rest...)
	end := len(head) - 4
	if crc32.ChecksumIEEE(head[:end]) != binary.LittleEndian.Uint32(head[end:]) {
		return errXZ
	}
	flags, fields := head[1], head[2:end]
	for range flags>>6&1 + flags>>7 { // the packed and the unpacked size
		_, n := binary.Uvarint(fields)
		if n <= 0 {
			return errXZ
		}
		fields = fields[n:]
	}
	const lzma2 = 0x21
	if flags&3 != 0 || len(fields) < 3 || fields[0] != lzma2 || fields[1] != 1 {
		return errors.New("is an xz stream with other filters than LZMA2, which cannot be read")
	}
	asked := int64(2|fields[2]&1) << (fields[2]/2 + 11)
	if z.most > 0 && (fields[2] > 40 || asked > int64(z.most)) {
		return fmt.Errorf("its dictionary takes more than the %d MiB that are allowed; pack it anew with less", z.most>>20)
	}
	if z.most > 0 {
		z.dictionary = max(int(asked), lzma.MinDictCap)
	}
	if z.sum, err = checksum(z.check); err != nil {
		return err
	}
	z.began = z.count.n
	z.block, err = lzma.Reader2Config{DictCap: z.dictionary}.NewReader2(&z.count)
	return err
}

// checksum is that of a kind; nil for none.
func checksum(kind byte) (hash.Hash, error) {
	switch kind {
	case 0:
		return nil, nil
	case 1:
		return crc32.NewIEEE(), nil
	case 4:
		return crc64.New(crc64.MakeTable(crc64.ECMA)), nil
	case 10:
		return sha256.New(), nil
	}
	return nil, fmt.Errorf("has a check of kind %d, which cannot be made", kind)
}

// end compares the check behind a block.
func (z *xzReader) end() error {
	z.block = nil
	if _, err := z.take(int(-(z.count.n - z.began) & 3)); err != nil || z.sum == nil {
		return err
	}
	stored, err := z.take(z.sum.Size())
	if err != nil {
		return err
	}
	want := z.sum.Sum(nil)
	if z.check != 10 {
		slices.Reverse(want) // the shorter ones are stored from their lowest byte on
	}
	if !bytes.Equal(stored, want) {
		return errors.New("its checksum disagrees")
	}
	return nil
}

// index passes over the index and the footer of a stream; io.EOF where no stream follows.
func (z *xzReader) index() error {
	began := z.count.n - 1
	records, err := binary.ReadUvarint(&z.count)
	for i := uint64(0); i < 2*records && err == nil; i++ {
		_, err = binary.ReadUvarint(&z.count)
	}
	if err == nil {
		_, err = z.take(int(-(z.count.n-began)&3) + 4 + 12)
	}
	for err == nil { // streams are padded by words of zeros
		var next []byte
		if next, err = z.count.in.Peek(4); len(next) == 0 {
			return io.EOF
		} else if err != nil || !bytes.Equal(next, make([]byte, 4)) {
			break
		}
		_, err = z.take(4)
	}
	if err != nil {
		return io.ErrUnexpectedEOF
	}
	return z.stream()
}
