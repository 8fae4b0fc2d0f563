package rntuple

import (
	"fmt"
	"math"

	"github.com/sluice-hep/sluice/events/column"
)

// fill reads the events of a part of a block, of all leaves of a source, to out.
func (r *Reader) fill(w *worker, v *wanted, p part, ends spans, out []column.Column) error {
	for at, leaves := range v.leaves {
		var err error
		switch {
		case at == nil:
			err = r.plain(w, v.source, leaves, p, out)
		case r.picked[leaves[0]].shape == text:
			err = r.texts(w, v.source, leaves, p, ends[at][p], out)
		default:
			err = r.elements(w, v.source, leaves, p, ends[at][p], out)
		}
		if err != nil {
			return fmt.Errorf("column %q: %w", r.picked[leaves[0]].name, err)
		}
	}
	return nil
}

// plain reads leaves of one value an event.
func (r *Reader) plain(w *worker, s *source, leaves []int, p part, out []column.Column) error {
	n := int(p.to - p.from)
	targets := make([]target, len(leaves))
	for i, k := range leaves {
		c := out[k].Slice(p.at, p.at+n)
		targets[i] = target{r.picked[k].at.offset, &c}
	}
	return r.decode(w, s, p.cluster, p.from, n, r.picked[leaves[0]].at.stride, targets)
}

// chunk is how many of the next rows, of per lists each, hold few enough values to be decoded at once; at has the
// beginnings of the lists.
func chunk(at []int64, per int) int {
	const most = 1 << 16
	rows := (len(at) - 1) / per
	for i := 1; i < rows; i++ {
		if at[(i+1)*per]-at[0] > most {
			return i
		}
	}
	return rows
}

// all decodes the values of lists from low to high, of leaves that have the same lists.
func (r *Reader) all(w *worker, s *source, leaves []*leaf, cluster int, low, high int64) ([]column.Column, error) {
	if n := high - low; n > r.most()/8 {
		return nil, fmt.Errorf("claims %d values, which is beyond belief for a file of %d bytes", n, r.store.Size())
	}
	decoded := make([]column.Column, len(leaves))
	targets := make([]target, len(leaves))
	for i, l := range leaves {
		decoded[i] = column.New("", "", s.native, int(high-low))
		targets[i] = target{l.at.offset, &decoded[i]}
	}
	return decoded, r.decode(w, s, cluster, low, int(high-low), leaves[0].at.stride, targets)
}

// elements reads leaves of one value of a list each, NaN where the list is shorter, or of all of them.
func (r *Reader) elements(w *worker, s *source, picked []int, p part, at []int64, out []column.Column) error {
	leaves := make([]*leaf, len(picked))
	for i, k := range picked {
		leaves[i] = &r.picked[k]
	}
	per := int(leaves[0].item.stride)
	for row := p.at; len(at) > 1; {
		n := chunk(at, per)
		decoded, err := r.all(w, s, leaves, p.cluster, at[0], at[n*per])
		if err != nil {
			return err
		}
		for i, k := range picked {
			if leaves[i].whole() {
				leaves[i].join(&out[k], &decoded[i], at[:n*per+1])
				continue
			}
			c := out[k].Slice(row, row+n)
			if err := leaves[i].pick(&c, &decoded[i], at, r.Row+int64(row)); err != nil {
				return err
			}
		}
		row += n
		at = at[n*per:]
	}
	return nil
}

// pick takes a value of each list, the first of which is that of event row.
func (l *leaf) pick(dst, values *column.Column, at []int64, row int64) error {
	for i := range dst.Len() {
		k := int64(i)*l.item.stride + l.item.offset
		x, exact := math.NaN(), true
		if j := at[k] + int64(l.element); j < at[k+1] {
			if dst.Type == column.Text {
				dst.Str[i] = values.Format(int(j - at[0]))
				continue
			}
			if x, exact = values.Nearest(int(j - at[0])); !exact {
				return column.Inexact(dst.Name, row+int64(i), values.Format(int(j-at[0])))
			}
		}
		switch dst.Type {
		case column.Float32:
			dst.F32[i] = float32(x)
		case column.Float64:
			dst.F64[i] = x
		}
	}
	return nil
}

// join adds all values of lists.
func (l *leaf) join(dst, values *column.Column, at []int64) {
	if l.item.stride == 1 { // one after the other
		dst.Append(values)
		return
	}
	for k := int(l.item.offset); k < len(at)-1; k += int(l.item.stride) {
		part := values.Slice(int(at[k]-at[0]), int(at[k+1]-at[0]))
		dst.Append(&part)
	}
}

// texts reads strings, which are lists of letters.
func (r *Reader) texts(w *worker, s *source, picked []int, p part, at []int64, out []column.Column) error {
	per := int(r.picked[picked[0]].item.stride)
	for row := p.at; len(at) > 1; {
		n := chunk(at, per)
		low, high := at[0], at[n*per]
		if high-low > r.most() {
			return fmt.Errorf("claims texts of %d letters, which is beyond belief for a file of %d bytes", high-low, r.store.Size())
		}
		letters := make([]byte, high-low)
		err := r.visit(w, s, p.cluster, low, high, func(v run) error {
			if v.plain != nil {
				copy(letters[v.first-low:], v.plain[:v.end-v.first])
			}
			return nil
		})
		if err != nil {
			return err
		}
		all := string(letters)
		for _, k := range picked {
			l := &r.picked[k]
			for i := range n {
				j := i*per + int(l.item.offset)
				out[k].Str[row+i] = all[at[j]-low : at[j+1]-low]
			}
		}
		row += n
		at = at[n*per:]
	}
	return nil
}

// lengths are those of the lists that a leaf counts.
func (l *leaf) lengths(dst []int64, parts []part, ends spans) {
	for _, p := range parts {
		at := ends[l.ends][p]
		for i := range p.to - p.from {
			k := i*l.item.stride + l.item.offset
			dst[p.at+int(i)] = at[k+1] - at[k]
		}
	}
}
