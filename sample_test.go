package sluice

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/sluice-hep/sluice/card"
	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/flow"
	"github.com/sluice-hep/sluice/model"
)

// A sample of a flow whose way back is iterated tells the tolerance. The layers without networks come back from a file as they
// were: it draws the same events.
func TestSampleTellsTheTolerance(t *testing.T) {
	c := small("x1", "x2")
	c.Toy = card.Toy{Name: "two-moons", Events: 600}
	c.Context = []string{"moon"}
	c.Flow = flow.Spec{Layers: []flow.Part{{Kind: "planar"}, {Kind: "radial"}, {Kind: "residual-flow", Options: map[string]any{"hidden": []int{8}}}}}
	path := filepath.Join(t.TempDir(), "model.safetensors")
	trained, err := Train(t.Context(), c, path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	loaded, err := model.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	var files [2][]byte
	for i, m := range []*model.Model{trained.Density, loaded} {
		var told []string
		out := filepath.Join(t.TempDir(), "sample.csv")
		if _, err := Sample(t.Context(), m, Draw{Events: 300, Seed: 3, Context: &events.Table{Columns: []events.Column{{Name: "moon", F32: []float32{1}}}}}, out, Options{Notice: func(line string) { told = append(told, line) }}); err != nil {
			t.Fatal(err)
		}
		if !slices.Contains(told, "residual-flow goes back by iteration, until no feature moves by more than 1e-06 (1 + the largest)") {
			t.Errorf("%q", told)
		}
		if files[i], err = os.ReadFile(out); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(files[0], files[1]) {
		t.Error("the model of the file draws other events")
	}
}
