// Package spell finds what a mistyped name may have meant.
package spell

import (
	"slices"
	"strings"
)

const (
	most    = 3   // names suggested
	longest = 200 // name looked at: a distance takes the time of the product of two lengths
)

// Near returns up to three of the known names that differ from name by letter case alone, or else by few letters (one in three, at
// most two, and not by all), the nearest first, and then those that it begins.
func Near(name string, known []string) []string {
	if len(name) > longest {
		return nil
	}
	name = strings.ToLower(name)
	var near [4][]string
	limit := min(2, (len(name)+2)/3)
	for _, k := range known {
		lower := strings.ToLower(k)
		if len(k) > longest {
			continue
		}
		if d := distance(name, lower); d == 0 || d <= limit && d < max(len(name), len(lower)) {
			near[d] = append(near[d], k)
		} else if len(name) > 2 && strings.HasPrefix(lower, name) {
			near[3] = append(near[3], k)
		}
	}
	if len(near[0]) > 0 {
		near = [4][]string{near[0]}
	}
	all := slices.Concat(near[:]...)
	return all[:min(len(all), most)]
}

// Remedy asks whether a mistyped name means one of those known; where it is like none, it is otherwise.
func Remedy(name string, known []string, otherwise string) string {
	if near := Near(name, known); len(near) > 0 {
		return "did you mean " + strings.Join(near, " or ") + "?"
	}
	return otherwise
}

// distance is the number of letters to change, add, drop or swap with their neighbour to turn a into b.
func distance(a, b string) int {
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		before, last, row = last, row, before
		row[0] = i
		for j := 1; j <= len(b); j++ {
			change := last[j-1]
			if a[i-1] != b[j-1] {
				change++
			}
			row[j] = min(last[j]+1, row[j-1]+1, change)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
	}
	return row[len(b)]
}
