package card

import (
	"slices"
	"strings"
)

// suggest names the keys that a mistyped one may have meant, or else all.
func suggest(name string, known []string) string {
	var near []string
	for _, k := range known {
		if distance(name, k) <= (max(len(name), len(k))+1)/3 || len(name) > 2 && strings.HasPrefix(k, name) {
			near = append(near, k)
		}
	}
	if len(near) > 0 {
		return "did you mean " + strings.Join(near, " or ") + "?"
	}
	slices.Sort(known)
	return "there is " + strings.Join(known, ", ")
}

// distance is the number of letters to change, add, drop or swap with their neighbour to turn a into b.
func distance(a, b string) int {
	if len(a) > 50 {
		return len(a)
	}
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		before, last, row = last, row, before
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
	}
	return row[len(b)]
}
