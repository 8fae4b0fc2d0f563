package spell

import (
	"slices"
	"strings"
	"testing"
)

func TestNear(t *testing.T) {
	known := []string{"m", "pt", "class", "eta", "Mass", "tau1", "tau2", "tau3", "tau21", "optimiser", strings.Repeat("x", 300)}
	for name, want := range map[string][]string{
		"pt":                     {"pt"},
		"PT":                     {"pt"},
		"tp":                     {"pt"},
		"mas":                    {"Mass"},
		"mass":                   {"Mass"}, // not class
		"opt":                    {"pt", "optimiser"},
		"tau":                    {"tau1", "tau2", "tau3"},
		"optimzier":              {"optimiser"}, // a swap and a change
		"energy":                 {},
		"q":                      {},
		"M":                      {"m"},
		"":                       {},
		strings.Repeat("x", 300): {},
	} {
		if got := Near(name, known); !slices.Equal(got, want) {
			t.Errorf("%.20q: %q, not %q", name, got, want)
		}
	}
}

func TestDistance(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{
		{"", "", 0}, {"", "abc", 3}, {"abc", "abc", 0}, {"abc", "axc", 1}, {"abc", "abxc", 1}, {"abc", "ac", 1},
		{"abc", "acb", 1}, {"kitten", "sitting", 3}, {"ca", "abc", 3}, // a swapped pair is not edited again
	} {
		if got, back := distance(c.a, c.b), distance(c.b, c.a); got != c.want || back != c.want {
			t.Errorf("%q to %q: %d and back %d, not %d", c.a, c.b, got, back, c.want)
		}
	}
}
