package sluice

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"slices"

	"github.com/sluice-hep/sluice/card"
	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/feed"
)

// Load reads the events of a card and prepares them for a training. Events that fit are all read into memory; of more
// than that, those held out are, and the others come as a stream, anew in each epoch. Errors are InputErrors.
func Load(ctx context.Context, c *card.Card, o Options) (*Prepared, error) {
	o.stage("read")
	memory := c.Memory
	if memory == 0 {
		memory = card.DefaultMemory
	}
	t, notices, err := read(c, max(int64(memory)/4, 1)) // the table, its training events, what is prepared, and garbage
	var large *events.TooLarge
	if errors.As(err, &large) {
		for _, path := range c.Paths() {
			if at, err := os.Stat(path); err == nil && !at.Mode().IsRegular() {
				return nil, input(fmt.Errorf("%s can be read only once, and holds more events than fit into %s: write them to a file, or allow more memory (--memory)", path, memory))
			}
		}
		o.stage("survey")
		p, err := loadStream(ctx, c, memory)
		return p, input(err)
	}
	if err != nil {
		return nil, input(err)
	}
	o.stage("prepare")
	p, err := Prepare(c, t)
	if err == nil {
		p.Notices = append(notices, p.Notices...)
	}
	return p, err
}

// budget shares out the memory of a stream. Half of it is left to blocks on their way, and to garbage.
type budget struct {
	block  int // events read at a time
	held   int // validation events, and test events
	sample int // events that the preparation is fitted on, before there are windows
	window int // events in all windows
}

// mostBlock events are read before the reader lets a waiting worker of the training have its processor.
const mostBlock = 4096

// mostSample events tell quantiles to 7e-4, the standard error of a median's rank; more would take longer to fit.
const mostSample = 1 << 19

func newBudget(memory card.Bytes, c *card.Card) budget {
	columns := float64(len(used(c)))
	m := float64(memory)
	raw, prepared := 8*columns+20, 4*columns+16 // bytes an event, with its digest or its place and log-determinant
	return budget{
		block:  int(min(max(m/32/(3*raw), 256), mostBlock)),
		held:   int(max(m/16/(raw+prepared), 1)),
		sample: int(min(max(m/3/(2.5*raw), 1000), mostSample)),
		window: int(min(m*3/8/prepared, math.MaxInt32/2)),
	}
}

// loadStream surveys the events of a card and prepares a stream of them.
func loadStream(ctx context.Context, c *card.Card, memory card.Bytes) (*Prepared, error) {
	cfg, b := c.Train.WithDefaults(), newBudget(memory, c)
	src, err := openBlocks(c, b.block, nil)
	if err != nil {
		return nil, err
	}
	defer src.Close()
	s, err := feed.Take(ctx, src, feed.Config{
		Columns: used(c)[:len(features(c))+len(c.Context)], Weight: c.Weight,
		Valid: cfg.Valid, Test: cfg.Test, Seed: c.Seed, Held: b.held, Sample: b.sample,
	})
	if err != nil {
		return nil, err
	}
	if s.Events == 0 {
		return nil, src.nothing()
	}
	if s.Train < cfg.Batch {
		return nil, tooFew(cfg.Batch, s.Events, s.Train, s.Valid.Len(), s.Test.Len())
	}
	if b.window/2 < cfg.Batch {
		return nil, fmt.Errorf("memory: %s leaves room for %d events at a time, fewer than a batch of %d; allow more (--memory, in a card memory)", memory, b.window/2, cfg.Batch)
	}
	p := &Prepared{card: c, Events: s.Test.Table, events: s.Events, survey: s}
	p.Notices = src.notices()
	if err := p.fit(s.Sample, s.Moments); err != nil {
		return nil, err
	}
	s.Sample = nil // large, and not needed any more
	if err := p.hold(min(b.window, s.Train)); err != nil {
		return nil, err
	}
	types := map[string]events.Type{}
	for _, col := range src.Columns() {
		types[col.Name] = col.Type
	}
	p.windows = feed.NewWindows(s, func() (feed.Source, error) { return openBlocks(c, b.block, types) },
		feed.Room{At: p.Events.Len(), Size: min(b.window, s.Train), Place: p.place}, cfg.Epochs)
	p.Rows.Stream = p.windows
	p.Notices = append(p.Notices, p.streamNotice(memory, b.sample))
	return p, p.checkWeights()
}

func (p *Prepared) streamNotice(memory card.Bytes, sample int) string {
	text := fmt.Sprintf("%d events are more than fit into %s (--memory): %d train, %d at a time; %d validate, %d test",
		p.events, memory, p.survey.Train, p.windows.Window(), len(p.Rows.Valid), len(p.Rows.Test))
	if p.windows.Window() == p.survey.Train {
		text = fmt.Sprintf("%d events are prepared as they are read, to fit into %s (--memory): %d train, %d validate, %d test",
			p.events, memory, p.survey.Train, len(p.Rows.Valid), len(p.Rows.Test))
	}
	if sample < p.survey.Train {
		text += fmt.Sprintf("; the preparation is fitted on %d", sample)
	}
	return text
}

// hold makes room for so many training events behind those held out, which it prepares.
func (p *Prepared) hold(room int) error {
	s := p.survey
	tests, valids := s.Test.Len(), s.Valid.Len()
	held := feed.Numbered{Table: concat(s.Test.Table, s.Valid.Table), Number: slices.Concat(s.Test.Number, s.Valid.Number)}
	p.Events, s.Test, s.Valid = held.Table, feed.Numbered{}, feed.Numbered{}
	rows := upTo(tests + valids)
	p.Rows.Test, p.Rows.Valid = rows[:tests], rows[tests:]
	n := tests + valids + room
	p.x, p.context = columns(p.Features.Dim(), n), columns(p.Context.Dim(), n)
	p.logDet = make([]float64, n)
	if p.card.Weight != "" {
		p.weight = make([]float32, n)
		p.weights = s.Weights
	}
	return p.place(held, 0)
}

// place prepares events into the rows from at on.
func (p *Prepared) place(t feed.Numbered, at int) error {
	x, logDet, err := p.Features.Apply(t.Table, t.Number)
	if err != nil {
		return err
	}
	copy(p.logDet[at:], logDet)
	for i := range x {
		copy(p.x[i][at:], x[i])
	}
	if len(p.card.Context) > 0 {
		if x, _, err = p.Context.Apply(t.Table, nil); err != nil {
			return err
		}
		for i := range x {
			copy(p.context[i][at:], x[i])
		}
	}
	if p.weight == nil {
		return nil
	}
	c, err := t.Column(p.card.Weight)
	if err != nil {
		return err
	}
	for i := range t.Len() {
		p.weight[at+i] = p.weights.Relative(c.Float(i))
	}
	return nil
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
