package prep

import (
	"fmt"
	"slices"

	"github.com/sluice-hep/sluice/events"
)

// Beyond lists the events of t with a value further beyond the trained range of its column than within times that range, and
// says how the first of them lies. t is what Invert gives.
func (p *Pipeline) Beyond(t *events.Table, within float64) (rows []int32, first string) {
	out := make([]*Column, t.Len()) // the first column that lies too far
	for i := range p.Columns {
		c := &p.Columns[i]
		low, high := c.Trained()
		room, marks := within*(high-low), c.marks()
		for e := range out {
			v := t.Columns[i].Float(e)
			if out[e] == nil && (v < low-room || v > high+room) && !slices.Contains(marks, v) {
				out[e] = c
			}
		}
	}
	for e, c := range out {
		if c == nil {
			continue
		}
		if rows = append(rows, int32(e)); len(rows) == 1 {
			col, _ := t.Column(c.Name)
			low, high := c.Trained()
			first = fmt.Sprintf("column %q at last at %.6g, trained on %.6g to %.6g", c.Name, col.Float(e), low, high)
		}
	}
	return rows, first
}
