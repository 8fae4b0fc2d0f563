package hdf5

import (
	"fmt"
	"slices"
	"unsafe"

	"github.com/sluice-hep/sluice/events/column"
	"github.com/sluice-hep/sluice/internal/codec"
)

// part is what lies together in a data set and is read together: all of it, or
// one column of chunks.
type part struct {
	set    *dataset
	first  int64 // column of the data set that comes first
	stride int   // bytes of an event
	fields []field

	// The chunk that the last block ended within, so that it is unpacked once; and
	// that in which the next one does.
	kept, keep   []byte
	keptAt, next int64 // their first events, -1: none
}

// place puts the field of a column, the one numbered, into the part that holds it.
func (r *Reader) place(s *source, column int) {
	d := s.set
	f := d.fields[s.field]
	f.missing, f.column = s.missing, column
	first, width := int64(0), d.columns
	if d.packed {
		first, width = s.across/d.across*d.across, d.across
	}
	f.offset += int(s.across-first) * d.record
	for _, p := range slices.Backward(r.parts) { // columns of a part mostly follow each other
		if p.set == d && p.first == first {
			p.fields = append(p.fields, f)
			return
		}
	}
	r.parts = append(r.parts, &part{set: d, first: first, stride: int(width) * d.record, fields: []field{f}, keptAt: -1, next: -1})
}

// slab is how many events are read at once of what is not in packed chunks.
func (p *part) slab() int64 {
	n := max(1, (1<<18)/int64(p.stride)) // stays in the cache until it is decoded
	if c := p.set.chunk; c > 0 {         // whole chunks, so that none is unpacked twice
		n = (n + c - 1) / c * c
		n = min(n, max(1, (1<<26)/int64(p.stride)))
	}
	return n
}

// job is a run of events of one part.
type job struct {
	*part
	from, to int64
}

// jobs cuts events [from, to) of all parts into pieces.
func (r *Reader) jobs(from, to int64) []job {
	var all []job
	for _, p := range r.parts {
		step := p.set.chunk
		if !p.set.packed {
			step = p.slab()
		}
		for at := from; at < to; {
			end := min(to, (at/step+1)*step)
			all = append(all, job{part: p, from: at, to: end})
			at = end
		}
	}
	return all
}

// worker has the buffers of one goroutine.
type worker struct {
	unpacker
	packed []byte
	words  []uint64 // aligned, for pointers
}

// fill reads the next n events into out.
func (r *Reader) fill(out []column.Column, n int) error {
	jobs := r.jobs(r.Row, r.Row+int64(n))
	for _, p := range r.parts {
		p.forget(r.Row)
	}
	err := r.workers.Each(len(jobs), func(w *worker, i int) error {
		j := &jobs[i]
		if err := w.do(j, out, r.Row); err != nil {
			return fmt.Errorf("data set %q: rows %d to %d: %w", j.set.path, j.from+1, j.to, err)
		}
		return nil
	})
	for _, p := range r.parts {
		if p.next != p.keptAt {
			p.kept, p.keep = p.keep, p.kept
		}
		p.keptAt, p.next = p.next, -1
	}
	return err
}

// forget leaves the memory of a chunk that row does not lie in to the next one.
func (p *part) forget(row int64) {
	if p.set.packed && p.keptAt != row/p.set.chunk*p.set.chunk {
		p.keptAt = -1
		if cap(p.keep) < cap(p.kept) {
			p.kept, p.keep = p.keep, p.kept
		}
	}
}

// do reads the events of a job into out, whose first event is row.
func (w *worker) do(j *job, out []column.Column, row int64) error {
	if !j.set.packed {
		return w.slab(j, out, row)
	}
	start := j.from / j.set.chunk * j.set.chunk
	raw := j.kept
	if j.keptAt != start {
		var err error
		if raw, err = w.chunk(j.part, start); err != nil {
			return err
		}
	}
	if j.to < min(start+j.set.chunk, j.set.rows) {
		if j.next = start; j.keptAt != start {
			j.keep = append(j.keep[:0], raw...)
		}
	}
	j.decode(raw[(j.from-start)*int64(j.stride):], out, row)
	return nil
}

// decode puts the events of the job, which begin at raw, into out.
func (j *job) decode(raw []byte, out []column.Column, row int64) {
	// Pieces stay in the cache while one column after the other is picked.
	step := max(1, (1<<16)/int64(j.stride))
	for at := j.from; at < j.to; at += step {
		end := min(j.to, at+step)
		piece := raw[(at-j.from)*int64(j.stride) : (end-j.from)*int64(j.stride)]
		for k := range j.fields {
			f := &j.fields[k]
			c := out[f.column].Slice(int(at-row), int(end-row))
			f.decode(&c, piece, j.stride)
		}
	}
}

// chunk fetches the chunk that begins with event start, and unpacks it.
func (w *worker) chunk(p *part, start int64) ([]byte, error) {
	d := p.set
	want := int(d.chunk) * p.stride
	offset := [2]int64{start, p.first}
	var skipped uint32
	var at, bytes uint64
	err := do(func(l *library) error {
		if l.chunkInfo(d.id, unsafe.Pointer(&offset), &skipped, &at, &bytes) < 0 {
			return l.failed("the place of a chunk cannot be read")
		}
		if bytes == 0 || at == ^uint64(0) {
			bytes = 0
			return nil
		}
		if bytes > uint64(want)+uint64(want)/2+1<<16 {
			return fmt.Errorf("a chunk of %d bytes is packed in %d, which is not believable", want, bytes)
		}
		if l.readChunk(d.id, 0, unsafe.Pointer(&offset), &skipped, pointer(codec.Room(&w.packed, int(bytes)))) < 0 {
			return l.failed("a chunk cannot be read")
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if bytes == 0 { // nothing was ever written there
		out := codec.Room(&w.a, want)
		for i := 0; i < want; i += d.record {
			copy(out[i:], d.fill)
		}
		return out, nil
	}
	raw, err := w.unpack(d.filters, skipped, w.packed[:bytes], want)
	if err != nil {
		return nil, fmt.Errorf("a chunk of %d bytes %w", want, err)
	}
	return raw, nil
}

// slab reads events that the library unpacks, if they are packed at all.
func (w *worker) slab(j *job, out []column.Column, row int64) error {
	d := j.set
	bytes := int(j.to-j.from) * j.stride
	if words := (bytes + 7) / 8; cap(w.words) < words {
		w.words = make([]uint64, words)
	}
	raw := unsafe.Slice((*byte)(pointer(w.words[:cap(w.words)])), bytes)
	err := do(func(l *library) error {
		offset, count := [2]int64{j.from, 0}, [2]int64{j.to - j.from, d.columns}
		file := l.setSpace(d.id)
		rank := int32(len(l.lengths(file)))
		memory := l.spaceCreate(rank, unsafe.Pointer(&count), nil)
		defer l.spaceClose(file)
		defer l.spaceClose(memory)
		if file < 0 || memory < 0 || l.spaceSelect(file, 0, unsafe.Pointer(&offset), nil, unsafe.Pointer(&count), nil) < 0 {
			return l.failed("events cannot be selected")
		}
		if d.pointers {
			clear(raw)
		}
		if l.read(d.id, d.kind, memory, file, 0, unsafe.Pointer(&raw[0])) < 0 {
			return l.failed("cannot be read")
		}
		if !d.pointers {
			return nil
		}
		j.decode(raw, out, row)
		l.reclaim(d.kind, memory, 0, unsafe.Pointer(&raw[0]))
		return nil
	})
	if err == nil && !d.pointers {
		j.decode(raw, out, row)
	}
	return err
}
