package feed

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"math"
	"slices"

	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/prep"
)

// Config says what a survey looks at.
type Config struct {
	Columns     []string // features and context
	Weight      string   // the column of event weights; "" where all are 1
	Valid, Test float64  // fractions of events set aside; negative for none
	Seed        uint64
	// Held bounds how many validation events, and how many test events, are held; further ones train. Sample
	// bounds how many training events the preparation is fitted on.
	Held, Sample int
}

// Survey is what a first pass over the events finds.
type Survey struct {
	Events      int           // in all
	Train       int           // events that train, those that Valid and Test do not hold
	Weights     WeightSum     // of these
	Valid, Test *events.Table // of the same types, in an order that does not depend on that of the files
	// Sample are training events to fit the preparation on: all, or as many as Config.Sample at random, and a few with
	// accordingly small weights that show the range and the rare values of each column. Moments are those of all
	// training events by column; nil where the sample is all.
	Sample  *events.Table
	Moments prep.Moments
	ID      string // of the events, in their order

	digest   digest
	held     [2]struct{ from, to uint64 } // digests of the validation and the test events
	sections []section
	seed     uint64
}

// section is a run of events that can be read apart from the others.
type section struct {
	mark   events.Mark
	events int
	train  int    // training events among them
	first  uint64 // number of the first of these
}

// WeightSum adds up weights.
type WeightSum struct {
	Events, Negative float64
	Below, Absolute  float64 // sums of |w|: of the negative weights, of all
}

// Add counts k events of weight w.
func (s *WeightSum) Add(w, k float64) {
	s.Events += k
	if w < 0 {
		s.Negative += k
		s.Below -= w * k
		w = -w
	}
	s.Absolute += w * k
}

// Sum is that of all weights, with their signs.
func (s *WeightSum) Sum() float64 { return s.Absolute - 2*s.Below }

// surveyor is a survey under way.
type surveyor struct {
	cfg       Config
	s         *Survey
	names     []string // columns and weight
	valid     *keeper
	test      *keeper
	sample    *keeper
	witnesses []*witness
	shown     [][]float64 // events that witnesses name
	trained   float64     // events that the sample is of
	id        hash.Hash
	x, w      []float64
	bytes     []byte
}

