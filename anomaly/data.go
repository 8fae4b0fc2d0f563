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
	"github.com/sluice-hep/sluice/internal/say"
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

// least is how many events the signal region and each sideband must have: with fewer no density is learned; leastNearby is that of the sidebands of CWoLa.
const (
	least       = 100
	leastNearby = 40
)

// count is of events by what their label says.
type count struct{ background, signal int }

func (c *count) add(signal bool) {
	if signal {
		c.signal++
	} else {
		c.background++
	}
}

// of is their number where a share of the signal stays.
func (c count) of(share float64) int { return c.background + rounded(share*float64(c.signal)) }

func rounded(x float64) int { return int(x + 0.5) }

func load(ctx context.Context, c *card.Card) (*data, error) {
	d := &data{card: c, search: c.Search()}
	d.region = d.search.SignalRegion
	q, err := c.AnalysisQuery(d.search.Label)
	if err != nil {
		return nil, err
	}
	q.Lack = slices.DeleteFunc(q.Lack, func(name string) bool { return name == c.Context[0] }) // an event without a mass is in no region
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
	return d, d.enoughOfEach()
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

// enough is an error where there is nothing to search in or to learn from, once signal is thinned to the fewest that are asked for.
func (d *data) enough() error {
	name, share := d.card.Context[0], d.leastShare()
	ends := prep.Limits{Low: slices.Min(d.mass), High: slices.Max(d.mass)}
	for _, p := range d.parts() {
		n, thinned := p.of(share), ""
		if share < 1 {
			thinned = " once signal is thinned"
		}
		if n < p.least {
			return fmt.Errorf("%s %s in %s%s, %s %s, and a search takes at least %d; the events have %s from %g to %g: change anomaly.%s, or take more events",
				say.Count(n, "event"), say.Are(n), p.name, thinned, name, p.where, p.least, name, ends.Low, ends.High, p.key)
		}
	}
	if ends.Low <= 0 && d.search.Sidebands.Low <= 0 {
		return fmt.Errorf("%s is %g in some events, and the smooth function that is fitted to it is for a mass above 0: set anomaly.sidebands, or define another", name, ends.Low)
	}
	return nil
}

// part is one of the windows of the mass that a search takes events of.
type part struct {
	name, where string
	key         string // of the card, that sets it
	least       int
	count
}

func (d *data) parts() []part {
	a, r := &d.search, d.region
	key, sidebands, cwola := "signal_region", "sidebands", slices.Contains(a.Methods, "cwola")
	if r != a.SignalRegion {
		key, cwola = "slide", hunter(a.Methods) == "cwola"
	}
	lower, upper := fmt.Sprintf("from %g to %g", a.Sidebands.Low, r.Low), fmt.Sprintf("from %g to %g", r.High, a.Sidebands.High)
	if a.Sidebands == (prep.Limits{}) {
		lower, upper, sidebands = fmt.Sprintf("below %g", r.Low), fmt.Sprintf("from %g on", r.High), key
	}
	in := part{name: "the signal region", where: fmt.Sprintf("from %g to %g", r.Low, r.High), key: key, least: least}
	below := part{name: "the lower sideband", where: lower, key: sidebands, least: least}
	above := part{name: "the upper sideband", where: upper, key: sidebands, least: least}
	beside := part{name: "the sidebands nearby, that cwola learns from", where: fmt.Sprintf("within %g of the signal region", a.Nearby), key: "nearby", least: leastNearby}
	for i, m := range d.mass {
		signal := d.signal != nil && d.signal[i]
		switch {
		case d.inRegion(i):
			in.add(signal)
			continue
		case !d.inSidebands(i):
			continue
		case m < r.Low:
			below.add(signal)
		default:
			above.add(signal)
		}
		if d.nearby(i) {
			beside.add(signal)
		}
	}
	if cwola {
		return []part{in, below, above, beside}
	}
	return []part{in, below, above}
}

// enoughOfEach is an error where labels say of fewer events that they are signal than are asked for, or that they are background than are learned from.
func (d *data) enoughOfEach() error {
	a := &d.search
	in, all := d.counts()
	most := slices.Max(a.SignalEvents)
	switch {
	case d.signal == nil:
	case in.signal < int(most):
		return fmt.Errorf("anomaly.signal_events: %d are to stay in the signal region, and it has %d with %s 1", most, in.signal, a.Label)
	case slices.ContainsFunc(a.Methods, card.NeedsLabels) && min(in.signal, in.background) < least:
		n, label := in.signal, 1
		if in.background < n {
			n, label = in.background, 0
		}
		return fmt.Errorf("%d events in the signal region have %s %d, and the limits idealised and supervised take at least %d to learn from: leave them out of anomaly.methods", n, a.Label, label, least)
	case a.Pseudo > 0 && all.background < least:
		return fmt.Errorf("anomaly.pseudo: %d events have %s 0, and events without signal take at least %d to be learned from: leave it out, or take more events", all.background, a.Label, least)
	}
	return nil
}

// counts are those of the signal region of the card, and of all that is searched in.
func (d *data) counts() (in, all count) {
	for i := range d.mass {
		signal := d.signal != nil && d.signal[i]
		if within(d.search.SignalRegion, d.mass[i]) {
			in.add(signal)
			all.add(signal)
		} else if d.inSidebands(i) {
			all.add(signal)
		}
	}
	return in, all
}

// leastShare is the share of the signal that stays where the fewest events of it do.
func (d *data) leastShare() float64 {
	in, _ := d.counts()
	least := 1.0
	for _, n := range d.search.SignalEvents {
		least = min(least, d.share(int(n), in.signal))
	}
	return least
}

// share is that of the signal that stays, if so many events of those in the signal region do, or all for 0.
func (d *data) share(signal, in int) float64 {
	switch {
	case d.search.BackgroundOnly:
		return 0
	case signal > 0 && in > 0:
		return float64(signal) / float64(in)
	}
	return 1
}

// nearby is true of events that are as near to the signal region as those that CWoLa learns from.
func (d *data) nearby(i int) bool {
	r, near := d.region, d.search.Nearby
	return !d.inRegion(i) && d.mass[i] >= r.Low-near && d.mass[i] < r.High+near
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
	share := t.share(signal, len(in))
	for _, rows := range [][]int32{in, out} {
		r.Shuffle(rows)
		for _, i := range rows[:rounded(share*float64(len(rows)))] {
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
