package feed

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"hash"
	"io"
	"math"
	"slices"
	"strings"

	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/internal/await"
	"github.com/sluice-hep/sluice/prep"
)

// Config says what a survey looks at.
type Config struct {
	Columns     []string // features and context
	Weight      string   // the column of event weights; "" where all are 1
	Valid, Test float64  // fractions of events set aside, exact to half an event; negative for none
	Seed        uint64
	// Most is how many bytes the values of all events may take in memory. Of more than that, Held bounds how many validation
	// events, and how many test events, are held, 0 for no bound; further ones train. Sample bounds how many training events
	// the preparation is fitted on.
	Most         int64
	Held, Sample int
}

// Numbered are events with their numbers, for the noise of their preparation.
type Numbered struct {
	*events.Table
	Number []uint64
}

// Survey is what a first pass over the events finds.
type Survey struct {
	Events      int       // in all
	Train       int       // events that train, those that Valid and Test do not hold
	Weights     WeightSum // of these
	Valid, Test Numbered  // of the same types, in an order that does not depend on that of the files
	// All are all events, those that test, those that train, and those that validate, where there is room for them.
	All Numbered
	// Sample are training events to fit the preparation on: all, or as many as Config.Sample at random, and a few, of
	// accordingly small weights, that show the range and the rare values of each column. Moments are those of all
	// training events by column; nil where the sample is all.
	Sample  *events.Table
	Moments prep.Moments
	ID      string // of the events and their weights, in their order

	digest   digest
	border   border
	sections []section
	seed     uint64
}

// section is a run of events that can be read apart from the others.
type section struct {
	mark   events.Mark
	events int
	train  int // training events among them
}

// surveyor is a survey under way. It holds all events, as long as there is room. Of more, which events test and validate is known at the end, when all are counted: until then it
// keeps as many as there is room for, and those that it drops train.
type surveyor struct {
	cfg       Config
	s         *Survey
	all       *batch   // nil where they are too many
	names     []string // columns, and the weight as the last
	valid     *keeper
	test      *keeper
	sample    *keeper
	witnesses []*witness
	id        hash.Hash
	bytes     []byte
	texts     map[string]string // of columns of names, each once
}

// Take reads all events of src once. There may be none. It ends with ctx, if src does.
func Take(ctx context.Context, src Source, cfg Config) (*Survey, error) {
	t := newSurveyor(cfg)
	for {
		mark, ok := src.Mark()
		b, err := src.Next()
		if err == io.EOF {
			return await.Do(ctx, "the last of the events", t.close)
		}
		if err != nil {
			return nil, err
		}
		if ok || len(t.s.sections) == 0 {
			t.s.sections = append(t.s.sections, section{mark: mark})
		}
		if err := t.add(b); err != nil {
			return nil, err
		}
	}
}

func newSurveyor(cfg Config) *surveyor {
	t := &surveyor{cfg: cfg, all: &batch{}, id: sha256.New(), names: cfg.Columns}
	if cfg.Weight != "" {
		t.names = append(t.names[:len(t.names):len(t.names)], cfg.Weight)
	}
	t.s = &Survey{seed: cfg.Seed, digest: newDigest(cfg.Columns, cfg.Seed)}
	room := func(fraction float64) int {
		if fraction <= 0 {
			return 0
		}
		return cfg.room()
	}
	t.test, t.valid, t.sample = newKeeper(room(cfg.Test), 0), newKeeper(room(cfg.Valid), math.MaxUint64), newKeeper(cfg.Sample, 0)
	for j := range cfg.Columns {
		t.witnesses = append(t.witnesses, newWitness(j))
	}
	return t
}

func (t *surveyor) add(block Block) error {
	digests, err := t.s.digest.of(block)
	if err != nil {
		return err
	}
	columns, err := named(block.Table, t.names)
	if err != nil {
		return err
	}
	for j := range columns {
		columns[j].Str = t.shared(columns[j].Str)
	}
	at := len(t.s.sections) - 1
	t.s.sections[at].events += block.Len()
	t.s.Events += block.Len()
	b := batch{columns, digests, slices.Repeat([]int32{int32(at)}, block.Len())}
	t.identify(b)
	if t.all == nil {
		return t.divide(b)
	}
	if err := t.all.append(b); err != nil {
		return err
	}
	if table := (events.Table{Columns: t.all.columns}); table.Bytes() <= t.cfg.Most {
		return nil
	}
	b, t.all = *t.all, nil
	return t.divide(b)
}

// shared are texts that do not hold on to the block of a file that they are part of: of a column of names there are few.
func (t *surveyor) shared(block []string) []string {
	if block == nil {
		return nil
	}
	if len(t.texts) > mostLevels { // it is no column of names
		t.texts = nil
	}
	if t.texts == nil {
		t.texts = map[string]string{}
	}
	own := make([]string, len(block))
	for i, text := range block {
		one, ok := t.texts[text]
		if !ok {
			one = strings.Clone(text)
			t.texts[one] = one
		}
		own[i] = one
	}
	return own
}

// divide keeps of events what there is room for.
func (t *surveyor) divide(b batch) error {
	if err := t.train(b.take(b.where(func(d uint64) bool { return !t.test.takes(d) && !t.valid.takes(d) }))); err != nil {
		return err
	}
	if err := t.offer(t.test, b, t.valid); err != nil {
		return err
	}
	return t.offer(t.valid, b, t.test)
}

// offer gives events to a keeper. Those for which there is no room any more, with it and the other, train.
func (t *surveyor) offer(k *keeper, b batch, other *keeper) error {
	dropped, err := k.add(b)
	if err != nil {
		return err
	}
	return t.release(dropped, other)
}

