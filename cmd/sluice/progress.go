package main

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"strings"
	"time"

	"github.com/sluice-hep/sluice/train"
)

// progress shows on stderr what goes on: one line that is rewritten on a terminal, a line an epoch (not more
// than one in two seconds) elsewhere.
type progress struct {
	out      io.Writer
	quiet    bool
	terminal bool

	open     bool // a rewritten line has not ended
	negative bool // that an NLL can be negative was said
	last     time.Time
}

var stages = map[string]string{
	"read": "reading events", "survey": "more events than memory: looking through them", "prepare": "preparing columns", "train": "training", "measure": "measuring a few steps",
	"sample": "drawing events", "compare": "comparing", "report": "writing the report",
}

func (p *progress) stage(name string) {
	if !p.quiet {
		p.line(cmp.Or(stages[name], name))
	}
}

func (p *progress) notice(text string) {
	if !p.quiet {
		p.line(text)
	}
}

// warn is heard even when quiet.
func (p *progress) warn(text string) { p.line("warning: " + text) }

func (p *progress) line(text string) {
	if p.open {
		fmt.Fprintln(p.out)
		p.open = false
	}
	fmt.Fprintf(p.out, "%s\n", printable(text))
}

func (p *progress) training(at train.Progress) {
	if p.quiet || at.Notice != "" {
		return
	}
	if !p.negative && at.Loss < 0 {
		p.negative = true
		p.line("the NLL is below 0: a density may exceed 1, so this is as good as any other value")
	}
	last := at.EpochEnd && at.Epoch == at.Epochs
	if p.terminal {
		fmt.Fprintf(p.out, "\r\x1b[K%s %s", bar(at, 20), numbers(at))
		if p.open = !last; last {
			fmt.Fprintln(p.out)
		}
		return
	}
	if now := time.Now(); at.EpochEnd && now.Sub(p.last) >= 2*time.Second || now.Sub(p.last) >= 10*time.Second || last {
		p.last = now
		fmt.Fprintln(p.out, numbers(at))
	}
}

// bar is the share of all steps that are done.
func bar(at train.Progress, width int) string {
	share := float64(at.Epoch-1) / float64(at.Epochs)
	if at.Steps > 0 {
		share += float64(at.Step) / float64(at.Steps) / float64(at.Epochs)
	}
	n := min(max(int(share*float64(width)), 0), width)
	return strings.Repeat("█", n) + strings.Repeat("░", width-n)
}

func numbers(at train.Progress) string {
	s := fmt.Sprintf("epoch %d/%d  loss %s", at.Epoch, at.Epochs, number(at.Loss))
	if at.Members > 0 {
		s = fmt.Sprintf("member %d/%d  %s", at.Member, at.Members, s)
	}
	if !math.IsNaN(at.Loss) {
		s += " " + at.Unit.String()
	}
	if !math.IsNaN(float64(at.Best)) {
		s += "  best valid " + number(float64(at.Best))
	}
	if at.EventsPerSecond > 0 {
		s += fmt.Sprintf("  %s events/s  %s left", rate(at.EventsPerSecond), at.Left.Round(time.Second))
	}
	return s
}

func number(x float64) string {
	if math.IsNaN(x) {
		return "-"
	}
	return fmt.Sprintf("%.4f", x)
}

func rate(x float64) string {
	switch {
	case x >= 1e6:
		return fmt.Sprintf("%.2fM", x/1e6)
	case x >= 1e4:
		return fmt.Sprintf("%.0fk", x/1e3)
	}
	return fmt.Sprintf("%.0f", x)
}
