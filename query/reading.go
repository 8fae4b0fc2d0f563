package query

import (
	"fmt"
	"maps"
	"slices"

	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/events/column"
)

// Reading says how files of events are read, in the words of flags and cards. The zero value finds everything out.
type Reading struct {
	// Flatten makes a row of every object of a ROOT file, of those counted by nMuon for Muon. Default: a row an event.
	Flatten string `yaml:"flatten,omitempty"`
	// Separator of the cells of text files: a character, or tab or blank, which stands for any run of blanks.
	Separator string `yaml:"separator,omitempty"`
	// SkipLines is the number of lines that text files begin with and that are no part of the table.
	SkipLines int `yaml:"skip_lines,omitempty"`
	// Header says whether the first row of text files holds the names: yes or no.
	Header string `yaml:"header,omitempty"`
	// Types of columns: float32, float64, int64, uint64 or text.
	Types map[string]string `yaml:"types,omitempty"`
}

// ReadingError is what is wrong with a Reading, by its key in a card.
type ReadingError struct{ Key, Reason string }

func (e *ReadingError) Error() string { return e.Key + ": " + e.Reason }

// Options are those of package events. The error is a *ReadingError.
func (r Reading) Options() (events.Options, error) {
	wrong := func(key, format string, args ...any) (events.Options, error) {
		return events.Options{}, &ReadingError{key, fmt.Sprintf(format, args...)}
	}
	o := events.Options{Flatten: r.Flatten, SkipLines: r.SkipLines}
	switch r.Separator {
	case "":
	case "tab", `\t`:
		o.Separator = '\t'
	case "blank":
		o.Separator = ' '
	default:
		if len(r.Separator) != 1 {
			return wrong("separator", "%q is not a character; write one, as ; or tab or blank", r.Separator)
		}
		o.Separator = r.Separator[0]
	}
	if r.SkipLines < 0 {
		return wrong("skip_lines", "%d is not a number of lines", r.SkipLines)
	}
	switch r.Header {
	case "":
	case "yes", "true":
		o.Header = events.HeaderYes
	case "no", "false":
		o.Header = events.HeaderNo
	default:
		return wrong("header", "%q is neither yes nor no", r.Header)
	}
	for _, name := range slices.Sorted(maps.Keys(r.Types)) {
		t, err := column.ParseType(r.Types[name])
		if err != nil {
			return wrong("types."+name, "%v", err)
		}
		if o.Types == nil {
			o.Types = map[string]events.Type{}
		}
		o.Types[name] = t
	}
	return o, nil
}
