package parquet

import (
	"fmt"
	"slices"
	"strings"
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
	const most = 8
	var notes []string
	for _, why := range l.reasons {
		names := l.names[why]
		if len(names) == 1 {
			notes = append(notes, fmt.Sprintf("column %q %s", names[0], why))
			continue
		}
		list := strings.Join(names[:min(len(names), most)], ", ")
		if more := len(names) - most; more > 0 {
			list += fmt.Sprintf(" and %d more", more)
		}
		notes = append(notes, fmt.Sprintf("%d columns, each of which %s: %s", len(names), why, list))
	}
	return notes
}
