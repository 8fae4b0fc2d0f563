// Package fit makes a trained model of the events of a card: they are read, split, prepared and learned.
//
// All events go one way. A first pass splits them by a hash of each, and keeps what it can in memory: all of them, or, of
// more than that, those held out and a sample to fit the preparation on; the training events of such a stream are read
// anew in each epoch (package feed).
package fit

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"slices"
	"time"

	"github.com/sluice-hep/sluice/card"
	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/events/column"
	"github.com/sluice-hep/sluice/events/profile"
	"github.com/sluice-hep/sluice/feed"
	"github.com/sluice-hep/sluice/internal/await"
	"github.com/sluice-hep/sluice/internal/fault"
	"github.com/sluice-hep/sluice/internal/floats"
	"github.com/sluice-hep/sluice/model"
	"github.com/sluice-hep/sluice/prep"
	"github.com/sluice-hep/sluice/query"
	"github.com/sluice-hep/sluice/train"
)

// Options are what a fit may be given beside its card. The zero value works in silence on all cores.
type Options struct {
	Threads int // 0: what the card says, or all cores

	// State is the file from which an interrupted training can go on; "" for none. Resume takes it up. StateOf is the file whose mode
	// it gets; see train.Options.
	State, StateOf string
	Resume         bool

	// Peers are the processes that train together; nil for none. All of them have the events and the card.
	Peers Peers

	// Progress follows the training. Notice is called with a line that the user should know, Warn with one on what can make the
	// result wrong, and Stage with the name of what begins. Each may be nil.
	Progress func(train.Progress)
	// Look is called now and then within a training; what it hands to see is given the model as it would be if the training ended then, but for
	// its best epoch. The training waits meanwhile, and nothing of it changes. Nil for nobody.
	Look   func(see func(do func(m *model.Model)))
	Notice func(line string)
	Warn   func(line string)
	Stage  func(name string)
}

// Filled has a function where there was none; Progress may stay nil.
func (o Options) Filled() Options {
	for _, f := range []*func(string){&o.Notice, &o.Warn, &o.Stage} {
		if *f == nil {
			*f = func(string) {}
		}
	}
	return o
}

// Data are the events of a card, split and prepared, as a training needs them.
type Data struct {
	Read     int            // events of the files
	Total    int            // those that are selected and complete
	Dropped  []string       // why the others are not, a line a reason
	Held     *events.Table  // those that test, those that train unless they are a stream, and those that validate
	Rows     train.Data     // which are which
	Features *prep.Pipeline // fitted on the training events
	Context  *prep.Pipeline
	Notices  []string // what was decided or selected
	Warnings []string // what can make the result wrong

	card    *card.Card
	base    *base       // under the flow; nil for none
	from    []float32   // parameters that the flow starts with; nil for those that are drawn
	x       [][]float32 // prepared features
	context [][]float32
	logDet  []float64    // of the preparation, a value an event
	weight  []float32    // divided by the mean of those that train; nil where all are 1
	survey  *feed.Survey // what was found
	windows *feed.Windows
	reading time.Duration // that all events took
}

// Load reads the events of a card and prepares them. Errors are the user's.
func Load(ctx context.Context, c *card.Card, o Options) (*Data, error) {
	d, err := load(ctx, c, o.Filled())
	if err == nil && len(c.Restore) > 0 {
		var note string
		if note, err = restores(ctx, c); note != "" {
			d.Notices = append(d.Notices, note)
		}
	}
	return d, fault.Of(err)
}

func load(ctx context.Context, c *card.Card, o Options) (*Data, error) {
	on, c, err := baseOf(c)
	if err != nil {
		return nil, fault.Of(err)
	}
	b := newBudget(c)
	q, err := await.Do(ctx, "the toy", c.Query)
	if err != nil {
		return nil, err
	}
	d, types, err := survey(ctx, c, on, q, b, o)
	if err == nil && d.survey.Whole() && d.classes()*int64(d.Total) > int64(c.AllowedMemory())/2 {
		b.all = 0 // there is room for the table, but not for what becomes of it
		if err := readAgain(c); err != nil {
			return nil, err
		}
		d, types, err = survey(ctx, c, on, q, b, o)
	}
	if err != nil {
		return nil, err
	}
	s := d.survey
	room := s.Train
	whole := s.Whole()
	if !whole {
		b.narrow(d.classes())
		if err := b.check(c, d.card.Train.WithDefaults().Batch); err != nil {
			return nil, err
		}
		room = min(b.window, s.Train)
	}
	if err := await.Done(ctx, "the preparation", func() error { return d.hold(room) }); err != nil {
		return nil, err
	}
	if !whole {
		open := func(ctx context.Context) (feed.Source, error) {
			q := q
			q.Known = types
			return q.Open(ctx, b.block)
		}
		d.windows = feed.NewWindows(s, open, feed.Room{At: d.Held.Len(), Size: room, Place: d.place, Memory: d.memory}, d.card.Train.WithDefaults().Epochs)
		d.Rows.Stream = d.windows
		d.Notices = append(d.Notices, d.streamNotice(b))
	}
	return d, d.checkWeights()
}

