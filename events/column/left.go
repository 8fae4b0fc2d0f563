package column

import "fmt"

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
	var reasons []leftOut // without a name
	names := make(map[leftOut][]string)
	for _, x := range l.all {
		reason := leftOut{what: x.what, why: x.why}
		if names[reason] == nil {
			reasons = append(reasons, reason)
		}
		names[reason] = append(names[reason], x.name)
	}
	var notes []string
	for _, r := range reasons {
		if these := names[r]; len(these) == 1 {
			notes = append(notes, fmt.Sprintf("%s %q %s", r.what, these[0], r.why))
		} else {
			notes = append(notes, fmt.Sprintf("%d %ss, each of which %s: %s", len(these), r.what, r.why, List(these, 8)))
		}
	}
	return notes
}
