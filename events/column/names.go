package column

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/sluice-hep/sluice/internal/spell"
)

// Names are those of columns.
func Names(columns []Column) []string {
	names := make([]string, len(columns))
	for i := range columns {
		names[i] = columns[i].Name
	}
	return names
}

// Unique makes the names of a file's columns usable: surrounding blanks go, a
// column without a name becomes col and its number from 0, and a name that came
// before gets .1, .2, ...
func Unique(names []string) []string {
	out := make([]string, len(names))
	seen := make(map[string]int, len(names))
	for i, name := range names {
		name = strings.TrimSpace(name)
		if name == "" {
			name = "col" + strconv.Itoa(i)
		}
		base := name
		for {
			n, taken := seen[name]
			if !taken {
				break
			}
			seen[name] = n + 1
			name = base + "." + strconv.Itoa(n+1)
		}
		seen[name] = 0
		out[i] = name
	}
	return out
}

// Pick returns the places of the wanted names among names, in the order wanted;
// all of them where wanted is nil.
func Pick(names, wanted []string) ([]int, error) {
	at := make(map[string]int, len(names))
	for i, name := range names {
		at[name] = i
	}
	if wanted == nil {
		wanted = names
	}
	picked := make([]int, len(wanted))
	taken := make(map[string]bool, len(wanted))
	for k, name := range wanted {
		i, ok := at[name]
		if !ok {
			return nil, Missing(name, names)
		}
		if taken[name] {
			return nil, fmt.Errorf("column %q is asked for twice", name)
		}
		taken[name] = true
		picked[k] = i
	}
	return picked, nil
}

// Missing says that there is no column of that name, and what there is.
func Missing(name string, names []string) error {
	there := "no column"
	if len(names) > 0 {
		there = List(names, 30)
	}
	return fmt.Errorf("no column %q%s; there is %s", name, DidYouMean(name, names), there)
}

// DidYouMean asks so for the names that a mistyped one may have meant; "" where there are none.
func DidYouMean(name string, names []string) string {
	near := spell.Near(name, names)
	if len(near) == 0 {
		return ""
	}
	for i, n := range near {
		near[i] = strconv.Quote(n)
	}
	return "; did you mean " + strings.Join(near, " or ") + "?"
}

// List joins names to a line, not a page: it shows so many at most.
func List(names []string, most int) string {
	list := strings.Join(names[:min(len(names), most)], ", ")
	if len(names) > most {
		list += fmt.Sprintf(" and %d more", len(names)-most)
	}
	return list
}
