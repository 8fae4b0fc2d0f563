package apply

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
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

// Density says of which events a density is wanted, and what beside log_prob.
type Density struct {
	Files   []string
	Latent  bool   // the latent columns z_0, z_1, ...
	Draws   int    // places in the cells of repeated values that log_prob is the mean over; 0: model.Draws
	Where   string // the events to evaluate; "": those that the model's card selects, where the files tell which
	DropNaN bool   // leave out events with a missing feature or context, which are an error otherwise
	// Shard is the part, from 1 to Shards, of the events of the files that is evaluated; 0 of 0 is the whole. Merge joins all parts to what the whole would be.
	Shard, Shards uint64
	query.Reading            // Flatten "": what the model's card says, where that is needed
	Version       string     // of the program: another does not go on with a journal
	Verbose       bool       // tell each column that cannot be read, with its reason, not in brief
	Card          *card.Card // of the model, where the caller keeps it; nil: it is read anew
	Words                    // of the caller, where they are not flags
}

// Evaluated is the record of a density.
type Evaluated struct {
	File        string `json:"file"`
	Events      int    `json:"events"`
	MeanLogProb Mean   `json:"mean_log_prob"` // nats; each event counts as one
	NotFinite   int    `json:"not_finite"`    // events whose log_prob is infinite or not a number
	// Members is how many an ensemble has, 0 of one density, and Spread the mean of log_prob_std, the standard deviation of their
	// log-densities of an event, in nats.
	Members int   `json:"members,omitempty"`
	Spread  *Mean `json:"mean_log_prob_std,omitempty"`
	// Weight is the column by which the model weighs events, "" where all weigh 1, and WeightedMean the mean by it, in nats, to which
	// the NLL of a training compares; nil where the files lack the column.
	Weight       string   `json:"weight,omitempty"`
	WeightedMean *float64 `json:"weighted_mean_log_prob,omitempty"`
	OutOfRange   int      `json:"out_of_range"` // events outside what was trained: the range of a column, or its few values
	Seconds      float64  `json:"seconds"`
}

// Mean is a number, in JSON null where it is infinite or none.
type Mean float64

// MarshalJSON implements json.Marshaler.
func (x Mean) MarshalJSON() ([]byte, error) {
	if x-x != 0 {
		return []byte("null"), nil
	}
	return json.Marshal(float64(x))
}

// ToFile writes the columns of the files, as they are, and the log-density of each event in nats per unit of the features.
// The file appears when it is whole; a run that was killed, or whose ctx ended, goes on from its journal to the same bytes.
func (e *Density) ToFile(ctx context.Context, m *model.Model, path string, o Options) (_ *Evaluated, err error) {
	began, o := time.Now(), o.Filled()
	if err := checkShard(e.Shard, e.Shards); err != nil {
		return nil, fault.Of(err)
	}
	if why := m.NoLatent(); e.Latent && why != "" {
		return nil, fault.Of(fmt.Errorf("--latent: %s; leave it out", why))
	}
	c := cardOf(m)
	rows, where, err := e.rows(ctx, m, c, e.query(m, c), o)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for _, line := range rows.Skipped().Say(e.Verbose) {
		o.Notice("left out: " + line)
	}
	if err := e.take(rows); err != nil {
		return nil, fault.Of(err)
	}
	run, err := await.Do(ctx, "the model", func() ([]journal.Fact, error) { return e.facts(m, o) })
	if err != nil {
		return nil, err
	}
	t := newTally(m, c)
	out, _, err := journal.Create(ctx, path, run, t, o)
	if err != nil {
		return nil, err
	}
	defer func() { out.Abandon(err) }()
	if err := e.write(ctx, m, rows, t, out); err != nil {
		return nil, err
	}
	if err := e.nothing(rows, m, t, out); err != nil {
		return nil, fault.Of(err)
	}
	t.tell(rows, where, o)
	r := t.evaluated(path, o.Notice)
	r.Describe(out)
	if err := out.Close(); err != nil {
		return nil, err
	}
	if e.Shards > 0 && o.State != "" {
		if err := await.Done(ctx, "the manifest", func() error { return e.manifest(m, path, rows, t) }); err != nil {
			return nil, err
		}
	}
	r.Seconds = time.Since(began).Seconds()
	return r, nil
}

// take keeps the events of the shard.
func (e *Density) take(rows *query.Rows) error {
	if e.Shards == 0 {
		return nil
	}
	if !readableAgain(e.Files) {
		return errors.New("a shard is part of so many events, and those of a pipe cannot be counted before: write them to a file first")
	}
	all, err := rows.Total()
	if err != nil {
		return err
	}
	first, last := part(e.Shard, e.Shards, uint64(all))
	if first == last {
		return fmt.Errorf("%s in %d shards leave none for shard %d; make fewer shards", say.Count(all, "event"), e.Shards, e.Shard)
	}
	rows.Between(int(first), int(last))
	return nil
}

// nothing is an error where no event is evaluated, unless it is a shard, the others of which may have some.
func (e *Density) nothing(rows *query.Rows, m *model.Model, t *tally, out *journal.Writer) error {
	err := rows.Nothing()
	if err == nil || e.Shards == 0 {
		return err
	}
	return out.Write(e.empty(rows, m), t)
}

