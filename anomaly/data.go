package anomaly

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/sluice-hep/sluice/bump"
	"github.com/sluice-hep/sluice/card"
	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/internal/rng"
	"github.com/sluice-hep/sluice/prep"
)

// data are the events of a search.
type data struct {
	card   *card.Card
	search card.Anomaly
	region prep.Limits // searched in
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
	d.region = d.search.SignalRegion
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
	for _, region := range append(d.search.Slide.Windows(), d.region) {
		if err := d.in(region).enough(); err != nil {
			return nil, err
		}
	}
	return d, d.enoughSignal()
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

// in is the same with another signal region.
func (d *data) in(region prep.Limits) *data {
	other := *d
	other.region = region
	return &other
}

// enough is an error where there is nothing to search in or to learn from.
func (d *data) enough() error {
	var below, in, above int
	a := &d.search
	for i, m := range d.mass {
		switch {
		case d.inRegion(i):
			in++
		case d.inSidebands(i) && m < d.region.Low:
			below++
		case d.inSidebands(i):
			above++
		}
	}
	name, key := d.card.Context[0], "signal_region"
	if d.region != a.SignalRegion {
		key = "slide"
	}
	for _, part := range []struct {
		name     string
		n        int
		low, end float64
		key      string
	}{
		{"the signal region", in, d.region.Low, d.region.High, key},
		{"the lower sideband", below, a.Sidebands.Low, d.region.Low, "sidebands"},
		{"the upper sideband", above, d.region.High, a.Sidebands.High, "sidebands"},
	} {
		if part.n < least {
			return fmt.Errorf("%d events are in %s, %s from %g to %g, and a search takes at least %d; the events have %s from %g to %g: change anomaly.%s, or take more events",
				part.n, part.name, name, part.low, part.end, least, name, slices.Min(d.mass), slices.Max(d.mass), part.key)
		}
	}
	if low := max(slices.Min(d.mass), a.Sidebands.Low); low <= 0 {
		return fmt.Errorf("%s is %g in some events, and the smooth function that is fitted to it is for a mass above 0: set anomaly.sidebands, or define another", name, low)
	}
	return nil
}

// enoughSignal is an error where labels say of fewer events that they are signal than are asked for.
func (d *data) enoughSignal() error {
	a := &d.search
	signal := 0
	for i := range d.signal {
		if d.signal[i] && d.inRegion(i) {
			signal++
		}
	}
	most := slices.Max(a.SignalEvents)
	switch {
	case signal < int(most):
		return fmt.Errorf("anomaly.signal_events: %d are to stay in the signal region, and it has %d with %s 1", most, signal, a.Label)
	case slices.ContainsFunc(a.Methods, card.NeedsLabels) && signal < least:
		return fmt.Errorf("%d events in the signal region have %s 1, and the limits idealised and supervised take at least %d to learn from: leave them out of anomaly.methods", signal, a.Label, least)
	}
	return nil
}

func (d *data) inRegion(i int) bool { return within(d.region, d.mass[i]) }

// within says whether a mass is in a window, low end included.
func within(l prep.Limits, mass float64) bool { return mass >= l.Low && mass < l.High }

// inSidebands is true of events beside the signal region.
func (d *data) inSidebands(i int) bool {
	s := d.search.Sidebands
	return !d.inRegion(i) && (s == prep.Limits{} || within(s, d.mass[i]))
}

// trial is a search with one seed: a thinning of the signal, folds, and trainings.
type trial struct {
	*data
	seed    uint64
	threads int
	kept    []bool  // events that are in the data, others being signal that is thinned away
	fold    []int   // of all events
	rows    []int32 // of the events that are scored: of the signal region, signal that is not kept among them, and then of the sidebands
	inside  int     // how many of rows are in the signal region

	spectrum *bump.Spectrum // of the data
	null     *bump.Smoothed
}

// trial keeps so many signal events in the signal region of the card, all for 0.
func (d *data) trial(seed uint64, signal card.Count, threads int) (*trial, error) {
	t := &trial{data: d, seed: seed, threads: threads, kept: make([]bool, d.Len()), fold: make([]int, d.Len())}
	r := rng.New(seed, rng.StreamSearch, 0)
	for i, k := range r.Perm(d.Len()) {
		t.fold[k] = i % d.search.Folds
	}
	t.thin(r, int(signal))
	var side []int32
	for i := range t.kept {
		switch {
		case d.inRegion(i):
			t.rows = append(t.rows, int32(i))
		case d.inSidebands(i) && t.kept[i]:
			side = append(side, int32(i))
		}
	}
	t.inside = len(t.rows)
	t.rows = append(t.rows, side...)
	bins, err := t.newSpectrum()
	if err != nil {
		return nil, err
	}
	t.spectrum = bins.Of(t.masses(all))
	t.null, err = t.spectrum.Smoothed()
	return t, err
}

// thin keeps all background, so many signal events of the card's signal region, and the same share of the others.
func (t *trial) thin(r *rng.Source, signal int) {
	var in, out []int32
	for i := range t.kept {
		switch {
		case t.signal == nil || !t.signal[i]:
			t.kept[i] = true
		case within(t.search.SignalRegion, t.mass[i]):
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
	case signal > 0:
		share = float64(signal) / float64(len(in))
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

// atRegion is the table of events, those of the sidebands with the mass of the signal region that is nearest to theirs: what is learned in there knows no
// other, and without a jump at its ends nor a lean on the mass beyond them a smooth spectrum stays smooth after a selection.
func (t *trial) atRegion(rows []int32) *events.Table {
	some := t.table(rows)
	mass := make([]float64, len(rows))
	for k, i := range rows {
		mass[k] = min(max(t.mass[i], t.region.Low), t.region.High)
	}
	name := t.card.Context[0]
	for c := range some.Columns {
		if some.Columns[c].Name == name {
			some.Columns[c] = events.Column{Name: name, Type: events.Float64, F64: mass}
		}
	}
	return some
}

// masses are those of the data that a condition holds for, by their place in the rows.
func (t *trial) masses(holds func(k int) bool) (mass []float64) {
	for k, i := range t.rows {
		if t.kept[i] && holds(k) {
			mass = append(mass, t.mass[i])
		}
	}
	return mass
}

func all(int) bool { return true }

// newSpectrum has bins of an eighth of the signal region, as many as fit between the ends of the sidebands.
func (t *trial) newSpectrum() (*bump.Spectrum, error) {
	low, high := t.mass[t.rows[0]], t.mass[t.rows[0]]
	for _, i := range t.rows {
		low, high = min(low, t.mass[i]), max(high, t.mass[i])
	}
	r := t.region
	width := (r.High - r.Low) / bump.Widest
	if s := t.search.Sidebands; s.Low < s.High { // which end the first and the last bin where events are in them, and else the events
		if low = max(low, s.Low); low < s.Low+width {
			low = s.Low
		}
		if high = min(high, s.High); high > s.High-width {
			high = s.High
		}
	}
	below, above := int((r.Low-low)/width+1e-6), int((high-r.High)/width+1e-6)
	var edges []float64
	for k := range below + bump.Widest + above + 1 {
		edges = append(edges, math.Round((r.Low+float64(k-below)*width)*1e9)/1e9)
	}
	return bump.New(edges)
}

// count is what the trial has.
func (t *trial) count() (c Counts) {
	var signal int
	for k, i := range t.rows {
		switch {
		case !t.kept[i]:
		case k >= t.inside:
			c.Sidebands++
		default:
			c.Region++
			if t.signal != nil && t.signal[i] {
				signal++
			}
		}
	}
	if t.signal != nil {
		c.Signal = &signal
	}
	return c
}
