package classify_test

import (
	"context"
	"fmt"

	"github.com/sluice-hep/sluice/classify"
	"github.com/sluice-hep/sluice/internal/rng"
)

// The ratio of two densities, each event by a classifier that has not seen it.
func ExampleCrossFit() {
	r := rng.New(1, rng.StreamToy, 0)
	e := classify.Events{Columns: make([][]float64, 1)}
	for i := range 20_000 {
		class := i % 2
		e.Columns[0] = append(e.Columns[0], r.NormFloat64()+float64(class)) // log p1/p0 = x - 1/2
		e.Label = append(e.Label, class)
	}
	held, err := classify.CrossFit(context.Background(), e, 2, classify.Options{Seed: 1})
	if err != nil {
		fmt.Println(err)
		return
	}
	var off float64
	for i, f := range held.Logits {
		off += (f - (e.Columns[0][i] - 0.5)) * (f - (e.Columns[0][i] - 0.5)) / float64(len(held.Logits))
	}
	fmt.Println("log ratios within 0.1 of the true ones:", off < 0.01)
	// Output: log ratios within 0.1 of the true ones: true
}

// A score becomes a probability.
func ExampleNewIsotonic() {
	c, err := classify.NewIsotonic([]float64{1, 2, 3, 4}, []float64{0, 1, 0, 1}, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(c.At(0), c.At(2), c.At(2.5), c.At(5))
	// Output: 0 0.5 0.5 1
}
