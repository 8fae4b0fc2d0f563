package prep

import (
	"math"
	"strings"
	"testing"

	"github.com/sluice-hep/sluice/events"
)

// What cannot be prepared is refused with the first such column and all its missing values counted, wherever in the
// events they lie.
func TestApplyRefuses(t *testing.T) {
	p := mustFit(t, mixed(3000), []string{"pt", "tau21"}, Spec{})
	for want, spoil := range map[string]func(tab *events.Table){
		`column "pt": 2 of 3000 values are missing (NaN), the first in row 2991`: func(tab *events.Table) {
			tab.Columns[0].F32[2990], tab.Columns[0].F32[2995] = float32(math.NaN()), float32(math.NaN())
			tab.Columns[2].F32[1] = float32(math.NaN())
		},
		`column "tau21": 1 of 3000 values are infinite`: func(tab *events.Table) { tab.Columns[2].F32[2999] = float32(-inf) },
		`no column "tau21"`:                             func(tab *events.Table) { tab.Columns = tab.Columns[:2] },
		`column "pt" holds text`: func(tab *events.Table) {
			tab.Columns[0] = events.Column{Name: "pt", Type: events.Text, Str: make([]string, 3000)}
		},
	} {
		tab := mixed(3000)
		spoil(tab)
		if _, _, err := p.Apply(tab, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}
