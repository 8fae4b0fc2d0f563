package plain

// Known says of each layer of the network how many of its units, from the first on, follow from the groups before group g: known[layer][g].
// The last layer are the outputs; of a residual network all layers in between have the units of the first. Units that come later have weights of 0
// from there on, so that a unit need be computed only once. Of a coupling all units are known at once.
func (c *Conditional) Known() (known [][]int) {
	inputs := c.groups()
	if len(c.Net.Blocks) > 0 {
		units := c.Net.Layers[0].needs(inputs, nil)
		for before := -1; before != sum(units); {
			before = sum(units)
			for i := range c.Net.Blocks {
				for j := range c.Net.Blocks[i].Linears {
					units = c.Net.Blocks[i].Linears[j].needs(units, units)
				}
			}
		}
		return [][]int{c.ends(units), c.ends(c.Net.Layers[1].needs(units, nil))}
	}
	for i := range c.Net.Layers {
		inputs = c.Net.Layers[i].needs(inputs, nil)
		known = append(known, c.ends(inputs))
	}
	return known
}

func sum(of []int) (s int) {
	for _, v := range of {
		s += v
	}
	return s
}

// groups is how many groups must be known for each input of the network.
func (c *Conditional) groups() (need []int) {
	g := 0
	for i, s := range c.Seen {
		if len(c.Kept) > 0 {
			g = -1
		} else if i == c.Ends[g] {
			g++
		}
		if need = append(need, g+1); s.Circle > 0 {
			need = append(need, g+1)
		}
	}
	return need
}

// needs is how many groups each output needs where each input, the context aside, needs so many, and no fewer than least says and than the output
// before.
func (d *Dense) needs(in, least []int) []int {
	out := make([]int, d.Out)
	for o := range out {
		if least != nil {
			out[o] = least[o]
		}
		if o > 0 {
			out[o] = max(out[o], out[o-1])
		}
		for i, need := range in {
			if need > out[o] && d.Weight[(d.Context+i)*d.Out+o] != 0 {
				out[o] = need
			}
		}
	}
	return out
}

// ends is how many units, of those that need so many groups, follow from none, from one group, and so on.
func (c *Conditional) ends(need []int) (ends []int) {
	n := 0
	for g := range c.Ends {
		for n < len(need) && need[n] <= g {
			n++
		}
		ends = append(ends, n)
	}
	return ends
}
