// Package simulate makes events as a detector reconstructs them from generated ones: each generated object is given to a model, which
// draws whether it is reconstructed, and as what; objects that nothing generated come from a model of their own. The objects of an
// event are put together, as NanoAOD has them, and judged against those of the full simulation where these are known.
package simulate

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"time"

	"github.com/sluice-hep/sluice/apply"
	"github.com/sluice-hep/sluice/card"
	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/internal/await"
	"github.com/sluice-hep/sluice/internal/fault"
	"github.com/sluice-hep/sluice/internal/journal"
	"github.com/sluice-hep/sluice/internal/say"
	"github.com/sluice-hep/sluice/model"
	"github.com/sluice-hep/sluice/prep"
	"github.com/sluice-hep/sluice/query"
	"github.com/sluice-hep/sluice/report"
)

// Simulation says what is simulated: the generated objects of a file, a row each, in memory.
type Simulation struct {
	File string
	query.Reading
	Draws  int          // of each generated object and so of each event; 0 for 1
	Fakes  *model.Model // of objects that nothing generated; nil for none
	Seed   uint64
	Within float64 // as that of apply.Sample

	Version string // of the program: another does not go on with a journal
}

// Simulated is the record of a simulation.
type Simulated struct {
	File          string   `json:"file"`
	Events        int      `json:"events"`
	Draws         int      `json:"draws"`         // of each event
	Generated     int      `json:"generated"`     // objects
	Reconstructed int      `json:"reconstructed"` // of all draws
	Fakes         int      `json:"fakes"`         // of all draws
	Within        *float64 `json:"within"`        // see apply.Drawn
	Redrawn       int      `json:"redrawn"`       // draws that lay further
	Clipped       int      `json:"clipped"`       // values that a step "clip" of the card put to an end of the trained range: none without one
	Outside       int      `json:"outside"`       // generated objects outside the trained range
	Lacking       int      `json:"lacking"`       // values that reconstructed objects should have, and have not
	Seconds       float64  `json:"seconds"`
	PerSecond     float64  `json:"events_per_second"`
	Report        string   `json:"report,omitempty"`
	Judged        *Judged  `json:"judged,omitempty"` // against the full simulation, where the file has that
}

// run is a simulation under way.
type run struct {
	Simulation
	ctx     context.Context
	m       *model.Model
	card    *card.Card
	plan    card.Simulate
	events  folded
	objects []object // columns of reconstructed ones
	spectra []*spectrum
	fakes   *fakes
	result  *Simulated

	judged bool          // by the full simulation
	drawn  *events.Table // the first draw of all objects, in the order of the events, kept for the page
	counts [2][]int      // by event, of the first draw: reconstructed objects, fakes
}

// object is a column of reconstructed objects.
type object struct {
	name, unit string
	integer    bool
}

// drawnAtOnce is how many objects are drawn, folded and kept at a time.
const drawnAtOnce = 1 << 17

// ToFile simulates, and writes a ROOT file, which appears when it is whole. Where page is given, it gets the page that judges the simulation by the full one, which
// the file of generated objects has then; it writes that before the file appears. A run that was killed, or whose ctx ended, goes on from the journal of its draws
// to the same bytes. o.Warn is told what makes the file doubtful.
func (s Simulation) ToFile(ctx context.Context, m *model.Model, path string, page func(*report.Page) error, o apply.Options) (_ *Simulated, err error) {
	began, o := time.Now(), o.Filled()
	s.Draws = max(s.Draws, 1)
	r := &run{Simulation: s, ctx: ctx, m: m, judged: page != nil, result: &Simulated{File: path, Draws: s.Draws}}
	if err := r.prepare(path, o); err != nil {
		return nil, fault.Of(err)
	}
	facts, err := await.Do(ctx, "the model", r.facts)
	if err != nil {
		return nil, err
	}
	file, err := r.create(path)
	if err != nil {
		return nil, fault.Of(err)
	}
	out, done, err := journal.Over(ctx, file, path, facts, &r.result.Redrawn, o)
	if err != nil {
		return nil, err
	}
	defer func() { out.Abandon(err) }()
	taken := file.event
	if done > 0 {
		o.Notice(fmt.Sprintf("resumed after %d of %s", taken, say.Count(uint64(r.events.len()), "event")))
	}
	for file.event < r.events.len() {
		e := file.event
		d, err := await.Do(ctx, fmt.Sprintf("event %d of %d", e+1, r.events.len()), func() (draws, error) { return r.draw(e) })
		if err != nil {
			return nil, err
		}
		r.result.Redrawn += d.redrawn
		if err := out.Write(d.table, r.result.Redrawn); err != nil {
			return nil, err
		}
	}
	r.result.Seconds = time.Since(began).Seconds()
	r.result.PerSecond = float64((r.result.Events-taken)*s.Draws) / r.result.Seconds
	if page != nil {
		about, err := await.Do(ctx, "the page", r.page)
		if err == nil {
			err = page(about)
		}
		if err != nil {
			return nil, err
		}
	}
	if err := out.Close(); err != nil {
		return nil, err
	}
	r.told(o)
	return r.result, nil
}

