package live

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"time"

	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/internal/atomicfile"
	"github.com/sluice-hep/sluice/model"
	"github.com/sluice-hep/sluice/report"
)

// Pictures are what a model drew while it was trained, beside the events that are held out.
type Pictures struct {
	Events  int       `json:"events"` // in either sample
	After   float64   `json:"after"`  // seconds of the training
	Columns []Picture `json:"columns"`
}

// Picture is that of a column.
type Picture struct {
	Column string `json:"column"`
	SVG    string `json:"svg"`
}

// Sample says what the events of a model are held against.
type Sample struct {
	Held    *events.Table
	Name    string                                     // of these
	Labels  map[string]string                          // of columns
	Columns []string                                   // to draw
	Given   bool                                       // the model has a context: that of the held events
	Finish  func(*events.Table) (*events.Table, error) // makes columns of drawn events that the model does not have itself; nil for none
	Seed    uint64
}

// drawing is when a picture was drawn, and what it took.
type drawing struct {
	ended  time.Time
	took   time.Duration
	events int
}

const (
	share       = 50                     // the training waits for pictures one part in so many of its time, or less
	firstEvents = 500                    // in the first pictures; then more,
	mostEvents  = 5000                   // up to these,
	atOnce      = 300 * time.Millisecond // while they take no longer
	mostColumns = 24                     // that are drawn
	untilLooked = 6 * time.Second        // after which somebody who did not look again is gone
)

// Look draws pictures of the model on its way, when somebody looks at the page, and so seldom that the training waits for one part in 50 of its time at most.
func (l *Log) Look(s Sample) func(see func(do func(m *model.Model))) {
	if s.Held.Len() == 0 {
		return nil
	}
	return func(see func(do func(m *model.Model))) {
		if !l.due() {
			return
		}
		began := time.Now()
		n := min(max(l.drawing.events, firstEvents), mostEvents, s.Held.Len())
		var found *Pictures
		see(func(m *model.Model) { found, _ = s.draw(m, n) }) // a model at its beginning may draw what no picture shows
		if found != nil {
			found.After = time.Since(l.began).Seconds()
			if text, err := json.Marshal(found); err == nil {
				_ = atomicfile.WriteFile(filepath.Join(l.folder, pictureFile), text)
			}
		}
		l.drawing = l.drawing.next(n, time.Since(began))
	}
}

// next sets the number of events by what they took.
func (d drawing) next(n int, took time.Duration) drawing {
	switch {
	case took < atOnce/2:
		n *= 2
	case took > atOnce:
		n /= 2
	}
	return drawing{ended: time.Now(), took: took, events: n}
}

// due says whether somebody looks, and whether the training waited little enough so far.
func (l *Log) due() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return !l.broken && l.file != nil && time.Since(l.began) > time.Second && time.Since(l.drawing.ended) > max(share*l.drawing.took, time.Second) && l.looked()
}

// looked says whether somebody looks: then the time of a file changes. Whose clock that is does not matter.
func (l *Log) looked() bool {
	if time.Since(l.asked) > time.Second {
		l.asked = time.Now()
		if at, err := os.Stat(filepath.Join(l.folder, watchedFile)); err == nil && !at.ModTime().Equal(l.watched) {
			l.watched, l.seen = at.ModTime(), l.asked
		}
	}
	return time.Since(l.seen) < untilLooked
}

// draw draws n events, and pictures of them over as many of those held out, evenly taken.
func (s Sample) draw(m *model.Model, n int) (*Pictures, error) {
	rows := make([]int32, n)
	for i := range rows {
		rows[i] = int32(i * s.Held.Len() / n)
	}
	held := s.Held.Take(rows)
	var given *events.Table
	if s.Given {
		given = held
	}
	drawn, _, err := m.SampleWithin(n, given, s.Seed, 0, math.Inf(1))
	if err != nil {
		return nil, err
	}
	p := report.Pair{ReferenceName: s.Name, GeneratedName: "Generated", Labels: s.Labels}
	for _, side := range []struct {
		to   **events.Table
		from *events.Table
	}{{&p.Reference, held}, {&p.Generated, drawn}} {
		if s.Finish != nil {
			if side.from, err = s.Finish(side.from); err != nil {
				return nil, err
			}
		}
		*side.to = m.Codes(side.from)
	}
	found := &Pictures{Events: n}
	for _, column := range s.Columns[:min(len(s.Columns), mostColumns)] {
		picture, err := p.Picture(column)
		if err != nil {
			return nil, err
		}
		found.Columns = append(found.Columns, Picture{column, string(picture.SVG())})
	}
	return found, nil
}
