package fit

import (
	"strings"
	"testing"

	"github.com/sluice-hep/sluice/feed"
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
