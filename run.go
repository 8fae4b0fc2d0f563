package sluice

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/sluice-hep/sluice/card"
	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/internal/atomicfile"
	"github.com/sluice-hep/sluice/model"
	"github.com/sluice-hep/sluice/stats"
	"github.com/sluice-hep/sluice/train"
)

// Summary is the record of a run, also kept as summary.json beside what it wrote.
type Summary struct {
	Out     string            `json:"out"`
	Model   string            `json:"model"`
	Sample  string            `json:"sample"`
	Report  string            `json:"report"`
	Train   *Training         `json:"train"`
	Compare *stats.Comparison `json:"compare"`
	// Where the true density is known: TrueEntropy is the lowest NLL there can be on average, and TrueNLL that
	// of the true density on the events compared with (which are the test events, if there are any).
	TrueEntropy *float64 `json:"true_entropy,omitempty"`
	TrueNLL     *float64 `json:"true_nll,omitempty"`

	// Fingerprint tells what the model was trained from, and Hash which model it is.
	Fingerprint string `json:"fingerprint"`
	Hash        string `json:"sha256"`
}

// RunOptions are what a run is told beside its card.
type RunOptions struct {
	Options
	Command string // that makes the run, for the report
}

// Run does all that a card asks for, in the folder out: model.safetensors, the sample, report.html and
// summary.json. Run again, it goes on where an earlier one was interrupted, and does not train a model anew that is
// there already.
func Run(ctx context.Context, c *card.Card, out string, o RunOptions) (*Summary, error) {
	r := &runner{card: c, o: o, summary: &Summary{
		Out: out, Model: filepath.Join(out, "model.safetensors"), Report: filepath.Join(out, "report.html"), Sample: samplePath(c, out),
	}}
	for _, step := range []func(context.Context) error{r.open, r.read, r.train, r.sample, r.compare, r.truth, r.report, r.close} {
		if err := step(ctx); err != nil {
			r.leaveNothing()
			return nil, err
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
	}
	return r.summary, nil
}

func samplePath(c *card.Card, out string) string {
	name := c.Sample.File
	if name == "" {
		name = "sample.parquet"
	}
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(out, name)
}

// runner is a run under way.
type runner struct {
	card    *card.Card
	o       RunOptions
	summary *Summary

	prepared  *Prepared
	model     *model.Model
	held      *events.Table // what generated events are compared with
	heldName  string
	generated *events.Table
	notices   []string
	made      bool // the folder was not there before
}

func (r *runner) note(lines ...string) {
	for _, l := range lines {
		r.notices = append(r.notices, l)
		r.o.notice(l)
	}
}

func (r *runner) summaryPath() string { return filepath.Join(r.summary.Out, "summary.json") }

// open makes sure that everything can be written before the work begins.
func (r *runner) open(context.Context) error {
	_, err := os.Stat(r.summary.Out)
	r.made = err != nil
	if err := os.MkdirAll(r.summary.Out, 0o777); err != nil {
		return input(fmt.Errorf("cannot make the folder %s: %w; choose another with --out", r.summary.Out, err))
	}
	for _, path := range []string{r.summary.Model, r.summary.Sample, r.summary.Report, r.summaryPath()} {
		if err := distinct(path, r.card.Paths()...); err != nil {
			return err
		}
		if err := writable(path); err != nil {
			return err
		}
	}
	return nil
}

// leaveNothing removes the folder of a run that failed before it wrote anything.
func (r *runner) leaveNothing() {
	if r.made {
		_ = os.Remove(r.summary.Out) // fails where there is something in it
	}
}

func (r *runner) read(ctx context.Context) error {
	var err error
	if r.prepared, err = Load(ctx, r.card, r.o.Options); err != nil {
		return err
	}
	if p := r.prepared; p.survey != nil && p.Events.Len() == 0 {
		return input(errors.New("no events are held out to compare with, and the others are not kept in memory: set train.test or train.valid above 0, or allow more memory (--memory)"))
	}
	r.note(r.prepared.Notices...)
	r.summary.Fingerprint = r.prepared.Fingerprint()
	return nil
}

// train fits the model, unless the folder holds the one that this would give.
func (r *runner) train(ctx context.Context) error {
	done, err := r.finished()
	if done || err != nil {
		return err
	}
	r.o.stage("train")
	o := r.o.Options
	o.State, o.Resume = StatePath(r.summary.Model), true
	m, result, err := r.prepared.Train(ctx, o)
	var state *train.StateError
	if errors.As(err, &state) {
		r.o.notice("the state of an earlier training cannot be taken up (" + state.Reason + "): the training starts anew")
		o.Resume = false
		m, result, err = r.prepared.Train(ctx, o)
	}
	if err != nil {
		return err
	}
	if err := m.Save(r.summary.Model); err != nil {
		return err
	}
	r.model = m
	r.note(result.Notices...)
	r.summary.Train = newTraining(r.summary.Model, m, result)
	r.summary.Hash, err = m.Hash()
	return err
}

// finished takes up the model of an earlier run of the same card on the same events.
func (r *runner) finished() (bool, error) {
	text, err := os.ReadFile(r.summaryPath())
	if err != nil {
		return false, nil
	}
	var old Summary
	if json.Unmarshal(text, &old) != nil || old.Train == nil || old.Train.Result == nil {
		return false, nil
	}
	if old.Fingerprint != r.summary.Fingerprint {
		r.o.notice("the card or the events differ from those of the last run in " + r.summary.Out + ": the training starts anew")
		return false, nil
	}
	m, err := model.Load(r.summary.Model)
	if err != nil {
		return false, nil
	}
	hash, err := m.Hash()
	if err != nil || hash != old.Hash {
		return false, err
	}
	r.o.notice("the model of the last run in " + r.summary.Out + " is the one that this card and these events give: not trained again")
	m.Density.UseThreads(threads(r.card, r.o.Options))
	old.Train.Model = r.summary.Model
	r.model, r.summary.Train, r.summary.Hash = m, old.Train, hash
	r.note(old.Train.Notices...)
	return true, nil
}

// sample draws the events that the card asks for.
func (r *runner) sample(ctx context.Context) (err error) {
	r.o.stage("sample")
	s := r.card.Sample
	d := Draw{Events: uint64(s.Events), Seed: r.card.Seed, Given: Given{Values: s.Context, File: s.ContextFile}}
	if d.Given.File != "" && !filepath.IsAbs(d.Given.File) {
		d.Given.File = filepath.Join(r.card.Dir, d.Given.File)
	}
	if d.Events == 0 {
		d.Events = uint64(r.prepared.events)
	}
	if len(r.card.Context) > 0 && len(s.Context) == 0 && s.ContextFile == "" {
		if d.Given.Table, err = r.prepared.heldOutFirst(); err != nil {
			return err
		}
	}
	o := r.o.Options
	o.State, o.Resume = JournalPath(r.summary.Sample), true
	_, err = SampleFile(ctx, r.model, r.summary.Sample, d, o)
	var other *JournalError
	if errors.As(err, &other) && isJournal(other.Path) { // of another model
		if err := os.Remove(other.Path); err != nil {
			return err
		}
		_, err = SampleFile(ctx, r.model, r.summary.Sample, d, o)
	}
	return err
}

// compare draws as many events as were held out, with their context, and measures the distances.
func (r *runner) compare(context.Context) (err error) {
	r.o.stage("compare")
	rows := r.prepared.Rows
	held := rows.Test
	r.heldName = "Held-out data"
	if len(held) == 0 {
		held = rows.Valid
		r.heldName = "Validation data"
	}
	if len(held) == 0 {
		held = rows.Train
		r.heldName = "Training data"
		r.note("no events were held out: the comparison is with the training events, and cannot show overfitting")
	}
	r.held = r.prepared.Events.Take(held)
	var given *events.Table
	if len(r.card.Context) > 0 {
		given = r.held
	}
	if r.generated, err = r.model.Sample(r.held.Len(), given, r.card.Seed, 0); err != nil {
		return err
	}
	columns := r.card.Compare.Columns
	if len(columns) == 0 {
		columns = features(r.card)
	}
	r.summary.Compare, err = stats.Compare(r.held, r.generated, columns)
	return err
}

// close keeps the record, and drops the state of the training: all is written now.
func (r *runner) close(context.Context) error {
	text, err := json.MarshalIndent(r.summary, "", "  ")
	if err != nil {
		return err
	}
	if err := atomicfile.WriteFile(r.summaryPath(), append(text, '\n')); err != nil {
		return err
	}
	return train.RemoveState(StatePath(r.summary.Model))
}

// heldOutFirst is the context of the events, those held out in front: the first generated events are then those that
// the comparison draws.
func (p *Prepared) heldOutFirst() (*events.Table, error) {
	rows := slices.Concat(p.Rows.Test, p.Rows.Valid, p.Rows.Train)
	t := &events.Table{}
	for _, name := range p.card.Context {
		c, err := p.Events.Column(name)
		if err != nil {
			return nil, err
		}
		t.Columns = append(t.Columns, c.Take(rows))
	}
	return t, nil
}
