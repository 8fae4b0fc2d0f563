package unfold

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/sluice-hep/sluice/card"
	"github.com/sluice-hep/sluice/internal/say"
	"github.com/sluice-hep/sluice/query"
)

// sample are the events of a simulation, or of data.
type sample struct {
	truth, reco         [][]float64 // a column each; without meaning where an event does not pass
	passTruth, passReco []bool
	weight              []float64
	prior               []float64 // times which the weights are those of another truth; nil for none

	// both are the rows that pass both, and so on.
	both, fakes, lost, isTruth, isReco []int32
	notices                            []string
	subtracted                         int // events of data, the last, that are fakes of the simulation with negative weights
}

// reader says what there is to read of a sample.
type reader struct {
	name                string // for errors
	truth, reco         []string
	weight, prior       string
	passTruth, passReco string
	mayLackPass         bool // pass_reco may be no column
}

// priorColumn is the weight of another truth.
const priorColumn = "unfold.prior"

func (r *reader) read(ctx context.Context, q query.Query) (*sample, error) {
	need := nonEmpty(r.weight, r.passTruth)
	q.Columns = slices.Concat(r.truth, r.reco, need, nonEmpty(r.prior))
	q.Welcome = nil
	if r.mayLackPass {
		q.Welcome = nonEmpty(r.passReco)
	} else {
		q.Columns = append(q.Columns, nonEmpty(r.passReco)...)
	}
	q.Complete, q.Names, q.Lack, q.Weight = need, nil, nil, r.weight
	rows, err := q.Open(ctx, 1<<16)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", r.name, err)
	}
	defer rows.Close()
	t, err := rows.All()
	if err == nil {
		err = rows.Nothing()
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", r.name, err)
	}
	s := &sample{notices: append(rows.Notices(), rows.Warnings()...)}
	column := func(name string) (x []float64) {
		if err != nil {
			return nil
		}
		c, e := t.Column(name)
		if e == nil {
			x, e = c.Floats(nil)
		}
		if e != nil {
			err = fmt.Errorf("%s: %w", r.name, e)
		}
		return x
	}
	for _, name := range r.truth {
		s.truth = append(s.truth, column(name))
	}
	for _, name := range r.reco {
		s.reco = append(s.reco, column(name))
	}
	s.weight = make([]float64, t.Len())
	for i := range s.weight {
		s.weight[i] = 1
	}
	if r.weight != "" {
		s.weight = column(r.weight)
	}
	if r.prior != "" {
		s.prior = slices.Clone(column(r.prior))
	}
	flag := func(name string) []bool {
		pass := make([]bool, t.Len())
		has := name != "" && slices.Contains(t.Names(), name)
		var x []float64
		if has {
			x = column(name)
		}
		for i := range pass {
			if pass[i] = true; err == nil && has {
				if pass[i] = x[i] == 1; x[i] != 0 && x[i] != 1 {
					err = fmt.Errorf("%s: %s is %g in event %d; it must be 1 for events that pass and 0 for others", r.name, name, x[i], i+1)
				}
			}
		}
		return pass
	}
	s.passTruth, s.passReco = flag(r.passTruth), flag(r.passReco)
	if err == nil {
		err = r.check(s)
	}
	return s, err
}

func nonEmpty(names ...string) []string {
	return slices.DeleteFunc(names, func(s string) bool { return s == "" })
}

// check sorts the events by what they pass, and refuses what is missing where it should be there.
func (r *reader) check(s *sample) error {
	for i := range s.weight {
		truth, reco := len(r.truth) > 0 && s.passTruth[i], s.passReco[i]
		for _, part := range []struct {
			passes  bool
			columns [][]float64
			names   []string
			by      string
		}{{truth, s.truth, r.truth, r.passTruth}, {reco, s.reco, r.reco, r.passReco}} {
			for c, x := range part.columns {
				if v := x[i]; part.passes && v-v != 0 {
					return fmt.Errorf("%s: %s is %g in event %d, which passes (%s); leave such events out (where), or let a column say that they do not pass", r.name, part.names[c], v, i+1, orAll(part.by))
				}
			}
		}
		if s.prior != nil && s.prior[i]-s.prior[i] != 0 {
			if truth {
				return fmt.Errorf("unfold.prior is %g in event %d, which passes (%s): it must be a number wherever there is a truth", s.prior[i], i+1, orAll(r.passTruth))
			}
			s.prior[i] = 1 // as of noise, which has no truth
		}
		switch row := int32(i); {
		case truth && reco:
			s.both = append(s.both, row)
		case reco:
			s.fakes = append(s.fakes, row)
		case truth:
			s.lost = append(s.lost, row)
		}
		if truth {
			s.isTruth = append(s.isTruth, int32(i))
		}
		if reco {
			s.isReco = append(s.isReco, int32(i))
		}
	}
	return nil
}

