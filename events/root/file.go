package root

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/sluice-hep/sluice/events/column"
)

// file is an open ROOT file.
type file struct {
	*os.File
	size  int64
	top   int64 // the record of the top folder
	named int   // its length before the folder itself
}

// For every byte of its file a basket may unpack to 1000, and all events to 1000:
// the densest real data, columns of one value, reach some hundreds. The
// description of a tree reaches some tens.
const (
	bloat     = 1000
	treeBloat = 100
)

// header reads the first bytes (TFile.cxx).
func (f *file) header() error {
	head := make([]byte, min(f.size, 64))
	if _, err := f.ReadAt(head, 0); err != nil && err != io.EOF {
		return column.WithoutPath(err)
	}
	if len(head) < 4 || string(head[:4]) != "root" {
		return errors.New("is not a ROOT file: it does not begin with \"root\"")
	}
	c := &cursor{buf: head, pos: 4}
	big := c.u32() >= 1000000
	f.top = int64(c.i32())
	end := c.place(big)
	c.place(big) // free records
	c.take(8)
	f.named = c.i32()
	switch {
	case c.err != nil:
		return fmt.Errorf("its header %w", c.err)
	case end > f.size:
		return fmt.Errorf("is cut short: its header says %d bytes, and there are %d; copy it again", end, f.size)
	case f.top < 0 || f.named < 0:
		return errors.New("its header is damaged")
	}
	return nil
}

// key is the head of a record (TKey.cxx).
type key struct {
	length int // of the record, this head included
	packed bool
	size   int // of the object, unpacked
	head   int // of this head
	cycle  int
	at     int64
	class  string
	name   string
	title  string
}

func (c *cursor) key() key {
	k := c.anyKey()
	if c.err == nil && (k.size < 0 || k.length < k.head || k.at < 0) {
		c.fail("a record whose lengths contradict each other")
	}
	return k
}

// anyKey reads a key that may not belong to a record, such as that of an
// embedded basket.
func (c *cursor) anyKey() key {
	var k key
	k.length = c.i32()
	version := c.u16()
	k.size = c.i32()
	c.take(4) // date
	k.head = int(c.u16())
	k.cycle = int(c.u16())
	big := version > 1000
	k.at = c.place(big)
	c.place(big) // folder
	k.class, k.name, k.title = c.text(), c.text(), c.text()
	k.packed = k.size != k.length-k.head
	return k
}

// bytes reads n bytes at a place of the file.
func (f *file) bytes(at int64, n int) ([]byte, error) {
	if at < 0 || n < 0 || at > f.size || int64(n) > f.size-at {
		return nil, fmt.Errorf("%d bytes at %d lie beyond the file's %d", n, at, f.size)
	}
	b := make([]byte, n)
	if _, err := f.ReadAt(b, at); err != nil {
		return nil, fmt.Errorf("at byte %d: %w", at, column.WithoutPath(err))
	}
	return b, nil
}

// record reads the object of a key and unpacks it.
func (f *file) record(k *key) ([]byte, error) {
	b, err := f.bytes(k.at+int64(k.head), k.length-k.head)
	if err != nil || !k.packed {
		return b, err
	}
	var u unpacker
	return u.unpack(nil, b, k.size, treeBloat*f.size)
}
