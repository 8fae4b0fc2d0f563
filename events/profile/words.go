package profile

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// word is a text that events hold.
type word struct {
	events int
	number bool
}

func (s *columnSummary) text(values []string, at func(i int) Far) {
	for i, v := range values {
		if v == "" {
			s.missing(s.Count + i)
			continue
		}
		w := s.words[v]
		if w == nil {
			_, err := strconv.ParseFloat(strings.TrimSpace(v), 64)
			w = &word{number: err == nil}
			if len(s.words) <= MaxDistinct {
				s.words[strings.Clone(v)] = w // which does not hold on to the block
			}
			if !w.number && s.Word == "" {
				s.Word = at(i).place(v)
			}
		}
		if w.events++; w.number {
			s.Numbers++
		}
	}
	s.Count += len(values)
}

// place says where a text is.
func (f Far) place(text string) string {
	place := fmt.Sprintf("row %d", f.Row)
	if f.File != "" {
		place += " of " + f.File
	}
	return fmt.Sprintf("%.40q in %s", text, place)
}

// names are the texts that most events hold.
func (s *columnSummary) names() (all []Name) {
	for name, w := range s.words {
		all = append(all, Name{name, w.events})
	}
	slices.SortFunc(all, func(a, b Name) int { return cmp.Or(cmp.Compare(b.Events, a.Events), cmp.Compare(a.Name, b.Name)) })
	return all[:min(len(all), mostNames)]
}
