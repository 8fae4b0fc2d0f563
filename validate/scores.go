package validate

import (
	"fmt"

	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/stats"
)

// Score says how well a column of scores, the larger the more like signal, tells signal from background.
type Score struct {
	Of         string `json:"of"` // the events
	Signal     int    `json:"signal_events"`
	Background int    `json:"background_events"`
	stats.Separation
	// LogLoss, in nats, and Brier are of scores that are probabilities: nil where one is outside of [0, 1], or LogLoss infinite.
	LogLoss *float64 `json:"log_loss,omitempty"`
	Brier   *float64 `json:"brier,omitempty"`

	ROC *stats.ROC `json:"-"`
}

// efficiencies of the signal at which the background rejection is given.
var efficiencies = []float64{0.1, 0.3, 0.5, 0.8}

// NewScore judges the scores of events with weights, nil where all are 1.
func NewScore(of string, score []float64, signal []bool, w []float64) (*Score, error) {
	roc, err := stats.NewROC(score, signal, w)
	if err != nil {
		return nil, err
	}
	s := &Score{Of: of, ROC: roc, Separation: roc.Separation(efficiencies...)}
	for i, v := range score {
		switch {
		case v != v:
		case signal[i]:
			s.Signal++
		default:
			s.Background++
		}
	}
	if loss, brier, err := stats.ProbabilityScores(score, signal, w); err == nil {
		if s.Brier = &brier; loss-loss == 0 {
			s.LogLoss = &loss
		}
	}
	return s, nil
}

// ScoreByLabel judges a column of scores by a column that is 1 for signal and 0 for background.
func ScoreByLabel(of string, t *events.Table, score, label string) (*Score, error) {
	x, w, err := scores(t, score)
	if err != nil {
		return nil, err
	}
	c, err := t.Column(label)
	if err != nil {
		return nil, err
	}
	if c.Type == events.Text {
		return nil, fmt.Errorf("the label %q holds text; make one that is 1 for signal and 0 for background, as with --define 'signal=%s == \"...\"'", label, label)
	}
	signal := make([]bool, len(x))
	for i := range signal {
		switch v := c.Float(i); v {
		case 0, 1:
			signal[i] = v == 1
		default:
			return nil, fmt.Errorf("event %d: the label %q is %g; it must be 1 for signal, or 0 for background", i+1, label, v)
		}
	}
	return NewScore(of, x, signal, w)
}

// ScoreBetween judges a column of scores that two tables have, one of background and one of signal.
func ScoreBetween(of string, background, signal *events.Table, score string) (*Score, error) {
	b, bw, err := scores(background, score)
	if err != nil {
		return nil, fmt.Errorf("the background: %w", err)
	}
	s, sw, err := scores(signal, score)
	if err != nil {
		return nil, fmt.Errorf("the signal: %w", err)
	}
	if bw != nil || sw != nil {
		bw = append(weightsOr1(bw, len(b)), weightsOr1(sw, len(s))...)
	}
	is := make([]bool, len(b)+len(s))
	for i := range s {
		is[len(b)+i] = true
	}
	return NewScore(of, append(b, s...), is, bw)
}

// scores are those of a table, with the weights of its events.
func scores(t *events.Table, name string) (x, w []float64, err error) {
	c, err := t.Column(name)
	if err != nil {
		return nil, nil, err
	}
	if c.Type == events.Text {
		return nil, nil, fmt.Errorf("the score %q holds text%s", name, c.Because())
	}
	if x, err = c.Floats(make([]float64, 0, c.Len())); err != nil {
		return nil, nil, err
	}
	w, err = t.Weights()
	return x, w, err
}
