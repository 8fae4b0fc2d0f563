package nn

import "slices"

// Config describes a network.
type Config struct {
	Hidden     []int  // widths of the hidden layers, of a residual network the one
	Activation string // one of Activations
	Init       string // one of Inits
	// ContextFirst gives the context to the first layer only, not to every layer.
	ContextFirst bool
	Blocks       int     // of a residual network
	BatchNorm    bool    // within a residual network
	Dropout      float64 // fraction of hidden units left out in training
}

// Shape is what a network's place asks of it.
type Shape struct {
	Features, Context int // inputs
	Outputs           int
	// Order makes the network autoregressive; without one every output sees every feature.
	Order *Order
	Layer int // number of the first hidden layer among those of the flow, for dropout
}

// Order says which features the outputs may depend on: features and outputs come in groups, and the outputs of a group see
// the context and the features of the groups before it only. Features of group g, from 0 on, have degree g+1, and so do its
// outputs; a hidden unit of degree d sees the features and units of degree at most d; an output those of smaller degree
// (Germain et al., arXiv:1502.03509, there with one feature a group). Units are sorted by degree.
type Order struct {
	Inputs, Outputs []int // end of each group
	// Degrees of the hidden units: as many of each degree (cyclic), or as the AutoregressiveNetwork of TensorFlow
	// Probability assigns them (equal).
	Degrees string
	// Hidden are the degrees of each hidden layer where they are given and not assigned.
	Hidden [][]int
}

// DegreeKinds are the names of the ways to assign degrees.
var DegreeKinds = []string{"cyclic", "equal"}

// expand gives each element of the groups its degree.
func expand(ends []int) []int {
	deg, begin := make([]int, ends[len(ends)-1]), 0
	for g, end := range ends {
		for i := begin; i < end; i++ {
			deg[i] = g + 1
		}
		begin = end
	}
	return deg
}

// hidden assigns sorted degrees to so many units of hidden layer l. The lowest is 0 where there is a context (such units
// see it alone, so that the first group can depend on it) or a single group, else 1.
func (o *Order) hidden(l, units, context int) []int {
	if o.Hidden != nil {
		return o.Hidden[l]
	}
	groups, lowest := len(o.Inputs), 1
	if context > 0 || groups == 1 {
		lowest = 0
	}
	span := groups - lowest // degrees from lowest to groups-1
	deg := make([]int, units)
	for i := range deg {
		if o.Degrees == "equal" {
			deg[i] = lowest - 1 + ((i+1)*span+units)/(units+1) // rounded up
		} else {
			deg[i] = lowest + i%span
		}
	}
	slices.Sort(deg)
	return deg
}

// ofDegree are the units of sorted degrees that have degree d.
func ofDegree(degrees []int, d int) (s span) {
	s.begin, _ = slices.BinarySearch(degrees, d)
	s.end, _ = slices.BinarySearch(degrees, d+1)
	return s
}
