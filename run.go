package sluice

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/sluice-hep/sluice/apply"
	"github.com/sluice-hep/sluice/card"
	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/fit"
	"github.com/sluice-hep/sluice/internal/atomicfile"
	"github.com/sluice-hep/sluice/internal/await"
	"github.com/sluice-hep/sluice/internal/fault"
	"github.com/sluice-hep/sluice/internal/journal"
	"github.com/sluice-hep/sluice/model"
	"github.com/sluice-hep/sluice/record"
	"github.com/sluice-hep/sluice/report"
	"github.com/sluice-hep/sluice/stats"
	"github.com/sluice-hep/sluice/train"
)

// RunResult is the record of a run, also kept as summary.json beside what it wrote.
type RunResult = record.Run

// Run does all that a card asks for, in the folder out: model.safetensors, the sample, report.html and summary.json. Run
// again, it goes on where an earlier one was interrupted, and does not train a model anew that is there already.
//
// What is wrong with the card, its files or the folder is an *InputError. When ctx ends, what was done is kept in the folder
// (*InterruptedError), and the same call goes on from it, to the same files.
func Run(ctx context.Context, c *card.Card, out string, o Options) (*RunResult, error) {
	r := newRunner(c, out, o)
	defer r.leave()
	for _, step := range []func(context.Context) error{r.open, r.read, r.train, r.sample, alone("the comparison", r.compare), r.report, r.close} {
		if err := step(ctx); err != nil {
			return nil, ended(ctx, err, train.StatePath(r.result.Model))
		}
		if err := ctx.Err(); err != nil {
			return nil, ended(ctx, err, r.result.Model)
		}
	}
	return r.result, nil
}

// alone is a step that does not look at ctx itself.
func alone(what string, step func() error) func(context.Context) error {
	return func(ctx context.Context) error { return await.Done(ctx, what, step) }
}

func samplePath(c *card.Card, out string) string {
	name := cmp.Or(c.Sample.File, "sample.parquet")
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(out, name)
}

// runner is a run under way.
type runner struct {
	card   *card.Card
	o      Options
	result *RunResult

	data     *fit.Data
	model    *model.Model
	pair     report.Pair
	true     *fit.True // nil where it is not known
	notices  []string
	warnings []string
	made     bool // the folder was not there before
	unlock   func()
}

func newRunner(c *card.Card, out string, o Options) *runner {
	return &runner{card: c, o: o, result: &RunResult{
		Out: out, Model: filepath.Join(out, "model.safetensors"), Report: filepath.Join(out, "report.html"), Sample: samplePath(c, out),
	}}
}

func (r *runner) note(lines ...string) {
	for _, l := range lines {
		r.notices = append(r.notices, l)
		r.o.notice(l)
	}
}

func (r *runner) warn(lines ...string) {
	for _, l := range lines {
		r.warnings = append(r.warnings, l)
		r.o.warn(l)
	}
}

// open makes sure that everything can be written before the work begins.
func (r *runner) open(context.Context) error {
	_, err := os.Stat(r.result.Out)
	r.made = err != nil
	if err := os.MkdirAll(r.result.Out, 0o777); err != nil {
		return fault.Of(fmt.Errorf("cannot make the folder %s: %w; choose another with --out", r.result.Out, err))
	}
	release, ok := atomicfile.LockFolder(r.result.Out)
	if !ok {
		return fault.Of(fmt.Errorf("another run is writing to %s; wait for its end, or choose another folder with --out", r.result.Out))
	}
	r.unlock = release
	if err := r.outside(); err != nil {
		return err
	}
	for _, path := range []string{r.result.Model, r.result.Report, record.Path(r.result.Out)} {
		release, err := r.o.claim(path, r.card.Paths()...)
		if err != nil {
			return err
		}
		release()
	}
	release, err = r.o.claimEvents(r.result.Sample, r.card.Paths()...)
	if err != nil {
		return err
	}
	release()
	return nil
}

