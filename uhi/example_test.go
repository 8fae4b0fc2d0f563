package uhi_test

import (
	"encoding/json"
	"fmt"

	"github.com/sluice-hep/sluice/uhi"
)

func ExampleHistogram() {
	h := uhi.Histogram{
		Axes:      []uhi.Axis{{Edges: []float64{0, 20, 50, 100}, Overflow: true, Metadata: uhi.Metadata{"name": "pt", "unit": "GeV"}}},
		Values:    []float64{12, 7.5, 3, 1},
		Variances: []float64{12, 6.25, 3, 1},
	}
	text, err := json.Marshal(h)
	if err != nil {
		panic(err)
	}
	fmt.Println(string(text))

	var named map[string]uhi.Histogram // as a file of several has them
	if err := json.Unmarshal([]byte(`{"data": `+string(text)+`}`), &named); err != nil {
		panic(err)
	}
	data := named["data"]
	fmt.Println(data.Axes[0].Edges, data.Values[1], data.Variance(1))
	// Output:
	// {"uhi_schema":1,"axes":[{"type":"variable","edges":[0,20,50,100],"underflow":false,"overflow":true,"circular":false,"metadata":{"name":"pt","unit":"GeV"}}],"storage":{"type":"weighted","values":[12,7.5,3,1],"variances":[12,6.25,3,1]}}
	// [0 20 50 100] 7.5 6.25
}
