package sluice

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/model"
)

// Evaluate says what of a density is wanted beside log_prob.
type Evaluate struct {
	Latent  bool   // the latent columns z_0, z_1, ...
	DropNaN bool   // leave out events with a missing feature or context, which are an error otherwise
	Flatten string // a row an object of this name, for ROOT files; "": what the model's card says, where that is needed
}

// Evaluated is the record of a density.
type Evaluated struct {
	File        string  `json:"file"`
	Events      int     `json:"events"`
	MeanLogProb float64 `json:"mean_log_prob"` // nats
	OutOfRange  int     `json:"out_of_range"`  // events outside what was trained: the range of a column, or its few values
	Seconds     float64 `json:"seconds"`
}

// DensityFile writes the columns of files and the log-density of each event, in nats per unit of the features. Where
// Options.State names a journal (JournalPath), a killed run can go on; the result is the same.
func DensityFile(ctx context.Context, m *model.Model, files []string, path string, e Evaluate, o Options) (_ *Evaluated, err error) {
	began := time.Now()
	if err := distinct(path, files...); err != nil {
		return nil, err
	}
	needed := slices.Concat(m.Features.Names(), m.Context.Names())
	in, err := openStream(files, e.Flatten, cardOf(m), needed)
	if err != nil {
		return nil, input(err)
	}
	defer in.close()
	d := &density{m: m, e: e, in: in, needed: needed}
	d.Features, d.Context = newRangeWatch(m.Features), newRangeWatch(m.Context)
	if err := d.checkNames(); err != nil {
		return nil, input(err)
	}
	run, err := e.facts(m, files, o)
	if err != nil {
		return nil, err
	}
	out, _, err := createOutput(ctx, path, run, &d.tally, o)
	if err != nil {
		return nil, err
	}
	defer func() { out.abandon(err) }()
	if err := d.skip(ctx); err != nil {
		return nil, err
	}
	if err := d.write(ctx, out); err != nil {
		return nil, err
	}
	if err := d.end(o); err != nil {
		return nil, err
	}
	if err := out.close(); err != nil {
		return nil, err
	}
	return &Evaluated{
		File: path, Events: d.Events, MeanLogProb: float64(d.Sum) / float64(d.Events), OutOfRange: d.Outside,
		Seconds: time.Since(began).Seconds(),
	}, nil
}

// density is an evaluation under way.
type density struct {
	tally
	m      *model.Model
	e      Evaluate
	in     *stream
	needed []string

	gaps     []gaps // with events counted over all files
	firstGap map[string]string
}

// skip reads over the events that an earlier run has seen.
func (d *density) skip(ctx context.Context) error {
	for n := 0; n < d.Seen; {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("interrupted after %d events: %w", d.Events, err)
		}
		t, err := d.in.files.Read(chunk)
		if err == io.EOF {
			err = fmt.Errorf("the inputs hold %d events, but %d were evaluated before the interruption", n, d.Seen)
		}
		if err != nil {
			return input(err)
		}
		n += t.Len()
	}
	return nil
}

// write evaluates the events that are left.
func (d *density) write(ctx context.Context, out *output) error {
	for {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("interrupted after %d events: %w", d.Events, err)
		}
		t, err := d.in.next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return input(err)
		}
		if t, err = d.block(t); err != nil {
			return err
		}
		if t == nil {
			continue
		}
		if err := out.write(t, &d.tally); err != nil {
			return err
		}
	}
}

// latent names the latent columns.
func (d *density) latent() []string {
	names := make([]string, d.m.Features.Dim())
	for i := range names {
		names[i] = fmt.Sprintf("z_%d", i)
	}
	return names
}

// checkNames refuses inputs that have the names of the results.
func (d *density) checkNames() error {
	added := []string{"log_prob"}
	if d.e.Latent {
		added = append(added, d.latent()...)
	}
	for _, c := range d.in.files.Columns() {
		if slices.Contains(added, c.Name) {
			return fmt.Errorf("%s has a column %q already; rename it or leave it out (sluice convert --columns)", d.in.files.Path(), c.Name)
		}
	}
	return nil
}

// block is the table to write for the next events, or nil if there is nothing to write.
func (d *density) block(t *events.Table) (*events.Table, error) {
	first := d.Seen
	d.Seen += t.Len()
	found, marked, err := findGaps(t, d.needed)
	if err != nil {
		return nil, input(err)
	}
	if len(found) > 0 {
		d.remember(found)
		if !d.e.DropNaN {
			return nil, nil // the rest is only counted
		}
		t = t.Take(unmarked(marked))
	}
	if t.Len() == 0 || len(d.gaps) > 0 && !d.e.DropNaN {
		return nil, nil
	}
	if err := d.countOutside(t); err != nil {
		return nil, input(err)
	}
	logProb, z, err := d.evaluate(t, uint64(first))
	if err != nil {
		return nil, input(err)
	}
	d.Events += len(logProb)
	for _, l := range logProb {
		d.Sum += total(l)
	}
	columns := make([]events.Column, 0, len(t.Columns)+1)
	for i, c := range d.in.files.Columns() { // without those defined
		if !slices.Contains(d.in.hidden, c.Name) {
			columns = append(columns, t.Columns[i])
		}
	}
	columns = append(columns, events.Column{Name: "log_prob", Unit: "nats", Type: events.Float64, F64: logProb})
	if d.e.Latent {
		for i, name := range d.latent() {
			columns = append(columns, events.Column{Name: name, F32: z[i]})
		}
	}
	return &events.Table{Columns: columns}, nil
}

// evaluate gives the latent too where it is asked for.
func (d *density) evaluate(t *events.Table, first uint64) (logProb []float64, z [][]float32, err error) {
	if d.e.Latent {
		return d.m.Evaluate(t, first)
	}
	logProb, err = d.m.LogProb(t, first)
	return logProb, nil, err
}

// countOutside counts an event once, whether a feature or its context is out of range.
func (d *density) countOutside(t *events.Table) error {
	a, err := d.Features.watch(t)
	if err != nil {
		return err
	}
	b, err := d.Context.watch(t)
	d.Outside += max(a, b)
	return err
}

// remember adds up the gaps of a block.
func (d *density) remember(found []gaps) {
	for _, g := range found {
		i := slices.IndexFunc(d.gaps, func(h gaps) bool { return h.column == g.column })
		if i >= 0 {
			d.gaps[i].count += g.count
			continue
		}
		if d.firstGap == nil {
			d.firstGap = map[string]string{}
		}
		d.firstGap[g.column] = fmt.Sprintf("row %d of %s", d.in.files.First()+int64(g.first)+1, d.in.files.Path())
		d.gaps = append(d.gaps, g)
	}
}

// end says what was missing or out of range.
func (d *density) end(o Options) error {
	if len(d.gaps) > 0 && !d.e.DropNaN {
		g := d.gaps[0]
		return input(fmt.Errorf("column %q: %d of %d values are missing (NaN), the first in %s; --drop-nan leaves these events out",
			g.column, g.count, d.Seen, d.firstGap[g.column]))
	}
	if d.Events == 0 {
		return input(errors.New("there are no events to evaluate"))
	}
	if dropped := d.Seen - d.Events; dropped > 0 {
		o.notice(gapNotice(dropped, d.Seen))
	}
	d.Features.warn(o)
	d.Context.warn(o)
	return nil
}
