package report

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/sluice-hep/sluice/stats"
	"github.com/sluice-hep/sluice/validate"
)

// Level is how far agreement goes, from best to worst.
type Level int

const (
	Agree    Level = iota // no difference found, and nothing left untested
	Untested              // no difference found in what was tested
	Close                 // differences that are small, though these events can tell
	Differs               // differences to be seen in a histogram
	Apart                 // not the same distribution in any useful sense
)

var levels = [...]string{"agree", "untested", "close", "differs", "apart"}

func (l Level) String() string { return levels[l] }

// MarshalText writes a level by its name.
func (l Level) MarshalText() ([]byte, error) { return []byte(l.String()), nil }

// UnmarshalText reads a level's name.
func (l *Level) UnmarshalText(text []byte) error {
	for i, name := range levels {
		if name == string(text) {
			*l = Level(i)
			return nil
		}
	}
	return fmt.Errorf("no level %q; there is %s", text, strings.Join(levels[:], ", "))
}

// The bounds between the levels. A KS distance of 0.02 moves 2 % of the events, which a histogram of 10,000
// events just shows; one of 0.1 nobody overlooks.
const (
	chance        = 0.01 // of a p-value, after allowing for the number of columns
	chanceChi2    = 1e-3 // of those that are known less exactly: of the chi2 of a histogram, of outermost events, of missing values
	closeKS       = 0.02
	differsKS     = 0.1
	closeCorr     = 0.05
	closeAUC      = 0.52  // of a classifier
	differsAUC    = 0.65  // about a KS distance of 0.2 in its score
	closeShape    = 0.1   // of the root of the chi2 divergence: 1 % of the events in a bin of their own, or twice a bin of 2 %
	closeWindow   = 0.01  // of events more or fewer in a range
	closeShare    = 0.005 // of events outside, or missing
	closeYield    = 0.05  // of the share that passes a cut, of itself
	smallestPower = 1e-12 // p-values below are not told apart
)

// Verdict says in words how far the generated events agree with the reference.
type Verdict struct {
	Level     Level
	Headline  string
	Sentences []string
	Reasons   []string // those of the sentences that tell of a difference

	what string // ends the headline
}

// MarshalJSON writes {"level": "good", "differs" or "cannot say", "grade": the level's name, "text"}.
func (v Verdict) MarshalJSON() ([]byte, error) {
	word := "differs"
	switch v.Level {
	case Agree:
		word = "good"
	case Untested:
		word = "cannot say"
	}
	return json.Marshal(map[string]any{"level": word, "grade": v.Level, "text": v.Headline + ". " + strings.Join(v.Sentences, " ")})
}

// finding is one way in which the samples differ.
type finding struct {
	level Level
	what  string // ends the headline: "differ visibly: WHAT"
	says  string
}

// Judge says how far the samples of a comparison agree: a finding is what chance does not explain, its level follows from its size,
// and the worst makes the headline. label gives the name of a column for the reader.
func Judge(r *validate.Result, label func(column string) string) Verdict {
	return judge{r, label, 1}.verdict()
}

// verdict is that of all findings.
func (j judge) verdict() Verdict {
	v, reasons := Verdict{}, 0
	take := func(f finding) {
		if f.level > v.Level {
			v.Level, v.what = f.level, f.what
		}
		if f.says != "" {
			v.Sentences = append(v.Sentences, f.says)
		}
		if f.level > Untested {
			v.Reasons = append(v.Reasons, f.says)
		}
	}
	for _, f := range []finding{j.distances(), j.shapes(), j.outside(), j.missing(), j.correlations(), j.together(), j.copies()} {
		take(f)
	}
	reasons = len(v.Reasons)
	for _, c := range j.Cuts {
		take(j.cut(c))
	}
	v.Headline = headline(v.Level, v.what, reasons == 0)
	if v.Level < Close {
		j.limits(&v)
	}
	return v
}

