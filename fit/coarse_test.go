package fit

import (
	"strings"
	"testing"

	"github.com/sluice-hep/sluice/card"
	"github.com/sluice-hep/sluice/flow"
	"github.com/sluice-hep/sluice/prep"
	"github.com/sluice-hep/sluice/train"
)

// A likelihood of two fixed steps is no density once it has learned their errors: that is a warning, and none for steps of a tolerance.
func TestCoarseStepsWarn(t *testing.T) {
	for name, options := range map[string]map[string]any{
		"steps":     {"hidden": []any{16}, "steps": 2},
		"tolerance": {"hidden": []any{16}, "tolerance": 1e-4},
	} {
		c := &card.Card{
			Name: "c", Toy: card.Toy{Name: "two-moons", Events: 2000, Standardised: true}, Features: []string{"x1", "x2"}, Seed: 1,
			Prepare: prep.Spec{All: []prep.StepSpec{{Kind: "standardise"}}},
			Flow:    flow.Spec{Layers: []flow.Part{{Kind: "continuous", Options: options}}},
			Train:   train.Config{Objective: "likelihood", Epochs: 6, Batch: 64, LR: 0.02},
		}
		d, err := Load(t.Context(), c, Options{})
		if err != nil {
			t.Fatal(err)
		}
		warned := false
		_, r, err := d.Train(t.Context(), Options{Warn: func(line string) { warned = warned || strings.Contains(line, "the steps are too coarse") }})
		if err != nil {
			t.Fatal(err)
		}
		if warned != (name == "steps") {
			t.Errorf("%s: a warning is %v: NLL %v, %q", name, warned, r.TestNLL, r.Notices)
		}
	}
}
