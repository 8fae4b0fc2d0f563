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

// What the card does not say follows from the number of events: the epochs, and a dropout where the flow has many parameters for
// them. What it says stays, none too.
func TestSizeOfTheTable(t *testing.T) {
	all, err := toy.Generate("two-moons", 2000, 1, toy.Options{})
	if err != nil {
		t.Fatal(err)
	}
	load := func(change func(*card.Card)) *card.Card {
		c := &card.Card{Table: all, Features: []string{"x1", "x2"}, Seed: 1}
		change(c)
		d, err := Load(t.Context(), c, Options{})
		if err != nil {
			t.Fatal(err)
		}
		return d.card
	}
	c := load(func(*card.Card) {})
	if seen := c.Train.Epochs * 1600; seen < 9500*256 || seen > 10500*256 {
		t.Errorf("%d epochs", c.Train.Epochs)
	}
	if c.Flow.Dropout != 0.1 {
		t.Errorf("dropout %g", c.Flow.Dropout)
	}
	c = load(func(c *card.Card) { c.Train.Epochs, c.Flow.Dropout = 7, -1 })
	if c.Train.Epochs != 7 || c.Flow.Dropout != -1 {
		t.Errorf("%d epochs, dropout %g, though the card says what", c.Train.Epochs, c.Flow.Dropout)
	}
	if c = load(func(c *card.Card) { c.Train.Epochs = 7 }); c.Flow.Dropout != 0 {
		t.Errorf("dropout %g in 7 epochs", c.Flow.Dropout)
	}
	if c = load(func(c *card.Card) { c.Flow.Hidden = []int{8} }); c.Flow.Dropout != 0 {
		t.Errorf("dropout %g of a small flow", c.Flow.Dropout)
	}
}