// headline of a verdict; late says that there is no reason for it before cuts.
func headline(l Level, what string, late bool) string {
	switch {
	case l == Agree:
		return "No difference found"
	case l == Untested:
		return what
	case late:
		return "No difference found before cuts, but " + map[Level]string{Close: "small ones, larger than chance, ", Differs: "visible ones ", Apart: "large ones "}[l] + what
	case l == Close:
		return "Close: the differences are small, but larger than chance"
	case l == Differs:
		return "The samples differ visibly: " + what
	}
	return "The samples do not agree: " + what
}

// limits says what samples of this size do not show; where that is what nobody would overlook, there are too few events to say anything.
func (j judge) limits(v *Verdict) {
	if few := j.sees(); few >= differsKS {
		v.Level, v.Headline = Untested, "Too few events to say"
		v.Sentences = append(v.Sentences, fmt.Sprintf("In samples of this size, a difference of %s in the cumulative distributions would be no more than chance.", digits(min(few, 1))))
	} else {
		v.Sentences = append(v.Sentences, fmt.Sprintf("A Kolmogorov–Smirnov distance below %s would not show in samples of this size.", digits(few)))
	}
}

// sees is the KS distance of a column that chance would no longer explain, for the effective numbers of events.
func (j judge) sees() float64 {
	return 1.63 * math.Sqrt(1/j.ReferenceEffective+1/j.GeneratedEffective) // where Kolmogorov's distribution leaves 1 %
}

// joint are the tests of all columns at once that there are; cannot says why there are not all.
func (j judge) joint() (tests []validate.Named, cannot string) {
	for _, t := range j.Together() {
		if t.Cannot == "" {
			tests = append(tests, t)
		} else if cannot == "" {
			cannot = t.Cannot
		}
	}
	return tests, cannot
}

// together goes by the tests of all columns at once: by what a classifier can tell, and what else chance does not explain.
func (j judge) together() finding {
	tests, cannot := j.joint()
	switch {
	case len(tests) == 0 && cannot != "":
		return finding{level: Untested, what: "No difference found in the columns one by one; how they go together could not be tested", says: "All columns together were not tested: " + cannot + "."}
	case len(tests) == 0 && len(j.Names) > 1:
		return finding{
			level: Untested, what: "No difference found in the columns one by one; how they go together was not tested",
			says: "This looks at each column alone and at rank correlations of pairs; structure beyond that is not tested.",
		}
	case len(tests) == 0:
		return finding{}
	}
	allow := func(t validate.Named) float64 { return j.allow(validate.Chance(t.Test) * float64(len(tests))) }
	f := finding{what: "all columns together"}
	if c := j.C2ST; c != nil && c.Cannot == "" {
		t := tests[0]
		tests = tests[1:]
		size := fmt.Sprintf("AUC %.4f ± %.4f, 0.5 by chance", c.AUC, c.AUCError)
		if p := allow(t); p < chance {
			f.level = gradeAUC(c.AUC)
			f.says = fmt.Sprintf("A classifier that sees all columns tells generated from reference events: %s (p %s after allowing for the number of tests).", size, probability(p))
		} else {
			f.says = fmt.Sprintf("A classifier that sees all columns does not tell generated from reference events better than chance would (%s; p %s after allowing for the number of tests).", size, probability(p))
		}
	}
	if len(tests) == 0 {
		return f
	}
	least := slices.MinFunc(tests, func(a, b validate.Named) int { return cmp.Compare(allow(a), allow(b)) })
	if p := allow(least); p < chance {
		f.level = max(f.level, Close)
		f.says += fmt.Sprintf(" Of all columns together, %s differs by more than chance (p %s after allowing for the number of tests).", least.Name, probability(p))
	} else {
		f.says += fmt.Sprintf(" Of the other %d tests of all columns together, the smallest p is that of %s: %s after allowing for their number.", len(tests), least.Name, plain(p))
	}
	f.says = strings.TrimSpace(f.says)
	return f
}

