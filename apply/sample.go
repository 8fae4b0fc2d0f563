package apply

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/sluice-hep/sluice/card"
	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/internal/await"
	"github.com/sluice-hep/sluice/internal/fault"
	"github.com/sluice-hep/sluice/internal/journal"
	"github.com/sluice-hep/sluice/internal/say"
	"github.com/sluice-hep/sluice/model"
	"github.com/sluice-hep/sluice/query"
)

// Sample says which events of the endless sample of a model are drawn. Event i depends on the seed, on i and on its
// context alone.
type Sample struct {
	Events uint64 // 0: as many as ContextFile has rows
	Seed   uint64
	// Shard is the part, from 1 to Shards, that is drawn; 0 of 0 is the whole. All parts together are the sample, event by event.
	Shard, Shards uint64
	// Context has the context columns of a conditional model, a row an event, begun again at its end: one row is that of
	// every event. Or the rows come from a file.
	Context       *events.Table
	ContextFile   string
	query.Reading          // of that file
	Welcome       []string // other columns of that file, which Contexts gives where it has them
	Where         string   // the rows of that file that are taken: those for which this expression holds; "" for all
	Weight        string   // a column of Context that the events carry as their weights; "" for none
	// Within is how far beyond the trained range an event may lie, in units of it: 0 for model.Within, infinity for any. Others
	// are drawn again.
	Within float64
	// Restore are columns made of the generated ones; nil for those of the model's card.
	Restore query.Definitions
	Which   bool       // a column that says which member of an ensemble, or component of a mixture, drew each event
	Version string     // of the program: another does not go on with a journal
	Card    *card.Card // of the model, where the caller keeps it; nil: it is read anew
}

// Drawn is the record of a sample.
type Drawn struct {
	File            string   `json:"file"`
	Events          uint64   `json:"events"`
	Within          *float64 `json:"within"`  // of the trained range beyond it; nil for no bound
	Redrawn         uint64   `json:"redrawn"` // events that lay further, and were drawn again
	Seconds         float64  `json:"seconds"`
	EventsPerSecond float64  `json:"events_per_second"`
}

// drawing is what a sample adds up, block by block; a journal keeps it.
type drawing struct {
	Context *rangeWatch
	Redrawn uint64
}

// Beyond says how many events were drawn again, if there is a bound.
func (r *Drawn) Beyond() string {
	return fmt.Sprintf("%d of %s lay further than %g times the trained range beyond it, and were drawn again", r.Redrawn, say.Count(r.Events, "event"), *r.Within)
}

// open says that the file of the context ends the sample.
func (d *Sample) open() bool { return d.Events == 0 && d.ContextFile != "" }

// part is the range [first, last) of the events that is drawn.
func (d *Sample) part() (first, last uint64) {
	switch {
	case d.open():
		return 0, math.MaxUint64
	case d.Shards == 0:
		return 0, d.Events
	}
	return part(d.Shard, d.Shards, d.Events)
}

