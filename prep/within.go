package prep

import (
	"fmt"

	"github.com/sluice-hep/sluice/events"
)

// Beyond lists the events of t with a value further beyond the trained range of its column than within times that range, and
// says how the first of them lies. t is what Invert gives.
func (p *Pipeline) Beyond(t *events.Table, within float64) (rows []int32, first string) {
	out := make([]*Column, t.Len()) // the first column that lies too far
	for i := range p.Columns {
		c := &p.Columns[i]
		for e := range out {
			if out[e] == nil && c.beyond(t.Columns[i].Float(e), within) {
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

func (c *Column) beyond(v, within float64) bool {
	low, high := c.Trained()
	room := within * (high - low)
	return (v < low-room || v > high+room) && !c.marks(v)
}