// Take reads all events of src once.
func Take(ctx context.Context, src Source, cfg Config) (*Survey, error) {
	t := newSurveyor(cfg)
	for {
		if err := ctx.Err(); err != nil {
			return nil, fmt.Errorf("feed: stopped after %d events: %w", t.s.Events, err)
		}
		mark, ok := src.Mark()
		b, err := src.Next()
		if err == io.EOF {
			break
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
	return t.close()
}

func newSurveyor(cfg Config) *surveyor {
	t := &surveyor{cfg: cfg, id: sha256.New(), names: cfg.Columns}
	if cfg.Weight != "" {
		t.names = append(t.names[:len(t.names):len(t.names)], cfg.Weight)
	}
	t.s = &Survey{seed: cfg.Seed, digest: digest{columns: cfg.Columns, seed: mix(cfg.Seed)}}
	test := part(cfg.Test)
	valid := min(part(cfg.Test+max(cfg.Valid, 0)), math.MaxUint64)
	t.test = newKeeper(t.names, 0, test, cfg.Held)
	t.valid = newKeeper(t.names, test, max(valid, test), cfg.Held)
	t.sample = newKeeper(t.names, t.valid.to, math.MaxUint64, cfg.Sample)
	for range cfg.Columns {
		t.witnesses = append(t.witnesses, newWitness())
	}
	return t
}

// part is where the digests of a fraction of all events end.
func part(fraction float64) uint64 {
	switch {
	case fraction <= 0:
		return 0
	case fraction >= 1:
		return math.MaxUint64
	}
	return uint64(math.Ldexp(fraction, 64))
}

func (t *surveyor) add(b Block) error {
	digests, err := t.s.digest.of(b)
	if err != nil {
		return err
	}
	at := len(t.s.sections) - 1
	t.s.sections[at].events += b.Len()
	t.s.Events += b.Len()
	t.bytes = t.bytes[:0]
	for _, d := range digests {
		t.bytes = binary.LittleEndian.AppendUint64(t.bytes, d)
	}
	t.id.Write(t.bytes) // a hash takes everything
	for _, k := range []*keeper{t.test, t.valid, t.sample} {
		if err := k.add(b, digests, at); err != nil {
			return err
		}
	}
	return t.look(b, digests)
}

// look follows the training events.
func (t *surveyor) look(b Block, digests []uint64) error {
	w, err := t.weights(b)
	if err != nil {
		return err
	}
	for i := range digests {
		t.s.Weights.Add(weight(w, i), 1)
	}
	var rows []int32
	for i, d := range digests {
		if d >= t.sample.from {
			rows = append(rows, int32(i))
		}
	}
	t.trained += float64(len(rows))
	training := b.Take(rows)
	if w, err = t.weights(Block{Table: training}); err != nil {
		return err
	}
	named := map[int]bool{}
	for j, name := range t.cfg.Columns {
		c, err := training.Column(name)
		if err != nil {
			return err
		}
		if t.x, err = c.Floats(t.x[:0]); err != nil {
			return err
		}
		t.witnesses[j].add(t.x, w, func(i int) { named[i] = true })
	}
	for i := range rows { // in their order
		if !named[i] {
			continue
		}
		values, err := row(training, t.names, i)
		if err != nil {
			return err
		}
		t.shown = append(t.shown, values)
	}
	return nil
}

// weights of the events of b, with their signs; nil where all are 1.
func (t *surveyor) weights(b Block) ([]float64, error) {
	if t.cfg.Weight == "" {
		return nil, nil
	}
	c, err := b.Column(t.cfg.Weight)
	if err != nil {
		return nil, err
	}
	t.w, err = c.Floats(t.w[:0])
	return t.w, err
}

func (t *surveyor) close() (*Survey, error) {
	s := t.s
	if s.Events == 0 {
		return nil, errors.New("there are no events")
	}
	s.ID = hex.EncodeToString(t.id.Sum(nil))
	for i := range s.sections {
		s.sections[i].train = s.sections[i].events
	}
	for i, k := range []*keeper{t.valid, t.test} {
		k.shrink()
		s.held[i].from, s.held[i].to = k.from, k.to
		for e, at := range k.section {
			s.sections[at].train--
			w := 1.0
			if t.cfg.Weight != "" {
				w = k.columns[len(k.columns)-1].values[e]
			}
			s.Weights.Add(w, -1)
		}
	}
	s.Valid, s.Test = t.valid.table(t.cfg.Weight), t.test.table(t.cfg.Weight)
	for i := range s.sections {
		s.sections[i].first = uint64(s.Train)
		s.Train += s.sections[i].train
	}
	t.fitted()
	return s, nil
}

// fitted makes the sample for the preparation.
func (t *surveyor) fitted() {
	t.sample.shrink()
	if t.sample.to == math.MaxUint64 { // nothing was left out
		t.s.Sample = t.sample.table(t.cfg.Weight)
		return
	}
	t.s.Sample = t.sample.table("", t.shown...)
	// One that is shown stands for itself among all events, an event of the sample for many.
	t.weigh(t.s.Sample, t.sample.len(), float64(t.sample.len())/t.trained)
	t.s.Moments = prep.Moments{}
	for j, name := range t.cfg.Columns {
		t.s.Moments[name] = prep.MeanStd{Mean: t.witnesses[j].mean, Std: t.witnesses[j].std()}
	}
}

// weigh multiplies the weights of the events of a table from i on by a factor.
func (t *surveyor) weigh(table *events.Table, i int, factor float64) {
	w := make([]float64, table.Len())
	for j := range w {
		if w[j] = 1; j >= i {
			w[j] = factor
		}
	}
	table.Weight = t.cfg.Weight
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

// trains reports whether an event trains.
func (s *Survey) trains(digest uint64) bool {
	for _, h := range s.held {
		if digest >= h.from && digest < h.to {
			return false
		}
	}
	return true
}
