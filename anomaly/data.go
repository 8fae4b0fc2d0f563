package anomaly

import (
	"context"
	"fmt"
	"slices"

	"github.com/sluice-hep/sluice/card"
	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/internal/rng"
	"github.com/sluice-hep/sluice/prep"
)

// data are the events of a search.
type data struct {
	card   *card.Card
	search card.Anomaly
	*events.Table
	mass     []float64
	features [][]float64
	signal   []bool // nil where nobody knows
	notices  []string
}

// least is how many events the signal region and each sideband must have: with fewer no density is learned.
const least = 100

func load(ctx context.Context, c *card.Card) (*data, error) {
	d := &data{card: c, search: c.Search()}
	q, err := c.Query()
	if err != nil {
		return nil, err
	}
	if d.search.Label != "" {
		q.Columns, q.Complete = append(q.Columns, d.search.Label), append(q.Complete, d.search.Label)
	}
	rows, err := q.Open(ctx, 1<<16)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	if d.Table, err = rows.All(); err == nil {
		err = rows.Nothing()
	}
	if err != nil {
		return nil, err
	}
	d.notices = append(rows.Notices(), rows.Warnings()...)
	for _, name := range c.Features {
		x, err := d.floats(name)
		if err != nil {
			return nil, err
		}
		d.features = append(d.features, x)
	}
	if d.mass, err = d.floats(c.Context[0]); err != nil {
		return nil, err
	}
	if err := d.labels(); err != nil {
		return nil, err
	}
	return d, d.enough()
}

func (d *data) floats(name string) ([]float64, error) {
	c, err := d.Column(name)
	if err != nil {
		return nil, err
	}
	return c.Floats(nil)
}

func (d *data) labels() error {
	name := d.search.Label
	if name == "" {
		return nil
	}
	x, err := d.floats(name)
	if err != nil {
		return err
	}
	d.signal = make([]bool, len(x))
	for i, v := range x {
		if v != 0 && v != 1 {
			return fmt.Errorf("anomaly.label: %s is %g in event %d; it must be 1 for signal and 0 for background", name, v, i+1)
		}
		d.signal[i] = v == 1
	}
	return nil
}

// enough is an error where there is nothing to search in or to learn from.
func (d *data) enough() error {
	var below, in, above, signal int
	a := &d.search
	for i, m := range d.mass {
		switch {
		case d.inRegion(i):
			in++
			if d.signal != nil && d.signal[i] {
				signal++
			}
		case d.inSidebands(i) && m < a.SignalRegion.Low:
			below++
		case d.inSidebands(i):
			above++
		}
	}
	name := d.card.Context[0]
	for _, part := range []struct {
		name     string
		n        int
		low, end float64
		key      string
	}{
		{"the signal region", in, a.SignalRegion.Low, a.SignalRegion.High, "signal_region"},
		{"the lower sideband", below, a.Sidebands.Low, a.SignalRegion.Low, "sidebands"},
		{"the upper sideband", above, a.SignalRegion.High, a.Sidebands.High, "sidebands"},
	} {
		if part.n < least {
			return fmt.Errorf("%d events are in %s, %s from %g to %g, and a search takes at least %d; the events have %s from %g to %g: change anomaly.%s, or take more events",
				part.n, part.name, name, part.low, part.end, least, name, slices.Min(d.mass), slices.Max(d.mass), part.key)
		}
	}
	if low := max(slices.Min(d.mass), a.Sidebands.Low); low <= 0 {
		return fmt.Errorf("%s is %g in some events, and the smooth function that is fitted to it is for a mass above 0: set anomaly.sidebands, or define another", name, low)
	}
	limits := slices.ContainsFunc(a.Methods, card.NeedsLabels)
	switch {
	case signal < int(a.SignalEvents):
		return fmt.Errorf("anomaly.signal_events: %d are to stay in the signal region, and it has %d with %s 1", a.SignalEvents, signal, a.Label)
	case limits && signal < least:
		return fmt.Errorf("%d events in the signal region have %s 1, and the limits idealised and supervised take at least %d to learn from: leave them out of anomaly.methods", signal, a.Label, least)
	}
	return nil
}

func (d *data) inRegion(i int) bool {
	r := d.search.SignalRegion
	return d.mass[i] >= r.Low && d.mass[i] < r.High
}

// inSidebands is true of events beside the signal region.
func (d *data) inSidebands(i int) bool {
	s := d.search.Sidebands
	return !d.inRegion(i) && (s == prep.Limits{} || d.mass[i] >= s.Low && d.mass[i] < s.High)
}

// trial is a search with one seed: a thinning of the signal, folds, and trainings.
type trial struct {
	*data
	seed    uint64
	threads int
	kept    []bool  // events that are in the data, others being signal that is thinned away
	fold    []int   // of all events
	rows    []int32 // of the events that are scored: of the signal region, signal that is not kept among them, and then of the sidebands
	region  int     // how many of rows are in the signal region
}

func (d *data) trial(seed uint64, threads int) *trial {
	t := &trial{data: d, seed: seed, threads: threads, kept: make([]bool, d.Len()), fold: make([]int, d.Len())}
	r := rng.New(seed, rng.StreamSearch, 0)
	for i, k := range r.Perm(d.Len()) {
		t.fold[k] = i % d.search.Folds
	}
	t.thin(r)
	var side []int32
	for i := range t.kept {
		switch {
		case d.inRegion(i):
			t.rows = append(t.rows, int32(i))
		case d.inSidebands(i) && t.kept[i]:
			side = append(side, int32(i))
		}
	}
	t.region = len(t.rows)
	t.rows = append(t.rows, side...)
	return t
}

// thin keeps all background, as many signal events of the signal region as the card says, and the same share of the others.
func (t *trial) thin(r *rng.Source) {
	var in, out []int32
	for i := range t.kept {
		switch {
		case t.signal == nil || !t.signal[i]:
			t.kept[i] = true
		case t.inRegion(i):
			in = append(in, int32(i))
		default:
			out = append(out, int32(i))
		}
	}
	share := 1.0
	switch {
	case len(in) == 0:
	case t.search.BackgroundOnly:
		share = 0
	case t.search.SignalEvents > 0:
		share = float64(t.search.SignalEvents) / float64(len(in))
	}
	for _, rows := range [][]int32{in, out} {
		r.Shuffle(rows)
		for _, i := range rows[:int(share*float64(len(rows))+0.5)] {
			t.kept[i] = true
		}
	}
}

// where are the scored rows that a condition holds for.
func (t *trial) where(holds func(i int) bool) (rows []int32) {
	for _, i := range t.rows {
		if holds(int(i)) {
			rows = append(rows, i)
		}
	}
	return rows
}

// table is the card's columns of events: features and the mass.
func (t *trial) table(rows []int32) *events.Table {
	some := &events.Table{}
	for _, name := range t.card.Used() {
		c, err := t.Column(name)
		if err != nil {
			panic(err) // load has read it
		}
		some.Columns = append(some.Columns, c.Take(rows))
	}
	return some
}
