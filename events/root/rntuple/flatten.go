package rntuple

import (
	"fmt"
	"math"
	"slices"

	"github.com/sluice-hep/sluice/events/column"
)

// flatten chooses the columns of objects.
func (r *Reader) flatten(all *leaves, opts Options) error {
	at, err := all.many().Flatten(opts.Flatten)
	if err != nil {
		return err
	}
	offered := []leaf{{name: "event", shape: serial}}
	for _, k := range at {
		offered = append(offered, all.lists[k])
	}
	wanted := opts.Columns
	if wanted == nil {
		wanted = namesOf(offered)
	}
	first := offered[1]
	if err := r.choose(all, append(offered, all.flat...), wanted, opts); err != nil {
		return err
	}
	r.Objects = &column.Objects{Asked: len(wanted)}
	if !slices.ContainsFunc(r.picked, func(l leaf) bool { return l.whole() }) {
		return r.use(first, Options{})
	}
	return nil
}

// expand makes the objects of the next m events ready, or of fewer, and says of how many.
func (r *Reader) expand(m int) (int, error) {
	parts := r.parts(m)
	ends, err := r.readEnds(parts)
	if err != nil {
		return 0, err
	}
	counts, any := make([][]int32, len(r.picked)), false
	for k := range r.picked {
		if l := &r.picked[k]; l.whole() {
			counts[k] = make([]int32, m)
			fit, err := r.count(l, counts[k], parts, ends)
			if err != nil {
				return 0, err
			}
			if fit < m {
				return r.expand(fit)
			}
			any = any || slices.Max(counts[k]) > 0
		}
	}
	if !any {
		return m, nil
	}
	out, err := r.readValues(m, parts, ends)
	if err != nil {
		return 0, err
	}
	return m, r.Objects.Expand(&r.Chosen, out, counts, r.Row)
}

// count counts the objects of a list in each event, and says how many events hold few enough to be made at once.
func (r *Reader) count(l *leaf, counts []int32, parts []part, ends spans) (fit int, err error) {
	const most = 1 << 18
	lengths := make([]int64, len(counts))
	l.lengths(lengths, parts, ends)
	sum := int64(0)
	for i, n := range lengths {
		if sum += n; sum > most && i > 0 {
			return i, nil
		}
		if n > min(r.most()/16, math.MaxInt32) {
			return 0, fmt.Errorf("event %d claims %d values of %q, which is beyond belief for a file of %d bytes", r.Row+int64(i)+1, n, l.name, r.store.Size())
		}
		counts[i] = int32(n)
	}
	return len(counts), nil
}