// evaluated is the record of all that was added up.
func (t *tally) evaluated(path string, tell func(line string)) *Evaluated {
	r := &Evaluated{File: path, Events: t.Events, MeanLogProb: Mean(t.Sum.value()) / Mean(t.Events), NotFinite: t.NotFinite, Weight: t.By, OutOfRange: t.Outside, Members: t.Members}
	if r.Members > 0 {
		mean := Mean(t.Spread.value()) / Mean(t.Events)
		r.Spread = &mean
	}
	if r.Weight != "" {
		t.weigh(r, tell)
	}
	return r
}

// Describe keeps with a file what its means are.
func (r *Evaluated) Describe(out describer) {
	out.Describe("sluice.mean_log_prob", fmt.Sprint(r.MeanLogProb))
	if r.Members > 0 {
		out.Describe("sluice.members", fmt.Sprint(r.Members))
	}
	if r.Weight != "" {
		out.Describe("sluice.weight", r.Weight)
	}
	if r.WeightedMean != nil {
		out.Describe("sluice.weighted_mean_log_prob", fmt.Sprint(*r.WeightedMean))
	}
}

// describer is a file that keeps words about itself.
type describer interface{ Describe(key, value string) }

// query asks for the columns of a model, whose card is c, and welcomes its weight.
func (e *Density) query(m *model.Model, c *card.Card) query.Query {
	needed := columns(m)
	q := query.Query{Files: e.Files, Reading: e.Reading, Columns: needed, Complete: needed, Names: named(m), Lack: mayLack(m), Drop: e.DropNaN, Remedy: e.Words.Drop, Trained: true}
	if c.Weight != "" {
		q.Welcome = []string{c.Weight}
	}
	return q
}

// Events are those that the density would be evaluated of, in memory: their features, context and, where the files have it, weight.
func (e *Density) Events(ctx context.Context, m *model.Model, o Options) (*events.Table, error) {
	c, o := cardOf(m), o.Filled()
	rows, _, err := e.open(ctx, c, e.query(m, c), o.Warn)
	if err != nil {
		return nil, fault.Of(err)
	}
	defer rows.Close()
	t, err := rows.All()
	if err != nil {
		return nil, fault.Of(err)
	}
	if _, err := t.Column(c.Weight); err == nil && c.Weight != "" {
		t.Weight = c.Weight
	}
	for _, line := range rows.Notices() {
		o.Notice(line)
	}
	return t, nil
}

// open selects as the model's card does, unless other events are asked for, or files lack columns that this selection alone is made
// of. It gives the words for the selection.
func (e *Density) open(ctx context.Context, c *card.Card, q query.Query, warn func(line string)) (*query.Rows, string, error) {
	if e.Where != "" || c.Where == "" {
		q.Where = e.Where
		rows, err := open(ctx, c, q)
		return rows, e.Where, err
	}
	q.Where = c.Where
	rows, err := open(ctx, c, q)
	if err == nil {
		return rows, fmt.Sprintf("%s, that of the model (%s: all events)", c.Where, cmp.Or(e.All, "--where '1>0'")), nil
	}
	lacking := absent(err)
	if lacking == nil || slices.ContainsFunc(lacking, func(name string) bool { return slices.Contains(q.Columns, name) }) {
		return nil, "", err
	}
	if q.Table == nil && !readableAgain(q.Files) {
		return nil, "", fmt.Errorf("%w; the model selects events by %s: --where '1>0' evaluates all", err, c.Where)
	}
	q.Where = ""
	all, again := open(ctx, c, q)
	if again != nil {
		return nil, "", err
	}
	lack := "the files lack"
	if q.Table != nil {
		lack = "the events lack"
	}
	warn(fmt.Sprintf("%s what the model's selection (%s) is made of: every event is evaluated", lack, c.Where))
	return all, "", nil
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
	var logProb, deviation []float64
	var z [][]float32
	var err error
	if len(m.Members()) > 0 {
		logProb, deviation, err = m.LogProbs(b.Table, e.Draws)
	} else {
		logProb, z, err = m.Evaluate(b.Table, e.Draws)
	}
	if err != nil {
		return nil, err
	}
	t.Events += len(logProb)
	for _, l := range logProb {
		t.Sum.add(l)
		if l-l != 0 {
			t.NotFinite++
		}
	}
	for _, d := range deviation {
		t.Spread.add(d)
	}
	if w, err := b.Column(t.By); err == nil && w.Type != events.Text {
		t.add(logProb, w)
	}
	return e.beside(b.Columns[:rows.Given()], logProb, deviation, z), nil
}

// beside puts the results beside the columns of the files.
func (e *Density) beside(given []events.Column, logProb, deviation []float64, z [][]float32) *events.Table {
	columns := append(slices.Clone(given), events.Column{Name: "log_prob", Unit: "nats", Type: events.Float64, F64: logProb})
	if deviation != nil {
		columns = append(columns, events.Column{Name: logProbStd, Unit: "nats", Type: events.Float64, F64: deviation})
	}
	for i := 0; e.Latent && i < len(z); i++ {
		columns = append(columns, events.Column{Name: latent(i), F32: z[i]})
	}
	return &events.Table{Columns: columns}
}

