package report

import (
	"fmt"
	"math"
	"strings"
)

// Level is how far agreement goes.
type Level string

const (
	Agree   Level = "agree"   // no difference found
	Close   Level = "close"   // differences that are small, though these events can tell
	Differs Level = "differs" // differences to be seen in a histogram
	Apart   Level = "apart"   // not the same distribution in any useful sense
	Unknown Level = "unknown" // nothing to judge by
)

// The bounds between the levels. A KS distance of 0.02 moves 2 % of the events, which a histogram of 10,000
// events just shows; one of 0.1 nobody overlooks.
const (
	chance        = 0.05 // of a p-value, after allowing for the number of columns
	chanceChi2    = 1e-3 // of the chi2 of a histogram, whose distribution is known less exactly
	closeKS       = 0.02
	differsKS     = 0.1
	closeCorr     = 0.05
	smallestPower = 1e-12 // p-values below are not told apart
)

// Verdict says in words how far the generated events agree with the reference.
type Verdict struct {
	Level     Level
	Headline  string
	Sentences []string
}

// Verdict judges by the distances of the columns and by the correlations.
func (p *Page) Verdict() Verdict {
	worst, _ := smallest(p.Distances, func(d *Distance) float64 { return -d.KS })
	least, tested := smallest(p.Distances, func(d *Distance) float64 { return d.P })
	if worst < 0 {
		return Verdict{Level: Unknown, Headline: "There is nothing to judge by", Sentences: []string{"No column has a distance."}}
	}
	v := Verdict{Level: p.level(worst, least, tested)}
	v.Headline = map[Level]string{
		Agree:   "No difference found, column by column",
		Close:   "Close: the differences are small, but larger than chance",
		Differs: "The samples differ visibly",
		Apart:   "The samples do not agree",
	}[v.Level]
	shape := p.shape()
	if v.Level == Agree && shape >= 0 {
		v.Level, v.Headline = Close, "Close: a histogram differs by more than chance"
	}
	correlations := p.Correlation != nil && p.Correlation.MaxDiff > math.Max(closeCorr, p.correlationChance())
	switch {
	case correlations && (v.Level == Agree || v.Level == Close):
		v.Level, v.Headline = Differs, "The columns agree one by one, but their correlations differ"
	case v.Level == Close && tested < len(p.Distances):
		v.Headline = "Close, as far as it was measured"
	}
	v.Sentences = append(v.Sentences, p.columnSentences(worst, least, tested)...)
	if shape >= 0 {
		d := p.Distances[shape]
		v.Sentences = append(v.Sentences, fmt.Sprintf("Bin by bin, %s differs by more than chance: χ²/ndf %s, p %s.", d.Column, digits(d.Chi2NDF), probability(d.Chi2P)))
	}
	if v.Level == Agree && p.Distances[worst].KS >= differsKS {
		v.Sentences = append(v.Sentences, "There are too few events to see more: differences of that size may be real.")
	}
	if p.Correlation != nil && !math.IsNaN(p.Correlation.MaxDiff) {
		v.Sentences = append(v.Sentences, p.correlationSentence())
	}
	v.Sentences = append(v.Sentences, "This looks at each column alone and at linear correlations of pairs; it does not test for structure beyond that.")
	return v
}

// smallest is the row where a number is least, -1 where it is NaN in all, and how many have it.
func smallest(rows []Distance, number func(*Distance) float64) (at, known int) {
	at = -1
	for i := range rows {
		v := number(&rows[i])
		if math.IsNaN(v) {
			continue
		}
		if known++; at < 0 || v < number(&rows[at]) {
			at = i
		}
	}
	return at, known
}

// shape is the column whose histogram differs most significantly, or -1 where chance explains them all. It sees what
// moves events between neighbouring bins, which the KS distance hardly does.
func (p *Page) shape() int {
	worst, tested := smallest(p.Distances, func(d *Distance) float64 { return d.Chi2P })
	if worst < 0 || p.Distances[worst].Chi2P*float64(tested) >= chanceChi2 {
		return -1
	}
	return worst
}

// level goes by the distances that chance does not explain.
func (p *Page) level(worst, least, tested int) Level {
	ks := p.Distances[worst].KS
	byChance := tested == len(p.Distances) && p.Distances[least].P*float64(tested) >= chance
	switch {
	case byChance:
		return Agree
	case ks >= differsKS:
		return Apart
	case ks >= closeKS:
		return Differs
	}
	return Close
}

// correlationChance is what the largest difference over all pairs of columns exceeds in one of 20 comparisons
// of samples of one distribution: a coefficient of n events spreads by up to 1/sqrt(n), unless a few extreme
// events dominate it.
func (p *Page) correlationChance() float64 {
	c, n := p.Correlation, float64(len(p.Distances))
	if c.Events[0] <= 0 || c.Events[1] <= 0 || n < 2 {
		return 0
	}
	spread := math.Sqrt(1/float64(c.Events[0]) + 1/float64(c.Events[1]))
	return spread * math.Sqrt2 * math.Erfinv(1-chance/(n*(n-1)/2))
}

func (p *Page) correlationSentence() string {
	c := p.Correlation
	s := "Correlation coefficients differ by at most " + digits(c.MaxDiff)
	if c.A != "" && c.B != "" {
		s += fmt.Sprintf(" (%s with %s)", c.A, c.B)
	}
	if limit := p.correlationChance(); limit > 0 {
		s += fmt.Sprintf("; chance alone gives up to %s", digits(limit))
		if c.MaxDiff > limit {
			s += ", or more where a few extreme events dominate"
		}
	}
	return s + "."
}

// columnSentences name the column farthest off, what chance says to the smallest p-value, and the columns
// without a distance.
func (p *Page) columnSentences(worst, least, tested int) []string {
	d := p.Distances[worst]
	s := fmt.Sprintf("The largest Kolmogorov–Smirnov distance is %s in %s", digits(d.KS), d.Column)
	if !math.IsNaN(d.P) {
		s += fmt.Sprintf(" (p %s)", probability(d.P))
	}
	sentences := []string{s + fmt.Sprintf(": the cumulative distributions come apart by at most %s %% of the events.", digits(100*d.KS))}
	if tested >= 2 {
		q := p.Distances[least]
		allowed := math.Min(1, q.P*float64(tested))
		s = fmt.Sprintf("The smallest of %d p-values, %s in %s, is %s after allowing for %d columns", tested,
			strings.TrimPrefix(probability(q.P), "= "), q.Column, strings.TrimPrefix(probability(allowed), "= "), tested)
		if allowed >= chance {
			sentences = append(sentences, s+": what samples of one distribution would show.")
		} else {
			sentences = append(sentences, s+": more than chance.")
		}
	}
	var without []string
	for _, d := range p.Distances {
		if math.IsNaN(d.KS) {
			without = append(without, d.Column)
		}
	}
	if len(without) > 0 {
		sentences = append(sentences, "There is no distance for "+strings.Join(without, ", ")+".")
	}
	return sentences
}