// outside asks for the user's word where the card puts the sample in the place of a file outside the folder.
func (r *runner) outside() error {
	at, err := filepath.Rel(r.result.Out, r.result.Sample)
	if err == nil && filepath.IsLocal(at) || r.o.Force {
		return nil
	}
	if _, none := os.Stat(r.result.Sample); none != nil {
		r.note("the sample goes outside the folder of the run, to " + r.result.Sample)
		return nil
	}
	if old, err := record.Read(r.result.Out); err == nil && old.Sample == r.result.Sample {
		return nil // ours
	}
	return fault.Of(fmt.Errorf("sample.file: %s is there already, outside the folder of the run; choose another name, or allow it with --force", r.result.Sample))
}

// leave lets others at the folder, and removes that of a run that failed before it wrote anything.
func (r *runner) leave() {
	if r.unlock != nil {
		r.unlock()
	}
	if r.made {
		_ = os.Remove(r.result.Out) // fails where there is something in it
	}
}

func (r *runner) read(ctx context.Context) (err error) {
	if r.data, err = fit.Load(ctx, r.card, r.o.fit()); err != nil {
		return err
	}
	if r.data.Held.Len() == 0 {
		return fault.Of(errors.New("no events are held out to compare with, and the others are not kept in memory: set train.test or train.valid above 0, or allow more memory (--memory)"))
	}
	r.note(r.data.Notices...)
	r.warn(r.data.Warnings...)
	r.result.Fingerprint = r.data.Fingerprint()
	d, err := r.draw()
	if err != nil {
		return err
	}
	return d.Check(ctx, r.card, r.card.Context)
}

// train fits the model, unless the folder holds the one that this would give.
func (r *runner) train(ctx context.Context) error {
	done, err := r.finished()
	if done || err != nil {
		return err
	}
	r.o.stage("train")
	o := r.o.fit()
	o.State, o.StateOf = train.StatePath(r.result.Model), r.result.Model
	m, result, err := r.o.learn(ctx, r.data, o, true)
	if err != nil {
		return err
	}
	if err := m.Save(r.result.Model); err != nil {
		return err
	}
	r.model = m
	r.warnings = append(r.warnings, result.Notices...) // which the terminal has
	r.result.Train = newTrainResult(r.result.Model, m, result)
	r.result.Hash, err = m.Hash()
	return err
}

// finished takes up the model of an earlier run of the same card on the same events.
func (r *runner) finished() (bool, error) {
	old, err := record.Read(r.result.Out)
	if err != nil || old.Train == nil || old.Train.Result == nil {
		return false, nil
	}
	if old.Fingerprint != r.result.Fingerprint {
		r.o.notice("the card or the events differ from those of the last run in " + r.result.Out + ": the training starts anew")
		return false, nil
	}
	m, err := model.Load(r.result.Model)
	if err != nil {
		return false, nil
	}
	hash, err := m.Hash()
	if err != nil || hash != old.Hash {
		return false, err
	}
	r.o.notice("the model of the last run in " + r.result.Out + " is the one that this card and these events give: not trained again")
	m.Density.UseThreads(r.o.Threads)
	old.Train.Model, old.Train.Density = r.result.Model, m
	r.model, r.result.Train, r.result.Hash = m, old.Train, hash
	r.warn(old.Train.Notices...)
	return true, nil
}

// draw is what the card asks to draw. Without a context of the card's, they get that of the data, those held out
// in front, and the weights of the events whose context it is: the first generated events are then those that the comparison draws.
func (r *runner) draw() (d Draw, err error) {
	s := r.card.Sample
	d = Draw{Events: uint64(s.Events), Seed: r.card.Seed, Within: float64(s.Within), ContextFile: s.ContextFile, Context: apply.Values(s.Context), Version: Version()}
	if d.ContextFile != "" && !filepath.IsAbs(d.ContextFile) {
		d.ContextFile = filepath.Join(r.card.Dir, d.ContextFile)
	}
	if d.Events == 0 {
		d.Events = uint64(r.data.Total)
	}
	if len(r.card.Context) > 0 && d.Context == nil && d.ContextFile == "" {
		d.Weight = r.card.Weight
		d.Context, err = r.data.Contexts()
	}
	return d, err
}

