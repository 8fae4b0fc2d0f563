package validate

import (
	"fmt"
	"math"
	"strings"

	"github.com/sluice-hep/sluice/internal/say"
	"github.com/sluice-hep/sluice/stats"
)

// doubtful is the p-value below which something is said to differ by more than chance: of four of them, in 1 % of the calibrated cases.
const doubtful = 0.01 / 4

// Good tells whether nothing differs from a calibrated model by more than chance.
func (c *Calibration) Good() bool {
	for _, p := range []*float64{c.SBCP, c.HPDP, c.TARPP, c.AveragedP} {
		if p != nil && *p < doubtful {
			return false
		}
	}
	return true
}

// Differs tells whether the ranks of a column are uneven by more than chance, of all columns.
func (c *Calibration) Differs(col CalibratedColumn) bool {
	return col.PIT.Chi2.Cannot == "" && col.PIT.Chi2.P*float64(len(c.Columns)) < doubtful
}

// Lines say what was found, a sentence or two each. label is the name of a column for the reader.
func (c *Calibration) Lines(label func(column string) string) []string {
	lines := []string{c.what()}
	if c.HPDP == nil {
		return append(lines, "They are too few to judge by: "+c.HPD.KS.Cannot+".")
	}
	lines = append(lines, c.regions(), c.ranks(label), c.distances(), c.averagedLine())
	if c.Redrawn > 0 {
		lines = append(lines, fmt.Sprintf("Draws too far beyond the trained range, %d of %d, were drawn again, as in every sample of this model: the tails are those of what is drawn, not of the density.", c.Redrawn, c.Events*c.Draws))
	}
	if c.Outside != nil && c.Outside.Events > 0 {
		lines = append(lines, "Of the held-out events, "+c.Outside.Say()+".")
	}
	return lines
}

func (c *Calibration) what() string {
	of := say.Count(c.Events, "held-out event")
	if c.Events < c.HeldOut {
		of = fmt.Sprintf("%d of %s", c.Events, say.Count(c.HeldOut, "held-out event"))
	}
	if c.Effective < 0.995*float64(c.Events) {
		of += fmt.Sprintf(" (worth %.0f by their weights)", c.Effective)
	}
	if c.Conditional {
		return fmt.Sprintf("%s, with %s each of the model, given the context of that event: are the probabilities right that it gives, event by event?", of, say.Count(c.Draws, "draw"))
	}
	return fmt.Sprintf("%s, with %s each of the model. It has no context, so that any draw stands beside any event: this tells whether held-out events lie where the model's own events lie, and at densities as high, not whether the model knows one event from another.", of, say.Count(c.Draws, "draw"))
}

func percent(share, err float64) string { return fmt.Sprintf("%.1f ± %.1f %%", 100*share, 100*err) }

func chance(p float64) string {
	if p >= doubtful {
		return fmt.Sprintf("no more than chance (p = %.2g)", p)
	}
	return fmt.Sprintf("more than chance (p = %.1g)", p)
}

func (c *Calibration) regions() string {
	h := c.HPD
	line := fmt.Sprintf("The smallest regions that claim 68 %% of the probability hold %s of the events, those that claim 95 %% hold %s: off by %s",
		percent(h.Coverage68, h.Error68), percent(h.Coverage95, h.Error95), chance(*c.HPDP))
	if *c.HPDP >= doubtful {
		return line + "."
	}
	switch m := mean(h); {
	case m > 0 && h.Coverage95 < 0.95-h.Error95 || m < 0 && h.Coverage95 > 0.95+h.Error95:
		return line + ". The regions have the wrong shape: small ones are off to one side, and large ones to the other."
	case m > 0:
		return line + ". The regions are too wide: the model is less sure than it could be."
	}
	return line + ". The regions are too narrow: the model is surer than it may be."
}

// mean is that of coverage less level over all levels: 1/2 less the mean level.
func mean(c *stats.Calibration) (m float64) {
	for k, share := range c.Coverage {
		m += (share - c.Level[k]) / float64(len(c.Coverage))
	}
	return m
}

// mostNamed columns that differ are named.
const mostNamed = 5

func (c *Calibration) ranks(label func(column string) string) string {
	if c.SBCP == nil {
		return "The ranks of single columns cannot be judged."
	}
	line := fmt.Sprintf("The ranks of the events among their draws, column by column, are uneven by %s", chance(*c.SBCP))
	if *c.SBCP >= doubtful {
		return line + "."
	}
	var named []string
	n := 0
	for _, col := range c.Columns {
		if c.Differs(col) {
			if n++; n <= mostNamed {
				named = append(named, fmt.Sprintf("%s is drawn %s", label(col.Name), col.Fault()))
			}
		}
	}
	if n > mostNamed {
		named = append(named, "and "+say.Count(n-mostNamed, "more column")+" too")
	}
	return line + ": " + strings.Join(named, ", ") + "."
}

// Fault is what is most wrong with the draws of a column, in a few words.
func (c *CalibratedColumn) Fault() string {
	shift, width := mean(c.PIT), mean(c.Central)
	switch {
	case c.Text:
		return "in other shares"
	case math.Abs(shift) > math.Abs(width) && shift > 0:
		return "too high"
	case math.Abs(shift) > math.Abs(width):
		return "too low"
	case width > 0:
		return "too wide"
	default:
		return "too narrow"
	}
}

func (c *Calibration) distances() string {
	return fmt.Sprintf("All columns at once, by the distance from a point that knows nothing of the event (TARP): coverage is off by %s.", chance(*c.TARPP))
}

func (c *Calibration) averagedLine() string {
	if c.AveragedP == nil {
		return "The draws of all events together cannot be compared with the events."
	}
	return fmt.Sprintf("The draws of all events together, column by column, are off the events by %s: the average of the posteriors against the prior.", chance(*c.AveragedP))
}
