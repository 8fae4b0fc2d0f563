package sluice

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sluice-hep/sluice/card"
	"github.com/sluice-hep/sluice/flow"
	"github.com/sluice-hep/sluice/record"
	"github.com/sluice-hep/sluice/train"
)

// A run of several flows that is interrupted within the second goes on with that, to the same models, and then trains none again.
func TestRunOfSeveralFlows(t *testing.T) {
	c := small("x1", "x2")
	c.Toy = card.Toy{Name: "banana", Events: 1000}
	c.Name, c.Train.Epochs = "c", 3
	hidden := []int{8}
	c.Flows = card.Flows{
		{Name: "maf", Spec: flow.Spec{Transforms: 1, Hidden: hidden}},
		{Name: "cfm", Spec: flow.Spec{Hidden: hidden}, Train: train.Config{LR: 5e-3}},
		{Name: "planar", Spec: flow.Spec{Layers: []flow.Part{{Kind: "planar"}}}},
	}
	c.Flow = flow.Spec{}
	c.Plots = card.Plots{Density: true, Steps: true, Latent: true}
	c.Compare.Tests = card.TestsOfColumns
	whole, err := Run(t.Context(), c, t.TempDir(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if len(whole.Flows) != 3 || whole.Flows[1].Flow != "cfm" || whole.Hash == "" || whole.Model != filepath.Join(whole.Out, whole.Flow+".safetensors") {
		t.Errorf("%+v", whole.Learned)
	}
	for _, f := range whole.Flows {
		if float64(f.Train.ValidNLL) < float64(whole.Train.ValidNLL) {
			t.Errorf("%s has a lower NLL than %s", f.Flow, whole.Flow)
		}
	}

	out := filepath.Join(t.TempDir(), "out")
	ctx, cancel := context.WithCancel(t.Context())
	epochs, trained := 0, map[string]int{}
	o := Options{Progress: func(p train.Progress) {
		if p.EpochEnd {
			if epochs++; epochs == 5 { // of 3 and 3
				cancel()
			}
		}
	}}
	var stop *InterruptedError
	if _, err := Run(ctx, c, out, o); !errors.As(err, &stop) || filepath.Base(stop.Kept) != filepath.Base(train.StatePath("cfm.safetensors")) {
		t.Fatalf("%v", err)
	}
	epochs = 0
	o.Progress = func(p train.Progress) {
		if p.EpochEnd {
			epochs++
		}
	}
	again, err := Run(t.Context(), c, out, o)
	if err != nil {
		t.Fatal(err)
	}
	for i, f := range again.Flows {
		if f.Hash != whole.Flows[i].Hash {
			t.Errorf("%s is another model", f.Flow)
		}
		trained[f.Flow] = f.Train.Epochs
	}
	if epochs != 4 || trained["maf"] != 3 {
		t.Errorf("%d epochs after an interruption in the fifth of 9", epochs)
	}
	if checked, err := Check(t.Context(), out); err != nil || !checked.Whole || len(checked.Files) != 8 {
		t.Errorf("%+v, %v", checked, err)
	}
	epochs = 0
	if _, err := Run(t.Context(), c, out, o); err != nil || epochs != 0 {
		t.Errorf("%d epochs of what is there: %v", epochs, err)
	}
	c.Flows[0].Transforms = 2
	if _, err := Run(t.Context(), c, out, o); err != nil || epochs != 3 {
		t.Errorf("%d epochs of one flow that changed: %v", epochs, err)
	}
	last, err := record.Read(out)
	if maf, ok := last.Named("maf"); err != nil || !ok || maf.Hash == again.Flows[0].Hash {
		t.Errorf("the record is as it was: %v", err)
	}
	c.Compare.Tests = card.TestsOfAll
	if _, err := Run(t.Context(), c, out, o); err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile(again.Report)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"Densities", "true density", "Latent spaces", "maf: latent", "1 x (planar)", "Mean KS", "Classifier"} {
		if !strings.Contains(string(page), text) {
			t.Errorf("the page lacks %q", text)
		}
	}
	if _, err := Train(t.Context(), c, filepath.Join(out, "m"), o); err == nil || !strings.Contains(err.Error(), "run trains several") {
		t.Error(err)
	}
	if p, err := PlanRun(t.Context(), c, out, o); err != nil || len(p.Others) != 2 || p.Others[1].Name != "planar" || len(p.Files) != 8 {
		t.Errorf("%+v, %v", p, err)
	}
}