func orAll(name string) string {
	if name == "" {
		return "as all do"
	}
	return name + " 1"
}

// sum are the weights of rows, times a factor each where there is one.
func sum(w, factor []float64, rows []int32) (s float64) {
	for _, i := range rows {
		if factor == nil {
			s += w[i]
		} else {
			s += w[i] * factor[i]
		}
	}
	return s
}

// pick are values of rows.
func pick(x []float64, rows []int32) []float64 {
	y := make([]float64, len(rows))
	for k, i := range rows {
		y[k] = x[i]
	}
	return y
}

func pickAll(columns [][]float64, rows []int32) (some [][]float64) {
	for _, x := range columns {
		some = append(some, pick(x, rows))
	}
	return some
}

// least is how many events must pass both selections, and be measured in the data: with fewer nothing is learned.
const least = 100

// usable is an error where nothing can be learned from a simulation.
func (s *sample) usable(name string, c *card.Card) error {
	u := &c.Unfold
	switch {
	case len(s.isReco) == 0:
		return fmt.Errorf("%s: no event passes %s: the efficiency is 0, and there is nothing to unfold with", name, u.PassReco)
	case len(s.isTruth) == 0:
		return fmt.Errorf("%s: no event passes %s: there is nothing to unfold to", name, u.PassTruth)
	case len(s.both) < least:
		return fmt.Errorf("%s: %s of %d that pass truth, and of %d measured: an unfolding takes at least %d that are both", name, say.Count(len(s.both), "event"), len(s.isTruth), len(s.isReco), least)
	}
	for _, part := range []struct {
		what string
		rows []int32
	}{{"that pass both selections", s.both}, {"that pass truth", s.isTruth}, {"that are measured", s.isReco}} {
		if w := sum(s.weight, nil, part.rows); !(w > 0) {
			return fmt.Errorf("%s: the weights of the %d events %s sum to %g; they must sum to a positive number", name, len(part.rows), part.what, w)
		}
		if s.prior != nil {
			if w := sum(s.weight, s.prior, part.rows); !(w > 0) {
				return fmt.Errorf("unfold.prior: the weights of the %d events %s sum to %g with it; they must sum to a positive number", len(part.rows), part.what, w)
			}
		}
	}
	return nil
}

// subtract joins the fakes of a simulation to the data as events of negative weight, so many times their own, after which the simulation has none.
func (s *sample) subtract(data *sample, luminosity float64) {
	for _, i := range s.fakes {
		data.isReco = append(data.isReco, int32(len(data.weight)))
		data.weight = append(data.weight, -luminosity*s.weight[i])
		data.passTruth, data.passReco = append(data.passTruth, false), append(data.passReco, true)
		for c := range data.reco {
			data.reco[c] = append(data.reco[c], s.reco[c][i])
		}
		for c := range data.truth {
			data.truth[c] = append(data.truth[c], math.NaN())
		}
	}
	data.subtracted = len(s.fakes)
	s.fakes, s.isReco = nil, s.both
}

// beyond says how many measured events of data lie outside of what was measured in the simulation, by column.
func (s *sample) beyond(data *sample, names []string) (lines []string) {
	for c, name := range names {
		low, high := math.Inf(1), math.Inf(-1)
		for _, i := range s.isReco {
			low, high = min(low, s.reco[c][i]), max(high, s.reco[c][i])
		}
		n := 0
		for _, i := range data.isReco {
			if v := data.reco[c][i]; v < low || v > high {
				n++
			}
		}
		if n > 0 {
			lines = append(lines, fmt.Sprintf("%s of the data %s a %s beyond the simulation's, %.4g to %.4g: what is unfolded of them is a guess", say.Count(n, "event"), has(n), name, low, high))
		}
	}
	return lines
}

func has(n int) string {
	if n == 1 {
		return "has"
	}
	return "have"
}
