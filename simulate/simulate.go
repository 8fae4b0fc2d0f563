// Package simulate makes events as a detector reconstructs them from generated ones: each generated object is given to a model, which
// draws whether it is reconstructed, and as what; objects that nothing generated come from a model of their own. The objects of an
// event are put together, as NanoAOD has them, and judged against those of the full simulation where these are known.
package simulate

import (
	"context"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/sluice-hep/sluice/apply"
	"github.com/sluice-hep/sluice/card"
	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/events/root"
	"github.com/sluice-hep/sluice/internal/atomicfile"
	"github.com/sluice-hep/sluice/internal/await"
	"github.com/sluice-hep/sluice/internal/fault"
	"github.com/sluice-hep/sluice/internal/say"
	"github.com/sluice-hep/sluice/model"
	"github.com/sluice-hep/sluice/prep"
	"github.com/sluice-hep/sluice/query"
	"github.com/sluice-hep/sluice/stats"
)

// Simulation says what is simulated: the generated objects of a file, a row each, in memory.
type Simulation struct {
	File string
	query.Reading
	Draws  int          // of each generated object and so of each event; 0 for 1
	Fakes  *model.Model // of objects that nothing generated; nil for none
	Seed   uint64
	Within float64 // as that of apply.Sample
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
	Outside       int      `json:"outside"`       // generated objects outside the trained range
	Lacking       int      `json:"lacking"`       // values that reconstructed objects should have, and have not
	Seconds       float64  `json:"seconds"`
	PerSecond     float64  `json:"events_per_second"`
	Report        string   `json:"report,omitempty"`
	Judged        *Judged  `json:"judged,omitempty"` // against the full simulation, where the file has that

	run *run
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
	spectra []spectrum
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

// spectrum is the histogram of a column over all draws.
type spectrum struct {
	name, unit   string
	share, naive *stats.Histogram
}

// block is how many generated objects are drawn at a time.
const block = 1 << 14

// ToFile simulates, and writes a ROOT file, which appears when it is whole; judge keeps what Page needs. o.Warn is told what makes it doubtful.
func (s Simulation) ToFile(ctx context.Context, m *model.Model, path string, judge bool, o apply.Options) (_ *Simulated, err error) {
	began, o := time.Now(), o.Filled()
	s.Draws = max(s.Draws, 1)
	r := &run{Simulation: s, ctx: ctx, m: m, judged: judge, result: &Simulated{File: path, Draws: s.Draws}}
	r.result.run = r
	if err := r.prepare(path, o); err != nil {
		return nil, fault.Of(err)
	}
	f, err := atomicfile.Create(path)
	if err != nil {
		return nil, fault.Of(err)
	}
	defer f.Abort()
	out := root.NewWriterOf(f.File, r.writer())
	for e := 0; e < r.events.len(); {
		to := r.events.upTo(e, block)
		columns, err := await.Do(ctx, fmt.Sprintf("event %d of %d", e+1, r.events.len()), func() ([]events.Column, error) { return r.block(e, to) })
		if err != nil {
			return nil, err
		}
		if err := out.Write(columns); err != nil {
			return nil, err
		}
		e = to
	}
	r.describe(out)
	if err := out.Finish(); err != nil {
		return nil, err
	}
	if err := f.Commit(); err != nil {
		return nil, err
	}
	r.told(o)
	r.result.Seconds = time.Since(began).Seconds()
	r.result.PerSecond = float64(r.result.Events*s.Draws) / r.result.Seconds
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
		Welcome: slices.Concat(r.m.Features.Names(), r.card.Drawn()), Complete: names, Names: r.m.Context.Named(),
		Remedy: "each object drawn needs its context: give a file without such rows (sluice convert --where)",
	}
	for _, name := range names {
		if r.card.Missing.Of(name).Model {
			q.Lack = append(q.Lack, name)
		}
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
	return t, nil
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

// writer says how the columns of block are written.
func (r *run) writer() root.WriterOptions {
	o := root.WriterOptions{Tree: "Events", Counters: map[string]string{}, Narrow: []string{"draw"}}
	for _, name := range r.events.objects {
		o.Counters[name] = "n" + r.plan.Generated
		if c, _ := r.events.table.Column(name); c.Type == events.Int64 && !slices.ContainsFunc(c.I64, func(v int64) bool { return v != int64(int32(v)) }) {
			o.Narrow = append(o.Narrow, name)
		}
	}
	for _, c := range r.objects {
		o.Counters[c.name] = "n" + r.plan.Reconstructed
		if c.integer {
			o.Narrow = append(o.Narrow, c.name)
		}
	}
	o.Counters[r.index()] = "n" + r.plan.Reconstructed
	o.Narrow = append(o.Narrow, r.index())
	return o
}

// index is the column that tells which generated object of the event a reconstructed one is of, as NanoAOD calls it: Jet_genJetIdx.
func (r *run) index() string {
	g := r.plan.Generated
	return r.plan.Reconstructed + "_" + strings.ToLower(g[:1]) + g[1:] + "Idx"
}

// block draws and folds the events from number e to before to.
func (r *run) block(e, to int) ([]events.Column, error) {
	lo, hi := r.events.first[e], r.events.first[to]
	given := r.events.table.Slice(lo, hi)
	b := &assembly{run: r, from: e}
	for d := range r.Draws {
		t, redrawn, err := r.m.SampleWithin(hi-lo, given, r.Seed, uint64(d)*uint64(r.events.table.Len())+uint64(lo), r.Within)
		if err == nil {
			t, err = r.card.Restore.Of(t)
		}
		if err != nil {
			return nil, err
		}
		r.result.Redrawn += redrawn
		b.add(t, r.card, r.plan.Exists, r.objects)
	}
	if err := r.keep(b.tables[0].Table); err != nil {
		return nil, err
	}
	if err := r.fill(b); err != nil {
		return nil, err
	}
	if r.fakes != nil {
		redrawn, err := r.fakes.draw(b, e, to)
		if err != nil {
			return nil, err
		}
		r.result.Redrawn += redrawn
	}
	return b.columns(e, to), nil
}

// keep appends the first draw of a block to that which the page is made of.
func (r *run) keep(t *events.Table) error {
	if !r.judged {
		return nil
	}
	if r.drawn == nil {
		r.drawn = &events.Table{}
		for _, c := range t.Columns {
			r.drawn.Columns = append(r.drawn.Columns, c.Slice(0, 0))
		}
	}
	r.drawn.Append(t)
	return nil
}

// spectrumBins is how many a histogram over all draws has.
const spectrumBins = 50

// fill adds a block to the histograms of the draws, whose edges are quantiles of the first.
func (r *run) fill(b *assembly) error {
	if r.spectra == nil {
		for _, o := range r.objects {
			s := spectrum{name: o.name, unit: o.unit}
			x := slices.DeleteFunc(b.tables[0].values(o.name), math.IsNaN)
			slices.Sort(x)
			lo, hi := stats.Quantile(x, 0.001), stats.Quantile(x, 0.995)
			if len(x) == 0 || !(lo < hi) {
				continue
			}
			edges := make([]float64, spectrumBins+1)
			for i := range edges {
				edges[i] = lo + (hi-lo)*float64(i)/spectrumBins
			}
			var err error
			if s.share, s.naive, err = stats.Oversample(edges, nil, r.Draws, nil); err != nil {
				return err
			}
			r.spectra = append(r.spectra, s)
		}
	}
	for _, s := range r.spectra {
		share, naive, err := stats.Oversample(s.share.Edges, b.draws(s.name), r.Draws, nil)
		if err != nil {
			return err
		}
		s.share.Add(share)
		s.naive.Add(naive)
	}
	return nil
}

// describe keeps with the file what it is.
func (r *run) describe(out *root.Writer) {
	hash, _ := r.m.Hash()
	for _, f := range [][2]string{
		{"sluice.model", hash}, {"sluice.seed", fmt.Sprint(r.Seed)}, {"sluice.draws", fmt.Sprint(r.Draws)}, {"sluice.within", fmt.Sprint(model.Factor(r.Within))},
		{"sluice.redrawn", fmt.Sprint(r.result.Redrawn)}, {"sluice.clipped", "0"}, {"sluice.outside", fmt.Sprint(r.result.Outside)}, {"sluice.lacking", fmt.Sprint(r.result.Lacking)},
	} {
		out.Describe(f[0], f[1])
	}
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
