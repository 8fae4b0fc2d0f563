package fit

import (
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/events/profile"
	"github.com/sluice-hep/sluice/feed"
	"github.com/sluice-hep/sluice/prep"
	"github.com/sluice-hep/sluice/query"
)

// watched are the events of a card on their way: it describes the columns to prepare, and counts the events with a value
// beyond the range that is stated for its column.
type watched struct {
	*query.Rows
	names   []string // of the features and the context
	many    bool     // files
	limits  map[string]prep.Limits
	missing prep.Missing
	profile profile.Summariser

	beyond  map[string][]beyond // by column
	surplus []events.Surplus    // one a set of objects
}

// surplusOf counts for each of the sets, from 0.
func surplusOf(sets []events.Set) (all []events.Surplus) {
	for _, s := range sets {
		all = append(all, events.Surplus{Set: s})
	}
	return all
}

func sayings(all []events.Surplus) (lines []string) {
	for i := range all {
		if line := all[i].Say(); line != "" {
			lines = append(lines, line)
		}
	}
	return lines
}

// beyond is a value outside the range stated, of how many events, and where the first is.
type beyond struct {
	value  float64 // NaN for any after the first mostBeyond
	events int
	first  string
}

const mostBeyond = 16

func (r *watched) Next() (feed.Block, error) {
	b, err := r.Rows.Next()
	if err != nil {
		return b, err
	}
	t, err := only(b.Table, r.names)
	if err != nil {
		return b, err
	}
	file := ""
	if r.many {
		file = r.Path()
	}
	if err := r.profile.Add(t, file, b.Rows); err != nil {
		return b, err
	}
	for i := range r.surplus {
		if err := r.surplus[i].Add(b.Table); err != nil {
			return b, err
		}
	}
	for _, name := range slices.Sorted(maps.Keys(r.limits)) {
		c, err := b.Column(name)
		if err != nil {
			continue
		}
		for i := range c.Len() {
			if v := c.Float(i); v < r.limits[name].Low || v > r.limits[name].High {
				r.note(c, v, i, b.Rows[i])
			}
		}
	}
	return b, nil
}

// note remembers value v of event i of a block, which is that row of its file.
func (r *watched) note(c *events.Column, v float64, i int, row int64) {
	all := r.beyond[c.Name]
	k := slices.IndexFunc(all, func(b beyond) bool { return b.value == v || b.value != b.value })
	if k < 0 {
		first := fmt.Sprintf("row %d: column %q: %s", row+1, c.Name, c.Format(i))
		if path := r.Path(); path != "" {
			first = path + ": " + first
		}
		if k = len(all); k == mostBeyond {
			v = math.NaN()
		}
		all = append(all, beyond{value: v, first: first})
	}
	all[k].events++
	if r.beyond == nil {
		r.beyond = map[string][]beyond{}
	}
	r.beyond[c.Name] = all
}

// outside is an error if any value lies beyond that is no mark, of many events of an otherwise continuous column: the range is that of the others.
func (r *watched) outside(seen map[string]profile.Summary) error {
	for _, name := range slices.Sorted(maps.Keys(r.beyond)) {
		s, events, first := seen[name], 0, ""
		for _, b := range r.beyond[name] {
			if slices.Contains(r.missing.Of(name).Marks, b.value) || s.Kind == profile.KindAtoms && slices.ContainsFunc(s.Atoms, func(a profile.Atom) bool { return a.Value == b.value }) {
				continue
			}
			if events += b.events; first == "" {
				first = b.first
			}
		}
		if l := r.limits[name]; events > 0 {
			return fmt.Errorf("%s is the first of %d values outside the range stated, %g to %g; widen it (range), or select these events away (where)",
				first, events, l.Low, l.High)
		}
	}
	return nil
}

// only is the table of those columns.
func only(t *events.Table, names []string) (*events.Table, error) {
	some := &events.Table{}
	for _, name := range names {
		c, err := t.Column(name)
		if err != nil {
			return nil, err
		}
		some.Columns = append(some.Columns, *c)
	}
	return some, nil
}

// seen describes the columns of all events, by name. Those in memory are counted again where that is needed.
func (r *watched) seen(s *feed.Survey) (map[string]profile.Summary, error) {
	if s.Whole() && r.profile.Unsure() {
		t, err := only(s.All.Table, r.names)
		if err != nil {
			return nil, err
		}
		if err := r.profile.Recount(t); err != nil {
			return nil, err
		}
	}
	all := map[string]profile.Summary{}
	for _, c := range r.profile.Summaries() {
		all[c.Name] = c
	}
	return all, nil
}