func gradeAUC(auc float64) Level {
	switch {
	case auc >= differsAUC:
		return Apart
	case auc >= closeAUC:
		return Differs
	}
	return Close
}

// copies goes by training events among the generated ones.
func (j judge) copies() finding {
	c := j.Copies
	if c == nil || c.Cannot != "" {
		return finding{}
	}
	f := finding{what: "there are copies of training events"}
	duplicates, near := j.allow(2*c.DuplicatesP), 1.0
	if c.Nearer.Cannot == "" {
		near = j.allow(2 * c.Nearer.P)
	}
	switch {
	case near < chanceChi2:
		f.level = grade(c.Copied, closeShare)
		f.says = fmt.Sprintf("The generated events copy training events, %s of them or so: the nearest neighbour of %s is a training event, not one held out, where %s would have it so by chance (p %s).",
			share(c.Copied), share(c.Nearer.Value), share(c.Nearer.NullMean), probability(near))
	case duplicates < chanceChi2:
		f.level = grade(float64(c.Duplicates)/float64(j.GeneratedEvents), closeShare)
	case c.Nearer.Cannot == "":
		f.says = fmt.Sprintf("The generated events are no copies of training events: the nearest neighbour of %s is one, of %s by chance.", share(c.Nearer.Value), share(c.Nearer.NullMean))
	}
	if duplicates < chanceChi2 {
		f.says = strings.TrimSpace(fmt.Sprintf("%s In every column, %d of %d generated events agree with a training event, %d with one held out (p %s).", f.says, c.Duplicates, j.GeneratedEvents, c.DuplicatesHeldOut, probability(duplicates)))
	}
	return f
}

// cut goes by what passes a selection.
func (j judge) cut(c validate.Cut) finding {
	f := finding{what: "after the cut " + c.Cut}
	if c.Cannot != "" {
		f.says = fmt.Sprintf("After the cut %s: %s.", c.Cut, c.Cannot)
		return f
	}
	shares := fmt.Sprintf("%s %% of the generated events pass, of the reference %s %%", digits(100*c.Generated), digits(100*c.Reference))
	if p := j.allow(c.P); p < chanceChi2 {
		f.level = grade(math.Abs(c.Generated-c.Reference)/max(c.Reference, c.Generated), closeYield)
		shares += fmt.Sprintf(" (p %s)", probability(p))
	}
	v := judgeCut(c, len(j.Cuts), j.label)
	if v.Level > max(f.level, Untested) {
		f.level, f.what = v.Level, f.what+": "+v.what
	}
	says := []string{v.Headline + "."}
	if len(v.Reasons) > 0 {
		says = v.Reasons
	}
	f.says = fmt.Sprintf("After the cut %s, %s. %s", c.Cut, shares, strings.Join(says, " "))
	return f
}

// judgeCut is the verdict on what passes one of so many cuts.
func judgeCut(c validate.Cut, cuts int, label func(string) string) Verdict {
	return judge{c.Result, label, float64(cuts)}.verdict()
}

type judge struct {
	*validate.Result
	label  func(string) string
	trials float64 // chances that there were for a finding like those of this comparison, as after each of several cuts
}

// allow is a p-value, allowing for the number of trials.
func (j judge) allow(p float64) float64 { return math.Min(1, p*j.trials) }

func (j judge) column(at int) stats.ColumnComparison { return j.Columns[j.Names[at]] }

// most is the column where a number is largest.
func (j judge) most(number func(stats.ColumnComparison) float64) (at int) {
	for i := range j.Names {
		if number(j.column(i)) > number(j.column(at)) {
			at = i
		}
	}
	return at
}

// least is the column where a p-value is smallest, and that p-value allowing for the number of columns.
func (j judge) least(p func(stats.ColumnComparison) float64) (at int, allowed float64) {
	at = j.most(func(d stats.ColumnComparison) float64 { return -p(d) })
	return at, j.allow(p(j.column(at)) * float64(len(j.Names)))
}