// prepare reads what is generated, and makes sure that all can be written before anything is drawn.
func (r *run) prepare(path string, o apply.Options) (err error) {
	if filepath.Ext(path) != ".root" {
		return fmt.Errorf("%s: events of any number of objects are written as ROOT files alone: end the name in .root (sluice sample writes a row an object in other formats)", path)
	}
	if r.card, err = card.Parse([]byte(r.m.Card), "the card of the model"); err != nil {
		return err
	}
	if err := r.card.CheckSimulation(); err != nil {
		return fmt.Errorf("the card of the model: %w", err)
	}
	if r.plan = r.card.Simulation(); r.plan.Slot != "" {
		return errors.New("the model is one of objects that nothing generated (simulate.slot): give it as --fakes beside one of those that were")
	}
	t, err := r.read(o)
	if err != nil {
		return err
	}
	if r.result.Outside, err = apply.Outside(r.m.Context, t, o); err != nil {
		return err
	}
	if r.events, err = fold(t, r.plan, r.card.Drawn(), o.Notice); err != nil {
		return err
	}
	r.result.Events, r.result.Generated = r.events.len(), t.Len()
	r.objects = objectsOf(r.card, r.plan, r.m)
	if r.Fakes != nil {
		r.fakes, err = newFakes(r)
	}
	return err
}

// read gives the generated objects, with all columns of their file, and the features of the full simulation where it has these.
func (r *run) read(o apply.Options) (*events.Table, error) {
	names := r.m.Context.Names()
	if len(names) == 0 {
		return nil, errors.New("the model has no context, which would be the generated object")
	}
	q := query.Query{
		Files: []string{r.File}, Reading: r.Reading, Define: r.card.Define, Lacking: true, All: true, Columns: slices.Concat(names, r.plan.Event),
		Welcome: slices.Concat(r.m.Features.Names(), r.card.Drawn()), Complete: names, Names: r.m.Context.Named(), Lack: r.m.Context.MayLack(),
		Remedy: "each object drawn needs its context: give a file without such rows (sluice convert --where)", Trained: true,
	}
	rows, err := q.Open(r.ctx, 1<<16)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	t, err := rows.All()
	if err != nil {
		return nil, err
	}
	for _, line := range rows.Notes() {
		o.Notice(line)
	}
	for _, name := range r.card.Drawn() {
		if r.judged && !slices.Contains(t.Names(), name) {
			return nil, fmt.Errorf("%s lacks %q, so that there is no full simulation of its objects to judge by: leave --report out", r.File, name)
		}
	}
	return t, r.reconstructs(t)
}

// reconstructs is an error where the full simulation does not say of each object whether it has reconstructed it, or has none to judge by.
func (r *run) reconstructs(t *events.Table) error {
	if !r.judged || r.plan.Exists == "" {
		return nil
	}
	c, err := t.Column(r.plan.Exists)
	if err != nil {
		return err
	}
	some := false
	for i := range c.Len() {
		v := c.Float(i)
		if v != 0 && v != 1 {
			return fmt.Errorf("%s: %s is %g of object %d; it must be 1 for what the full simulation has reconstructed and 0 for other objects, so that it can be judged by: mend it, or leave --report out", r.File, c.Name, v, i+1)
		}
		some = some || v == 1
	}
	if !some {
		return fmt.Errorf("%s: the full simulation has reconstructed none of the %s (%s is 0 of all), so that there is nothing to judge by: leave --report out", r.File, say.Count(c.Len(), "object"), c.Name)
	}
	return nil
}

// objectsOf are the columns of reconstructed objects that a model draws.
func objectsOf(c *card.Card, plan card.Simulate, m *model.Model) (objects []object) {
	for _, name := range plan.Of(c.Drawn()) {
		o := object{name: name, unit: c.Units[name]}
		if k := slices.IndexFunc(m.Features.Columns, func(f prep.Column) bool { return f.Name == name }); k >= 0 {
			o.integer, o.unit = m.Features.Columns[k].Whole(), m.Features.Columns[k].Unit
		}
		objects = append(objects, o)
	}
	return objects
}

// weight is that of a draw.
func (r *run) weight() float64 { return 1 / float64(r.Draws) }

// facts are what a journal of the draws is told by; nil where the run cannot go on.
func (r *run) facts() (facts []journal.Fact, err error) {
	given, again := journal.Files("generated", r.File)
	if !again {
		return nil, nil
	}
	facts = []journal.Fact{{Name: "command", Value: "simulate"}, {Name: "version", Value: r.Version}, {Name: "card", Value: fmt.Sprintf("%x", sha256.Sum256([]byte(r.m.Card)))}}
	for _, m := range []struct {
		name string
		*model.Model
	}{{"model", r.m}, {"model of fakes", r.Fakes}} {
		if m.Model == nil {
			continue
		}
		hash, err := m.Hash()
		if err != nil {
			return nil, err
		}
		facts = append(facts, journal.Fact{Name: m.name, Value: hash})
	}
	return append(append(facts, journal.Fact{Name: "seed", Value: fmt.Sprint(r.Seed)}, journal.Fact{Name: "--draws", Value: fmt.Sprint(r.Draws)},
		journal.Fact{Name: "--within", Value: fmt.Sprint(model.Factor(r.Within))}, apply.ReadingFact(r.Reading)), given...), nil
}

// told says what readers of the file must know.
func (r *run) told(o apply.Options) {
	res := r.result
	if within := model.Factor(r.Within); !math.IsInf(within, 1) {
		res.Within = &within
		if res.Redrawn > 0 {
			o.Notice(fmt.Sprintf("%d of %s lay further than %g times the trained range beyond it, and were drawn again", res.Redrawn, say.Count(uint64(res.Generated*res.Draws), "draw"), within))
		}
	}
	if res.Lacking > 0 {
		o.Warn(fmt.Sprintf("%d values of %s are missing (NaN), which a code that did not fit the others stands for", res.Lacking, say.Count(uint64(res.Reconstructed+res.Fakes), "reconstructed object")))
	}
}
