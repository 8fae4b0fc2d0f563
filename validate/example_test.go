package validate_test

import (
	"context"
	"fmt"

	"github.com/sluice-hep/sluice/classify"
	"github.com/sluice-hep/sluice/internal/rng"
	"github.com/sluice-hep/sluice/stats"
	"github.com/sluice-hep/sluice/validate"
)

// Two samples whose columns have the right distributions, and the wrong correlation.
func ExampleC2ST() {
	r := rng.New(1, rng.StreamToy, 0)
	sample := func(correlation float64) (s stats.Sample) {
		s.Columns = make([][]float64, 2)
		for range 4000 {
			x, y := r.NormFloat64(), r.NormFloat64()
			s.Columns[0], s.Columns[1] = append(s.Columns[0], x), append(s.Columns[1], correlation*x+0.8*y)
		}
		return s
	}
	found, err := validate.C2ST(context.Background(), sample(0.6), sample(-0.6), classify.Options{Seed: 1})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("AUC above 0.7:", found.AUC > 0.7, "p below 0.001:", found.P < 0.001)
	// Output: AUC above 0.7: true p below 0.001: true
}
