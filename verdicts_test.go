package sluice

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sluice-hep/sluice/card"
)

// The verdicts on the models of cards/verdicts are what their titles say.
func TestVerdictsOfCards(t *testing.T) {
	if testing.Short() {
		t.Skip("some 10 seconds of all tests for each card")
	}
	for name, want := range map[string]struct {
		level, grade string
		says         []string
	}{
		"good":        {"good", "agree", []string{"No difference found.", "does not tell generated from reference events better than chance"}},
		"little":      {"differs", "", []string{"A classifier that sees all columns tells generated from reference events"}},
		"independent": {"differs", "apart", []string{"do not agree: all columns together", "what samples of one distribution would show", "AUC 0.7"}},
		"cut":         {"differs", "", []string{"No difference found before cuts, but", "after the cut x2 > 4.8: isolation"}},
		"negative":    {"good", "agree", []string{"No difference found."}},
	} {
		t.Run(name, func(t *testing.T) {
			c, err := card.Load(filepath.Join("cards", "verdicts", name+".yaml"))
			if err != nil {
				t.Fatal(err)
			}
			r, err := Run(t.Context(), c, t.TempDir(), Options{})
			if err != nil {
				t.Fatal(err)
			}
			text, err := json.Marshal(r.Compare.Verdict)
			if err != nil {
				t.Fatal(err)
			}
			var v struct{ Level, Grade, Text string }
			if err := json.Unmarshal(text, &v); err != nil {
				t.Fatal(err)
			}
			if v.Level != want.level || want.grade != "" && v.Grade != want.grade {
				t.Errorf("%s, %s: %s", v.Level, v.Grade, v.Text)
			}
			page, err := os.ReadFile(r.Report)
			if err != nil {
				t.Fatal(err)
			}
			for _, s := range want.says {
				if !strings.Contains(v.Text, s) {
					t.Errorf("%q does not say %q", v.Text, s)
				}
			}
			if !strings.Contains(string(page), "<strong>"+strings.ReplaceAll(r.Compare.Verdict.Headline, ">", "&gt;")+"</strong>") {
				t.Errorf("the page does not begin with %q", r.Compare.Verdict.Headline)
			}
		})
	}
}
