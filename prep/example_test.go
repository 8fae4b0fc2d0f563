package prep_test

import (
	"fmt"
	"math"

	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/prep"
)

// Fit a preparation on training events, give the flow what it makes of them, and put back what the flow makes.
func Example() {
	const n = 1000
	pt, charge := make([]float32, n), make([]int64, n)
	for i := range pt {
		pt[i] = float32(25 * math.Pow((float64(i)+0.5)/n, -0.3)) // a falling spectrum above 25 GeV
		charge[i] = int64(1 - i%2*2)
	}
	train := &events.Table{Columns: []events.Column{
		{Name: "pt", Unit: "GeV", F32: pt},
		{Name: "charge", Type: events.Int64, I64: charge},
	}}

	p, _, err := prep.Fit(train, []string{"pt", "charge"}, prep.Spec{}, 1)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, c := range p.Columns {
		fmt.Printf("%s: %s\n", c.Name, c.Why)
	}

	cols, logDet, err := p.Apply(train, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%d columns of %d events for the flow\n", len(cols), len(logDet))

	back, _, err := p.Invert(cols)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("event 7: pt %.2f GeV, charge %d\n", back.Columns[0].F32[7], back.Columns[1].I64[7])
	// Output:
	// pt: continuous with a long upper tail (to 244, 13 standard deviations): quantiles to a normal, a hard edge at 25, a tail on the other side
	// charge: 2 different values, each with its probability, as the part of a normal that holds it
	// 2 columns of 1000 events for the flow
	// event 7: pt 108.50 GeV, charge -1
}

// A card's `prepare: [minmax, {clip: {b: 1e-6}}, logit, standardise]`, written in Go.
func ExampleSpec() {
	spec := prep.Spec{All: []prep.StepSpec{
		{Kind: "minmax"},
		{Kind: "clip", Options: map[string]float64{"b": 1e-6}},
		{Kind: "logit"},
		{Kind: "standardise"},
	}}
	fmt.Println(spec.Validate())
	spec.All[1].Kind = "clamp"
	fmt.Println(spec.Validate())
	// Output:
	// <nil>
	// "clamp" is not a preparation step; there is minmax, clip, logit, standardise, log, asinh, dequantise, round, periodic, category, atoms, levels, classes, spread, quantile
}
