package prep

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/sluice-hep/sluice/events"
)

// restore reads a pipeline of one column whose steps are given as JSON.
func restore(steps string) (*Pipeline, error) {
	var p Pipeline
	err := json.Unmarshal(fmt.Appendf(nil, `{"columns":[{"name":"x","type":"float32","kind":"continuous","min":0,"max":1,"steps":[%s]}]}`, steps), &p)
	return &p, err
}

func TestRestoreRefusesWhatNoFitGives(t *testing.T) {
	long := strings.TrimSuffix(strings.Repeat(`{"kind":"logit","state":{}},`, 17), ",")
	for steps, want := range map[string]string{
		`{"kind":"magic","state":{}}`:                                                          `"magic" is not a preparation step`,
		`{"kind":"minmax"}`:                                                                    "no state",
		`{"kind":"minmax","state":null}`:                                                       "minimum and maximum",
		`{"kind":"minmax","state":{"min":1,"max":1}}`:                                          "minimum and maximum",
		`{"kind":"minmax","state":{"min":-1e308,"max":1e308}}`:                                 "minimum and maximum",
		`{"kind":"minmax","state":{"min":"a"}}`:                                                `step "minmax"`,
		`{"kind":"clip","state":{"b":0}}`:                                                      "b is not between",
		`{"kind":"standardise","state":{"mean":0,"std":-1}}`:                                   "standard deviation",
		`{"kind":"log","state":{"floor":0}}`:                                                   "floor",
		`{"kind":"asinh","state":{"scale":0}}`:                                                 "scale",
		`{"kind":"dequantise","state":{"min":2,"max":1}}`:                                      "minimum and maximum",
		`{"kind":"levels","state":{"value":[],"cum":[],"events":5}}`:                           "0 values",
		`{"kind":"levels","state":{"value":[1,2],"cum":[1],"events":5}}`:                       "2 values with 1 probabilities",
		`{"kind":"levels","state":{"value":[2,1],"cum":[0.5,1],"events":5}}`:                   "increasing",
		`{"kind":"levels","state":{"value":[1,2],"cum":[0.5,0.9],"events":5}}`:                 "increasing to 1",
		`{"kind":"levels","state":{"value":[1,2],"cum":[0.5,1],"events":0}}`:                   "number of events",
		`{"kind":"spread","state":{"atom":[1],"low":[2],"high":[3]}}`:                          "windows",
		`{"kind":"spread","state":{"atom":[1,2],"low":[0],"high":[3]}}`:                        "2 atoms with 1 and 1",
		`{"kind":"spread","state":{"atom":[1,2],"low":[0,1],"high":[1.5,3]}}`:                  "windows",
		`{"kind":"quantile","state":{"x":[0],"y":[0],"slope":[1],"lower":1,"upper":1}}`:        "1 knots",
		`{"kind":"quantile","state":{"x":[0,1],"y":[-1,1],"slope":[1],"lower":1,"upper":1}}`:   "1 slopes",
		`{"kind":"quantile","state":{"x":[1,0],"y":[-1,1],"slope":[1,1],"lower":1,"upper":1}}`: "increasing",
		`{"kind":"quantile","state":{"x":[0,1],"y":[1,1],"slope":[1,1],"lower":1,"upper":1}}`:  "increasing",
		`{"kind":"quantile","state":{"x":[0,1],"y":[-1,1],"slope":[1,0],"lower":1,"upper":1}}`: "slopes",
		`{"kind":"quantile","state":{"x":[0,1],"y":[-1,1],"slope":[1,1],"lower":0,"upper":1}}`: "tails",
		long: "17 steps",
	} {
		if _, err := restore(steps); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", steps, err, want)
		}
	}
	for text, want := range map[string]string{
		`{"columns":[{"name":"x","type":"text"}]}`:                                                                                       `0 names of type "text" cannot be`,
		`{"columns":[{"name":"x","type":"words"}]}`:                                                                                      `there is no type "words"`,
		`{"columns":[{"name":"x","type":"text","names":["a","a"]}]}`:                                                                     `2 names of type "text" cannot be`,
		`{"columns":[{"name":"x","type":"text","names":["a",""]}]}`:                                                                      `2 names of type "text" cannot be`,
		`{"columns":[{"name":"x","type":"text","names":["a"],"max":1}]}`:                                                                 `1 names of type "text" cannot be`,
		`{"columns":[{"name":"x","type":"int64","names":["a"]}]}`:                                                                        `1 names of type "int64" cannot be`,
		`{"columns":[{"name":"x","type":"text","names":["a","b"],"max":1,"steps":[{"kind":"standardise","state":{"mean":0,"std":1}}]}]}`: `2 names of type "text" cannot be`,
		`{"columns":[{"name":"x","type":"float32","min":2,"max":1}]}`:                                                                    "range",
		`{"columns":[{"name":"x","type":"float32","kind":"constant","min":1,"max":2}]}`:                                                  "constant",
		`{"columns":[{"name":"x","type":"float32","kind":"continuous","min":1,"max":2,"x":[`:                                             "unexpected end",
		`{"columns":[{"name":"x","type":"float32"},{"name":"x","type":"float32"}]}`:                                                      "twice",
		`{"columns":{}}`: "cannot be read",
	} {
		var p Pipeline
		if err := json.Unmarshal([]byte(text), &p); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}

// Whatever restores at all maps any values without a panic.
func FuzzRestore(f *testing.F) {
	p, _, err := Fit(mixed(60), mixedNames, Spec{}, 1)
	if err != nil {
		f.Fatal(err)
	}
	for _, c := range p.Columns {
		one, err := json.Marshal(&Pipeline{Columns: []Column{c}})
		if err != nil {
			f.Fatal(err)
		}
		f.Add(one)
	}
	for _, kinds := range [][]string{{"minmax", "clip", "logit", "standardise"}, {"log"}, {"asinh"}} {
		var s Spec
		for _, k := range kinds {
			s.All = append(s.All, StepSpec{Kind: k})
		}
		p, _, err := Fit(mixed(60), []string{"pt"}, s, 1)
		if err != nil {
			f.Fatal(err)
		}
		one, _ := json.Marshal(p)
		f.Add(one)
	}
	x := []float32{0, 1, -1, 1e30, -1e30, 0.3, 273158}
	f.Fuzz(func(t *testing.T, data []byte) {
		var p Pipeline
		if json.Unmarshal(data, &p) != nil {
			return
		}
		tab := &events.Table{}
		for _, name := range p.Names() {
			tab.Columns = append(tab.Columns, events.Column{Name: name, F32: x})
		}
		if _, _, err := p.Apply(tab, nil); err != nil {
			t.Fatal(err)
		}
		cols := slices.Repeat([][]float32{x}, p.Dim())
		if _, _, err := p.Invert(cols); err != nil {
			t.Fatal(err)
		}
	})
}
