package column

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// List is a column of any number of values an event, of which one can be named, as in Muon_pt[0], or all be flattened to a
// row each.
type List struct {
	Name    string
	Counter string // what counts its values and those of others; "" where it counts its own
}

// Lists are those of a table.
type Lists []List

// Group is the name by which a list is flattened: that of its counter without a leading n, or its own.
func (l List) Group() string {
	c := l.Counter
	switch {
	case c == "":
		return l.Name
	case len(c) > 1 && (c[0] == 'n' || c[0] == 'N') && c[1] >= 'A' && c[1] <= 'Z':
		return c[1:]
	}
	return strings.TrimSuffix(c, "_")
}

// Refuse is the answer to a list asked for as if it were one value.
func (l List) Refuse() error {
	return fmt.Errorf("column %q holds any number of values an event; name %s[0] for the first, or flatten %s", l.Name, l.Name, l.Group())
}

// Notes says how the lists are had, a line for all that are flattened together.
func (all Lists) Notes() (notes []string) {
	var order []string
	groups := make(map[string][]string)
	for _, l := range all {
		g := l.Group()
		if groups[g] == nil {
			order = append(order, g)
		}
		groups[g] = append(groups[g], l.Name)
	}
	for _, g := range order {
		names := groups[g]
		hold := "columns " + Some(names) + " hold"
		if len(names) == 1 {
			hold = "column " + names[0] + " holds"
		}
		notes = append(notes, fmt.Sprintf("%s any number of values an event; name %s[0] for the first, or flatten %s", hold, names[0], g))
	}
	return notes
}

// Element finds `NAME[i]`, value i of each event of a list.
func (all Lists) Element(name string) (list, i int, ok bool) {
	open := strings.LastIndexByte(name, '[')
	if open < 0 || !strings.HasSuffix(name, "]") {
		return 0, 0, false
	}
	at, err := strconv.ParseUint(name[open+1:len(name)-1], 10, 31)
	list = slices.IndexFunc(all, func(l List) bool { return l.Name == name[:open] })
	return list, int(at), err == nil && list >= 0
}

// Flatten finds the lists that go by a name: those of a counter (Muon or nMuon), those counted together with one (Muon_pt),
// or those that count their own values and are called so (Muon_pt, Muon_eta).
func (all Lists) Flatten(name string) ([]int, error) {
	for _, counter := range []string{name, "n" + name, "N" + name, name + "_n", "n_" + name, name + "_"} {
		if g := all.which(func(l List) bool { return l.Counter != "" && strings.EqualFold(l.Counter, counter) }); g != nil {
			return g, nil
		}
	}
	if i := slices.IndexFunc(all, func(l List) bool { return l.Name == name && l.Counter != "" }); i >= 0 {
		return all.which(func(l List) bool { return l.Counter == all[i].Counter }), nil
	}
	if g := all.which(func(l List) bool {
		return l.Counter == "" && (l.Name == name || strings.HasPrefix(l.Name, name+"_") || strings.HasPrefix(l.Name, name+"."))
	}); g != nil {
		return g, nil
	}
	var groups []string
	for _, l := range all {
		if g := l.Group(); !slices.Contains(groups, g) {
			groups = append(groups, g)
		}
	}
	if groups == nil {
		return nil, fmt.Errorf("holds nothing to flatten: every column has one value an event")
	}
	return nil, fmt.Errorf("holds nothing to flatten as %q; there is %s", name, Some(groups))
}

func (all Lists) which(is func(List) bool) (at []int) {
	for i, l := range all {
		if is(l) {
			at = append(at, i)
		}
	}
	return at
}

// Some joins names to a line, not a page.
func Some(names []string) string {
	const most = 20
	list := strings.Join(names[:min(len(names), most)], ", ")
	if len(names) > most {
		list += fmt.Sprintf(" and %d more", len(names)-most)
	}
	return list
}
