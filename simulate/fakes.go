package simulate

import (
	"fmt"
	"slices"

	"github.com/sluice-hep/sluice/card"
	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/internal/rng"
	"github.com/sluice-hep/sluice/model"
)

// fakes draw the objects that nothing generated: given how many an event has so far, whether it has one more, and which.
type fakes struct {
	run  *run
	m    *model.Model
	card *card.Card
	plan card.Simulate
}

// newFakes makes sure that a model of fakes goes with that of the others.
func newFakes(r *run) (*fakes, error) {
	f := &fakes{run: r, m: r.Fakes}
	var err error
	if f.card, err = card.Parse([]byte(f.m.Card), "the card of the fakes' model"); err != nil {
		return nil, err
	}
	if err := f.card.CheckSimulation(); err != nil {
		return nil, fmt.Errorf("the card of the fakes' model: %w", err)
	}
	if f.plan = f.card.Simulation(); f.plan.Slot == "" {
		return nil, fmt.Errorf("the card of the fakes' model does not say which column counts the fakes of an event (simulate: {slot: NAME})")
	}
	for _, o := range r.objects {
		if !slices.Contains(f.card.Drawn(), o.name) {
			return nil, fmt.Errorf("the model of fakes draws no %q, which the other model draws", o.name)
		}
	}
	for _, name := range f.m.Context.Names() {
		if name != f.plan.Slot && !slices.Contains(r.events.singles, name) && name != "n"+r.plan.Generated {
			return nil, fmt.Errorf("the model of fakes is conditioned on %q, which the generated events do not have: there is %q", name, r.events.singles)
		}
	}
	return f, nil
}

// mostFakes is where a model of fakes that finds no end is given up.
const mostFakes = 1000

// draw draws the fakes of the events from e to before to, and tells of which draw of which of them each is. An event is asked, slot after slot, until it has no more.
func (f *fakes) draw(e, to int) (all *events.Table, of []int64, redrawn int, err error) {
	r := f.run
	asked := make([]int32, (to-e)*r.Draws) // those that may have one more
	for i := range asked {
		asked[i] = int32(i)
	}
	for slot := 0; len(asked) > 0; slot++ {
		if slot == mostFakes {
			return nil, nil, 0, fmt.Errorf("event %d has more than %d fakes: the model that draws them is not trained well enough", e+1+int(asked[0])/r.Draws, mostFakes)
		}
		seed := rng.New(r.Seed, rng.StreamFakes, uint32(slot)).Uint64()
		t, again, err := f.m.SampleWithin(len(asked), f.given(asked, e, slot), seed, uint64(r.events.first[e])*uint64(r.Draws), r.Within)
		if err == nil {
			t, err = f.card.Restore.Of(t)
		}
		if err != nil {
			return nil, nil, 0, fmt.Errorf("fakes: %w", err)
		}
		redrawn += again
		exists, err := t.Column(f.plan.Exists)
		if err != nil {
			return nil, nil, 0, fmt.Errorf("fakes: %w", err)
		}
		var more, rows []int32
		for k, i := range asked {
			if exists.Float(k) > 0.5 {
				of, more, rows = append(of, int64(i)), append(more, i), append(rows, int32(k))
			}
		}
		all, asked = events.Joined(all, t.Take(rows)), more
	}
	return all, of, redrawn, nil
}

// given is the context of events that are asked: their own columns, and the slot.
func (f *fakes) given(asked []int32, e, slot int) *events.Table {
	r, rows := f.run, make([]int32, len(asked))
	for k, i := range asked {
		rows[k] = int32(r.events.first[e+int(i)/r.Draws])
	}
	t := &events.Table{}
	for _, name := range f.m.Context.Names() {
		c := events.Column{Name: name, Type: events.Int64}
		switch name {
		case f.plan.Slot:
			for range asked {
				c.I64 = append(c.I64, int64(slot))
			}
		case "n" + r.plan.Generated:
			for _, i := range asked {
				n := e + int(i)/r.Draws
				c.I64 = append(c.I64, int64(r.events.first[n+1]-r.events.first[n]))
			}
		default:
			own, _ := r.events.table.Column(name)
			c = own.Take(rows)
		}
		t.Columns = append(t.Columns, c)
	}
	return t
}