// sample draws the events that the card asks for.
func (r *runner) sample(ctx context.Context) error {
	r.o.stage("sample")
	d, err := r.draw()
	if err != nil {
		return err
	}
	o := r.o.apply(r.result.Sample)
	o.Resume = true
	drawn, err := d.ToFile(ctx, r.model, r.result.Sample, o)
	var other *journal.Error
	if errors.As(err, &other) && !other.Foreign { // of another model
		if err := os.Remove(other.Path); err != nil {
			return err
		}
		drawn, err = d.ToFile(ctx, r.model, r.result.Sample, o)
	}
	if err != nil {
		return err
	}
	if r.result.Drawn = drawn; drawn.Redrawn > 0 {
		r.notices = append(r.notices, drawn.Beyond()) // which the terminal has
	}
	return nil
}

// compare draws as many events as were held out, with their context and its weights, and measures the distances.
func (r *runner) compare() (err error) {
	r.o.stage("compare")
	p := &r.pair
	p.Labels, p.Bins = r.card.Labels, r.card.Compare.Bins
	p.Reference, p.ReferenceName = r.data.HeldOut()
	if p.ReferenceName == fit.TrainingData {
		r.warn("no events were held out: the comparison is with the training events, and cannot show overfitting")
	}
	var given *events.Table
	if len(r.card.Context) > 0 {
		given = p.Reference
	}
	if p.Generated, _, err = r.model.SampleWithin(p.Reference.Len(), given, r.card.Seed, 0, float64(r.card.Sample.Within)); err != nil {
		return err
	}
	if given != nil {
		if err := apply.Weigh(p.Generated, given, r.card.Weight); err != nil {
			return err
		}
	}
	columns := r.card.Compare.Columns
	if len(columns) == 0 {
		columns = slices.Concat(r.card.Features, r.card.Context)
	}
	c, err := stats.Compare(p.Reference, p.Generated, columns)
	if err != nil {
		return err
	}
	r.result.Compare = report.NewCompared(c)
	return r.truth()
}

// truth compares with the true density, where that is known.
func (r *runner) truth() error {
	if r.card.Toy == (card.Toy{}) {
		return nil
	}
	logProb, err := r.model.LogProb(r.pair.Reference, 0)
	if err != nil {
		return err
	}
	if r.true, err = fit.Truth(r.card, r.pair.Reference, logProb); err != nil || r.true == nil {
		return err
	}
	t := r.true
	r.result.TrueEntropy, r.result.TrueNLL, r.result.Excess, r.result.ExcessError = &t.Entropy, &t.NLL, &t.Excess, &t.ExcessError
	return nil
}

// report writes the page about the model.
func (r *runner) report(ctx context.Context) error {
	r.o.stage("report")
	rows := r.data.Rows
	a := report.Analysis{
		Card: r.card, Model: r.model, Train: r.result.Train.Result,
		Total: r.data.Total, Training: rows.Training(), Valid: len(rows.Valid), HeldOut: len(rows.Test),
		Pair: r.pair, Comparison: r.result.Compare.Comparison, True: r.true,
		Notices: r.notices, Warnings: r.warnings,
	}
	page, err := await.Do(ctx, "the report", a.Page)
	if err != nil {
		return err
	}
	page.Version, page.Commands = "sluice "+Version(), r.o.Command
	page.WithoutFolders(slices.Concat(r.o.Inputs, r.card.Paths(), []string{r.result.Out, r.result.Sample, r.card.Sample.ContextFile})...)
	return report.Write(r.result.Report, page)
}

// close keeps the record, and drops the state of the training: all is written now.
func (r *runner) close(ctx context.Context) error {
	if err := r.result.Write(ctx); err != nil {
		return err
	}
	return train.RemoveState(train.StatePath(r.result.Model))
}
