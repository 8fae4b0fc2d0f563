package column

import (
	"errors"
	"fmt"
	"slices"
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

// Find is the place of the column of that name, or -1; it looks at a likely place first.
func Find(columns []Column, name string, likely int) int {
	if 0 <= likely && likely < len(columns) && columns[likely].Name == name {
		return likely
	}
	return slices.IndexFunc(columns, func(c Column) bool { return c.Name == name })
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
	var missing []string
	for k, name := range wanted {
		i, ok := at[name]
		if !ok {
			missing = append(missing, name)
		}
		if taken[name] {
			return nil, fmt.Errorf("column %q is asked for twice", name)
		}
		taken[name] = true
		picked[k] = i
	}
	if missing != nil {
		return nil, Missing(names, missing...)
	}
	return picked, nil
}

// Absent is the error that there are no such columns.
type Absent struct {
	Columns []string
	said    string
}

func (a *Absent) Error() string { return a.said }

// Missing is an Absent that says which columns are not among those that there are, and what each may have meant.
func Missing(names []string, missing ...string) error {
	there := "no column"
	if len(names) > 0 {
		there = List(names, 30)
	}
	if len(missing) == 1 {
		return &Absent{missing, fmt.Sprintf("no column %q%s; there is %s", missing[0], DidYouMean(missing[0], names), there)}
	}
	said := make([]string, min(len(missing), 30))
	for i := range said {
		said[i] = strconv.Quote(missing[i])
		if m := meant(missing[i], names); m != "" {
			said[i] += " (" + m + ")"
		}
	}
	list := strings.Join(said, ", ")
	if more := len(missing) - len(said); more > 0 {
		list += fmt.Sprintf(" and %d more", more)
	}
	return &Absent{missing, fmt.Sprintf("no columns %s; there is %s", list, there)}
}

// Without is nil where nothing is known of the wanted columns that are not among the names; else it says of all of them what there is.
func Without(names, wanted []string, because func(name string) error) error {
	var known, unknown []string
	for _, name := range wanted {
		if slices.Contains(names, name) {
			continue
		}
		if why := because(name); why != nil {
			known = append(known, why.Error())
		} else {
			unknown = append(unknown, name)
		}
	}
	if known == nil {
		return nil
	}
	if unknown != nil {
		known = append(known, Missing(names, unknown...).Error())
	}
	return errors.New(strings.Join(known, "; "))
}

// DidYouMean asks so for the names that a mistyped one may have meant; "" where there are none.
func DidYouMean(name string, names []string) string {
	if m := meant(name, names); m != "" {
		return "; " + m
	}
	return ""
}

func meant(name string, names []string) string {
	near := spell.Near(name, names)
	if len(near) == 0 {
		return ""
	}
	for i, n := range near {
		near[i] = strconv.Quote(n)
	}
	return "did you mean " + strings.Join(near, " or ") + "?"
}

// List joins names to a line, not a page: it shows so many at most.
func List(names []string, most int) string {
	list := strings.Join(names[:min(len(names), most)], ", ")
	if len(names) > most {
		list += fmt.Sprintf(" and %d more", len(names)-most)
	}
	return list
}
