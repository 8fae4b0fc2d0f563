package root

import (
	"errors"
	"fmt"
	"slices"

	"github.com/sluice-hep/sluice/internal/codec"
)

// values is an unpacked basket. Offsets, where the branch has them, hold the
// beginning of each entry, and then the end of the last.
type values struct {
	bytes   []byte
	offsets []int32
}

// worker holds what one goroutine needs to read baskets.
type worker struct {
	unpacker
	raw, room []byte
}

// load reads a basket. Its bytes stay good until the next load with w.
func (f *file) load(w *worker, b *branch, k *basket) (v values, err error) {
	count := k.end - k.first
	switch {
	case k.at != 0:
		v, err = f.loadRecord(w, b, k, count)
	case k.embedded != nil:
		v = *k.embedded
	default:
		err = errors.New("is not in the file")
	}
	if err == nil && (b.jagged || len(v.offsets) > 0) {
		err = v.check(count)
	}
	return v, err
}

func (f *file) loadRecord(w *worker, b *branch, k *basket, count int64) (v values, err error) {
	if k.at < 0 || k.length < 0 || k.at > f.size || int64(k.length) > f.size-k.at {
		return v, fmt.Errorf("lies beyond the end of the file (%d bytes at %d)", k.length, k.at)
	}
	raw := codec.Room(&w.raw, k.length)
	if _, err := f.ReadAt(raw, k.at); err != nil {
		return v, err
	}
	c := &cursor{buf: raw}
	key := c.key()
	_, entries, last := c.basketHead()
	switch {
	case c.err != nil:
		return v, c.err
	case key.class != "TBasket" || key.length > len(raw) || key.head > key.length || last < key.head || last-key.head > key.size:
		return v, fmt.Errorf("has a damaged head, at byte %d", k.at)
	case int64(entries) != count:
		return v, fmt.Errorf("holds %d events", entries)
	}
	packed := raw[key.head:key.length]
	if key.packed {
		if w.room, err = w.unpack(w.room, packed, key.size, bloat*f.size); err != nil {
			return v, err
		}
		packed = w.room
	}
	border := last - key.head
	v.bytes = packed[:border:border]
	if b.hasOffsets && len(packed) >= border+4 {
		c := &cursor{buf: packed, pos: border}
		v.offsets = integers[int32](c, c.i32())
		if c.err != nil {
			return v, fmt.Errorf("has a damaged list of entries: %w", c.err)
		}
		v.behind(key.head)
	}
	return v, nil
}

// behind makes the offsets, which count from the key, count from behind the head.
func (v *values) behind(head int) {
	for i := range v.offsets {
		v.offsets[i] -= int32(head)
	}
}

// check makes sure that the offsets are those of count entries.
func (v *values) check(count int64) error {
	if int64(len(v.offsets)) < count {
		return fmt.Errorf("does not say where its entries begin (%d of %d)", len(v.offsets), count)
	}
	v.offsets = append(v.offsets[:count], int32(len(v.bytes)))
	if v.offsets[0] < 0 || !slices.IsSorted(v.offsets) { // the last is the length
		return errors.New("has a damaged list of entries")
	}
	return nil
}

// entry is the bytes of entry i.
func (v *values) entry(i int64) []byte { return v.bytes[v.offsets[i]:v.offsets[i+1]] }