// Faults are what chance does not explain in a column, each by its grade, Agree for nothing: of its KS distance, of a range of its
// histogram, of the whole histogram, of events outside the reference's range, of missing values.
type Faults struct{ KS, Window, Shape, Outside, Missing Level }

// Worst is the gravest.
func (f Faults) Worst() Level { return max(f.KS, f.Window, f.Shape, f.Outside, f.Missing) }

func (j judge) faults(at int) (f Faults) {
	d := j.column(at)
	few := func(p, bound float64) bool { return j.allow(p*float64(len(j.Names))) < bound }
	if few(d.KSP, chance) {
		f.KS = gradeKS(d.KS)
	}
	if few(d.Window.P, chanceChi2) {
		f.Window = grade(math.Abs(d.Window.Reference-d.Window.Generated), closeWindow)
	}
	if few(d.Chi2P, chanceChi2) {
		f.Shape = j.gradeShape(d)
	}
	if few(d.OutsideP, chanceChi2) {
		f.Outside = grade(d.Outside, closeShare)
	}
	if few(d.SkippedP, chanceChi2) || d.GeneratedSkipped > 0 && d.ReferenceSkipped == 0 {
		f.Missing = grade(j.skipped(d), closeShare)
	}
	return f
}

func gradeKS(ks float64) Level {
	switch {
	case ks >= differsKS:
		return Apart
	case ks >= closeKS:
		return Differs
	}
	return Close
}

func (j judge) gradeShape(d stats.ColumnComparison) Level {
	events := j.ReferenceEffective * j.GeneratedEffective / (j.ReferenceEffective + j.GeneratedEffective)
	return grade(math.Sqrt(math.Max(0, d.Chi2-float64(d.NDF))/events), closeShape)
}

// skipped is by how much the shares of missing values differ.
func (j judge) skipped(d stats.ColumnComparison) float64 {
	return math.Abs(float64(d.GeneratedSkipped)/float64(j.GeneratedEvents) - float64(d.ReferenceSkipped)/float64(j.ReferenceEvents))
}

// distances goes by the column farthest off, unless chance explains all columns.
func (j judge) distances() finding {
	worst := j.most(func(d stats.ColumnComparison) float64 { return d.KS })
	d := j.column(worst)
	f := finding{what: j.label(j.Names[worst]), level: gradeKS(d.KS)}
	f.says = fmt.Sprintf("The largest Kolmogorov–Smirnov distance is %s in %s (p %s): the cumulative distributions come apart by at most %s %% of the events.",
		digits(d.KS), f.what, probability(d.KSP), digits(100*d.KS))
	least, allowed := j.least(func(d stats.ColumnComparison) float64 { return d.KSP })
	verdict := "more than chance"
	if allowed >= chance {
		f.level, verdict = Agree, "what samples of one distribution would show"
	}
	if n := len(j.Names); n > 1 {
		f.says += fmt.Sprintf(" The smallest of %d p-values, %s in %s, is %s after allowing for %d columns: %s.", n,
			plain(j.column(least).KSP), j.label(j.Names[least]), plain(allowed), n, verdict)
	}
	return f
}

