package stats_test

import (
	"fmt"

	"github.com/sluice-hep/sluice/stats"
	"github.com/sluice-hep/sluice/toy"
)

func ExampleCompare() {
	reference, _ := toy.Generate("banana", 5000, 1, toy.Options{})
	generated, _ := toy.Generate("banana", 5000, 2, toy.Options{})
	c, err := stats.Compare(reference, generated, []string{"x1", "x2"})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, name := range c.Names {
		fmt.Printf("%s: the same distribution: %v\n", name, c.Columns[name].KSP > 0.001)
	}
	fmt.Printf("correlations agree within 0.1: %v\n", c.CorrelationMaxDiff < 0.1)
	// Output:
	// x1: the same distribution: true
	// x2: the same distribution: true
	// correlations agree within 0.1: true
}
