package card

import (
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/sluice-hep/sluice/flow"
)

const several = `files: [a.csv]
features: [x, y]
train: {epochs: 20, lr: 1e-3, schedule: {type: polynomial, power: 2}}
sample: {file: new.csv.gz}
flows:
  nsf: {transforms: 3, dropout: none}
  maf:
  deep: {layers: [{coupling: {}}], repeat: 4, train: {lr: 5e-3, patience: 0, schedule: {end: 1e-4}}}
`

// Several flows keep their order, their files are apart, and each has the training of all but for what it says itself.
func TestFlows(t *testing.T) {
	c, err := Parse([]byte(several), "c.yaml")
	if err != nil {
		t.Fatal(err)
	}
	text, err := c.YAML()
	if err != nil {
		t.Fatal(err)
	}
	again, err := Parse(text, "c.yaml")
	if err != nil || !reflect.DeepEqual(again, c) {
		t.Errorf("%v\n%s", err, text)
	}
	each := c.Each()
	for i, want := range []struct {
		name, kind, file string
		lr               float64
		patience         int
	}{{"c-nsf", "nsf", "new-nsf.csv.gz", 1e-3, 0}, {"c-maf", "maf", "new-maf.csv.gz", 1e-3, 0}, {"c-deep", "", "new-deep.csv.gz", 5e-3, -1}} {
		one := each[i]
		if one.Name != want.name || one.Flow.Type != want.kind || one.Sample.File != want.file || one.Train.LR != want.lr || one.Train.Patience != want.patience ||
			one.Train.Epochs != 20 || one.Train.Schedule.Power != 2 || one.Flows != nil {
			t.Errorf("flow %d: %+v", i, one)
		}
	}
	if d := each[0].Flow.Dropout; d != -1 {
		t.Errorf("a dropout of %v, where none is written", d)
	}
	if e := each[2].Train.Schedule.End; e != 1e-4 || each[0].Train.Schedule.End != 0 {
		t.Errorf("the schedule ends at %v", e)
	}
	if err := c.Set("flows.maf.transforms", "7"); err != nil || c.Flows[1].Transforms != 7 || again.Flows[1].Transforms != 0 {
		t.Error(err)
	}
	if one := (&Card{Flow: flow.Spec{Type: "maf"}}).Each(); len(one) != 1 || one[0].Flow.Type != "maf" {
		t.Error("a card of one flow is not itself")
	}
}

// What is wrong with one of several flows is told where it stands.
func TestFlowsErrors(t *testing.T) {
	for text, want := range map[string]string{
		"flows:\n  maf: {transforms: 0}":                         "c.yaml:4:21: flows.maf.transforms: \"0\" is not possible; leave the key out for the default",
		"flows: {}":                                              "c.yaml:3:1: flows: there are none in it",
		"flows:\n  maf: {bins: 3}":                               "c.yaml:4:15: flows.maf.bins: ",
		"flows:\n  a: {train: {objective: matching}}":            "c.yaml:4:26: flows.a.train.objective: flow matching trains a flow of one continuous layer",
		"flows:\n  a: {train: {lr: -1}}":                         "c.yaml:4:19: flows.a.train.lr: -1 is not above 0",
		"flows:\n  a: {transform: 3}":                            "c.yaml:4:7: flows.a.transform: no such key; did you mean transforms?",
		"flows:\n  a b: {}":                                      "c.yaml:4:3: flows.a b: \"a b\" cannot be a part of the names of files",
		"flows:\n  a: {}\n  A: {}":                               "c.yaml:5:3: flows.A: comes twice",
		"flow: {type: maf}\nflows: {nsf: {}}":                    "c.yaml:3:1: flow: there are flows too",
		"flows: {nsf: {}}\ntrain: {lr: -1}":                      "c.yaml:4:13: train.lr: -1 is not above 0",
		"flows:\n  r: {layers: [{coupling: {bins: 3}}]}":         "c.yaml:4:34: flows.r.layers.0.coupling.bins: ",
		"flows: {nsf: {}}\nplots: {density: true}\ncontext: [z]": "c.yaml:4:18: plots.density: ",
		"context: [z]\nflow: {context_net: {mlp: {out: 4}}}\nmixture: {components: 2}": "c.yaml:5:1: mixture: the flows of a mixture see the context as it is",
	} {
		_, err := Parse([]byte("files: [a.csv]\nfeatures: [x, y]\n"+text), "c.yaml")
		if err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%v\n    is not %s\n    for %s", err, want, text)
		}
	}
	for text, want := range map[string]string{
		"toy: {name: two-moons}":                    "train.objective: reverse-kl learns a density that is known up to a factor, of a toy U1, U2, U3, U4",
		"toy: {name: U1}\nprepare: [standardise]":   "prepare: reverse-kl learns the columns as they are",
		"toy: {name: U1}\nmixture: {components: 2}": "mixture: reverse-kl trains one flow",
		"toy: {name: U1}\nfeatures: [x2, x1]":       "train.objective: reverse-kl learns the density of x1 and x2",
		"toy: {name: u1}":                           "toy.name: no toy \"u1\"; did you mean U1?",
		"toy: {name: U2, noise: 1}":                 "toy: U2 has no noise to set",
	} {
		_, err := Parse([]byte("train: {objective: reverse-kl}\n"+text), "c.yaml")
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v\n    is not %s\n    for %s", err, want, text)
		}
	}
	c, _ := Parse([]byte(several), "c.yaml")
	if err := c.Set("flows.mav.transforms", "7"); err == nil || err.Error() != "set flows.mav: there is no such flow; did you mean maf?" {
		t.Error(err)
	}
}

// Every card that comes with the program can be.
func TestOwnCards(t *testing.T) {
	paths, err := filepath.Glob("../cards/*.yaml")
	if err != nil || len(paths) < 7 {
		t.Fatalf("%d cards: %v", len(paths), err)
	}
	for _, path := range paths {
		if _, err := Load(path); err != nil {
			t.Error(err)
		}
	}
}
