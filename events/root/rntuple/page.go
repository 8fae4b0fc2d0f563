package rntuple

import (
	"encoding/binary"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sort"

	"github.com/sluice-hep/sluice/events/column"
	"github.com/sluice-hep/sluice/internal/codec"
)

// reading is the page of a source that the next events begin in.
type reading struct {
	cluster, page int      // from 1; 0: none
	held          []byte   // the page, unpacked
	mapped        *mapping // where it lies, if outside of the heap
}

// mapping is memory outside of the heap, which goes with it.
type mapping struct {
	bytes []byte
	end   runtime.Cleanup
}

func newMapping(b []byte) *mapping {
	m := &mapping{bytes: b}
	m.end = runtime.AddCleanup(m, giveBack, b)
	return m
}

// room is where a page of n bytes goes: outside of the heap, unless it is small. No memory is taken before it is written to.
func (s *reading) room(n int) []byte {
	const least = 1 << 16
	if n >= least && cap(s.held) < n {
		if b := outside(n); b != nil {
			s.forget()
			s.held, s.mapped = b, newMapping(b)
		}
	}
	return s.held[:0]
}

// forget gives the memory of the page back.
func (s *reading) forget() {
	if s.mapped != nil {
		s.mapped.end.Stop()
		giveBack(s.mapped.bytes)
	}
	*s = reading{}
}

// in is the column that holds the values of a source in a cluster, how many there are, and how many before them are 0
// because the column was added later.
func (s *source) in(r *Reader, c *cluster) (p *physical, at pages, zeros int64) {
	for _, k := range s.columns {
		if k < len(c.columns) && !c.columns[k].suppressed {
			p, at = &r.schema.columns[k], c.columns[k]
			break
		}
	}
	if p == nil {
		for _, k := range s.columns {
			if p = &r.schema.columns[k]; !p.hidden && k >= len(c.columns) {
				break
			}
		}
	}
	if p.deferred && s.per > 0 {
		zeros = max(0, c.events*s.per-at.values())
	}
	return p, at, zeros
}

// check says what is wrong with the values of a source; "" where nothing is.
func (r *Reader) check(s *source) string {
	for i := range r.clusters {
		c := &r.clusters[i]
		if s.per == 0 { // as many as the lists need, which visit compares
			break
		}
		_, at, zeros := s.in(r, c)
		if have, due := at.values()+zeros, c.events*s.per; have != due {
			return fmt.Sprintf("holds %d of %d values of %s", have, due, c.name())
		}
	}
	return ""
}

// run is consecutive values of a source as plain numbers, or zeros (plain is nil).
type run struct {
	first, end int64
	plain      []byte
	number     column.Number
}

// visit gives the values [first, end) of a source in a cluster, page by page.
func (r *Reader) visit(w *worker, s *source, k int, first, end int64, use func(run) error) error {
	c := &r.clusters[k]
	p, at, zeros := s.in(r, c)
	if first >= end {
		return nil
	}
	if have := zeros + at.values(); end > have || first < 0 {
		return fmt.Errorf("%s holds %d values, and the events need number %d", c.name(), have, end)
	}
	if first < zeros {
		if err := use(run{first: first, end: min(end, zeros), number: p.number}); err != nil {
			return err
		}
	}
	i := sort.Search(len(at.list), func(i int) bool { return zeros+at.list[i].end > first })
	for ; i < len(at.list); i++ {
		begin := zeros
		if i > 0 {
			begin += at.list[i-1].end
		}
		if begin >= end {
			break
		}
		if s.cluster != k+1 || s.page != i+1 {
			s.cluster = 0
			if err := r.load(w, s, p, &at.list[i], zeros+at.list[i].end-begin); err != nil {
				return fmt.Errorf("page %d of %s %w", i+1, c.name(), err)
			}
			s.cluster, s.page = k+1, i+1
		}
		n, size := zeros+at.list[i].end-begin, int64(p.number.Size)
		const most = 1 << 12 // values made plain at once, to stay in the cache
		for low, high := max(first, begin), min(end, begin+n); low < high; {
			v := run{low, high, nil, p.number}
			if p.part == nil {
				v.plain = s.held[(low-begin)*size:]
			} else {
				v.end = min(high, low+most)
				v.plain = codec.Room(&w.plain, int((v.end-low)*size))
				p.part(v.plain, s.held, int(low-begin), int(n))
			}
			err := use(v)
			runtime.KeepAlive(s) // the page may lie in its mapping
			if err != nil {
				return err
			}
			low = v.end
		}
	}
	return nil
}

// load reads a page of n values to s.held.
func (r *Reader) load(w *worker, s *source, p *physical, at *page, n int64) error {
	plain, sum := n*int64(p.number.Size), int64(0)
	if plain > r.most() {
		return fmt.Errorf("claims %d bytes, which is beyond belief for a file of %d", plain, r.store.Size())
	}
	if at.checked {
		sum = 8
	}
	packed, err := r.fetch(w, at.place, sum)
	if err != nil {
		return err
	}
	packed, after := packed[:at.length], packed[at.length:]
	if at.checked && xxh3(packed) != binary.LittleEndian.Uint64(after) {
		return errors.New("is damaged: its checksum disagrees")
	}
	if p.whole == nil {
		s.held, err = r.unpacked(w, s.room(int(plain)), packed, p.packedSize(n))
		return err
	}
	if w.room, err = r.unpacked(w, w.room[:0], packed, p.packedSize(n)); err != nil {
		return err
	}
	s.held = slices.Grow(s.room(int(plain)), int(plain))[:plain]
	p.whole(s.held, w.room, p)
	return nil
}
