package fit

import (
	"slices"
	"strings"
	"testing"

	"github.com/sluice-hep/sluice/card"
	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/feed"
	"github.com/sluice-hep/sluice/toy"
)

func TestNegativeWeightsAreNoticed(t *testing.T) {
	w := make([]float64, 100)
	for i := range w {
		w[i] = 1
	}
	notice := func(w []float64) string {
		var s feed.WeightSum
		for _, v := range w {
			s.Add(v)
		}
		return strings.Join(weightNotices(s), "; ")
	}
	for i := range 11 {
		w[i] = -1
	}
	if text := notice(w); !strings.HasPrefix(text, "11.0 % of the events, with 11.0 %") {
		t.Errorf("11 of 100: %q", text)
	}
	w[0] = 1
	if text := notice(w); text != "" {
		t.Errorf("10 of 100: %q", text)
	}
	w[1] = -5
	if text := notice(w); !strings.HasPrefix(text, "10.0 % of the events, with 13.5 %") {
		t.Errorf("10 of 100, one of them large: %q", text)
	}
	if text := notice(w[50:52]) + notice(nil); text != "" {
		t.Errorf("none: %q", text)
	}
}

// A density does not depend on the unit of weights: cross sections of 1e-46, or numbers that no float32 holds.
func TestWeightsOfAnyUnitGiveTheSameModel(t *testing.T) {
	moons, err := toy.Generate("two-moons", 6000, 1, toy.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, memory := range []card.Bytes{0, 200_000} { // all at once, and a stream
		var want *Training
		for _, unit := range []float64{1, 0x1p-152, 0x1p130, 0x1p1000} { // powers of 2 round nothing
			w := events.Column{Name: "w", Type: events.Float64, F64: make([]float64, moons.Len())}
			for i := range w.F64 {
				w.F64[i] = unit * float64(1+2*(i%2))
			}
			c := small("x1", "x2")
			c.Files, c.Weight, c.Memory = []string{write(t, "moons.npy", append(slices.Clone(moons.Columns), w)...)}, "w", memory
			got, _ := trainTo(t, c, Options{})
			if want == nil {
				want = got
			}
			if got.TrainNLL != want.TrainNLL || got.ValidNLL != want.ValidNLL || got.TestNLL != want.TestNLL {
				t.Errorf("memory %v, in units of %g: test NLL %v, want %v", memory, unit, got.TestNLL, want.TestNLL)
			}
		}
	}
}
