package feed

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
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
	// Most is how many bytes all events may take in memory. Of more than that, Held bounds how many validation
	// events, and how many test events, are held (further ones train), and Sample how many training events the preparation
	// is fitted on.
	Most         int64
	Held, Sample int
}

// Survey is what a first pass over the events finds.
type Survey struct {
	Events      int           // in all
	Train       int           // events that train, those that Valid and Test do not hold
	Weights     WeightSum     // of these
	Valid, Test *events.Table // of the same types, in an order that does not depend on that of the files
	// Sample are training events to fit the preparation on: all, or as many as Config.Sample at random, and a few, of
	// accordingly small weights, that show the range and the rare values of each column. Moments are those of all
	// training events by column; nil where the sample is all.
	Sample  *events.Table
	Moments prep.Moments
	ID      string // of the events and their weights, in their order

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

// surveyor is a survey under way. Values of events lie in columns in the order of names.
type surveyor struct {
	cfg       Config
	s         *Survey
	names     []string // columns, and the weight as the last
	valid     *keeper
	test      *keeper
	sample    *keeper
	witnesses []*witness
	id        hash.Hash
	x         [][]float64
	buf       []byte
	bytes     int64 // of all events
}

// Take reads all events of src once. There may be none.
func Take(src Source, cfg Config) (*Survey, error) {
	t := newSurveyor(cfg)
	for {
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
	return t.close(), nil
}

func newSurveyor(cfg Config) *surveyor {
	t := &surveyor{cfg: cfg, id: sha256.New(), names: cfg.Columns}
	if cfg.Weight != "" {
		t.names = append(t.names[:len(t.names):len(t.names)], cfg.Weight)
	}
	t.x = make([][]float64, len(t.names))
	t.s = &Survey{seed: cfg.Seed, digest: digest{columns: cfg.Columns, seed: mix(cfg.Seed)}}
	test := part(cfg.Test)
	valid := part(max(cfg.Test, 0) + max(cfg.Valid, 0))
	t.test = newKeeper(t.names, 0, test, math.MaxInt)
	t.valid = newKeeper(t.names, test, valid, math.MaxInt)
	t.sample = newKeeper(t.names, valid, math.MaxUint64, math.MaxInt)
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
	columns, err := named(b.Table, t.names)
	if err != nil {
		return err
	}
	at := len(t.s.sections) - 1
	t.s.sections[at].events += b.Len()
	t.s.Events += b.Len()
	if t.bytes += b.Bytes(); t.bytes > t.cfg.Most {
		t.test.limit, t.valid.limit, t.sample.limit = t.cfg.Held, t.cfg.Held, t.cfg.Sample
	}
	t.identify(columns, digests)
	for j, c := range columns {
		t.x[j] = t.x[j][:0]
		for i, d := range digests {
			if !t.test.takes(d) && !t.valid.takes(d) {
				t.x[j] = append(t.x[j], c.Float(i))
			}
		}
	}
	t.look(t.x)
	t.sample.add(columns, digests, at)
	t.look(t.test.add(columns, digests, at)) // those for which there is no room train
	t.look(t.valid.add(columns, digests, at))
	return nil
}

// identify adds events to the identity of all: their digests, of which weights are no part.
func (t *surveyor) identify(columns []*events.Column, digests []uint64) {
	t.buf = t.buf[:0]
	for i, d := range digests {
		t.buf = binary.LittleEndian.AppendUint64(t.buf, d)
		if t.cfg.Weight != "" {
			t.buf = binary.LittleEndian.AppendUint64(t.buf, math.Float64bits(columns[len(columns)-1].Float(i)))
		}
	}
	t.id.Write(t.buf) // a hash takes everything
}

// look follows training events.
func (t *surveyor) look(x [][]float64) {
	if len(x) == 0 {
		return
	}
	var w []float64
	if t.cfg.Weight != "" {
		w = x[len(x)-1]
	}
	for i := range x[0] {
		t.s.Weights.Add(weight(w, i))
	}
	for j, s := range t.witnesses {
		s.add(x[j], w, func(i int) []float64 {
			event := make([]float64, len(x))
			for k := range x {
				event[k] = x[k][i]
			}
			return event
		})
	}
}

func (t *surveyor) close() *Survey {
	s := t.s
	s.ID = hex.EncodeToString(t.id.Sum(nil))
	for i := range s.sections {
		s.sections[i].train = s.sections[i].events
	}
	for i, k := range []*keeper{t.valid, t.test} {
		t.look(k.shrink())
		s.held[i].from, s.held[i].to = k.from, k.to
		for _, at := range k.section {
			s.sections[at].train--
		}
	}
	s.Valid, s.Test = t.valid.table(t.cfg.Weight, nil), t.test.table(t.cfg.Weight, nil)
	for i := range s.sections {
		s.sections[i].first = uint64(s.Train)
		s.Train += s.sections[i].train
	}
	t.sample.shrink()
	t.fitted()
	return s
}

// fitted makes the sample for the preparation.
func (t *surveyor) fitted() {
	if t.sample.len() == t.s.Train { // nothing was left out
		t.s.Sample = t.sample.table(t.cfg.Weight, nil)
		return
	}
	t.s.Moments = prep.Moments{}
	var shown []float64
	for j, s := range t.witnesses {
		t.s.Moments[t.cfg.Columns[j]] = prep.MeanStd{Mean: s.mean, Std: s.std()}
		shown = append(shown, s.events()...)
	}
	t.s.Sample = t.sample.table("", shown)
	// One that is shown stands for itself among all events, an event of the sample for many.
	t.weigh(t.s.Sample, t.sample.len(), float64(t.sample.len())/float64(t.s.Train))
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

// Whole reports whether all events are in memory: Sample holds all that train.
func (s *Survey) Whole() bool { return s.Moments == nil }

// trains reports whether an event trains.
func (s *Survey) trains(digest uint64) bool {
	for _, h := range s.held {
		if digest >= h.from && digest < h.to {
			return false
		}
	}
	return true
}
