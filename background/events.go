package background

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/sluice-hep/sluice/card"
	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/events/column"
	"github.com/sluice-hep/sluice/events/formula"
	"github.com/sluice-hep/sluice/internal/say"
)

// sample is the events of a card, each in a region or in none.
type sample struct {
	*events.Table
	card   *card.Card // that a density of them is learned by, without what the estimate alone needs
	region []int      // of each event, from 0 in the order of the names; -1 for none
	weight []float64  // nil where all are 1
	other  []bool     // by the label no background; nil where nobody knows

	notices, warnings []string
}

// load reads the data of a card, or its simulation.
func load(ctx context.Context, c *card.Card, simulated bool) (*sample, error) {
	own, what := *c, "data"
	if simulated {
		what = "simulation"
		from := c.Background.Simulation
		if from.Files != nil {
			own.Files, own.Table, own.Toy = from.Files, nil, card.Toy{}
		}
		if from.Where != "" {
			own.Where = from.Where
		}
		if from.Weight != "" {
			own.Weight = from.Weight
		}
	}
	s := &sample{card: &own}
	label := c.Background.Label
	if simulated {
		label = ""
	}
	q, err := own.AnalysisQuery(label)
	if err != nil {
		return nil, err
	}
	others := len(q.Columns)
	for _, v := range c.Background.Regions {
		for _, bin := range v {
			names, err := formula.Names(bin.Expr)
			if err != nil {
				return nil, fmt.Errorf("background.regions: %s: %w", bin.Name, err)
			}
			for _, name := range names {
				if !slices.Contains(q.Columns, name) {
					q.Columns = append(q.Columns, name)
				}
			}
		}
	}
	rows, err := q.Open(ctx, 1<<16)
	if err != nil {
		return nil, ofRegions(q.Columns[others:], fmt.Errorf("%s: %w", what, err))
	}
	defer rows.Close()
	if s.Table, err = rows.All(); err == nil {
		err = rows.Nothing()
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	s.notices, s.warnings = rows.Notices(), rows.Warnings()
	if own.Weight != "" {
		if s.weight, err = s.floats(own.Weight); err != nil {
			return nil, err
		}
	}
	if label != "" {
		if err := s.labels(label); err != nil {
			return nil, err
		}
	}
	if err := s.divide(&c.Background); err != nil {
		return nil, fmt.Errorf("background.regions: %s: %w", what, err)
	}
	return s, s.enough(&c.Background, simulated)
}

func (s *sample) floats(name string) ([]float64, error) {
	c, err := s.Column(name)
	if err != nil {
		return nil, err
	}
	return c.Floats(nil)
}

func (s *sample) labels(name string) error {
	x, err := s.floats(name)
	if err != nil {
		return err
	}
	s.other = make([]bool, len(x))
	for i, v := range x {
		if v != 0 && v != 1 {
			return fmt.Errorf("background.label: %s is %g in event %d; it must be 1 for what is no background and 0 for what is", name, v, i+1)
		}
		s.other[i] = v == 1
	}
	return nil
}

// divide finds the region of each event. A bin that overlaps another of its variable is an error.
func (s *sample) divide(b *card.Background) error {
	var in [2][]int
	for v, bins := range b.Regions {
		in[v] = make([]int, s.Len())
		for i := range in[v] {
			in[v][i] = -1
		}
		for k, bin := range bins {
			f, err := formula.CompileCondition(s.Columns, bin.Expr)
			if err != nil {
				return fmt.Errorf("%s: %w", bin.Name, err)
			}
			rows, err := f.Rows(s.Columns)
			if err != nil {
				return fmt.Errorf("%s: %w", bin.Name, err)
			}
			twice, first := 0, -1
			for _, r := range rows {
				if in[v][r] >= 0 {
					if twice++; first < 0 {
						first = int(r)
					}
				}
				in[v][r] = k
			}
			if twice > 0 {
				return fmt.Errorf("%s overlaps other bins of its variable: %s %s in two of them, event %d first; change the conditions so that none is",
					bin.Name, say.Count(twice, "event"), say.Are(twice), first+1)
			}
		}
	}
	s.region = make([]int, s.Len())
	none := 0
	for i := range s.region {
		if s.region[i] = in[0][i]*len(b.Regions[1]) + in[1][i]; in[0][i] < 0 || in[1][i] < 0 {
			s.region[i] = -1
			none++
		}
	}
	if none > 0 {
		s.notices = append(s.notices, fmt.Sprintf("%d of %s are in no region and are left out", none, say.Count(s.Len(), "event")))
	}
	return nil
}

// ofRegions says of columns that are not there that the regions name them.
func ofRegions(names []string, err error) error {
	var a *column.Absent
	if errors.As(err, &a) && !slices.ContainsFunc(a.Columns, func(name string) bool { return !slices.Contains(names, name) }) {
		return fmt.Errorf("background.regions: %w", err)
	}
	return err
}

// least is how many events each region must have: with fewer no shape is known.
const least = 10

// enough is an error where a region has too few events, or weights that add up to nothing.
func (s *sample) enough(b *card.Background, simulated bool) error {
	n, sum := make([]int, len(b.Names())), make([]float64, len(b.Names()))
	for i, r := range s.region {
		if r >= 0 {
			n[r]++
			sum[r] += s.of(i)
		}
	}
	for r, name := range b.Names() {
		what, of := "the control region", ""
		switch {
		case name == b.Signal:
			what = "the region of interest"
		case !slices.Contains(b.Controls(), name):
			continue
		}
		if simulated {
			of = " of the simulation"
		}
		if n[r] < least {
			return fmt.Errorf("background.regions: %s%s %s in %s, %q, and an estimate takes at least %d in each: change the conditions%s", say.Count(n[r], "event"), of, say.Are(n[r]), what, name, least, remedy(name == b.Signal))
		}
		if !(sum[r] > 0) {
			return fmt.Errorf("background.regions: the weights of the %d events%s in %s, %q, add up to %g; an estimate takes a positive sum: change the conditions%s", n[r], of, what, name, sum[r], remedy(name == b.Signal))
		}
	}
	return nil
}

func remedy(signal bool) string {
	if signal {
		return ", or take more events"
	}
	return ", take more events, or leave it out (background.control)"
}

// of is the weight of an event.
func (s *sample) of(i int) float64 {
	if s.weight == nil {
		return 1
	}
	return s.weight[i]
}

// in are the events of a region.
func (s *sample) in(region int) (rows []int32) {
	return s.where(func(r int) bool { return r == region })
}

// where are the events of the regions that a condition holds for.
func (s *sample) where(holds func(region int) bool) (rows []int32) {
	for i, r := range s.region {
		if r >= 0 && holds(r) {
			rows = append(rows, int32(i))
		}
	}
	return rows
}

// columns are those named of some events.
func (s *sample) columns(names []string, rows []int32) *events.Table {
	some := &events.Table{}
	for _, name := range names {
		c, err := s.Column(name)
		if err != nil {
			panic(err) // load has read it
		}
		some.Columns = append(some.Columns, c.Take(rows))
	}
	return some
}

// weights are those of some events.
func (s *sample) weights(rows []int32) []float64 {
	w := make([]float64, len(rows))
	for i, r := range rows {
		w[i] = s.of(int(r))
	}
	return w
}

// density is the card of a density of some events.
func (s *sample) density(rows []int32, seed uint64) *card.Card {
	c := *s.card
	c.Table, c.Seed = s.columns(c.Used(), rows), seed
	c.Background, c.Anomaly = card.Background{}, card.Anomaly{}
	c.Files, c.Toy, c.Define, c.Where, c.DropNaN, c.Flatten = nil, card.Toy{}, nil, "", false, ""
	c.Train.Test = -1
	return &c
}
