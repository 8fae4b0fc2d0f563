package column

import (
	"encoding/json"
	"errors"
	"fmt"
)

// Left is a piece of a file that is not read: what it is, as `column`, its name, and why, as what it does or is.
type Left struct{ What, Name, Why string }

func (x Left) String() string { return fmt.Sprintf("%s %q %s", x.What, x.Name, x.Why) }

// LeftOut is all of a file that is not read.
type LeftOut []Left

// Add notes a piece more.
func (l *LeftOut) Add(what, name, why string) { *l = append(*l, Left{what, name, why}) }

// Because is why the columns of that name are left out; nil where none is.
func (l LeftOut) Because(name string) error {
	for _, x := range l {
		if x.Name == name {
			return errors.New(x.String())
		}
	}
	return nil
}

// Say is a line a piece, or, in brief, a line a reason; where there is more than a glance takes in, one line of all.
func (l LeftOut) Say(all bool) (lines []string) {
	if all {
		for _, x := range l {
			lines = append(lines, x.String())
		}
		return lines
	}
	const few, many, glance = 8, 24, 8
	reasons, names := l.reasons()
	if len(reasons) > 1 && (len(reasons) > few || len(l) > many) {
		return []string{fmt.Sprintf("%d %s: %s; %s %s (--verbose: all, with the reasons)", len(l), l.kind(), List(l.names(), glance), l[0].Name, l[0].Why)}
	}
	for _, r := range reasons {
		switch these := names[r]; {
		case len(these) == 1:
			lines = append(lines, Left{r.What, these[0], r.Why}.String())
		case len(these) <= glance:
			lines = append(lines, fmt.Sprintf("%d %ss, each of which %s: %s", len(these), r.What, r.Why, List(these, glance)))
		default:
			lines = append(lines, fmt.Sprintf("%d %ss, each of which %s: %s (--verbose: all)", len(these), r.What, r.Why, List(these, glance)))
		}
	}
	return lines
}

// reasons are those of all pieces, each without a name, and the names of each.
func (l LeftOut) reasons() (reasons []Left, names map[Left][]string) {
	names = make(map[Left][]string)
	for _, x := range l {
		reason := Left{What: x.What, Why: x.Why}
		if names[reason] == nil {
			reasons = append(reasons, reason)
		}
		names[reason] = append(names[reason], x.Name)
	}
	return reasons, names
}

func (l LeftOut) names() (names []string) {
	for _, x := range l {
		names = append(names, x.Name)
	}
	return names
}

// kind is what all pieces are.
func (l LeftOut) kind() string {
	for _, x := range l {
		if x.What != l[0].What {
			return "columns and more"
		}
	}
	return l[0].What + "s"
}

// MarshalJSON writes a line a piece.
func (l LeftOut) MarshalJSON() ([]byte, error) { return json.Marshal(l.Say(true)) }
