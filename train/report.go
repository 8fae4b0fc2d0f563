package train

import "time"

// notice keeps a line for the result and shows it. It must not depend on the clock or on interruptions, or the
// record of a resumed training would differ from that of an uninterrupted one.
func (t *trainer) notice(text string) {
	if len(t.at.Notices) < manyNotes {
		t.at.Notices = append(t.at.Notices, text)
	}
	t.show(text, true)
}

// show passes on a line, which need be no part of the result.
func (t *trainer) show(text string, warning bool) {
	if t.opts.Progress != nil {
		p := t.standing()
		p.Notice, p.Warning = text, warning
		t.opts.Progress(p)
	}
}

func (t *trainer) report(epochEnd bool) {
	t.reported = t.tick
	if t.opts.Progress == nil {
		return
	}
	p := t.standing()
	if p.EpochEnd = epochEnd; epochEnd {
		p.Epoch, p.Step = t.at.Epoch, t.perEpoch
		p.Loss = float64(t.at.History[t.at.Epoch-1].TrainNLL)
	}
	t.opts.Progress(p)
}

// look shows the averaged parameters within an epoch.
func (t *trainer) look() {
	if _, frozen := t.obj.(Freezer); frozen || t.opts.Look == nil {
		return
	}
	t.opts.Look(func(do func()) {
		if t.average != nil {
			swap(t.params, t.average)
			defer swap(t.params, t.average)
		}
		do()
	})
}

func (t *trainer) standing() Progress {
	at := &t.at
	p := Progress{
		Epoch: min(at.Epoch+1, t.cfg.Epochs), Epochs: t.cfg.Epochs, Step: at.Step, Steps: t.perEpoch, Unit: unitOf(t.obj),
		Loss: float64(t.runningLoss()), Valid: at.Valid, Best: at.BestValid, LR: at.LR,
	}
	spent := t.tick.Sub(t.began).Seconds()
	steps := at.Steps - t.earlier.Steps
	if spent >= 1 && steps > 0 { // less tells little
		p.EventsPerSecond = float64(at.Events-t.earlier.Events) / spent
		todo := (t.cfg.Epochs-at.Epoch)*t.perEpoch - at.Step
		left := spent / float64(steps) * float64(todo)
		if t.cfg.MaxSeconds > 0 {
			left = min(left, t.cfg.MaxSeconds-t.seconds())
		}
		p.Left = time.Duration(max(left, 0) * float64(time.Second))
	}
	return p
}
