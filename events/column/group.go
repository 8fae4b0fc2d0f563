package column

// Groups cuts blocks into groups of equally many events, as files pack them together.
type Groups struct {
	Events int // of a group
	held   int // of the one that is being filled
}

// Add gives the events of a block to fill, a part of a group at a time, and calls full at the end of each group.
func (g *Groups) Add(block []Column, fill func(part []Column) error, full func() error) error {
	part := make([]Column, len(block))
	for at, n := 0, block[0].Len(); at < n; {
		end := at + min(n-at, g.Events-g.held)
		for k := range block {
			part[k] = block[k].Slice(at, end)
		}
		if err := fill(part); err != nil {
			return err
		}
		g.held += end - at
		at = end
		if g.held == g.Events {
			g.held = 0
			if err := full(); err != nil {
				return err
			}
		}
	}
	return nil
}