// survey reads all events once, and fits the preparation. It gives the types of the columns read, too.
func survey(ctx context.Context, c *card.Card, on *base, q query.Query, b budget, o Options) (*Data, map[string]events.Type, error) {
	o.Stage("read")
	cfg := c.Train.WithDefaults()
	rows, err := q.Open(ctx, b.block)
	if err != nil {
		return nil, nil, err
	}
	defer rows.Close()
	began := time.Now()
	names := slices.Concat(c.Features, c.Given())
	watched := &watched{Rows: rows, names: slices.Concat(c.Features, c.Context), surplus: surplusOf(c.ContextSets), many: len(c.Paths()) > 1, limits: c.Range, missing: c.Missing}
	s, err := feed.Take(ctx, watched, feed.Config{
		Columns: names, Weight: c.Weight,
		Valid: cfg.Valid, Test: cfg.Test, Seed: c.Seed, Most: b.all, Held: b.held, Sample: b.sample,
	})
	if err != nil {
		return nil, nil, err
	}
	if err := rows.Nothing(); err != nil {
		return nil, nil, err
	}
	seen, err := watched.seen(s)
	if err == nil {
		err = watched.outside(seen)
	}
	if err != nil {
		return nil, nil, err
	}
	c, sized := bySize(c, s.Train)
	if batch := c.Train.WithDefaults().Batch; s.Train < batch {
		return nil, nil, fmt.Errorf("a batch of %d needs as many training events, but %d events leave only %d (%d validate, %d test): "+
			"take more events or a smaller batch (--batch, in a card train.batch)", batch, s.Events, s.Train, s.Valid.Len(), s.Test.Len())
	}
	o.Stage("prepare")
	d := &Data{card: c, base: on, Read: rows.Read(), Total: s.Events, Dropped: slices.Concat(rows.Selected(), rows.Warnings()), survey: s, Notices: append(rows.Notices(), sized...), Warnings: slices.Concat(rows.Warnings(), sayings(watched.surplus)), reading: time.Since(began)}
	return d, rows.Types(), await.Done(ctx, "the preparation", func() error { return d.fit(seen) })
}

// classes are the bytes of an event that the 0 and 1 of its context take beyond a number a column.
func (d *Data) classes() int64 { return 4 * int64(max(d.Context.Dim()-len(d.card.Given()), 0)) }

// fit fits the preparation on the training events, or on a sample of them whose moments are known. What auto does with a column
// follows from all events.
func (d *Data) fit(seen map[string]profile.Summary) error {
	if d.base != nil {
		if err := d.as(d.base, seen); err != nil {
			return err
		}
		return d.dropout()
	}
	s, c := d.survey, d.card
	given := [2]prep.Spec{c.Prepare, c.PrepareContext}
	if c.Train.Objective == "reverse-kl" {
		given[0].All = []prep.StepSpec{} // as the density is known
	}
	for i := range given {
		given[i].Ranges, given[i].Seen, given[i].Missing = c.Range, seen, c.Missing
	}
	given[0].Circles, given[0].Simplex = circles(c), c.Simplex
	context, more, err := s.Moments.FitContext(s.Sample, c.Context, given[1], c.ContextSets...)
	if err != nil {
		return err
	}
	d.Context = context
	features, warnings, err := d.fitFeatures(given[0])
	if err != nil {
		return err
	}
	d.Features = features
	d.Warnings = slices.Concat(d.Warnings, warnings, more)
	d.Notices = slices.Concat(d.Notices, features.Constants(s.Sample), context.Constants(s.Sample))
	functions, err := d.Features.Functions(s.Sample, d.held()...)
	if err == nil {
		d.found(functions)
		err = d.dependents()
	}
	if err != nil {
		return err
	}
	notices, err := d.Features.Together(s.Sample, d.held()...)
	if err != nil {
		return err
	}
	orders, err := d.Features.Ordered(s.Sample, d.held()...)
	if err != nil {
		return err
	}
	d.found(append(notices, orders...))
	switch line, c := d.Features.Codes(), d.card.Categorical; {
	case line != "":
		d.Notices = append(d.Notices, line+"; missing: {NAME: none} takes a column's for numbers")
	case !d.Features.HasCodes() && (c.Hidden != nil || c.Dropout != 0):
		d.Notices = append(d.Notices, "no feature is categorical: the key categorical is without effect")
	}
	return d.dropout()
}

