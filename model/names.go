package model

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/prep"
)

// Codes are events with the codes of names in their place: the place of each among those of training, the most frequent first, as many for one that
// training had not, and NaN for an empty cell.
func (m *Model) Codes(t *events.Table) *events.Table {
	out := &events.Table{Weight: t.Weight, Columns: slices.Clone(t.Columns)}
	for _, p := range m.preparations() {
		p.Code(out)
	}
	return out
}

// CodesOf says which names have which codes, a line a column.
func (m *Model) CodesOf() (lines []string) {
	for _, p := range m.preparations() {
		for _, c := range Columns(p) {
			if c.Names == nil {
				continue
			}
			var each []string
			for k, name := range c.Names[:min(len(c.Names), mostCodes)] {
				each = append(each, fmt.Sprintf("%d is %s", k, name))
			}
			if n := len(c.Names) - mostCodes; n > 0 {
				each = append(each, fmt.Sprintf("and %d more", n))
			}
			lines = append(lines, fmt.Sprintf("column %q is compared by the numbers of its names, the most frequent first: %s", c.Name, strings.Join(each, ", ")))
		}
	}
	return lines
}

const mostCodes = 16 // are named

func (m *Model) preparations() (all []*prep.Pipeline) {
	for _, p := range []*prep.Pipeline{m.Features, m.Context} {
		if p != nil {
			all = append(all, p)
		}
	}
	return all
}
