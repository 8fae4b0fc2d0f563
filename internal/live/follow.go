package live

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/sluice-hep/sluice/model"
	"github.com/sluice-hep/sluice/record"
	"github.com/sluice-hep/sluice/train"
)

// Source is what a page follows: the folder of a run, or the file of a model that is trained alone.
type Source struct {
	Out   string // the folder; "" for none
	Model string // the file; "" for none
}

func (s Source) folder() string {
	if s.Out != "" {
		return Folder(s.Out)
	}
	return Beside(s.Model)
}

// Report is the page of a run that has ended; "" for none.
func (s Source) report() string {
	if s.Out == "" {
		return ""
	}
	return filepath.Join(s.Out, "report.html")
}

// Event is what a follower tells: a Line as JSON, or with a name something else: reset says that what was told so far is of another training, overlays
// brings Pictures, report says that the page of a run is there, and gone that the process which trained is not there any more.
type Event struct {
	Name string
	Data []byte
}

const (
	pollEvery  = 250 * time.Millisecond
	touchEvery = 2 * time.Second
)

// follower tells of one source to one listener.
type follower struct {
	Source
	tell func(Event) error

	file     *os.File // the log that is followed; nil while there is none
	at       os.FileInfo
	in       *bufio.Reader
	half     []byte // of a line that is not whole yet
	begun    Line   // its last begin
	over     bool   // it has said how the training ended, or the process is gone
	pictures time.Time
	record   time.Time // of a training that has ended, when it was told
	page     time.Time // of the report, when it was told
	touched  time.Time
}

// Follow tells all that is known of a training so far, and then what comes, until ctx ends; what is there at that time is told before it returns. It ends
// before with the error of tell.
func (s Source) Follow(ctx context.Context, tell func(Event) error) error {
	f := &follower{Source: s, tell: tell}
	defer func() {
		if f.file != nil {
			f.file.Close()
		}
	}()
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		if err := f.poll(); err != nil {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return f.poll()
		}
	}
}

func (f *follower) poll() error {
	path := filepath.Join(f.folder(), logFile)
	if at, err := os.Stat(path); f.file == nil && err == nil {
		if err := f.open(path); err != nil {
			return err
		}
	} else if f.file != nil {
		if err := f.lines(); err != nil {
			return err
		}
		if err != nil || !os.SameFile(at, f.at) || at.Size() < f.at.Size() {
			f.file.Close()
			f.file = nil
		}
	}
	if f.file != nil {
		f.touch()
		if err := f.alive(); err != nil {
			return err
		}
		if err := f.overlays(); err != nil {
			return err
		}
	} else if err := f.ended(); err != nil {
		return err
	}
	return f.reported()
}

// open begins with a log, from its beginning.
func (f *follower) open(path string) (err error) {
	if f.file, err = os.Open(path); err != nil {
		return nil // it is gone again
	}
	if f.at, err = f.file.Stat(); err != nil {
		return err
	}
	f.in, f.half, f.over, f.pictures, f.record = bufio.NewReaderSize(f.file, 1<<16), nil, false, time.Time{}, time.Time{}
	if err := f.tell(Event{Name: "reset", Data: []byte("{}")}); err != nil {
		return err
	}
	return f.lines()
}

// lines tells the whole lines that are new.
func (f *follower) lines() error {
	for {
		part, err := f.in.ReadBytes('\n')
		f.half = append(f.half, part...)
		if err != nil { // io.EOF, or what a network has; there may be more another time
			return nil
		}
		line := bytes.TrimSpace(f.half)
		f.half = nil
		var l Line
		if json.Unmarshal(line, &l) != nil {
			continue
		}
		switch l.Kind {
		case "begin":
			f.begun, f.over = l, false
		case "end":
			f.over = true
		}
		if err := f.tell(Event{Data: line}); err != nil {
			return err
		}
	}
}

// touch lets the training know that somebody looks; a folder that cannot be written has no pictures.
func (f *follower) touch() {
	if f.over || time.Since(f.touched) < touchEvery {
		return
	}
	f.touched = time.Now()
	path := filepath.Join(f.folder(), watchedFile)
	if os.Chtimes(path, f.touched, f.touched) == nil {
		return
	}
	if w, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY, 0o666); err == nil {
		w.Close()
	}
}

