package root

import (
	"fmt"
	"strings"
)

// named lists the branches that hold values. A member of an object goes by its own name where no other branch has that,
// else by that of the outermost branch that it is in and its own, as ROOT's full names are, else by those of all branches
// that it is in: a name never depends on the order of branches.
func named(branches []*branch) []field {
	var all []field
	var longest []string
	var visit func(b *branch, within []string)
	visit = func(b *branch, within []string) {
		own := b.name
		if b.class != "" || len(b.leaves) > 1 { // objects are named `jets.`, and members `fMatrix[3][3]`
			own, _, _ = strings.Cut(strings.TrimSuffix(own, "."), "[")
		}
		if len(b.branches) > 0 { // a split object: its members are the columns
			for _, m := range b.branches {
				visit(m, append(within[:len(within):len(within)], own))
			}
			return
		}
		f := field{name: own, short: own, full: own, branch: b}
		if len(within) > 0 && !strings.HasPrefix(own, within[0]+".") {
			f.full = within[0] + "." + own
		}
		all, longest = append(all, f), append(longest, strings.Join(append(within, own), "."))
	}
	for _, b := range branches {
		visit(b, nil)
	}
	for _, longer := range []func(i int) string{func(i int) string { return all[i].full }, func(i int) string { return longest[i] }} {
		count := make(map[string]int)
		for i := range all {
			count[all[i].name]++
		}
		for i := range all {
			if count[all[i].name] > 1 {
				all[i].name = longer(i)
			}
		}
	}
	return all
}

// part is a column of a part of what f is, which adds to its names.
func (f field) part(name string) field {
	f.name, f.short, f.full = f.name+name, f.short+name, f.full+name
	return f
}

// ambiguous says what a short name stands for that no column has; nil where that is nothing.
func (s *fields) ambiguous(name string) error {
	var all []string
	for _, fields := range [][]field{s.flat, s.jagged} {
		for i := range fields {
			if fields[i].short == name {
				all = append(all, fields[i].name)
			}
		}
	}
	if len(all) == 0 {
		return nil
	}
	return fmt.Errorf("column %q may be %s; name one of them", name, strings.Join(all, " or "))
}
