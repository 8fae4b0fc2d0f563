package column

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Many is a column of any number of values an event, of which one can be named, as in Muon_pt[0], or all be flattened to a
// row each.
type Many struct {
	Name    string
	Full    string // another name that it goes by
	Counter string // what counts its values and those of others; "" where it counts its own
}

func (m Many) is(name string) bool { return name == m.Name || name == m.Full && name != "" }

// Jagged are the columns of many values of a table.
type Jagged []Many

// Group is the name by which a column is flattened: that of its counter without a leading n, or its own.
func (m Many) Group() string {
	c := m.Counter
	switch {
	case c == "":
		return m.Name
	case len(c) > 1 && (c[0] == 'n' || c[0] == 'N') && c[1] >= 'A' && c[1] <= 'Z':
		return c[1:]
	}
	return strings.TrimSuffix(c, "_")
}

// Unreadable says why a column cannot be had that is not offered: it holds many values, or it is left out. It is nil where
// there is none of that name.
func (all Jagged) Unreadable(name string, left LeftOut) error {
	for _, m := range all {
		if m.is(name) {
			return fmt.Errorf("column %q holds any number of values an event; name %s[0] for the first, or flatten %s", name, name, m.Group())
		}
	}
	return left.Because(name)
}

// Leave adds to what is left out how the columns are had.
func (all Jagged) Leave(left LeftOut) LeftOut {
	first := make(map[string]string) // column of each group
	for _, m := range all {
		g := m.Group()
		if first[g] == "" {
			first[g] = m.Name
		}
		left.Add("column", m.Name, fmt.Sprintf("holds any number of values an event; name %s[0] for the first, or flatten %s", first[g], g))
	}
	return left
}

// Element finds `NAME[i]`, value i of each event.
func (all Jagged) Element(name string) (column, i int, ok bool) {
	open := strings.LastIndexByte(name, '[')
	if open < 0 || !strings.HasSuffix(name, "]") {
		return 0, 0, false
	}
	at, err := strconv.ParseUint(name[open+1:len(name)-1], 10, 31)
	column = slices.IndexFunc(all, func(m Many) bool { return m.is(name[:open]) })
	return column, int(at), err == nil && column >= 0
}

// Flatten finds the columns that go by a name: those of a counter (Muon or nMuon), those counted together with one (Muon_pt),
// or those that count their own values and are called so (Muon_pt, Muon_eta).
func (all Jagged) Flatten(name string) ([]int, error) {
	for _, counter := range []string{name, "n" + name, "N" + name, name + "_n", "n_" + name, name + "_"} {
		if g := all.which(func(m Many) bool { return m.Counter != "" && strings.EqualFold(m.Counter, counter) }); g != nil {
			return g, nil
		}
	}
	if i := slices.IndexFunc(all, func(m Many) bool { return m.is(name) && m.Counter != "" }); i >= 0 {
		return all.which(func(m Many) bool { return m.Counter == all[i].Counter }), nil
	}
	if g := all.which(func(m Many) bool {
		return m.Counter == "" && (m.is(name) || strings.HasPrefix(m.Name, name+"_") || strings.HasPrefix(m.Name, name+"."))
	}); g != nil {
		return g, nil
	}
	var groups []string
	for _, m := range all {
		if g := m.Group(); !slices.Contains(groups, g) {
			groups = append(groups, g)
		}
	}
	if groups == nil {
		return nil, fmt.Errorf("holds nothing to flatten: every column has one value an event")
	}
	return nil, fmt.Errorf("holds nothing to flatten as %q; there is %s", name, List(groups, 20))
}

func (all Jagged) which(is func(Many) bool) (at []int) {
	for i, m := range all {
		if is(m) {
			at = append(at, i)
		}
	}
	return at
}