// alive tells when the process that trained is gone without a word. Of one on another machine nothing is known.
func (f *follower) alive() error {
	host, _ := os.Hostname()
	if f.over || f.begun.PID == 0 || f.begun.Host != host {
		return nil
	}
	p, err := os.FindProcess(f.begun.PID)
	if err != nil || !errors.Is(p.Signal(syscall.Signal(0)), os.ErrProcessDone) {
		return nil
	}
	if err := f.lines(); err != nil || f.over { // which it wrote last
		return err
	}
	f.over = true
	return f.tell(Event{Name: "gone", Data: []byte("{}")})
}

// overlays tells the newest pictures.
func (f *follower) overlays() error {
	path := filepath.Join(f.folder(), pictureFile)
	at, err := os.Stat(path)
	if err != nil || at.ModTime().Equal(f.pictures) {
		return nil
	}
	f.pictures = at.ModTime()
	text, err := os.ReadFile(path)
	if err != nil || bytes.ContainsAny(text, "\r\n") {
		return nil
	}
	return f.tell(Event{"overlays", text})
}

// ended tells of a training that has ended what is known of it: from the record of its run, or from its model.
func (f *follower) ended() error {
	at, trained := f.trained()
	if trained == nil || at.Equal(f.record) {
		return nil
	}
	first := f.record.IsZero() && f.begun.Kind != ""
	f.record = at
	if first { // it was followed to its end
		return nil
	}
	if err := f.tell(Event{Name: "reset", Data: []byte("{}")}); err != nil {
		return err
	}
	for _, l := range trained {
		text, err := json.Marshal(l)
		if err == nil {
			err = f.tell(Event{Data: text})
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// trained are the lines that a training would have left which has ended, and when it was recorded; nil where there is none.
func (f *follower) trained() (at time.Time, all []Line) {
	path := f.Model
	if f.Out != "" {
		path = record.Path(f.Out)
	}
	info, err := os.Stat(path)
	if err != nil {
		return at, nil
	}
	if at = info.ModTime(); at.Equal(f.record) {
		return at, []Line{{}}
	}
	when := float64(at.UnixMilli()) / 1000
	all = []Line{{Kind: "begin", Time: when, Title: title(f.Source)}}
	if f.Out == "" {
		m, err := model.ReadInfo(f.Model)
		if err != nil || m.Train == nil {
			return at, nil
		}
		all = append(all, of("", m.Train, when)...)
	} else {
		last, err := record.Read(f.Out)
		if err != nil || last.Train == nil || last.Train.Result == nil {
			return at, nil
		}
		flows := last.Flows
		if len(flows) == 0 {
			flows = []record.LastFlow{last.LastFlow}
		}
		for _, one := range flows {
			if one.Train != nil && one.Train.Result != nil {
				all = append(all, of(one.Flow, one.Train.Result, when)...)
			}
		}
	}
	return at, append(all, Line{Kind: "end", Time: when, How: "done"})
}

// of are the lines of a result: one an epoch, and its notices.
func of(flow string, r *train.Result, when float64) (all []Line) {
	unit := r.Unit.String()
	if r.HistoryUnit != "" {
		unit = r.HistoryUnit.String()
	}
	best := r.ValidNLL
	for _, e := range r.History {
		all = append(all, Line{Kind: "at", Time: when, Flow: flow, Epoch: e.Epoch, Epochs: r.Epochs, Ended: true, Unit: unit,
			Loss: number(float64(e.TrainNLL)), Valid: number(float64(e.ValidNLL)), Best: number(float64(best)), LR: number(e.LR), Rate: number(r.EventsPerSecond)})
	}
	for _, line := range r.Notices {
		all = append(all, Line{Kind: "warning", Time: when, Text: line})
	}
	return all
}

// reported tells that the page of a run is there.
func (f *follower) reported() error {
	at, err := os.Stat(f.report())
	if f.report() == "" || err != nil || at.ModTime().Equal(f.page) || f.file != nil && !f.over {
		return nil
	}
	f.page = at.ModTime()
	return f.tell(Event{Name: "report", Data: []byte("{}")})
}

func title(s Source) string {
	if s.Out != "" {
		return filepath.Base(filepath.Clean(s.Out))
	}
	return filepath.Base(s.Model)
}
