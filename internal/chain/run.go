package chain

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
	"github.com/sluice-hep/sluice/fit"
	"github.com/sluice-hep/sluice/internal/atomicfile"
	"github.com/sluice-hep/sluice/internal/await"
	"github.com/sluice-hep/sluice/internal/fault"
	"github.com/sluice-hep/sluice/internal/journal"
	"github.com/sluice-hep/sluice/model"
	"github.com/sluice-hep/sluice/record"
	"github.com/sluice-hep/sluice/report"
	"github.com/sluice-hep/sluice/train"
)

// run is a run under way.
type run struct {
	card   *card.Card
	o      *Options
	result *record.Run

	data   *fit.Data
	page   report.Analysis // the model, and what the page says of it
	made   bool            // the folder was not there before
	unlock func()
}

func newRun(c *card.Card, out string, o *Options) *run {
	return &run{card: c, o: o, page: report.Analysis{Card: c}, result: &record.Run{
		Out: out, Model: filepath.Join(out, "model.safetensors"), Report: filepath.Join(out, "report.html"), Sample: samplePath(c, out),
	}}
}

// Run does all that a card asks for in the folder out, from where an earlier run was interrupted. Beside an error stands the file
// that keeps what was done, if it is there.
func Run(ctx context.Context, c *card.Card, out string, o *Options) (_ *record.Run, kept string, err error) {
	r := newRun(c, out, o)
	defer r.leave()
	for _, step := range []func(context.Context) error{r.open, r.read, r.train, r.sample, r.compare, r.report, r.close} {
		if err := step(ctx); err != nil {
			return nil, train.StatePath(r.result.Model), err
		}
		if err := ctx.Err(); err != nil {
			return nil, r.result.Model, err
		}
	}
	return r.result, "", nil
}

func samplePath(c *card.Card, out string) string {
	name := cmp.Or(c.Sample.File, "sample.parquet")
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(out, name)
}

func (r *run) note(lines ...string) {
	for _, l := range lines {
		r.page.Notices = append(r.page.Notices, l)
		r.o.Notice(l)
	}
}

func (r *run) warn(lines ...string) {
	for _, l := range lines {
		r.page.Warnings = append(r.page.Warnings, l)
		r.o.Warn(l)
	}
}

