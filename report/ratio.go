package report

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/validate"
)

// RatioColumn is the column that Reweighted adds.
const RatioColumn = "weight_r"

// Reweighted are the generated events with one more column: their weights times r, so that weighted with it they are distributed as the
// reference, with the sum of their own weights.
func Reweighted(t *events.Table, r *validate.RatioResult) (*events.Table, error) {
	if r == nil || r.Cannot != "" {
		why := "the tests of all columns together were not asked for"
		if r != nil {
			why = r.Cannot
		}
		return nil, fmt.Errorf("there are no weights to write: %s", why)
	}
	if _, err := t.Column(RatioColumn); err == nil {
		return nil, fmt.Errorf("the generated events have a column %q already; leave it out to have new weights written", RatioColumn)
	}
	own, err := weights(t)
	if err != nil {
		return nil, err
	}
	unit := 1.0 // of the weights, of which r has those in a unit of their own
	if own != nil {
		w, err := t.Weights()
		if err != nil {
			return nil, err
		}
		at := slices.IndexFunc(w, func(v float64) bool { return v != 0 })
		unit = own[at] / w[at]
	}
	w := make([]float64, len(r.Weights))
	for i, v := range r.Weights {
		w[i] = v * unit
	}
	out := &events.Table{Columns: append(slices.Clone(t.Columns), events.Column{Name: RatioColumn, Type: events.Float64, F64: w})}
	out.Weight = RatioColumn
	return out, nil
}

// SayRatio is a line on the weights.
func SayRatio(r *validate.RatioResult) string {
	line := fmt.Sprintf("with weights times r the generated events are worth %.4g (n_eff), before %.4g; the largest weight is %.3g times the mean", r.Effective, r.Before, r.Largest)
	if r.Clipped > 0 {
		line += fmt.Sprintf("; r of %d events was clipped", r.Clipped)
	}
	return line
}

// mostTails columns are shown, those where the events lie farthest off.
const mostTails = 12

// ratioSection says where in every column the events lie that a classifier finds most unlike the other sample.
func ratioSection(r *validate.Result, label func(string) string) Section {
	s := Section{
		Title: "Where they differ", Numbers: [2]int{1, 5},
		Head: []string{"Column", "Lacking", "All of the reference", "Too many", "All generated"},
		Text: "r(x) is the ratio of the densities, reference over generated, by a classifier that has not seen the event. Lacking: the 1 % of the reference with the largest r, of which too few are generated. " +
			"Too many: the 1 % of the generated events with the smallest r. Each is the median and, in brackets, the quantiles 16 % and 84 %; the columns where they lie farthest off come first.",
	}
	if c := r.C2ST; c != nil && c.Cannot == "" && c.P >= chance {
		s.Text = "The classifier does not tell the samples apart: what r makes of them may be chance. " + s.Text
	}
	order := make([]int, len(r.Ratio.Tails))
	for i := range order {
		order[i] = i
	}
	off := func(i int) float64 {
		t := r.Ratio.Tails[i]
		return math.Max(math.Abs(t.Lacking.Off(t.Reference)), math.Abs(t.Surplus.Off(t.Generated)))
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(off(b), off(a)) })
	for _, i := range order[:min(len(order), mostTails)] {
		t := r.Ratio.Tails[i]
		s.Rows = append(s.Rows, []string{label(r.JointNames[i]), spread(t.Lacking), spread(t.Reference), spread(t.Surplus), spread(t.Generated)})
	}
	return s
}

func spread(q validate.Spread) string {
	return fmt.Sprintf("%s (%s to %s)", digits(q[1]), digits(q[0]), digits(q[2]))
}

// testsSection has a row a test of all columns at once.
func testsSection(r *validate.Result) Section {
	s := Section{
		Title: "All columns together", Head: []string{"Test", "Value", "By chance", "p", "Events"}, Numbers: [2]int{1, 5},
		Text: "Each number beside what samples of one distribution give by chance alone, and the probability p of at least so much. docs/validation.md says what each is, and when to trust it.",
	}
	add := func(name string, t validate.Named) {
		row := []string{name, digits(t.Value), pm(t.NullMean, t.NullStd), plain(t.P), "all"}
		if t.Error > 0 {
			row[1] = pm(t.Value, t.Error)
		}
		if t.NullStd == 0 {
			row[2] = "–"
		}
		if t.Events > 0 {
			row[4] = fmt.Sprint(t.Events)
		}
		if t.Cannot != "" {
			row = []string{name, "–", "", "", t.Cannot}
		}
		s.Rows = append(s.Rows, row)
	}
	for _, t := range r.Tests() {
		add(t.Name, t)
	}
	return s
}
