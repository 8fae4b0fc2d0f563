package column

import (
	"fmt"
	"slices"
)

// LeftOut is what of a file is not read, and why. The zero value is ready.
type LeftOut struct{ all []leftOut }

type leftOut struct{ what, name, why string }

// Add notes that the column, data set, ... of that name is left out: why is what it does or is.
func (l *LeftOut) Add(what, name, why string) { l.all = append(l.all, leftOut{what, name, why}) }

// Because is why the columns of that name are left out; nil where none is.
func (l *LeftOut) Because(name string) error {
	for _, x := range l.all {
		if x.name == name {
			return fmt.Errorf("%s %q %s", x.what, name, x.why)
		}
	}
	return nil
}

// Notes are a line a reason: files of experiments have hundreds of columns that are no numbers.
func (l *LeftOut) Notes() []string {
	var notes []string
	for i, x := range l.all {
		same := func(y leftOut) bool { return y.what == x.what && y.why == x.why }
		if slices.ContainsFunc(l.all[:i], same) {
			continue
		}
		var names []string
		for _, y := range l.all[i:] {
			if same(y) {
				names = append(names, y.name)
			}
		}
		if len(names) == 1 {
			notes = append(notes, fmt.Sprintf("%s %q %s", x.what, x.name, x.why))
			continue
		}
		notes = append(notes, fmt.Sprintf("%d %ss, each of which %s: %s", len(names), x.what, x.why, List(names, 8)))
	}
	return notes
}
