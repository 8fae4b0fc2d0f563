package sluice

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/model"
)

// Draw says which events of the endless sample of a model are drawn.
type Draw struct {
	Events uint64
	Seed   uint64
	Given  Given
	Shard  Shard // a part of the events; the zero value is all
}

// Shard is part I of N, from 1 to N, of a sample. All parts together are the sample, event by event.
type Shard struct{ I, N uint64 }

// ParseShard reads "2/8".
func ParseShard(s string) (Shard, error) {
	i, n, ok := strings.Cut(s, "/")
	a, errA := strconv.ParseUint(i, 10, 32)
	b, errB := strconv.ParseUint(n, 10, 32)
	if !ok || errA != nil || errB != nil || a < 1 || a > b {
		return Shard{}, input(fmt.Errorf("shard %q is not I/N with I from 1 to N, as in 1/4 to 4/4", s))
	}
	return Shard{a, b}, nil
}

// of is the range [first, last) of n events that belongs to the shard.
func (s Shard) of(n uint64) (first, last uint64) {
	if s.N == 0 {
		return 0, n
	}
	// n*i/N without overflow
	at := func(i uint64) uint64 { return n/s.N*i + n%s.N*i/s.N }
	return at(s.I - 1), at(s.I)
}

// Drawn is the record of a sample.
type Drawn struct {
	File            string  `json:"file"`
	Events          uint64  `json:"events"`
	Seconds         float64 `json:"seconds"`
	EventsPerSecond float64 `json:"events_per_second"`
}

// SampleFile draws events into a file, a block at a time. Where Options.State names a journal (JournalPath), a killed
// run can go on; the result is the same.
func SampleFile(ctx context.Context, m *model.Model, path string, d Draw, o Options) (_ *Drawn, err error) {
	began := time.Now()
	first, last := d.Shard.of(d.Events)
	if first == last {
		return nil, input(fmt.Errorf("%d events in %d shards leave none for shard %d; ask for more (-n)", d.Events, max(d.Shard.N, 1), max(d.Shard.I, 1)))
	}
	if err := distinct(path, d.Given.File); err != nil {
		return nil, err
	}
	s := &sampling{m: m, seed: d.Seed, ranges: newRangeWatch(m.Context)}
	if s.given, err = d.Given.open(m); err != nil {
		return nil, input(err)
	}
	defer s.given.close()
	run, err := d.facts(m, o)
	if err != nil {
		return nil, err
	}
	out, done, err := createOutput(ctx, path, run, s.ranges, o)
	if err != nil {
		return nil, err
	}
	defer func() { out.abandon(err) }()
	at := first + done
	if err := s.given.skip(at); err != nil {
		return nil, input(err)
	}
	for at < last {
		if err := ctx.Err(); err != nil {
			return nil, fmt.Errorf("interrupted after %d of %d events: %w", at-first, last-first, err)
		}
		t, err := s.block(int(min(last-at, chunk)), at)
		if err != nil {
			return nil, err
		}
		if err := out.write(t, s.ranges); err != nil {
			return nil, err
		}
		at += uint64(t.Len())
	}
	if err := out.close(); err != nil {
		return nil, err
	}
	s.ranges.warn(o)
	r := &Drawn{File: path, Events: last - first, Seconds: time.Since(began).Seconds()}
	r.EventsPerSecond = float64(r.Events-done) / r.Seconds
	return r, nil
}

// sampling is a sample under way.
type sampling struct {
	m      *model.Model
	seed   uint64
	given  *givenReader
	ranges *rangeWatch
}

// block draws n events from number at on.
func (s *sampling) block(n int, at uint64) (*events.Table, error) {
	context, err := s.given.next(n)
	if err != nil {
		return nil, input(err)
	}
	if context != nil {
		if _, err := s.ranges.watch(context); err != nil {
			return nil, input(err)
		}
	}
	return s.m.Sample(n, context, s.seed, at)
}