func (t *surveyor) release(dropped batch, other *keeper) error {
	return t.train(dropped.take(dropped.where(func(d uint64) bool { return !other.takes(d) })))
}

// identify adds events to the identity of all: their digests, of which weights are no part.
func (t *surveyor) identify(b batch) {
	t.bytes = t.bytes[:0]
	for i, d := range b.digests {
		t.bytes = binary.LittleEndian.AppendUint64(t.bytes, d)
		if t.cfg.Weight != "" {
			t.bytes = binary.LittleEndian.AppendUint64(t.bytes, math.Float64bits(b.columns[len(b.columns)-1].Float(i)))
		}
	}
	t.id.Write(t.bytes) // a hash takes everything
}

// train follows training events.
func (t *surveyor) train(b batch) error {
	if b.len() == 0 {
		return nil
	}
	w := t.weights(b)
	for _, s := range t.witnesses {
		if err := s.add(b, w); err != nil {
			return err
		}
	}
	_, err := t.sample.add(b)
	return err
}

// weights counts the weights of events. It returns them in the unit of the sum, in which the moments are taken too.
func (t *surveyor) weights(b batch) []float64 {
	sum := &t.s.Weights
	if t.cfg.Weight == "" {
		for range b.len() {
			sum.Add(1)
		}
		return nil
	}
	was, c := sum.unit, &b.columns[len(b.columns)-1]
	w := make([]float64, b.len())
	for i := range w {
		w[i] = c.Float(i)
		sum.Add(w[i])
	}
	for i := range w {
		w[i] = math.Ldexp(w[i], -sum.unit)
	}
	for _, s := range t.witnesses {
		s.rescale(was - sum.unit)
	}
	return w
}

func (t *surveyor) close() (*Survey, error) {
	s := t.s
	s.ID = hex.EncodeToString(t.id.Sum(nil))
	if t.all != nil {
		t.whole()
		return s, nil
	}
	test, valid := t.cfg.held(s.Events)
	if err := t.release(t.test.shrink(test), t.valid); err != nil {
		return nil, err
	}
	if err := t.release(t.valid.shrink(valid), t.test); err != nil {
		return nil, err
	}
	s.border = border{t.test.to, t.valid.to}
	for i := range s.sections {
		s.sections[i].train = s.sections[i].events
	}
	for _, at := range slices.Concat(t.valid.section, t.test.section) {
		s.sections[at].train--
	}
	s.Train = s.Events - t.valid.len() - t.test.len()
	s.Valid, s.Test = t.valid.table(t.cfg.Weight), t.test.table(t.cfg.Weight)
	t.sample.shrink(t.cfg.Sample)
	return s, t.fitted()
}

// whole divides all events, in the order of their digests.
func (t *surveyor) whole() {
	s := t.s
	s.All = t.all.table(t.cfg.Weight)
	t.all = nil
	s.border = borders(s.All.Number, t.cfg)
	first, _ := slices.BinarySearch(s.All.Number, s.border.test)
	last := first
	for last < s.Events && !s.border.validates(s.All.Number[last]) {
		last++
	}
	s.Test, s.Valid = s.All.slice(0, first), s.All.slice(last, s.Events)
	s.Sample, s.Train = s.All.Slice(first, last), last-first
	for i := range s.Train {
		w := 1.0
		if t.cfg.Weight != "" {
			w = s.Sample.Columns[len(s.Sample.Columns)-1].Float(i)
		}
		s.Weights.Add(w)
	}
}

// Whole reports whether all events are in memory: Sample are those that train.
func (s *Survey) Whole() bool { return s.All.Table != nil }

func (n Numbered) slice(i, j int) Numbered { return Numbered{n.Slice(i, j), n.Number[i:j]} }

// fitted makes the sample for the preparation.
func (t *surveyor) fitted() error {
	kept := t.sample.table(t.cfg.Weight)
	t.s.Sample = kept.Table
	if t.sample.len() == t.s.Train { // nothing was left out
		return nil
	}
	t.s.Moments = prep.Moments{}
	all := batch{columns: kept.Columns}
	for j, s := range t.witnesses {
		t.s.Moments[t.cfg.Columns[j]] = prep.MeanStd{From: s.from, Mean: s.mean, Std: s.std()}
		for _, b := range []batch{s.fractional, s.others, s.least, s.most} {
			if err := all.append(b); err != nil {
				return err
			}
		}
	}
	t.s.Sample.Columns = all.columns
	// One that is shown stands for itself among all events, an event of the sample for many.
	t.weigh(t.s.Sample, t.sample.len(), float64(t.sample.len())/float64(t.s.Train))
	return nil
}

// weigh multiplies the weights of the events of a table from i on by a factor.
func (t *surveyor) weigh(table *events.Table, i int, factor float64) {
	w := make([]float64, table.Len())
	for j := range w {
		if w[j] = 1; j >= i {
			w[j] = factor
		}
	}
	if last := len(table.Columns) - 1; t.cfg.Weight != "" {
		for j := range w {
			w[j] *= table.Columns[last].Float(j)
		}
		table.Columns = table.Columns[:last]
	} else {
		table.Weight = unused(t.cfg.Columns)
	}
	table.Columns = append(table.Columns, events.Column{Name: table.Weight, Type: events.Float64, F64: w})
}

// unused is a name that no column has.
func unused(names []string) string {
	name := "weight"
	for slices.Contains(names, name) {
		name += "'"
	}
	return name
}