// fitFeatures prepares the features for the density of a mixed table, or, where some cells would be absent and the flow of the card cannot leave
// them out, for a flow alone.
func (d *Data) fitFeatures(spec prep.Spec) (*prep.Pipeline, []string, error) {
	s, c := d.survey, d.card
	cannot := d.mixed()
	spec.Mixed = true
	features, warnings, err := s.Moments.Fit(s.Sample, c.Features, spec, c.Seed)
	if cannot == nil || err != nil || !features.HasCodes() {
		return features, warnings, err
	}
	if lacking := features.MayLack(); len(lacking) > 0 {
		return nil, nil, fmt.Errorf("cells of %s are missing, and the flow of the card cannot leave them out: %w", column.List(lacking, 8), cannot)
	}
	spec.Mixed = false
	if features, warnings, err = s.Moments.Fit(s.Sample, c.Features, spec, c.Seed); err == nil {
		d.Notices = append(d.Notices, fmt.Sprintf("columns of a few values and single values are numbers with noise, as the flow of the card takes nothing else: %v", cannot))
	}
	return features, warnings, err
}

// found tells what holds in all events, and of a stream in which of them it was looked for.
func (d *Data) found(lines []string) {
	for _, line := range lines {
		if s := d.survey; !s.Whole() {
			line += fmt.Sprintf(" (as in the %d events that the preparation is fitted on and those held out, of %d)", s.Sample.Len(), s.Events)
		}
		d.Notices = append(d.Notices, line)
	}
}

// held are the events in memory that the preparation is not fitted on.
func (d *Data) held() []*events.Table {
	return []*events.Table{d.survey.Valid.Table, d.survey.Test.Table}
}

// dependents tells which features follow from others, and leaves them out of the flow where the card says so.
func (d *Data) dependents() error {
	found, err := d.Features.Dependents(d.survey.Sample, d.Context)
	if err != nil {
		return err
	}
	if err := d.dependentWhereThere(found); err != nil {
		return err
	}
	for _, f := range found {
		what := ""
		if f.Smooth {
			what = "the density is infinite there, and a training on it learns the rest worse the longer it lasts; "
		}
		switch {
		case f.Given:
			what += "take it out of the features"
		case d.card.DropDependent:
			d.Features.LeaveOut(f)
			d.Notices = append(d.Notices, f.Says+": left out, and put back in what is generated")
			continue
		default:
			what += "take it out, or let --drop-dependent (in a card: drop_dependent: true) leave it out and put it back in what is generated"
		}
		d.Warnings = append(d.Warnings, f.Says+": "+what)
	}
	return nil
}

// dependentWhereThere tells which other features follow from others in the events that lack no value; these stay in the flow.
func (d *Data) dependentWhereThere(found []prep.Dependent) error {
	there, err := d.Features.There(d.survey.Sample)
	if err != nil || there.Len() == d.survey.Sample.Len() {
		return err
	}
	more, err := d.Features.Dependents(there, d.Context)
	if err != nil {
		return err
	}
	for _, f := range more {
		if f.Smooth && !slices.ContainsFunc(found, func(g prep.Dependent) bool { return g.Column == f.Column }) {
			d.Warnings = append(d.Warnings, fmt.Sprintf("%s in the %d training events in which every feature has a value: the density is infinite there, and what is generated will be against it; take %s out of the features",
				f.Says, there.Len(), f.Column))
		}
	}
	return nil
}

// hold prepares the events in memory, and makes room for so many training events, those among them or a stream's.
func (d *Data) hold(room int) error {
	s := d.survey
	tests, valids := s.Test.Len(), s.Valid.Len()
	n := tests + valids + room
	if n > math.MaxInt32 {
		return fmt.Errorf("%d events are more than the %d that a training can hold; allow less memory (--memory)", n, math.MaxInt32)
	}
	held := s.All
	if !s.Whole() {
		held = s.Test
		held.Append(s.Valid.Table)
		held.Number = append(held.Number, s.Valid.Number...)
	}
	d.Held = held.Table
	rows := upTo(held.Len())
	d.Rows.Test, d.Rows.Train, d.Rows.Valid = rows[:tests], rows[tests:len(rows)-valids], rows[len(rows)-valids:]
	first := s.Sample.Take([]int32{0})
	s.All, s.Test, s.Valid, s.Sample = feed.Numbered{}, feed.Numbered{}, feed.Numbered{}, nil // large, and not needed any more
	d.x, d.context, d.logDet = columns(d.Features.Dim(), n), columns(d.Context.Dim(), n), make([]float64, n)
	if d.card.Weight != "" {
		d.weight = make([]float32, n)
	}
	if err := d.place(held, 0); err != nil || held.Len() == n {
		return err
	}
	return d.occupy(first, held.Len())
}

