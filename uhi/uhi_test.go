package uhi

import (
	"encoding/json"
	"fmt"
	"math"
	"os/exec"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// keys of the schema, version 1, by the type of an axis or storage: those required, and those allowed besides.
var schema = map[string][2][]string{
	"histogram":    {{"uhi_schema", "axes", "storage"}, {"metadata", "writer_info"}},
	"regular":      {{"type", "lower", "upper", "bins", "underflow", "overflow", "circular"}, {"metadata", "writer_info"}},
	"variable":     {{"type", "edges", "underflow", "overflow", "circular"}, {"metadata", "writer_info"}},
	"category_str": {{"type", "categories", "flow"}, {"metadata", "writer_info"}},
	"double":       {{"type", "values"}, {"writer_info"}},
	"weighted":     {{"type", "values", "variances"}, {"writer_info"}},
}

// object is a JSON object that has the keys of its kind in the schema, and no others.
func object(kind string, v any) (map[string]any, error) {
	m, ok := v.(map[string]any)
	keys, known := schema[kind]
	if !ok || !known {
		return nil, fmt.Errorf("%v is no object of kind %q", v, kind)
	}
	for _, k := range keys[0] {
		if _, ok := m[k]; !ok {
			return nil, fmt.Errorf("%s: no %q", kind, k)
		}
	}
	for k, v := range m {
		if !slices.Contains(slices.Concat(keys[0], keys[1]), k) {
			return nil, fmt.Errorf("%s: %q is not in the schema", kind, k)
		}
		if k == "metadata" {
			for name, v := range v.(map[string]any) {
				if _, nested := v.(map[string]any); nested || v == nil {
					return nil, fmt.Errorf("metadata %q is %v", name, v)
				}
			}
		}
	}
	return m, nil
}

// valid tells what of a text is not as the schema has it.
func valid(text []byte) error {
	var v any
	if err := json.Unmarshal(text, &v); err != nil {
		return err
	}
	h, err := object("histogram", v)
	if err != nil {
		return err
	}
	if h["uhi_schema"] != 1.0 {
		return fmt.Errorf("uhi_schema is %v", h["uhi_schema"])
	}
	var shape []int
	for _, a := range h["axes"].([]any) {
		m, err := object(a.(map[string]any)["type"].(string), a)
		if err != nil {
			return err
		}
		n := 0
		switch m["type"] {
		case "regular":
			n = int(m["bins"].(float64))
		case "variable":
			n = len(m["edges"].([]any)) - 1
		case "category_str":
			n = len(m["categories"].([]any))
		}
		for _, k := range []string{"underflow", "overflow", "flow"} {
			if m[k] == true {
				n++
			}
		}
		shape = append(shape, n)
	}
	s, err := object(h["storage"].(map[string]any)["type"].(string), h["storage"])
	if err != nil {
		return err
	}
	for _, k := range []string{"values", "variances"} {
		if v, ok := s[k]; ok && !shaped(v, shape) {
			return fmt.Errorf("%s do not have the shape %v", k, shape)
		}
	}
	return nil
}

func shaped(v any, shape []int) bool {
	if len(shape) == 0 {
		_, number := v.(float64)
		return number
	}
	list, ok := v.([]any)
	return ok && len(list) == shape[0] && !slices.ContainsFunc(list, func(v any) bool { return !shaped(v, shape[1:]) })
}

func anyAxis(t *rapid.T) Axis {
	a := Axis{Overflow: rapid.Bool().Draw(t, "overflow")}
	name := rapid.SampledFrom([]string{"", "pt", "a\"b</script>", "η"})
	if rapid.Bool().Draw(t, "named") {
		a.Metadata = Metadata{"name": name.Draw(t, "name"), "scale": rapid.Float64Range(-9, 9).Draw(t, "scale")}
	}
	if rapid.IntRange(0, 3).Draw(t, "kind") == 0 {
		a.Categories = rapid.SliceOfNDistinct(rapid.String(), 1, 4, rapid.ID).Draw(t, "categories")
		return a
	}
	a.Underflow, a.Circular = rapid.Bool().Draw(t, "underflow"), rapid.Bool().Draw(t, "circular")
	low := rapid.Float64Range(-1e6, 1e6).Draw(t, "low")
	width, even := rapid.Float64Range(0.1, 1e3), rapid.Bool().Draw(t, "even")
	n := rapid.IntRange(1, 6).Draw(t, "bins")
	high := low + float64(n)*width.Draw(t, "width")
	a.Edges = []float64{low}
	for i := 1; i <= n; i++ {
		if even {
			a.Edges = append(a.Edges, evenly(low, high, i, n))
		} else {
			a.Edges = append(a.Edges, a.Edges[i-1]+width.Draw(t, "width"))
		}
	}
	return a
}

// Any histogram is written as the schema has it, and read back as it was.
func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := Histogram{Metadata: Metadata{"title": "x"}, Writer: [2]string{"sluice", "1.2"}, Axes: []Axis{}}
		for range rapid.IntRange(0, 3).Draw(t, "axes") {
			h.Axes = append(h.Axes, anyAxis(t))
		}
		h.Values = rapid.SliceOfN(rapid.Float64Range(-1e9, 1e9), h.Len(), h.Len()).Draw(t, "values")
		if rapid.Bool().Draw(t, "weighted") {
			h.Variances = rapid.SliceOfN(rapid.Float64Range(0, 1e9), h.Len(), h.Len()).Draw(t, "variances")
		}
		text, err := json.Marshal(h)
		if err == nil {
			err = valid(text)
		}
		if err != nil {
			t.Fatalf("%v: %s", err, text)
		}
		var back Histogram
		if err := json.Unmarshal(text, &back); err != nil {
			t.Fatal(err)
		}
		for i, a := range back.Axes { // bins of one width come back to the rounding of their edges
			for k, e := range a.Edges {
				if math.Abs(e-h.Axes[i].Edges[k]) > 1e-9*(1+math.Abs(e)) {
					t.Fatalf("edge %d of axis %d is %g, and was %g", k, i, e, h.Axes[i].Edges[k])
				}
			}
			back.Axes[i].Edges = h.Axes[i].Edges
		}
		if !reflect.DeepEqual(h, back) {
			t.Fatalf("\n%+v\nbecame\n%+v", h, back)
		}
	})
}

