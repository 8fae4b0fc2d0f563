package card

import (
	"slices"
	"strings"

	"github.com/sluice-hep/sluice/internal/spell"
)

// suggest names the keys that a mistyped one may have meant, or else all.
func suggest(name string, known []string) string {
	if near := spell.Near(name, known); len(near) > 0 {
		return "did you mean " + strings.Join(near, " or ") + "?"
	}
	slices.Sort(known)
	return "there is " + strings.Join(known, ", ")
}
