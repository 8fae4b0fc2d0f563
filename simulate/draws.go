package simulate

import (
	"fmt"
	"math"
	"slices"

	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/events/column"
	"github.com/sluice-hep/sluice/prep"
)

// draws are those of a stretch of events, one table, as a journal keeps them: all objects drawn once, then all of them drawn again, and so on, and then the fakes. Its
// last column tells of which draw of which event a fake is, and is -1 for other objects.
type draws struct {
	table   *events.Table
	redrawn int
}

// fakeOf is the name of that column, which no column of a model has.
const fakeOf = "fake of"

// stretch is the event before which those end that are drawn with event e.
func (r *run) stretch(e int) int { return r.events.upTo(e, max(drawnAtOnce/r.Draws, 1)) }

// draw draws the stretch of events from e on.
func (r *run) draw(e int) (d draws, err error) {
	to := r.stretch(e)
	lo, hi := r.events.first[e], r.events.first[to]
	given := r.events.table.Slice(lo, hi)
	of := column.New(fakeOf, "", events.Int64, 0)
	d.table = &events.Table{}
	for k := range r.Draws {
		t, redrawn, err := r.m.SampleWithin(hi-lo, given, r.Seed, uint64(k)*uint64(r.events.table.Len())+uint64(lo), r.Within)
		if err == nil {
			t, err = r.card.Restore.Of(t)
		}
		if err != nil {
			return d, err
		}
		d.redrawn += redrawn
		for i, name := range r.card.Drawn() {
			c, err := t.Column(name)
			if err != nil {
				return d, err
			}
			if k == 0 { // columns of its own: those of t may be parts of others
				d.table.Columns = append(d.table.Columns, column.New(c.Name, c.Unit, c.Type, 0))
			}
			d.table.Columns[i].Append(c)
		}
	}
	for range d.table.Len() {
		of.I64 = append(of.I64, -1)
	}
	if r.fakes != nil {
		t, places, redrawn, err := r.fakes.draw(e, to)
		if err != nil {
			return d, err
		}
		d.redrawn += redrawn
		of.I64 = append(of.I64, places...)
		d.table.Columns = below(d.table.Columns, t)
	}
	d.table.Columns = append(d.table.Columns, of)
	return d, nil
}

// below puts the rows of t below columns: a number that t has no column for is missing, an integer 0.
func below(columns []events.Column, t *events.Table) (all []events.Column) {
	for _, c := range columns {
		n := t.Len()
		more, err := t.Column(c.Name)
		switch {
		case err != nil:
			blank := column.New(c.Name, c.Unit, c.Type, n)
			for i := range blank.F32 {
				blank.F32[i] = float32(math.NaN())
			}
			for i := range blank.F64 {
				blank.F64[i] = math.NaN()
			}
			c.Append(&blank)
		case more.Type == c.Type:
			c.Append(more)
		default: // two models may keep a number in different types
			both := column.New(c.Name, c.Unit, events.Float64, 0)
			for _, part := range []*events.Column{&c, more} {
				for i := range part.Len() {
					both.F64 = append(both.F64, part.Float(i))
				}
			}
			c = both
		}
		all = append(all, c)
	}
	return all
}

// assemble takes the draws of the events from e to before to apart.
func (r *run) assemble(t *events.Table, e, to int) (*assembly, error) {
	of, err := t.Column(fakeOf)
	if err != nil {
		return nil, err
	}
	n := r.events.first[to] - r.events.first[e]
	if t.Len() < n*r.Draws {
		return nil, fmt.Errorf("%d draws of %d objects, %d of each", t.Len(), n, r.Draws)
	}
	drawn := &events.Table{Columns: t.Columns[:len(t.Columns)-1]}
	b := &assembly{run: r, from: e}
	for d := range r.Draws {
		b.add(drawn.Slice(d*n, (d+1)*n), r.plan.Exists, r.objects)
	}
	if r.fakes != nil {
		b.fakes = make([][]int32, (to-e)*r.Draws)
		b.add(drawn.Slice(r.Draws*n, t.Len()), "", r.objects)
		for k, place := range of.I64[r.Draws*n:] {
			b.fakes[place] = append(b.fakes[place], int32(k))
		}
	}
	return b, nil
}

// countClipped counts the values that a step of the preparation put to an end.
func (b *assembly) countClipped() {
	for k := range b.run.m.Features.Columns {
		c := &b.run.m.Features.Columns[k]
		if !slices.ContainsFunc(c.Steps, func(s prep.Step) bool { return s.Kind() == "clip" }) {
			continue
		}
		lo, hi := c.Trained()
		near := 1e-7 * (hi - lo) // rounding
		for d := range b.tables {
			if _, err := b.tables[d].Column(c.Name); err != nil {
				continue
			}
			for _, v := range b.tables[d].values(c.Name) {
				if v <= lo+near || v >= hi-near {
					b.run.result.Clipped++
				}
			}
		}
	}
}