// occupy puts the event of t wherever a stream's events will come, from row at on: an objective takes events alone, not what a table cannot
// hold, such as zeros where a code says that there is no number.
func (d *Data) occupy(t *events.Table, at int) error {
	if err := d.place(feed.Numbered{Table: t}, at); err != nil {
		return err
	}
	for _, c := range slices.Concat(d.x, d.context) {
		for i := at + 1; i < len(c); i++ {
			c[i] = c[at]
		}
	}
	return nil
}

// memory is all that place writes to the rows from first to end-1.
func (d *Data) memory(first, end int) [][]byte {
	all := [][]byte{floats.InMemory(d.logDet[first:end])}
	for _, x := range slices.Concat(d.x, d.context) {
		all = append(all, floats.InMemory(x[first:end]))
	}
	if d.weight != nil {
		all = append(all, floats.InMemory(d.weight[first:end]))
	}
	return all
}

// place prepares events into the rows from at on.
func (d *Data) place(t feed.Numbered, at int) error {
	x, logDet, err := d.Features.Apply(t.Table, t.Number)
	if err != nil {
		return err
	}
	copy(d.logDet[at:], logDet)
	for i := range x {
		copy(d.x[i][at:], x[i])
	}
	if d.Context.Dim() > 0 {
		if x, _, err = d.Context.Apply(t.Table, nil); err != nil {
			return err
		}
		for i := range x {
			copy(d.context[i][at:], x[i])
		}
	}
	if d.weight == nil {
		return nil
	}
	c, err := t.Column(d.card.Weight)
	if err != nil {
		return err
	}
	for i := range t.Len() {
		d.weight[at+i] = d.survey.Weights.Relative(c.Float(i))
	}
	return nil
}

// TrainingData is the name of events that were not held out.
const TrainingData = "Training data"

// HeldOut are the events to compare generated ones with, and their name: those that test, or else validate, or else train.
func (d *Data) HeldOut() (t *events.Table, name string) {
	rows, name := d.Rows.Test, "Held-out data"
	if len(rows) == 0 {
		rows, name = d.Rows.Valid, "Validation data"
	}
	if len(rows) == 0 {
		rows, name = d.Rows.Train, TrainingData
	}
	t = d.Held.Take(rows)
	t.Weight = d.card.Weight
	return t, name
}

// Contexts are those of the events in memory, those held out in front, with their weights.
func (d *Data) Contexts() (*events.Table, error) {
	t := &events.Table{}
	names := d.card.Given()
	if w := d.card.Weight; w != "" && !slices.Contains(names, w) {
		names = append(names, w)
	}
	for _, name := range names {
		c, err := d.Held.Column(name)
		if err != nil {
			return nil, err
		}
		t.Columns = append(t.Columns, *c)
	}
	return t, nil
}

// checkWeights refuses samples over which no mean can be taken.
func (d *Data) checkWeights() error {
	if d.weight == nil {
		return nil
	}
	for _, s := range []struct {
		name string
		rows int
		sum  float64
	}{
		{"training", d.Rows.Training(), d.survey.Weights.Sum()},
		{"validation", len(d.Rows.Valid), d.sumWeights(d.Rows.Valid)},
		{"test", len(d.Rows.Test), d.sumWeights(d.Rows.Test)},
	} {
		if s.rows > 0 && !(s.sum > 0) {
			return fmt.Errorf("weight %q: the weights of the %d %s events add up to %g; a mean needs a positive sum", d.card.Weight, s.rows, s.name, s.sum)
		}
	}
	return nil
}

// sumWeights is the number of events where all weigh 1.
func (d *Data) sumWeights(rows []int32) float64 {
	if d.weight == nil {
		return float64(len(rows))
	}
	var s float64
	for _, r := range rows {
		s += float64(d.weight[r])
	}
	return s
}