// open makes sure that everything can be written before the work begins.
func (r *run) open(context.Context) error {
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
		release, err := r.o.Claim(path, r.card.Paths()...)
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
func (r *run) outside() error {
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
func (r *run) leave() {
	if r.unlock != nil {
		r.unlock()
	}
	if r.made {
		_ = os.Remove(r.result.Out) // fails where there is something in it
	}
}

func (r *run) read(ctx context.Context) (err error) {
	if r.data, err = fit.Load(ctx, r.card, r.o.Options); err != nil {
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
	return d.Check(ctx, r.card, r.card.Given())
}

// train fits the model, unless the folder holds the one that this would give.
func (r *run) train(ctx context.Context) error {
	done, err := r.finished()
	if done || err != nil {
		return err
	}
	r.o.Stage("train")
	o := r.o.Options
	o.State, o.StateOf = train.StatePath(r.result.Model), r.result.Model
	m, result, err := r.o.learn(ctx, r.data, o, true)
	if err != nil {
		return err
	}
	if err := m.Save(r.result.Model); err != nil {
		return err
	}
	r.page.Model = m
	r.page.Warnings = append(r.page.Warnings, result.Notices...) // which the terminal has
	r.result.Train = newTraining(r.result.Model, m, result)
	r.result.Hash, err = m.Hash()
	return err
}

// finished takes up the model of an earlier run of the same card on the same events.
func (r *run) finished() (bool, error) {
	old, err := record.Read(r.result.Out)
	if err != nil || old.Train == nil || old.Train.Result == nil {
		return false, nil
	}
	if old.Fingerprint != r.result.Fingerprint {
		r.o.Notice("the card or the events differ from those of the last run in " + r.result.Out + ": the training starts anew")
		return false, nil
	}
	m, err := model.Load(r.result.Model)
	if err != nil {
		return false, nil
	}
	hash, err := m.Hash()
	if err != nil {
		return false, err
	}
	if hash != old.Hash {
		r.o.Warn(r.result.Model + " is not the model that the last run in " + r.result.Out + " left: it is trained anew, and replaced")
		return false, nil
	}
	r.o.Notice("the model of the last run in " + r.result.Out + " is the one that this card and these events give: not trained again")
	m.Density.UseThreads(r.o.Threads)
	old.Train.Model, old.Train.Density = r.result.Model, m
	r.page.Model, r.result.Train, r.result.Hash = m, old.Train, hash
	r.warn(old.Train.Notices...)
	return true, nil
}

// draw is what the card asks to draw. Without a context of the card's, they get that of the data, those held out
// in front, and the weights of the events whose context it is: the first generated events are then those that the comparison draws.
func (r *run) draw() (d apply.Sample, err error) {
	s := r.card.Sample
	d = apply.Sample{Events: uint64(s.Events), Seed: r.card.Seed, Within: float64(s.Within), ContextFile: s.ContextFile, Context: apply.Values(s.Context), Version: r.o.Version}
	if d.ContextFile != "" && !filepath.IsAbs(d.ContextFile) {
		d.ContextFile = filepath.Join(r.card.Dir, d.ContextFile)
	}
	if d.Events == 0 {
		d.Events = uint64(r.data.Total)
	}
	if len(r.card.Given()) > 0 && d.Context == nil && d.ContextFile == "" {
		d.Weight = r.card.Weight
		d.Context, err = r.data.Contexts()
	}
	return d, err
}

// sample draws the events that the card asks for.
func (r *run) sample(ctx context.Context) error {
	r.o.Stage("sample")
	d, err := r.draw()
	if err != nil {
		return err
	}
	o := r.o.Apply(r.result.Sample)
	o.Resume = true
	drawn, err := d.ToFile(ctx, r.page.Model, r.result.Sample, o)
	var other *journal.Error
	if errors.As(err, &other) && !other.Foreign { // of another model
		if err := os.Remove(other.Path); err != nil {
			return err
		}
		drawn, err = d.ToFile(ctx, r.page.Model, r.result.Sample, o)
	}
	if err != nil {
		return err
	}
	if r.result.Drawn = drawn; drawn.Redrawn > 0 {
		r.page.Notices = append(r.page.Notices, drawn.Beyond()) // which the terminal has
	}
	return nil
}

// compare measures how far events that the model generates are from those held out.
func (r *run) compare(ctx context.Context) (err error) {
	r.o.Stage("compare")
	told := len(r.page.Warnings)
	r.result.Compare, err = await.Do(ctx, "the comparison", func() (*report.Compared, error) { return r.page.Compare(r.data) })
	if err != nil {
		return err
	}
	for _, line := range r.page.Warnings[told:] {
		r.o.Warn(line)
	}
	if t := r.page.True; t != nil {
		r.result.TrueEntropy, r.result.TrueNLL, r.result.Excess, r.result.ExcessError = &t.Entropy, &t.NLL, &t.Excess, &t.ExcessError
	}
	return nil
}

// report writes the page about the model.
func (r *run) report(ctx context.Context) error {
	r.o.Stage("report")
	r.page.Train = r.result.Train.Result
	page, err := await.Do(ctx, "the report", r.page.Page)
	if err != nil {
		return err
	}
	page.Version, page.Commands = "sluice "+r.o.Version, r.o.Command
	page.WithoutFolders(slices.Concat(r.o.Inputs, r.card.Paths(), []string{r.result.Out, r.result.Sample, r.card.Sample.ContextFile})...)
	return report.Write(r.result.Report, page)
}

// close keeps the record, and drops the state of the training: all is written now.
func (r *run) close(ctx context.Context) error {
	if err := r.result.Write(ctx); err != nil {
		return err
	}
	return train.RemoveState(train.StatePath(r.result.Model))
}
