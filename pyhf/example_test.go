package pyhf_test

import (
	"encoding/json"
	"fmt"

	"github.com/sluice-hep/sluice/pyhf"
	"github.com/sluice-hep/sluice/uhi"
)

func ExampleBuild() {
	bins := func(values ...float64) *uhi.Histogram {
		return &uhi.Histogram{Axes: []uhi.Axis{{Edges: []float64{100, 200, 400}}}, Values: values}
	}
	signal := pyhf.Template{Name: "signal", Nominal: bins(0, 5), Free: []string{"mu"}}
	background := pyhf.Template{Name: "background", Nominal: bins(50, 20), StatError: true,
		Shapes: map[string]pyhf.Variation{"closure": {Down: bins(48, 21), Up: bins(53, 18)}}}

	w, notes, err := pyhf.Build(
		[]pyhf.Region{{Name: "SR", Observed: bins(52, 27), Templates: []pyhf.Template{signal, background}}},
		[]pyhf.Measurement{pyhf.POI("search", "mu", 0, 10)}, 1e-3)
	if err != nil {
		panic(err)
	}
	fmt.Println(notes[0])
	text, _ := json.Marshal(w.Channels[0].Samples[0])
	fmt.Println(string(text))
	// Output:
	// channel SR: 1 of 8 bins of templates held less than 0.001 events, and were raised to that
	// {"name":"signal","data":[0.001,5],"modifiers":[{"name":"mu","type":"normfactor","data":null}]}
}
