package card_test

import (
	"fmt"

	"github.com/sluice-hep/sluice/card"
)

func Example() {
	text := `
files: [jets.csv]
features: {mass: TeV, pt: TeV}
train:
  epochs: 20
`
	c, err := card.Parse([]byte(text), "jets.yaml")
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := c.Set("train.epocs", "3"); err != nil {
		fmt.Println(err)
	}
	if err := c.Set("train.epochs", "3"); err != nil {
		fmt.Println(err)
	}
	canonical, err := c.YAML()
	fmt.Print(string(canonical), err)
	// Output:
	// set train.epocs: no such key; did you mean epochs?
	// name: jets
	// files: [jets.csv]
	// features: [mass, pt]
	// units:
	//   mass: TeV
	//   pt: TeV
	// train:
	//   epochs: 3
	// seed: 1
	// <nil>
}
