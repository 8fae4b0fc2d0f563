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

// SampleFile draws events into a file, a block at a time.
func SampleFile(ctx context.Context, m *model.Model, path string, d Draw, o Options) (*Drawn, error) {
	began := time.Now()
	first, last := d.Shard.of(d.Events)
	if first == last {
		return nil, input(fmt.Errorf("%d events in %d shards leave none for shard %d; ask for more (-n)", d.Events, max(d.Shard.N, 1), max(d.Shard.I, 1)))
	}
	given, err := d.Given.open(m)
	if err != nil {
		return nil, input(err)
	}
	defer given.close()
	out, err := events.Create(path)
	if err != nil {
		return nil, input(err)
	}
	defer out.Abort()
	if err := given.skip(first); err != nil {
		return nil, input(err)
	}
	ranges := newRangeWatch(m.Context)
	for at := first; at < last; {
		if err := ctx.Err(); err != nil {
			return nil, fmt.Errorf("interrupted after %d of %d events: %w", at-first, last-first, err)
		}
		n := int(min(last-at, chunk))
		context, err := given.next(n)
		if err != nil {
			return nil, input(err)
		}
		if context != nil {
			if _, err := ranges.watch(context); err != nil {
				return nil, input(err)
			}
		}
		t, err := m.Sample(n, context, d.Seed, at)
		if err != nil {
			return nil, err
		}
		if err := out.Write(t); err != nil {
			return nil, err
		}
		at += uint64(n)
	}
	if err := out.Close(); err != nil {
		return nil, err
	}
	ranges.warn(o)
	r := &Drawn{File: path, Events: last - first, Seconds: time.Since(began).Seconds()}
	r.EventsPerSecond = float64(r.Events) / r.Seconds
	return r, nil
}
