package root

import (
	"slices"

	"github.com/sluice-hep/sluice/events/column"
)

// theEvent is the column of the numbers of the events, which lie in no branch.
var theEvent = field{name: "event", number: plain(column.Int, 8)}

// flatten chooses the columns of objects.
func (r *Reader) flatten(all *fields, opts Options) error {
	group, err := all.many().Flatten(opts.Flatten)
	if err != nil {
		return err
	}
	offered := []field{theEvent}
	for _, k := range group {
		offered = append(offered, all.jagged[k])
	}
	first := offered[1]
	wanted := opts.Columns
	if wanted == nil {
		wanted = namesOf(offered)
	}
	if err := r.choose(all, append(offered, all.flat...), wanted, opts.Types); err != nil {
		return err
	}
	r.Objects = &column.Objects{Asked: len(wanted)}
	if !slices.ContainsFunc(r.picked, func(f field) bool { return f.whole() }) {
		return r.use(first, nil)
	}
	return nil
}

// expand makes the objects of the next m events ready.
func (r *Reader) expand(m int) (int, error) {
	out, parts, err := r.readEvents(m)
	if err != nil {
		return 0, err
	}
	counts := make([][]int32, len(out))
	for k := range out {
		switch f := &r.picked[k]; {
		case f.whole():
			out[k], counts[k] = out[k].Slice(0, 0), make([]int32, 0, m)
			for _, p := range parts[k] {
				out[k].Append(&p.Column)
				counts[k] = append(counts[k], p.counts...)
			}
		case f.branch == nil:
			for i := range out[k].I64 {
				out[k].I64[i] = r.Row + int64(i)
			}
		}
	}
	return m, r.Objects.Expand(&r.Chosen, out, counts, r.Row)
}
