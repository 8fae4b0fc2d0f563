package feed

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/events/column"
)

// batch are events on their way through a survey.
type batch struct {
	columns []events.Column
	digests []uint64
	section []int32 // of the files, that each event comes from
}

func (b *batch) len() int { return len(b.digests) }

func (b *batch) take(rows []int32) batch {
	out := batch{columns: make([]events.Column, len(b.columns)), digests: make([]uint64, len(rows)), section: make([]int32, len(rows))}
	for j := range b.columns {
		out.columns[j] = b.columns[j].Take(rows)
	}
	for i, r := range rows {
		out.digests[i], out.section[i] = b.digests[r], b.section[r]
	}
	return out
}

// where are the events whose digest is chosen.
func (b *batch) where(chosen func(digest uint64) bool) []int32 {
	var rows []int32
	for i, d := range b.digests {
		if chosen(d) {
			rows = append(rows, int32(i))
		}
	}
	return rows
}

// append adds events. All have columns of the same types.
func (b *batch) append(more batch) error {
	if b.columns == nil {
		for _, c := range more.columns {
			b.columns = append(b.columns, column.New(c.Name, c.Unit, c.Type, 0))
		}
	}
	for j := range more.columns {
		c, d := &b.columns[j], &more.columns[j]
		if c.Type != d.Type {
			return fmt.Errorf("feed: column %q is %v after %v", c.Name, d.Type, c.Type)
		}
		c.Append(d)
	}
	b.digests = append(b.digests, more.digests...)
	b.section = append(b.section, more.section...)
	return nil
}

// table is the events in the order of their digests.
func (b *batch) table(weight string) Numbered {
	order := make([]int32, b.len())
	for i := range order {
		order[i] = int32(i)
	}
	slices.SortStableFunc(order, func(i, j int32) int { return cmp.Compare(b.digests[i], b.digests[j]) })
	sorted := b.take(order)
	return Numbered{&events.Table{Columns: sorted.columns, Weight: weight}, sorted.digests}
}

// keeper holds the events of the smallest digests, or, turned, of the largest; of more than the limit a random sample
// that depends neither on the order of the events nor on how they are read (a bottom-k sketch: Cohen and Kaplan, PODC
// 2007).
type keeper struct {
	batch
	limit int
	turn  uint64 // 0, or all bits
	to    uint64 // digests below are kept; it falls where there are too many
}

func newKeeper(limit int, turn uint64) *keeper {
	k := &keeper{limit: limit, turn: turn}
	if limit > 0 {
		k.to = math.MaxUint64
	}
	return k
}

func (k *keeper) takes(digest uint64) bool { return digest^k.turn < k.to }

// add keeps the events that belong here. It returns those that were kept and no longer are.
func (k *keeper) add(b batch) (dropped batch, err error) {
	if err := k.append(b.take(b.where(k.takes))); err != nil {
		return batch{}, err
	}
	if k.len() > k.limit+k.limit/4 {
		dropped = k.shrink(k.limit)
	}
	return dropped, nil
}

// shrink drops the events beyond the limit and returns them.
func (k *keeper) shrink(limit int) (dropped batch) {
	if k.len() <= limit {
		return batch{}
	}
	sorted := make([]uint64, k.len())
	for i, d := range k.digests {
		sorted[i] = d ^ k.turn
	}
	slices.Sort(sorted)
	k.to = sorted[limit]
	dropped = k.take(k.where(func(d uint64) bool { return !k.takes(d) }))
	k.batch = k.take(k.where(k.takes))
	return dropped
}
