package prep

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

func TestSpecFormsOfACard(t *testing.T) {
	chain := []StepSpec{{Kind: "minmax"}, {"clip", map[string]float64{"b": 1e-6}}, {Kind: "logit"}, {Kind: "standardise"}}
	for _, c := range []struct {
		card string
		want Spec
	}{
		{"auto", Spec{}},
		{"", Spec{}},
		{"[minmax, {clip: {b: 1e-6}}, {logit: {}}, standardise]", Spec{All: chain}},
		{"- minmax\n- clip: {b: 1.0e-6}\n- logit:\n- standardise\n", Spec{All: chain}},
		{"[]", Spec{All: []StepSpec{}}},
		{"{pt: [log, standardise], n: auto, '*': [{dequantise: {scaled: true}}]}", Spec{
			All: []StepSpec{{"dequantise", map[string]float64{"scaled": 1}}},
			Columns: map[string][]StepSpec{
				"pt": {{Kind: "log"}, {Kind: "standardise"}},
				"n":  nil,
			}}},
		{"{m: [{quantile: {knots: 32}}]}", Spec{Columns: map[string][]StepSpec{"m": {{"quantile", map[string]float64{"knots": 32}}}}}},
	} {
		var got Spec
		if err := yaml.Unmarshal([]byte(c.card), &got); err != nil {
			t.Errorf("%q: %v", c.card, err)
			continue
		}
		if !reflect.DeepEqual(got, c.want) {
			t.Errorf("%q reads %+v, want %+v", c.card, got, c.want)
		}
		var fromYAML, fromJSON Spec
		y, err := yaml.Marshal(got)
		if err != nil {
			t.Fatal(err)
		}
		j, err := json.Marshal(got)
		if err != nil {
			t.Fatal(err)
		}
		if err := yaml.Unmarshal(y, &fromYAML); err != nil || !reflect.DeepEqual(fromYAML, got) {
			t.Errorf("%q written as YAML %q reads %+v, %v", c.card, y, fromYAML, err)
		}
		if err := json.Unmarshal(j, &fromJSON); err != nil || !reflect.DeepEqual(fromJSON, got) {
			t.Errorf("%q written as JSON %s reads %+v, %v", c.card, j, fromJSON, err)
		}
	}
}

func TestSpecErrorsSayWhatThereIs(t *testing.T) {
	for card, want := range map[string]string{
		"atuo":                            `"atuo" is not a preparation; write auto or a list of steps: minmax, clip, `,
		"[minmax, logitt]":                `"logitt" is not a preparation step; there is minmax, clip, logit`,
		"[{clip: {c: 1}}]":                `step "clip": "c" is not an option; there is b`,
		"[{logit: {b: 1}}]":               `step "logit": "b" is not an option: it has none`,
		"[{clip: {b: 2}}]":                `step "clip": b: 2 is not between 1e-15 and 0.5`,
		"[{clip: {b: small}}]":            "step 1: clip: b: small is not a number",
		"[{quantile: {knots: 3.5}}]":      `step "quantile": knots: 3.5 is not a whole number`,
		"[{clip: {b: .nan}}]":             `step "clip": b: NaN is not between`,
		"[{minmax: {}, logit: {}}]":       "step 1: a step is a name or {name: {option: value}}",
		"{pt: [nothing]}":                 `column "pt": "nothing" is not a preparation step`,
		"3":                               "a preparation is auto or a list of steps, not 3",
		"{pt: {log: {}}}":                 `column "pt": a preparation is auto or a list of steps`,
		"[[minmax]]":                      "step 1: a step is a name",
		"[{clip: [b]}]":                   "step 1: clip: options are written {option: value}",
		strings.Repeat("- minmax\n", 100): "100 steps; at most 16 can follow each other",
	} {
		var s Spec
		if err := yaml.Unmarshal([]byte(card), &s); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40q: %v, want %q", card, err, want)
		}
	}
}
