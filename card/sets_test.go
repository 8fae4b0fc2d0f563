package card

import (
	"reflect"
	"strings"
	"testing"

	"github.com/sluice-hep/sluice/events"
)

// Sets of objects are read and written, and their columns are those of the context; what cannot be is told with its place.
func TestContextSets(t *testing.T) {
	c, err := Parse([]byte("files: [a.csv]\nfeatures: [x]\ncontext: [met, nJet]\ncontext_sets:\n- {jets: [Jet_pt, Jet_eta], count: nJet, most: 2}\n- muons: mu{1}_pt\n  count: nMu\n"), "a.yaml")
	if err != nil {
		t.Fatal(err)
	}
	want := []events.Set{{Name: "jets", Variables: []string{"Jet_pt", "Jet_eta"}, Count: "nJet", Most: 2}, {Name: "muons", Variables: []string{"mu{1}_pt"}, Count: "nMu", Most: 10}}
	if !reflect.DeepEqual(c.ContextSets, want) {
		t.Errorf("%+v, want %+v", c.ContextSets, want)
	}
	if used := c.Used(); len(used) != 1+2+4+10+1 || used[3] != "Jet_pt[0]" || used[6] != "Jet_eta[1]" || used[7] != "mu1_pt" {
		t.Errorf("%q are used", used)
	}
	text, err := c.YAML()
	if err != nil {
		t.Fatal(err)
	}
	if again, err := Parse(text, "b.yaml"); err != nil || !reflect.DeepEqual(again.ContextSets, want) {
		t.Errorf("%v from %s", err, text)
	}
	for text, want := range map[string]string{
		"context_sets: {jets: [pt]}":                                                           "has no count",
		"context_sets: {count: n}":                                                             "a set is a name with its variables",
		"context_sets: {jets: [pt], count: n, most: 0}":                                        "context_sets.most",
		"context_sets: {jets: [pt], muons: [q], count: n}":                                     "write several sets as a list",
		"context_sets: {jets: [pt], count: x}":                                                 `"x", the count of jets, stands under features already`,
		"context_sets: {jets: [pt, pt], count: n}":                                             `"pt[0]" comes twice`,
		"context_sets: {jets: [pt], count: n}\nflow: {context_net: mlp}":                       "takes no sets of objects",
		"flow: {context_net: deep-sets}\ncontext: [m]":                                         "name them under context_sets",
		"context_sets: {jets: [pt], count: n}\nflow: {context_net: {deep-sets: {objects: 3}}}": "follow from context_sets",
		"context_sets: {jets: [pt], count: n}\nprepare_context: {eta: [standardise]}":          `"eta" is not listed under context`,
		"flow: {context_net: {mlp: {out: 4}}}":                                                 "no effect on a flow without a context",
	} {
		_, err := Parse([]byte("files: [a.csv]\nfeatures: [x]\n"+text), "a.yaml")
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "a.yaml:") {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
}