// ToFile draws the events into a file, a block at a time. The file appears when it is whole; a run that was killed, or
// whose ctx ended, goes on from its journal to the same bytes.
func (d *Sample) ToFile(ctx context.Context, m *model.Model, path string, o Options) (_ *Drawn, err error) {
	began, o := time.Now(), o.Filled()
	if err := checkShard(d.Shard, d.Shards); err != nil {
		return nil, fault.Of(err)
	}
	if d.open() && d.Shards > 0 {
		whole := *d
		if whole.Events, err = d.rows(ctx, m); err != nil {
			return nil, fault.Of(err)
		}
		return whole.ToFile(ctx, m, path, o)
	}
	if err := d.checkNames(m); err != nil {
		return nil, fault.Of(err)
	}
	first, last := d.part()
	if first == last {
		return nil, fault.Of(fmt.Errorf("%d events in %d shards leave none for shard %d; ask for more (-n)", d.Events, max(d.Shards, 1), max(d.Shard, 1)))
	}
	context, err := d.openContext(ctx, cardOf(m), m.Context)
	if err != nil {
		return nil, fault.Of(err)
	}
	defer context.close()
	run, err := await.Do(ctx, "the model", func() ([]journal.Fact, error) { return d.run(m, o) })
	if err != nil {
		return nil, err
	}
	t := &drawing{Context: newRangeWatch(m.Context)}
	out, done, err := journal.Create(ctx, path, run, t, o)
	if err != nil {
		return nil, err
	}
	defer func() { out.Abandon(err) }()
	end, err := d.draw(ctx, m, context, t, func(drawn *events.Table) error { return out.Write(drawn, t) }, first, last, chunk, first+done)
	switch {
	case err != nil:
		return nil, err
	case end == first:
		return nil, fault.Of(fmt.Errorf("%s gives the context of no event", d.ContextFile))
	}
	r := d.record(t, end-first)
	r.File = path
	r.describe(out)
	if err := out.Close(); err != nil {
		return nil, err
	}
	if d.Shards > 0 && o.State != "" {
		if err := await.Done(ctx, "the manifest", func() error { return d.manifest(m, r) }); err != nil {
			return nil, err
		}
	}
	t.tell(r, context, m, o)
	r.Seconds = time.Since(began).Seconds()
	r.EventsPerSecond = float64(r.Events-done) / r.Seconds
	return r, nil
}

// Each draws the events that follow the first ones of the sample, for use, a block at a time, as ToFile does into a file. Their context
// comes from a table alone.
func (d *Sample) Each(ctx context.Context, m *model.Model, first uint64, use func(*events.Table) error, o Options) (*Drawn, error) {
	began, o := time.Now(), o.Filled()
	if err := d.checkNames(m); err != nil {
		return nil, fault.Of(err)
	}
	context, err := d.openContext(ctx, d.card(m), m.Context)
	if err != nil {
		return nil, fault.Of(err)
	}
	defer context.close()
	t := &drawing{Context: newRangeWatch(m.Context)}
	end, err := d.draw(ctx, m, context, t, use, first, first+d.Events, soon, first)
	if err != nil {
		return nil, err
	}
	r := d.record(t, end-first)
	t.tell(r, context, m, o)
	r.Seconds = time.Since(began).Seconds()
	r.EventsPerSecond = float64(r.Events) / r.Seconds
	return r, nil
}

func (d *Sample) card(m *model.Model) *card.Card {
	if d.Card != nil {
		return d.Card
	}
	return cardOf(m)
}

func (d *Sample) record(t *drawing, n uint64) *Drawn {
	r := &Drawn{Events: n, Redrawn: t.Redrawn}
	if within := model.Factor(d.Within); !math.IsInf(within, 1) {
		r.Within = &within
	}
	return r
}

// tell says what was decided, and what makes the sample doubtful.
func (t *drawing) tell(r *Drawn, context *given, m *model.Model, o Options) {
	for _, line := range context.notes() {
		o.Notice(line)
	}
	warn(o.Warn, t.Context)
	if f, ok := m.Density.(interface{ Numerical() []string }); ok {
		for _, line := range f.Numerical() {
			o.Notice(line)
		}
	}
	if r.Redrawn > 0 {
		o.Notice(r.Beyond())
	}
}

// checkNames refuses a column that no event can have, or that there is already.
func (d *Sample) checkNames(m *model.Model) error {
	switch name := m.Chooses(); {
	case !d.Which:
	case name == "":
		return errors.New("--which: the model is one density, and draws every event; only of an ensemble or a mixture there is something to say")
	case slices.Contains(columns(m), name):
		return fmt.Errorf("--which: the model has a column %q already", name)
	}
	return nil
}

// soon is how many events are in memory at a time where somebody waits for the first of them.
const soon = 1 << 13