// The text of a histogram of 2 and of 3 bins, as Python's libraries write it.
func TestForm(t *testing.T) {
	h := Histogram{
		Axes:   []Axis{{Edges: []float64{0, 0.5, 1}, Underflow: true, Overflow: true, Metadata: Metadata{"name": "pt", "label": "p_T", "unit": "GeV"}}},
		Values: []float64{0, 3, 2.5, 1}, Variances: []float64{0, 3, 1.25, 1}, Metadata: Metadata{"events": 7}, Writer: [2]string{"sluice", "0.5"},
	}
	got, err := json.Marshal(h)
	want := `{"uhi_schema":1,"writer_info":{"sluice":{"version":"0.5"}},"metadata":{"events":7},"axes":[{"type":"regular","lower":0,"upper":1,"bins":2,` +
		`"underflow":true,"overflow":true,"circular":false,"metadata":{"label":"p_T","name":"pt","unit":"GeV"}}],` +
		`"storage":{"type":"weighted","values":[0,3,2.5,1],"variances":[0,3,1.25,1]}}`
	if err != nil || string(got) != want {
		t.Errorf("%s (%v)\nis not\n%s", got, err, want)
	}
	h.Axes[0].Edges = []float64{0, 0.5, 2}
	if got, err = json.Marshal(h); err != nil || !strings.Contains(string(got), `{"type":"variable","edges":[0,0.5,2],`) {
		t.Errorf("%s (%v)", got, err)
	}
}

// What other libraries write is read.
func TestReadsOthers(t *testing.T) {
	const two = `{"uhi_schema": 1, "writer_info": {"boost-histogram": {"version": "1.6.1"}}, "axes": [
		{"type": "boolean", "metadata": {"name": "tag"}},
		{"type": "category_int", "categories": [5, 22], "flow": true, "writer_info": {"boost-histogram": {"orig_type": "IntCategory"}}}],
		"storage": {"type": "int", "values": [[1, 2, 3], [4, 5, 6]]}}`
	var h Histogram
	if err := json.Unmarshal([]byte(two), &h); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(h.Values, []float64{1, 2, 3, 4, 5, 6}) || h.Variance(4) != 5 || h.Writer != [2]string{"boost-histogram", "1.6.1"} ||
		!slices.Equal(h.Axes[0].Categories, []string{"false", "true"}) || !slices.Equal(h.Axes[1].Categories, []string{"5", "22"}) {
		t.Errorf("%+v", h)
	}
}

