package rntuple

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
)

// cluster is a run of events whose values lie together.
type cluster struct {
	first, events int64
	columns       []pages // by the number of the column; later ones have none
}

func (c *cluster) name() string {
	return fmt.Sprintf("the cluster of events %d to %d", c.first+1, c.first+c.events)
}

// pages are those of a column in a cluster.
type pages struct {
	list       []page
	suppressed bool // another representation has the values
}

// page is a run of values that are packed together.
type page struct {
	place
	end     int64 // values up to its end, from the first of the cluster
	checked bool  // a checksum follows it
}

// fullest is how many values of a column a cluster has at most. Pages that claim more than any codec makes of their bytes are
// refused.
func (r *Reader) fullest(c *cluster) (most int64, err error) {
	const densest = 1 << 15 // bytes of one: zstd, of blocks of 2^17 equal ones
	for k := range min(len(c.columns), len(r.schema.columns)) {
		begin := int64(0)
		for _, at := range c.columns[k].list {
			bytes := max(0, min(at.length, r.store.Size()))
			if n := at.end - begin; at.kind == 0 && r.schema.columns[k].packedSize(n) > densest*bytes {
				return 0, fmt.Errorf("claims %d values in a page of %d bytes of %s, which is beyond belief", n, at.length, c.name())
			}
			begin = at.end
		}
		most = max(most, begin)
	}
	return most, nil
}

func (p *pages) values() int64 {
	if len(p.list) == 0 {
		return 0
	}
	return p.list[len(p.list)-1].end
}

// describe reads header, footer and lists of pages.
func (r *Reader) describe(a *anchor) error {
	header, sum, err := r.envelope(headerEnvelope, a.header, a.headerLength)
	if err != nil {
		return err
	}
	header.flags()
	for range 3 { // name, description, program
		header.text()
	}
	r.schema.add(&header)
	if header.err != nil {
		return fmt.Errorf("its header %w", header.err)
	}
	footer, _, err := r.envelope(footerEnvelope, a.footer, a.footerLength)
	if err != nil {
		return err
	}
	footer.flags()
	if footer.u64() != sum {
		footer.fail("belongs to another header")
	}
	extension := footer.record()
	r.schema.add(&extension)
	r.schema.link(&footer)
	groups, n := footer.list(8)
	for range n {
		g := groups.record()
		g.take(2*8 + 4) // events and clusters, which the list of pages has too
		size := g.i64()
		at := g.locator()
		if footer.err != nil {
			break
		}
		if err := r.pageList(at, size, sum); err != nil {
			return err
		}
	}
	if footer.err != nil {
		return fmt.Errorf("its footer %w", footer.err)
	}
	return r.order()
}

// pageList reads the clusters of a group.
func (r *Reader) pageList(at place, size int64, header uint64) error {
	c, _, err := r.envelope(pagesEnvelope, at, size)
	if err != nil {
		return err
	}
	if c.u64() != header {
		c.fail("belongs to another header")
	}
	const frame, sharded = 8, 1 << 56
	in, n := c.list(frame + 16)
	clusters := make([]cluster, n)
	for i := range clusters {
		f := in.record()
		first, events := f.i64(), f.u64()
		if events&sharded != 0 {
			c.fail("has a cluster of some columns only, which cannot be read")
		}
		clusters[i] = cluster{first: first, events: int64(events & (sharded - 1))}
	}
	in, n = c.list(frame)
	if n != len(clusters) {
		c.fail("has the pages of %d of %d clusters", n, len(clusters))
	}
	for i := range clusters {
		columns, m := in.list(frame)
		clusters[i].columns = make([]pages, m)
		for k := range clusters[i].columns {
			clusters[i].columns[k] = columns.pages()
		}
	}
	r.clusters = append(r.clusters, clusters...)
	if c.err != nil {
		return fmt.Errorf("a list of its pages %w", c.err)
	}
	return nil
}

func (c *cursor) pages() (p pages) {
	const shortest = 8 // a number of values, and a locator of an unknown kind
	in, n := c.list(shortest)
	if n > 0 {
		p.list = make([]page, n)
	}
	end := int64(0)
	for i := range p.list {
		values := int64(int32(in.u32()))
		checked := values < 0
		if checked {
			values = -values
		}
		end += values
		p.list[i] = page{in.locator(), end, checked}
	}
	p.suppressed = in.i64() < 0
	return p
}

// order puts the clusters in the order of their events.
func (r *Reader) order() error {
	r.clusters = slices.DeleteFunc(r.clusters, func(c cluster) bool { return c.events == 0 })
	slices.SortFunc(r.clusters, func(a, b cluster) int { return cmp.Compare(a.first, b.first) })
	for i := range r.clusters {
		c := &r.clusters[i]
		have, err := r.fullest(c)
		if err != nil {
			return err
		}
		if have < c.events {
			return fmt.Errorf("claims %d events for %s, and has %d values of a column at most", c.events, c.name(), have)
		}
		if c.first != r.Events || c.events > 1<<62-r.Events {
			return errors.New("has clusters whose events do not follow on each other")
		}
		r.Borders = append(r.Borders, c.first)
		r.Events += c.events
	}
	r.Borders = append(r.Borders, r.Events)
	if r.Events > perByte*r.store.Size() {
		return fmt.Errorf("claims %d events, which is beyond belief for a file of %d bytes", r.Events, r.store.Size())
	}
	return nil
}

// perByte is how many events a byte of the file may hold: 100 million equal integers were seen in 1,765 bytes.
const perByte = 1 << 20
