package parquet

import (
	"fmt"
	"slices"

	"github.com/sluice-hep/sluice/events/column"
)

// leftOut are the columns that cannot be read, by the reason.
type leftOut struct {
	reasons []string
	names   map[string][]string
}

func (l *leftOut) add(name, why string) {
	if !slices.Contains(l.reasons, why) {
		l.reasons = append(l.reasons, why)
	}
	if l.names == nil {
		l.names = make(map[string][]string)
	}
	l.names[why] = append(l.names[why], name)
}

// notes are a line a reason: files of experiments have hundreds of nested columns.
func (l *leftOut) notes() []string {
	var notes []string
	for _, why := range l.reasons {
		names := l.names[why]
		if len(names) == 1 {
			notes = append(notes, fmt.Sprintf("column %q %s", names[0], why))
			continue
		}
		notes = append(notes, fmt.Sprintf("%d columns, each of which %s: %s", len(names), why, column.List(names, 8)))
	}
	return notes
}
