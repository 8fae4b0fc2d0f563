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
	"github.com/sluice-hep/sluice/internal/live"
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
	flows  []*learning

	told   map[string]bool // lines, so that what is true of the events is told once
	made   bool            // the folder was not there before
	unlock func()
}

// learning is a flow of a run on its way from the events to what is known of it.
type learning struct {
	number int // among those of the card
	card   *card.Card
	o      *Options
	out    string
	result *record.Learned

	data *fit.Data
	page report.Analysis // the model, and what the page says of it
}

func newRun(c *card.Card, out string, o *Options) *run {
	r := &run{card: c, result: &record.Run{Out: out, Report: filepath.Join(out, "report.html")}, told: map[string]bool{}}
	once := *o
	once.log = live.New(live.Folder(out), cmp.Or(c.Title, c.Name))
	once.Options = once.log.Follow(o.Options)
	once.Notice, once.Warn = r.once(once.Notice), r.once(once.Warn)
	r.o = &once
	for i, one := range c.Each() {
		l := &learning{number: i, card: one, o: &once, out: out, page: report.Analysis{Card: one}, result: &record.Learned{
			Model: filepath.Join(out, "model.safetensors"), Sample: samplePath(one, out),
		}}
		if len(c.Flows) > 0 {
			l.result.Flow = c.Flows[i].Name
			l.result.Model = filepath.Join(out, l.result.Flow+".safetensors")
		}
		r.flows = append(r.flows, l)
	}
	r.result.Learned = *r.flows[0].result
	return r
}

// once is tell for the first time that it is given a line.
func (r *run) once(tell func(line string)) func(line string) {
	return func(line string) {
		if !r.told[line] {
			r.told[line] = true
			tell(line)
		}
	}
}

// Run does all that a card asks for in the folder out, from where an earlier run was interrupted. Beside an error stands the file
// that keeps what was done, if it is there.
func Run(ctx context.Context, c *card.Card, out string, o *Options) (_ *record.Run, kept string, err error) {
	r := newRun(c, out, o)
	defer r.leave()
	defer func() { r.o.log.End(err, ctx.Err() != nil) }()
	kept = train.StatePath(r.result.Model)
	if err := r.open(); err != nil {
		return nil, kept, err
	}
	for i, l := range r.flows {
		if len(r.flows) > 1 {
			r.o.Notice(fmt.Sprintf("flow %d of %d: %s", i+1, len(r.flows), l.result.Flow))
		}
		own, err := l.learn(ctx)
		if isThere(own) {
			kept = own
		}
		if err != nil {
			return nil, kept, err
		}
	}
	for _, step := range []func(context.Context) error{r.report, r.close} {
		if err = step(ctx); err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return nil, r.result.Model, err
		}
	}
	return r.result, "", nil
}

// learn goes from the events to what is known of the flow.
func (r *learning) learn(ctx context.Context) (kept string, err error) {
	for _, step := range []func(context.Context) error{r.read, r.train, r.sample, r.compare} {
		if err := step(ctx); err != nil {
			return train.StatePath(r.result.Model), err
		}
		if err := ctx.Err(); err != nil {
			return r.result.Model, err
		}
	}
	r.data = nil // large
	return r.result.Model, nil
}

// of names the flow, where there are several.
func (r *learning) of() string {
	if r.result.Flow == "" {
		return ""
	}
	return r.result.Flow + ": "
}

func samplePath(c *card.Card, out string) string {
	if name := c.SampleFile(); filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(out, c.SampleFile())
}

func (r *learning) note(lines ...string) {
	for _, l := range lines {
		r.page.Notices = append(r.page.Notices, l)
		r.o.Notice(l)
	}
}

func (r *learning) warn(lines ...string) {
	for _, l := range lines {
		r.page.Warnings = append(r.page.Warnings, l)
		r.o.Warn(l)
	}
}

// open makes sure that everything can be written before the work begins.
func (r *run) open() error {
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
	claim := func(path string, claim func(path string, inputs ...string) (func(), error)) error {
		release, err := claim(path, r.card.Inputs()...)
		if err == nil {
			release()
		}
		return err
	}
	for _, l := range r.flows {
		if err := cmp.Or(claim(l.result.Model, r.o.Claim), claim(l.result.Sample, r.o.claimEvents)); err != nil {
			return err
		}
	}
	return cmp.Or(claim(r.result.Report, r.o.Claim), claim(report.DataFile(r.result.Report), r.o.Claim), claim(record.Path(r.result.Out), r.o.Claim))
}

