package validate

import (
	"fmt"
	"math"
	"strings"

	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/internal/say"
	"github.com/sluice-hep/sluice/model"
)

// Outside counts the events whose context lies outside the range that a model was trained in, where it extrapolates.
type Outside struct {
	Events  int             `json:"events"`
	Of      int             `json:"of"`
	Columns []OutsideColumn `json:"columns,omitempty"` // those outside of which some lie
}

// OutsideColumn is a column of the context, in its own unit.
type OutsideColumn struct {
	Name   string  `json:"name"`
	Unit   string  `json:"unit,omitempty"`
	Min    float64 `json:"min"` // of the trained range
	Max    float64 `json:"max"`
	Lowest float64 `json:"lowest"` // finite value that there is
	Most   float64 `json:"most"`
	Below  int     `json:"below"` // events below Min
	Above  int     `json:"above"`
	Unseen int     `json:"unseen,omitempty"` // events with a value that the model does not know, of few that a column can have
	First  string  `json:"first,omitempty"`  // of these
}

// OutsideContext looks at the context of events, which t must hold; nil for a model without a context.
func OutsideContext(m *model.Model, t *events.Table) (*Outside, error) {
	if !conditional(m) {
		return nil, nil
	}
	n, ranges, err := m.Context.OutOfRange(t)
	if err != nil {
		return nil, fmt.Errorf("the context: %w", err)
	}
	o := &Outside{Events: n, Of: t.Len()}
	for _, r := range ranges {
		c := OutsideColumn{Name: r.Column, Unit: r.Unit, Min: r.Min, Max: r.Max, Below: r.Below, Above: r.Above, Unseen: r.Unseen, First: r.Value, Lowest: r.Min, Most: r.Max}
		if col, err := t.Column(r.Column); err == nil { // a variable of many objects is of no single one
			c.Lowest, c.Most = math.Inf(1), math.Inf(-1)
			for i := range t.Len() {
				if v := col.Float(i); v-v == 0 {
					c.Lowest, c.Most = min(c.Lowest, v), max(c.Most, v)
				}
			}
		}
		o.Columns = append(o.Columns, c)
	}
	return o, nil
}

// conditional tells whether a model has a context.
func conditional(m *model.Model) bool { return m.Context != nil && len(m.Context.Names()) > 0 }

// Say is a line on them; "" where there are none.
func (o *Outside) Say() string {
	if o == nil || o.Events == 0 {
		return ""
	}
	var parts []string
	for _, c := range o.Columns {
		var what []string
		if n := c.Below + c.Above; n > 0 {
			what = append(what, fmt.Sprintf("%d, which have %s where the model knows %s", n, reach(c.Lowest, c.Most, c.Unit), reach(c.Min, c.Max, c.Unit)))
		}
		if c.Unseen > 0 {
			what = append(what, fmt.Sprintf("%d with a value that the model does not know, the first %s", c.Unseen, c.First))
		}
		parts = append(parts, fmt.Sprintf("%q: %s", c.Name, strings.Join(what, "; ")))
	}
	return fmt.Sprintf("the context of %d of %s lies outside the trained range, where the model extrapolates: %s", o.Events, say.Count(o.Of, "event"), strings.Join(parts, ", "))
}

func reach(lo, hi float64, unit string) string {
	if lo == hi {
		return strings.TrimSpace(fmt.Sprintf("%.6g %s", lo, unit))
	}
	return strings.TrimSpace(fmt.Sprintf("%.6g to %.6g %s", lo, hi, unit))
}