// Fingerprint tells whether a trained model is the one that these events and this card would give.
func (d *Data) Fingerprint() string {
	cfg, err := json.Marshal(d.card.Train.WithDefaults())
	if err != nil {
		cfg = []byte(err.Error())
	}
	return fmt.Sprintf("%x", sha256.Sum256(fmt.Appendf(nil, "%s %d %s", d.id(), d.card.Seed, cfg)))
}

// id tells apart what is learned: the events, how they are prepared and held in memory, and the flow.
func (d *Data) id() string {
	spec, err := d.card.Flow.Full()
	if err != nil {
		spec = d.card.Flow // which Train refuses
	}
	parts := []any{spec, d.Features, d.Context}
	if d.Features.Mixed {
		parts = append(parts, d.card.Categorical)
	}
	if d.card.Mixture.Components > 0 {
		parts = append(parts, d.card.Mixture)
	}
	if d.base != nil {
		parts = append(parts, d.base.hash)
	}
	record, err := json.Marshal(parts)
	if err != nil { // a preparation that cannot be written could not be saved either
		record = []byte(err.Error())
	}
	text := fmt.Appendf(nil, "%d %s%s", len(record), record, d.survey.ID)
	if d.windows != nil {
		text = fmt.Appendf(text, " %d", d.windows.Window())
	}
	return fmt.Sprintf("%x", sha256.Sum256(text))
}

// budget shares out the memory that a card allows.
type budget struct {
	all    int64 // bytes of a table that is held as a whole, beside what is prepared of it, and garbage
	block  int   // events read at a time
	held   int   // of a stream: validation events, and test events
	sample int   // events that the preparation is fitted on, before there are windows
	window int   // events in all windows

	prepared float64 // bytes of a prepared event
}

// mostBlock events are read before the reader lets a waiting worker of the training have its processor.
const mostBlock = 4096

// mostSample events tell quantiles to 7e-4, the standard error of a median's rank; more would take longer to fit.
const mostSample = 1 << 19

// newBudget leaves half of the memory of a stream to blocks on their way, and to garbage.
func newBudget(c *card.Card) budget {
	columns, m := float64(len(c.Used())), float64(c.AllowedMemory())
	raw, prepared := 8*columns+20, 4*columns+16 // bytes an event, with its digest or its place and log-determinant
	return budget{
		all:    max(int64(m/4), 1),
		block:  int(min(max(m/32/(3*raw), 256), mostBlock)),
		held:   int(max(m/16/(raw+prepared), 1)),
		sample: int(min(max(m/3/(2.5*raw), 1000), mostSample)),
		window: int(min(m*3/8/prepared, math.MaxInt32/2)), prepared: prepared,
	}
}

// narrow makes windows of as many events as there is room for when each takes so many bytes more.
func (b *budget) narrow(more int64) {
	b.window = int(float64(b.window) * b.prepared / (b.prepared + float64(more)))
}

// readAgain refuses files that can be read only once.
func readAgain(c *card.Card) error {
	for _, path := range c.Paths() {
		if at, err := os.Stat(path); err == nil && !at.Mode().IsRegular() {
			return fmt.Errorf("%s can be read only once, and holds more events than fit into %s: write them to a file, or allow more memory (--memory)", path, c.AllowedMemory())
		}
	}
	return nil
}

// check refuses what cannot be a stream.
func (b budget) check(c *card.Card, batch int) error {
	if err := readAgain(c); err != nil {
		return err
	}
	memory := c.AllowedMemory()
	if b.window/2 < batch {
		return fmt.Errorf("memory: %s leaves room for %d events at a time, fewer than a batch of %d; allow more (--memory, in a card memory)", memory, b.window/2, batch)
	}
	return nil
}

func (d *Data) streamNotice(b budget) string {
	memory, train := d.card.AllowedMemory(), d.survey.Train
	text := fmt.Sprintf("%d events are more than fit into %s (--memory): %d train, %d at a time; %d validate, %d test",
		d.Total, memory, train, d.windows.Window(), len(d.Rows.Valid), len(d.Rows.Test))
	if d.windows.Window() == train {
		text = fmt.Sprintf("%d events are prepared as they are read, to fit into %s (--memory): %d train, %d validate, %d test",
			d.Total, memory, train, len(d.Rows.Valid), len(d.Rows.Test))
	}
	if b.sample < train {
		text += fmt.Sprintf("; the preparation is fitted on %d", b.sample)
	}
	return text
}

func upTo(n int) []int32 {
	x := make([]int32, n)
	for i := range x {
		x[i] = int32(i)
	}
	return x
}

func columns(n, events int) [][]float32 {
	x := make([][]float32, n)
	for i := range x {
		x[i] = make([]float32, events)
	}
	return x
}