// outside asks for the user's word where the card puts a sample in the place of a file outside the folder.
func (r *run) outside() error {
	old, noRecord := record.Read(r.result.Out)
	for _, l := range r.flows {
		at, err := filepath.Rel(r.result.Out, l.result.Sample)
		if err == nil && filepath.IsLocal(at) || r.o.Force {
			continue
		}
		if _, none := os.Stat(l.result.Sample); none != nil {
			l.note("the sample goes outside the folder of the run, to " + l.result.Sample)
			continue
		}
		if ours, _ := old.Named(l.result.Flow); noRecord != nil || ours.Sample != l.result.Sample {
			return fault.Of(fmt.Errorf("sample.file: %s is there already, outside the folder of the run; choose another name, or allow it with --force", l.result.Sample))
		}
	}
	return nil
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

func (r *learning) read(ctx context.Context) (err error) {
	r.o.order(r.number)
	if r.data, err = fit.Load(ctx, r.card, r.o.Options); err != nil {
		return err
	}
	if r.data.Held.Len() == 0 {
		return fault.Of(errors.New("no events are held out to compare with, and the others are not kept in memory: set train.test or train.valid above 0, or allow more memory (--memory)"))
	}
	if names := r.data.Features.Named(); names != nil && (r.card.Plots.Density || r.card.Plots.Steps) {
		return fault.Of(fmt.Errorf("plots: column %q holds names, and density and steps are drawn of numbers alone; take them out", names[0]))
	}
	r.note(r.data.Notices...)
	r.warn(r.data.Warnings...)
	r.result.Fingerprint = r.data.Fingerprint()
	d, err := r.draw()
	if err != nil {
		return err
	}
	return d.Check(ctx, r.card, r.data.Context)
}

// train fits the model, unless the folder holds the one that this would give.
func (r *learning) train(ctx context.Context) error {
	done, err := r.finished()
	if done || err != nil {
		return err
	}
	r.o.Stage("train")
	o := r.o.Options
	o.State, o.StateOf = train.StatePath(r.result.Model), r.result.Model
	r.o.log.Of(r.result.Flow)
	o.Look = look(r.o.log, r.card, r.data)
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
func (r *learning) finished() (bool, error) {
	last, err := record.Read(r.out)
	old, found := last.Named(r.result.Flow)
	if err != nil || !found || old.Train == nil || old.Train.Result == nil {
		return false, nil
	}
	if old.Fingerprint != r.result.Fingerprint {
		r.o.Notice(r.of() + "the card or the events differ from those of the last run in " + r.out + ": the training starts anew")
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
		r.o.Warn(r.of() + r.result.Model + " is not the model that the last run in " + r.out + " left: it is trained anew, and replaced")
		return false, nil
	}
	r.o.Notice(r.of() + "the model of the last run in " + r.out + " is the one that this card and these events give: not trained again")
	m.Density.UseThreads(r.o.Threads)
	old.Train.Model, old.Train.Density = r.result.Model, m
	r.page.Model, r.result.Train, r.result.Hash = m, old.Train, hash
	r.warn(old.Train.Notices...)
	return true, nil
}

// draw is what the card asks to draw. Without a context of the card's, they get that of the data, those held out
// in front, and the weights of the events whose context it is: the first generated events are then those that the comparison draws.
func (r *learning) draw() (d apply.Sample, err error) {
	s := r.card.Sample
	d = apply.Sample{Events: uint64(s.Events), Seed: r.card.Seed, Within: float64(s.Within), ContextFile: s.ContextFile, Context: apply.Values(s.Context), Restore: r.card.Restore, Version: r.o.Version}
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
func (r *learning) sample(ctx context.Context) error {
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
func (r *learning) compare(ctx context.Context) (err error) {
	r.o.Stage("compare")
	told := len(r.page.Warnings)
	r.result.Compare, err = await.Do(ctx, "the comparison", func() (*report.Compared, error) { return r.page.Compare(ctx, r.data, r.o.Threads) })
	if err != nil {
		return err
	}
	for _, line := range r.page.Warnings[told:] {
		r.o.Warn(line)
	}
	if t := r.page.True; t != nil {
		r.result.TrueEntropy, r.result.TrueNLL, r.result.Excess, r.result.ExcessError = &t.Entropy, &t.NLL, &t.Excess, &t.ExcessError
	}
	if e := r.page.Evidence; e != nil {
		r.result.LogZ, r.result.LogZBound, r.result.LogZBoundError = &e.LogIntegral, &e.Bound, &e.BoundError
	}
	return nil
}

// report writes the page about the model, or the models.
func (r *run) report(ctx context.Context) error {
	r.o.Stage("report")
	pages := report.Flows{Card: r.card}
	for _, l := range r.flows {
		l.page.Name, l.page.Train, l.page.Parameters, l.page.Drawn = l.result.Flow, l.result.Train.Result, l.result.Train.Parameters, l.result.Drawn
		pages.Each = append(pages.Each, &l.page)
	}
	make := pages.Each[0].Page
	if len(r.card.Flows) > 0 {
		make = pages.Page
		for _, l := range r.flows {
			r.result.Flows = append(r.result.Flows, *l.result)
		}
	}
	r.result.Learned = *r.flows[pages.Best()].result
	page, err := await.Do(ctx, "the report", make)
	if err != nil {
		return err
	}
	page.Version, page.Commands = "sluice "+r.o.Version, r.o.Command
	page.WithoutFolders(slices.Concat(r.o.Inputs, r.card.Inputs(), []string{r.result.Out, r.result.Sample, r.card.Sample.ContextFile})...)
	r.result.ReportJSON = report.DataFile(r.result.Report)
	if err := report.WriteJSON(r.result.ReportJSON, page, r.statistics()); err != nil {
		return err
	}
	return report.Write(r.result.Report, page)
}

// statistics are those of the comparison, or of that of each flow, by its name.
func (r *run) statistics() any {
	if len(r.result.Flows) == 0 {
		return r.result.Compare
	}
	all := map[string]*report.Compared{}
	for _, f := range r.result.Flows {
		all[f.Flow] = f.Compare
	}
	return all
}

// close keeps the record, and drops the states of the trainings: all is written now.
func (r *run) close(ctx context.Context) error {
	if err := r.result.Write(ctx); err != nil {
		return err
	}
	for _, l := range r.flows {
		if err := train.RemoveState(train.StatePath(l.result.Model)); err != nil {
			return err
		}
	}
	return nil
}