// draw draws those of the events from first to last that begin at a number, for use, so many at a time, and returns the number after the last.
func (d *Sample) draw(ctx context.Context, m *model.Model, context *given, t *drawing, use func(*events.Table) error, first, last, size, at uint64) (end uint64, err error) {
	restore := d.Restore
	if restore == nil {
		restore = d.card(m).Restore
	}
	if err := context.skip(at); err != nil {
		return at, fault.Of(err)
	}
	for at < last {
		if err := ctx.Err(); err != nil {
			return at, fmt.Errorf("interrupted after %s: %w", say.Count(at-first, "event"), err)
		}
		n := int(min(last-at, size))
		given, err := context.next(n)
		if err != nil {
			return at, fault.Of(err)
		}
		if given != nil {
			if n = given.Len(); n == 0 { // the end of a file
				break
			}
			if _, err := t.Context.watch(given); err != nil {
				return at, fault.Of(err)
			}
		}
		redrawn := 0
		drawn, err := await.Do(ctx, fmt.Sprintf("event %d of %d", at-first+1, last-first), func() (drawn *events.Table, err error) {
			sample := m.SampleWithin
			if d.Which {
				sample = m.SampleNamed
			}
			if drawn, redrawn, err = sample(n, given, d.Seed, at, d.Within); err != nil {
				return nil, err
			}
			if drawn, err = restore.Of(drawn); err != nil {
				return nil, err
			}
			return drawn, Weigh(drawn, given, d.Weight)
		})
		if err != nil {
			return at, err
		}
		t.Redrawn += uint64(redrawn)
		if err := use(drawn); err != nil {
			return at, err
		}
		at += uint64(n)
	}
	return at, nil
}

// rows counts those of the context's file, which is read again then.
func (d *Sample) rows(ctx context.Context, m *model.Model) (uint64, error) {
	if _, ok := journal.Files("context", d.ContextFile); !ok {
		return 0, fmt.Errorf("a shard is part of so many events, and %s can be read only once; say how many (-n)", d.ContextFile)
	}
	g, err := d.openContext(ctx, cardOf(m), m.Context)
	if err != nil {
		return 0, err
	}
	defer g.close()
	for {
		t, err := g.next(chunk)
		if err != nil || t.Len() == 0 {
			return uint64(g.read), err
		}
	}
}

// describe keeps with a file how many events were drawn again.
func (r *Drawn) describe(out describer) {
	if r.Within != nil {
		out.Describe("sluice.within", fmt.Sprint(*r.Within))
		out.Describe("sluice.redrawn", fmt.Sprint(r.Redrawn))
	}
}

// run is what the journal is told by; nil where the sample cannot go on.
func (d *Sample) run(m *model.Model, o Options) ([]journal.Fact, error) {
	if o.State == "" {
		return nil, nil
	}
	run, again, err := d.facts(m, journal.Files)
	if err != nil || !again {
		return nil, err
	}
	return append(run, shardFact(d.Shard, d.Shards)), nil
}

// facts tell the whole sample from others, and the file of its context by files; again is false where that can be read only once.
func (d *Sample) facts(m *model.Model, files func(what string, names ...string) ([]journal.Fact, bool)) (run []journal.Fact, again bool, err error) {
	number := fmt.Sprint(d.Events)
	if d.open() {
		number = "that of the context"
	}
	run, err = facts("sample", d.Version, m)
	run = append(run,
		journal.Fact{Name: "seed", Value: fmt.Sprint(d.Seed)},
		journal.Fact{Name: "number of events", Value: number},
		journal.Fact{Name: "--within", Value: fmt.Sprint(model.Factor(d.Within))},
		journal.Fact{Name: "--which", Value: fmt.Sprint(d.Which)},
	)
	if d.Context != nil {
		run = append(run, journal.Table("context", d.Context)...)
	}
	if d.ContextFile == "" {
		return run, true, err
	}
	given, again := files("context", d.ContextFile)
	return append(append(run, ReadingFact(d.Reading), journal.Fact{Name: "--where", Value: fmt.Sprintf("%q", d.Where)}), given...), again, err
}
