// Package live is a training as others see it while it runs: a log beside what it writes, pictures of what its model would draw, and a page that follows
// both. Nothing of it changes the training, whoever looks or stops to.
package live

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/sluice-hep/sluice/fit"
	"github.com/sluice-hep/sluice/internal/atomicfile"
	"github.com/sluice-hep/sluice/record"
	"github.com/sluice-hep/sluice/train"
)

// Folder is where a run to a folder keeps its log while it trains.
func Folder(out string) string { return filepath.Join(out, record.LiveLog) }

// Beside is where the training of a model, which is written to a file alone, keeps it.
func Beside(model string) string { return atomicfile.Beside(model, ".live") }

// Files of such a folder.
const (
	logFile      = "progress.jsonl" // a Line a line, appended
	pictureFile  = "overlays.json"  // Pictures, replaced
	watchedFile  = "watched"        // whose time changes while somebody looks
	mostOfALog   = 2000             // lines between epochs in a time, and as many in each doubling of it
	leastBetween = time.Second      // such lines
	mostBytes    = 16 << 20         // of a log that is gone on with
)

// Line is one of the log. A field that does not belong to its kind, or is not known yet, is left out.
type Line struct {
	// Kind is begin, stage, at, notice, warning or end.
	Kind string  `json:"kind"`
	Time float64 `json:"time"` // seconds since 1970

	Title string `json:"title,omitempty"` // of begin: what is trained,
	Host  string `json:"host,omitempty"`  // and which process of which machine does it
	PID   int    `json:"pid,omitempty"`

	Text string `json:"text,omitempty"` // the name of a stage, a notice, why it ended
	How  string `json:"how,omitempty"`  // of end: done, interrupted or failed

	// Of at, where a training stands; see train.Progress.
	Flow    string   `json:"flow,omitempty"` // of several
	Member  int      `json:"member,omitempty"`
	Members int      `json:"members,omitempty"`
	Epoch   int      `json:"epoch,omitempty"`
	Epochs  int      `json:"epochs,omitempty"`
	Step    int      `json:"step,omitempty"`
	Steps   int      `json:"steps,omitempty"`
	Ended   bool     `json:"ended,omitempty"` // the epoch, which was validated
	Loss    *float64 `json:"loss,omitempty"`
	Valid   *float64 `json:"valid,omitempty"`
	Best    *float64 `json:"best,omitempty"`
	LR      *float64 `json:"lr,omitempty"`
	Rate    *float64 `json:"rate,omitempty"` // events/s
	Left    *float64 `json:"left,omitempty"` // seconds
	Unit    string   `json:"unit,omitempty"`
}

// Log is what a training writes of itself. What cannot be written is left out: it costs the training nothing.
type Log struct {
	folder string

	mu     sync.Mutex
	early  []Line // before the training begins, which makes the folder
	file   *os.File
	broken bool
	ended  bool
	flow   string
	began  time.Time
	last   time.Time // of the last line between epochs

	asked   time.Time // when somebody was last asked for,
	watched time.Time // and the time of their file then
	seen    time.Time // when that last changed
	drawing drawing
}

// New begins the log of a training, whose first line names it.
func New(folder, title string) *Log {
	host, _ := os.Hostname()
	return &Log{folder: folder, early: []Line{{Kind: "begin", Time: now(), Title: title, Host: host, PID: os.Getpid()}}}
}

func now() float64 { return float64(time.Now().UnixMilli()) / 1000 }

// Follow are the options of a training that the log follows.
func (l *Log) Follow(o fit.Options) fit.Options {
	o = o.Filled()
	notice, warn, stage, progress := o.Notice, o.Warn, o.Stage, o.Progress
	o.Notice = func(line string) { l.write(Line{Kind: "notice", Text: line}); notice(line) }
	o.Warn = func(line string) { l.write(Line{Kind: "warning", Text: line}); warn(line) }
	o.Stage = func(name string) { l.write(Line{Kind: "stage", Text: name}); stage(name) }
	o.Progress = func(at train.Progress) {
		l.at(at)
		if progress != nil {
			progress(at)
		}
	}
	return o
}

// Of names the flow that is trained next, among several.
func (l *Log) Of(flow string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.flow = flow
}

// at writes where the training stands, where that is worth a line.
func (l *Log) at(p train.Progress) {
	if p.Notice != "" {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.began.IsZero() {
		l.began = time.Now()
		l.begin()
	}
	since := time.Since(l.began)
	if !p.EpochEnd && time.Since(l.last) < max(leastBetween, since/mostOfALog) {
		return
	}
	l.last = time.Now()
	line := Line{
		Kind: "at", Flow: l.flow, Member: p.Member, Members: p.Members, Epoch: p.Epoch, Epochs: p.Epochs, Step: p.Step, Steps: p.Steps, Ended: p.EpochEnd,
		Loss: number(p.Loss), Best: number(float64(p.Best)), LR: number(p.LR), Unit: p.Unit.String(),
	}
	if p.EpochEnd {
		line.Valid = number(float64(p.Valid))
	}
	if p.EventsPerSecond > 0 {
		line.Rate, line.Left = number(p.EventsPerSecond), number(math.Round(p.Left.Seconds()))
	}
	l.append(line)
}

// number is nil for what JSON has no number for.
func number(x float64) *float64 {
	if x-x != 0 {
		return nil
	}
	return &x
}

// begin makes the folder, or goes on with the log that an interrupted training left there: who reads it drops what a later line says anew.
func (l *Log) begin() {
	err := os.MkdirAll(l.folder, 0o777)
	if err == nil {
		path := filepath.Join(l.folder, logFile)
		if at, err := os.Stat(path); err == nil && at.Size() > mostBytes {
			_ = os.Remove(path)
		}
		l.file, err = os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o666)
	}
	l.broken = err != nil
	for _, line := range l.early {
		l.append(line)
	}
	l.early = nil
}

func (l *Log) write(line Line) {
	line.Time = now()
	l.mu.Lock()
	defer l.mu.Unlock()
	const most = 1000 // lines before the training begins
	switch {
	case l.began.IsZero() && len(l.early) < most:
		l.early = append(l.early, line)
	case !l.began.IsZero():
		l.append(line)
	}
}

// append writes a line at once, so that whoever reads sees whole ones.
func (l *Log) append(line Line) {
	if l.broken || l.ended {
		return
	}
	if line.Time == 0 {
		line.Time = now()
	}
	text, err := json.Marshal(line)
	if err == nil {
		_, err = l.file.Write(append(text, '\n'))
	}
	l.broken = err != nil
}

// End writes how the training ended. Only of an interrupted one, which goes on, the log stays; what it left is taken away too where nothing was left to train.
func (l *Log) End(err error, interrupted bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.file == nil && err == nil && !interrupted {
		Remove(l.folder)
	}
	if l.file == nil || l.ended {
		return
	}
	line := Line{Kind: "end", How: "done"}
	switch {
	case interrupted:
		line.How = "interrupted"
	case err != nil:
		line.How, line.Text = "failed", err.Error()
	}
	l.append(line)
	l.ended = true
	l.file.Close()
	if !interrupted {
		Remove(l.folder)
	}
}

// Remove removes the folder of a log. What somebody put there besides stays, and the folder with it.
func Remove(folder string) {
	if _, err := os.Stat(folder); err != nil {
		return
	}
	for range 3 { // one who looks may just touch a file
		for _, name := range []string{logFile, pictureFile, watchedFile} {
			_ = os.Remove(filepath.Join(folder, name))
		}
		if os.Remove(folder) == nil {
			return
		}
	}
}
