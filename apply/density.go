package apply

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strconv"
	"time"

	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/internal/await"
	"github.com/sluice-hep/sluice/internal/fault"
	"github.com/sluice-hep/sluice/internal/journal"
	"github.com/sluice-hep/sluice/model"
	"github.com/sluice-hep/sluice/query"
)

// Density says of which events a density is wanted, and what beside log_prob.
type Density struct {
	Files         []string
	Latent        bool   // the latent columns z_0, z_1, ...
	Draws         int    // places in the cells of repeated values that log_prob is the mean over; 0: model.Draws
	DropNaN       bool   // leave out events with a missing feature or context, which are an error otherwise
	query.Reading        // Flatten "": what the model's card says, where that is needed
	Version       string // of the program: another does not go on with a journal
	Verbose       bool   // tell each column that cannot be read, with its reason, not in brief
}

// Evaluated is the record of a density.
type Evaluated struct {
	File        string  `json:"file"`
	Events      int     `json:"events"`
	MeanLogProb float64 `json:"mean_log_prob"` // nats
	OutOfRange  int     `json:"out_of_range"`  // events outside what was trained: the range of a column, or its few values
	Seconds     float64 `json:"seconds"`
}

// ToFile writes the columns of the files, as they are, and the log-density of each event in nats per unit of the features.
// The file appears when it is whole; a run that was killed, or whose ctx ended, goes on from its journal to the same bytes.
func (e *Density) ToFile(ctx context.Context, m *model.Model, path string, o Options) (_ *Evaluated, err error) {
	began, o := time.Now(), o.Filled()
	needed := columns(m)
	rows, err := open(ctx, cardOf(m), query.Query{
		Files: e.Files, Reading: e.Reading, All: true, Columns: needed, Complete: needed, Drop: e.DropNaN,
	})
	if err != nil {
		return nil, fault.Of(err)
	}
	defer rows.Close()
	if err := e.checkNames(rows, m); err != nil {
		return nil, fault.Of(err)
	}
	for _, line := range rows.Skipped().Say(e.Verbose) {
		o.Notice("left out: " + line)
	}
	run, err := await.Do(ctx, "the model", func() ([]journal.Fact, error) { return e.facts(m, o) })
	if err != nil {
		return nil, err
	}
	t := &tally{Features: newRangeWatch(m.Features), Context: newRangeWatch(m.Context)}
	out, _, err := journal.Create(ctx, path, run, t, o)
	if err != nil {
		return nil, err
	}
	defer func() { out.Abandon(err) }()
	if err := e.write(ctx, m, rows, t, out); err != nil {
		return nil, err
	}
	if err := rows.Nothing(); err != nil {
		return nil, fault.Of(err)
	}
	for _, line := range rows.Notices() {
		o.Notice(line)
	}
	t.Features.warn(o.Warn)
	t.Context.warn(o.Warn)
	if err := out.Close(); err != nil {
		return nil, err
	}
	return &Evaluated{
		File: path, Events: t.Events, MeanLogProb: float64(t.Sum) / float64(t.Events), OutOfRange: t.Outside,
		Seconds: time.Since(began).Seconds(),
	}, nil
}

// write evaluates the events that an earlier run has not.
func (e *Density) write(ctx context.Context, m *model.Model, rows *query.Rows, t *tally, out *journal.Writer) error {
	done := t.Seen
	for {
		b, err := rows.Next()
		if err == io.EOF {
			if rows.Read() < done {
				return fault.Of(fmt.Errorf("the inputs hold %d events, but %d were evaluated before the interruption", rows.Read(), done))
			}
			return nil
		}
		if err != nil {
			return fault.Of(err)
		}
		if rows.Read() <= done || b.Len() == 0 {
			continue
		}
		t.Seen = rows.Read()
		table, err := await.Do(ctx, fmt.Sprintf("event %d", t.Seen), func() (*events.Table, error) { return e.block(m, rows, b, t) })
		if err != nil {
			return fault.Of(err)
		}
		if err := out.Write(table, t); err != nil {
			return err
		}
	}
}

// block is the table to write for a block of events.
func (e *Density) block(m *model.Model, rows *query.Rows, b query.Block, t *tally) (*events.Table, error) {
	if err := t.countOutside(b.Table); err != nil {
		return nil, err
	}
	logProb, z, err := m.Evaluate(b.Table, e.Draws)
	if err != nil {
		return nil, err
	}
	t.Events += len(logProb)
	for _, l := range logProb {
		t.Sum += total(l)
	}
	columns := slices.Clone(b.Columns[:rows.Given()])
	columns = append(columns, events.Column{Name: "log_prob", Unit: "nats", Type: events.Float64, F64: logProb})
	for i := 0; e.Latent && i < len(z); i++ {
		columns = append(columns, events.Column{Name: latent(i), F32: z[i]})
	}
	return &events.Table{Columns: columns}, nil
}

func latent(i int) string { return "z_" + strconv.Itoa(i) }

// checkNames refuses inputs that have the names of the results.
func (e *Density) checkNames(rows *query.Rows, m *model.Model) error {
	added := []string{"log_prob"}
	for i := 0; e.Latent && i < m.Features.Dim(); i++ {
		added = append(added, latent(i))
	}
	for _, c := range rows.Columns() {
		if slices.Contains(added, c.Name) {
			return fmt.Errorf("%s has a column %q already; rename it or leave it out (sluice convert --columns)", e.Files[0], c.Name)
		}
	}
	return nil
}

// facts are nil where the evaluation cannot go on.
func (e *Density) facts(m *model.Model, o Options) ([]journal.Fact, error) {
	if o.State == "" {
		return nil, nil
	}
	inputs, ok := journal.Files("input", e.Files...)
	if !ok {
		return nil, nil
	}
	run, err := facts("density", e.Version, m)
	return append(append(run,
		journal.Fact{Name: "--draws", Value: fmt.Sprint(e.Draws)},
		journal.Fact{Name: "--latent", Value: fmt.Sprint(e.Latent)},
		journal.Fact{Name: "--drop-nan", Value: fmt.Sprint(e.DropNaN)},
		journal.Fact{Name: "--flatten", Value: fmt.Sprintf("%q", e.Flatten)},
		readingFact(e.Reading),
	), inputs...), err
}

// tally is what an evaluation adds up, block by block; a journal keeps it.
type tally struct {
	Seen    int // events of the files, left out or not
	Events  int // evaluated
	Outside int
	Sum     total // of log_prob

	Features, Context *rangeWatch
}

// countOutside counts an event once, whether a feature or its context is out of range.
func (t *tally) countOutside(events *events.Table) error {
	a, err := t.Features.watch(events)
	if err != nil {
		return err
	}
	b, err := t.Context.watch(events)
	t.Outside += max(a, b)
	return err
}

// total is a sum that keeps all its bits in JSON, infinite or not a number as it may be.
type total float64

// MarshalText writes the shortest text that reads back as the same number.
func (x total) MarshalText() ([]byte, error) {
	return strconv.AppendFloat(nil, float64(x), 'g', -1, 64), nil
}

// UnmarshalText reads what MarshalText writes.
func (x *total) UnmarshalText(text []byte) error {
	v, err := strconv.ParseFloat(string(text), 64)
	*x = total(v)
	return err
}