// shapes goes by the range of a column and by the histogram that differ most significantly. It sees what moves events between
// neighbouring bins, which the KS distance hardly does; the size of a histogram's difference is that of the chi2 divergence.
func (j judge) shapes() (f finding) {
	if worst, allowed := j.least(func(d stats.ColumnComparison) float64 { return d.Window.P }); allowed < chanceChi2 {
		w, name := j.column(worst).Window, j.label(j.Names[worst])
		f = finding{
			level: grade(math.Abs(w.Reference-w.Generated), closeWindow), what: "the histogram of " + name,
			says: fmt.Sprintf("Between %s and %s, %s has %s %% of the generated events and %s %% of the reference (p %s after allowing for all ranges).",
				bound(w.From), bound(w.To), name, digits(100*w.Generated), digits(100*w.Reference), probability(w.P)),
		}
	}
	worst, allowed := j.least(func(d stats.ColumnComparison) float64 { return d.Chi2P })
	if allowed >= chanceChi2 {
		return f
	}
	d, name := j.column(worst), j.label(j.Names[worst])
	if level := j.gradeShape(d); level > f.level {
		f.level, f.what = level, "the histogram of "+name
	}
	f.says = strings.TrimSpace(fmt.Sprintf("%s Bin by bin, %s differs by more than chance: χ²/ndf %s, p %s.", f.says, name, digits(d.Chi2NDF), probability(d.Chi2P)))
	return f
}

// outside goes by the column where events lie beyond the range of the other sample.
func (j judge) outside() finding {
	worst, allowed := j.least(func(d stats.ColumnComparison) float64 { return d.OutsideP })
	if allowed >= chanceChi2 {
		return finding{}
	}
	d, name := j.column(worst), j.label(j.Names[worst])
	how := "they do not reach as far, as chance does not explain"
	if d.Outside > 0 {
		how = share(d.Outside) + " lie outside, more than chance explains"
	}
	return finding{
		level: grade(d.Outside, closeShare), what: "the range of " + name,
		says: fmt.Sprintf("Generated events reach from %s to %s in %s, where the reference has %s to %s: %s for samples of this size.",
			bound(d.GeneratedRange[0]), bound(d.GeneratedRange[1]), name, bound(d.ReferenceRange[0]), bound(d.ReferenceRange[1]), how),
	}
}

// missing goes by the column with values that are NaN or infinite on one side more than on the other. One generated where the reference
// has none is never right.
func (j judge) missing() finding {
	worst := j.most(j.skipped)
	_, allowed := j.least(func(d stats.ColumnComparison) float64 { return d.SkippedP })
	d, name := j.column(worst), j.label(j.Names[worst])
	switch {
	case d.GeneratedSkipped == 0 && d.ReferenceSkipped == 0:
		return finding{}
	case allowed >= chanceChi2 && (d.GeneratedSkipped == 0 || d.ReferenceSkipped > 0):
		return finding{says: fmt.Sprintf("Values of %s that are missing or infinite are left out: %s.", name, j.counts(d))}
	}
	return finding{
		level: grade(j.skipped(d), closeShare), what: "missing values of " + name,
		says: fmt.Sprintf("Values of %s are missing or infinite, and left out of its distances: %s.", name, j.counts(d)),
	}
}

func (j judge) counts(d stats.ColumnComparison) string {
	return fmt.Sprintf("%d of %d generated events, %d of %d of the reference", d.GeneratedSkipped, j.GeneratedEvents, d.ReferenceSkipped, j.ReferenceEvents)
}

func (j judge) correlations() finding {
	r := j.Rank
	if r == nil {
		return finding{}
	}
	pair := j.label(r.Pair[0]) + " with " + j.label(r.Pair[1])
	f := finding{
		what: "the correlation of " + pair, level: grade(math.Abs(r.Diff), closeCorr),
		says: fmt.Sprintf("Rank correlations differ most, for their errors, in %s: %s where the reference has %s, by %s standard errors (p %s after allowing for the number of pairs)",
			pair, digits(r.Generated), digits(r.Reference), digits(math.Abs(r.Diff)/r.Error), probability(r.P)),
	}
	if j.allow(r.P) >= chance {
		f.level = Agree
		f.says += ": no more than chance"
	}
	f.says += "."
	return f
}

// grade is that of a difference which chance does not explain.
func grade(size, small float64) Level {
	if size >= small {
		return Differs
	}
	return Close
}

func plain(p float64) string { return strings.TrimPrefix(probability(p), "= ") }