func TestBadHistograms(t *testing.T) {
	axis := `{"type":"regular","lower":0,"upper":1,"bins":2,"underflow":false,"overflow":false,"circular":false}`
	of := func(axes, storage string) string {
		return `{"uhi_schema":1,"axes":[` + axes + `],"storage":` + storage + `}`
	}
	for text, want := range map[string]string{
		`[]`: "cannot unmarshal", `{}`: "schema 0", `{"uhi_schema":2,"axes":[]}`: "schema 2: version 1",
		of(axis, `{"type":"int"}`):                                       "without values",
		of(axis, `{"type":"mean","values":[1,2]}`):                       `storage "mean"`,
		of(axis, `{"type":"weighted","values":[1,2]}`):                   "without variances",
		of(axis, `{"type":"double","index":[[0]],"values":[1]}`):         "sparse",
		of(axis, `{"type":"double","values":[1,2,3]}`):                   "axis 0 has 2 bins, and the array there 3",
		of(axis, `{"type":"double","values":[1,"2"]}`):                   "2 is not a number",
		of(axis+","+axis, `{"type":"double","values":[1,2]}`):            "axis 1 has 2 bins",
		of(`{"type":"regular","lower":0,"bins":2}`, `{"type":"double"}`): "needs lower, upper",
		of(`{"type":"regular","lower":0,"upper":1,"bins":1e99}`, `{}`):   "cannot unmarshal",
		of(`{"type":"regular","lower":1,"upper":0,"bins":2}`, `{}`):      "do not increase",
		of(`{"type":"variable","edges":[1]}`, `{}`):                      "at least 2 edges",
		of(`{"type":"round"}`, `{}`):                                     `no axis of type "round"`,
		of(`{"type":"category_str","categories":["a","a"]}`, `{}`):       "stands twice",
		of(`{"type":"category_str","categories":[]}`, `{}`):              "no categories",
	} {
		if err := json.Unmarshal([]byte(text), new(Histogram)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, not %q", text, err, want)
		}
	}
	for want, h := range map[string]Histogram{
		"0 values and 0 variances for 1 bins":  {},
		"the content of bin 0 is not finite":   {Values: []float64{math.Inf(1)}},
		`metadata "a" is a []int`:              {Values: []float64{1}, Metadata: Metadata{"a": []int{1}}},
		`metadata "a", NaN, is not finite`:     {Values: []float64{1}, Metadata: Metadata{"a": math.NaN()}},
		"axis 0: edge 1, +Inf, is not finite":  {Axes: []Axis{{Edges: []float64{0, math.Inf(1)}}}, Values: []float64{1}},
		"no edges, no underflow and no circle": {Axes: []Axis{{Categories: []string{"a"}, Underflow: true}}, Values: []float64{1, 1}},
	} {
		if _, err := json.Marshal(h); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, not %q", h, err, want)
		}
	}
}

// hist.Hist takes a histogram, where Python has it.
func TestHist(t *testing.T) {
	if err := exec.Command("python3", "-c", "import hist").Run(); err != nil {
		t.Skip("python3 has no hist")
	}
	h := Histogram{Axes: []Axis{{Edges: []float64{0, 1, 3}, Underflow: true, Overflow: true, Metadata: Metadata{"name": "pt"}}}, Values: []float64{1, 2, 3, 4}, Variances: []float64{1, 4, 9, 16}}
	text, err := json.Marshal(h)
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command("python3", "-c", "import json,sys,hist,uhi.io.json as j\nh=hist.Hist(json.load(sys.stdin,object_hook=j.object_hook))\nprint(h.axes[0].name,list(h.values(flow=True)),list(h.variances()))")
	c.Stdin = strings.NewReader(string(text))
	if out, err := c.CombinedOutput(); err != nil || !strings.Contains(string(out), "pt") {
		t.Errorf("%s (%v)", out, err)
	}
}
