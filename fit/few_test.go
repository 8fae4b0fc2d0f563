package fit

import (
	"strings"
	"testing"

	"github.com/sluice-hep/sluice/card"
	"github.com/sluice-hep/sluice/toy"
)

// A table of a few hundred events trains at defaults, in batches of its own size; a batch that the card names stays.
func TestFewEventsTrainAtDefaults(t *testing.T) {
	all, err := toy.Generate("two-moons", 300, 1, toy.Options{})
	if err != nil {
		t.Fatal(err)
	}
	c := &card.Card{Table: all, Features: []string{"x1", "x2"}, Seed: 1}
	c.Train.Epochs = 1
	d, err := Load(t.Context(), c, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if said := strings.Join(d.Notices, " "); !strings.Contains(said, "batches of 60 ") {
		t.Errorf("notices: %s", said)
	}
	if _, _, err := d.Train(t.Context(), Options{}); err != nil {
		t.Error(err)
	}
	c.Train.Batch = 256
	if _, err := Load(t.Context(), c, Options{}); err == nil {
		t.Error("a batch of more than the events passes")
	}
}