// empty is what block makes of no event.
func (e *Density) empty(rows *query.Rows, m *model.Model) *events.Table {
	var deviation []float64
	if len(m.Members()) > 0 {
		deviation = []float64{}
	}
	return e.beside(rows.Columns()[:rows.Given()], []float64{}, deviation, make([][]float32, m.Features.Dim()))
}

const logProbStd = "log_prob_std"

func latent(i int) string { return "z_" + strconv.Itoa(i) }

// checkNames refuses inputs that have the names of the results.
func (e *Density) checkNames(rows *query.Rows, m *model.Model) error {
	added := []string{"log_prob"}
	if len(m.Members()) > 0 {
		added = append(added, logProbStd)
	}
	for i := 0; e.Latent && i < m.Features.Dim(); i++ {
		added = append(added, latent(i))
	}
	for _, c := range rows.Columns() {
		if slices.Contains(added, c.Name) {
			if len(e.Files) == 0 {
				return fmt.Errorf("there is a column %q already; rename it or leave it out", c.Name)
			}
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
	run, err := e.about(m)
	return append(append(run, shardFact(e.Shard, e.Shards)), inputs...), err
}

// about tells the evaluation, of whatever files, from others.
func (e *Density) about(m *model.Model) ([]journal.Fact, error) {
	run, err := facts("density", e.Version, m)
	return append(run,
		journal.Fact{Name: "--draws", Value: fmt.Sprint(e.Draws)},
		journal.Fact{Name: "--latent", Value: fmt.Sprint(e.Latent)},
		journal.Fact{Name: "--where", Value: fmt.Sprintf("%q", e.Where)},
		journal.Fact{Name: "--drop-nan", Value: fmt.Sprint(e.DropNaN)},
		journal.Fact{Name: "--flatten", Value: fmt.Sprintf("%q", e.Flatten)},
		ReadingFact(e.Reading),
	), err
}

// tally is what an evaluation adds up, block by block; a journal keeps it.
type tally struct {
	Seen    int // events of the files, left out or not
	Events  int // evaluated
	Outside int
	Sum     sum // of log_prob
	Spread  sum // of log_prob_std
	Members int // of an ensemble

	NotFinite int // of log_prob

	By                string // the column by which the model weighs events; "" for none
	Weighed           int    // events with a weight
	Weighted          sum    // of weight times log_prob
	Weight            sum    // of weights
	Features, Context *rangeWatch
}

func newTally(m *model.Model, c *card.Card) *tally {
	return &tally{Members: len(m.Members()), By: c.Weight, Features: newRangeWatch(m.Features), Context: newRangeWatch(m.Context)}
}

// tell says what was decided or left out, and by whose selection, and what makes the mean doubtful.
func (t *tally) tell(rows *query.Rows, where string, o Options) {
	for _, line := range rows.Notes() {
		o.Notice(line)
	}
	for _, line := range rows.Selected() {
		o.Notice(line + ", " + where)
	}
	for _, line := range rows.Warnings() {
		o.Warn(line)
	}
	warn(o.Warn, t.Features, t.Context)
	if t.NotFinite > 0 {
		o.Warn(fmt.Sprintf("log_prob of %s is infinite or not a number, and so is the mean", say.Count(t.NotFinite, "event")))
	}
}

// join adds what the events of another shard add up to.
func (t *tally) join(o *tally) {
	t.Events += o.Events
	t.Outside += o.Outside
	t.NotFinite += o.NotFinite
	t.Weighed += o.Weighed
	t.Sum.join(o.Sum)
	t.Spread.join(o.Spread)
	t.Weighted.join(o.Weighted)
	t.Weight.join(o.Weight)
}

// add adds up events with their weights.
func (t *tally) add(logProb []float64, weight *events.Column) {
	for i, l := range logProb {
		w := weight.Float(i)
		if w-w != 0 { // missing
			continue
		}
		t.Weighed++
		t.Weight.add(w)
		if w != 0 {
			t.Weighted.add(w * l)
		}
	}
}

// weigh adds the weighted mean to a record, or says why there is none.
func (t *tally) weigh(r *Evaluated, tell func(line string)) {
	weight := t.Weight.value()
	switch mean := t.Weighted.value() / weight; {
	case t.Weighed == 0:
		tell(fmt.Sprintf("the model weighs events by %q, of which the files hold no number: the mean of log_prob is unweighted", r.Weight))
	case !(weight > 0) || mean-mean != 0:
		tell(fmt.Sprintf("the weights (%q) add up to %g: the mean of log_prob is unweighted", r.Weight, weight))
	default:
		r.WeightedMean = &mean
		if none := t.Events - t.Weighed; none > 0 {
			tell(fmt.Sprintf("%d of %s have no weight (%q) and are no part of the weighted mean", none, say.Count(t.Events, "event"), r.Weight))
		}
	}
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
