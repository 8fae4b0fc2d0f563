package root

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"

	"github.com/sluice-hep/sluice/events/column"
)

// WriterOptions say what a Writer makes. The zero value makes a tree `events` of columns of one value an event.
type WriterOptions struct {
	Tree string // its name
	// Counters name the columns that count the values of others, by the names of these: Jet_pt by nJet. A block holds the values of such columns one
	// event after the other, as many in all as their counter says.
	Counters map[string]string
	// Narrow are columns of integers to be written in 32 bits, as counters are.
	Narrow []string
}

// NewWriterOf writes to f, which is empty.
func NewWriterOf(f *os.File, o WriterOptions) *Writer {
	o.Tree = cmp.Or(o.Tree, treeName)
	return &Writer{file: f, options: o}
}

// fact is a text that is kept with the file, as a TNamed.
type fact struct{ key, value string }

func (f fact) object() []byte {
	p := new(put)
	p.named(f.key, f.value)
	return p.b
}

// Describe keeps a text with the file, under a key.
func (w *Writer) Describe(key, value string) { w.facts = append(w.facts, fact{key, value}) }

// plan makes the branches: those of one value an event first.
func (w *Writer) plan(columns []column.Column) error {
	for i := range columns {
		c := &columns[i]
		b := &outBranch{Column: c.Slice(0, 0), size: c.Type.Number(true).Size, tree: w.options.Tree, place: i}
		b.narrow = slices.Contains(w.options.Narrow, c.Name)
		for _, name := range w.options.Counters {
			b.counts = b.counts || name == c.Name
		}
		if b.narrow = b.narrow || b.counts; b.narrow {
			b.size = 4
		}
		if b.narrow && c.Type != column.Int64 {
			return fmt.Errorf("column %q holds %s values, which cannot be written as 32-bit integers", c.Name, c.Type)
		}
		w.branches = append(w.branches, b)
	}
	many := func(b *outBranch) bool { return w.options.Counters[b.Name] != "" }
	slices.SortStableFunc(w.branches, func(a, b *outBranch) int {
		return strings.Compare(fmt.Sprint(many(a)), fmt.Sprint(many(b)))
	})
	for _, b := range w.branches {
		if !many(b) {
			continue
		}
		name := w.options.Counters[b.Name]
		if k := slices.IndexFunc(w.branches, func(o *outBranch) bool { return o.Name == name && o.counts && !many(o) }); k >= 0 {
			b.counter = w.branches[k]
		}
		if b.counter == nil || b.Type == column.Text {
			return fmt.Errorf("column %q is to be counted by %q, which is no column of integers here, or holds text", b.Name, name)
		}
	}
	return nil
}

// of is the column of the branch among those of one value an event.
func (b *outBranch) of(single []column.Column) *column.Column {
	return &single[slices.IndexFunc(single, func(c column.Column) bool { return c.Name == b.Name })]
}

// split keeps the values of columns of many waiting, and gives the others.
func (w *Writer) split(columns []column.Column) (single []column.Column, err error) {
	for _, b := range w.branches {
		c := columns[b.place]
		if b.counter == nil {
			single = append(single, c)
			continue
		}
		total := int64(0)
		for _, n := range columns[b.counter.place].I64 {
			if n < 0 {
				return nil, fmt.Errorf("column %q holds %d values of an event", b.Name, n)
			}
			total += n
		}
		if total != int64(c.Len()) {
			return nil, fmt.Errorf("column %q holds %d values, and its counter says %d", b.Name, c.Len(), total)
		}
		b.waiting = c
	}
	return single, nil
}

// addMany appends the waiting values of events, so many of each.
func (b *outBranch) addMany(counts []int64) error {
	at := 0
	for _, n := range counts {
		b.offsets = append(b.offsets, len(b.values)+at*b.size)
		at += int(n)
	}
	part := b.waiting.Slice(0, at)
	b.waiting = b.waiting.Slice(at, b.waiting.Len())
	return b.add(&part)
}

func (b *outBranch) addNarrow(values []int64) error {
	for _, v := range values {
		if v != int64(int32(v)) {
			return fmt.Errorf("column %q holds %d, and 32 bits hold at most %d", b.Name, v, math.MaxInt32)
		}
		b.values = binary.BigEndian.AppendUint32(b.values, uint32(v))
		b.most = max(b.most, v)
	}
	return nil
}
