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
		Generated: []plot.Histogram{{Edges: edges, SumW: []float64{116, 66, 18}, Events: 200}},
	}
	p, err := o.Picture()
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(string(p.SVG()[:35]))
	// Output: <svg xmlns="http://www.w3.org/2000/
}

// A ROC curve of one score; other lines of the picture, and its axes, may be changed before it is drawn.
func ExampleROC() {
	v := plot.ROC(plot.Curve{Name: "log-density ratio",
		X: []float64{0.1, 0.5, 1}, Y: []float64{200, 12, 1},
		Low: []float64{150, 11, 1}, High: []float64{250, 13, 1}})
	v.X.Label = "Efficiency of the decays"
	p, err := v.Picture()
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(p.Alt())
	// Output: Background rejection against signal efficiency
}

// Two columns in pairs: contours of the generated events over those of the reference.
func ExampleCorner() {
	o := plot.Corner{
		Columns:   []plot.Axis{{Label: "m", Unit: "TeV"}, {Label: "pT", Unit: "GeV"}},
		Reference: plot.Points{Columns: [][]float64{{1, 2, 3, 4}, {40, 30, 20, 10}}},
		Generated: []plot.Points{{Name: "spline", Columns: [][]float64{{1, 2, 3}, {41, 29, 22}}}},
	}
	p, err := o.Picture()
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(p.Alt())
	// Output: Corner plot: the reference and generated events in all pairs of columns
}
