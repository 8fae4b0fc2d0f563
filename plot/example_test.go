package plot_test

import (
	"fmt"

	"github.com/sluice-hep/sluice/plot"
)

// A column of generated events over the same column of data; the SVG goes to a file or into a page.
func ExampleOverlay() {
	edges := []float64{0, 1, 2, 3}
	o := plot.Overlay{
		Label: "m", Unit: "TeV",
		Reference: plot.Histogram{Edges: edges, SumW: []float64{120, 60, 20}, Events: 200},
		Generated: plot.Histogram{Edges: edges, SumW: []float64{116, 66, 18}, Events: 200},
	}
	p, err := o.Picture()
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(string(p.SVG()[:35]))
	// Output: <svg xmlns="http://www.w3.org/2000/
}
