// Package say writes text for people: numbers of things, and what comes from files as no terminal acts on it.
package say

import (
	"fmt"
	"math"
	"strings"
)

// Text shows control characters, but for those in keep, as \x1b.
func Text(s, keep string) string {
	control := func(r rune) bool {
		return (r < ' ' || r >= 0x7f && r < 0xa0) && !strings.ContainsRune(keep, r)
	}
	if !strings.ContainsFunc(s, control) {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		if control(r) {
			fmt.Fprintf(&b, `\x%02x`, r)
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

// Count is "1 event", or "2 events".
func Count[N int | int64 | uint64](n N, what string) string {
	if n != 1 {
		what += "s"
	}
	return fmt.Sprint(n, " ", what)
}

// Events is a number of events, or a sum of their weights: whole from 1,000, of four digits below.
func Events(n float64) string {
	if math.Abs(n) >= 999.95 {
		return fmt.Sprintf("%.0f", n)
	}
	return fmt.Sprintf("%.4g", n)
}

// Deviation is the error of a number: whole from 10, of two digits below.
func Deviation(e float64) string {
	if e >= 9.95 {
		return fmt.Sprintf("%.0f", e)
	}
	return fmt.Sprintf("%.2g", e)
}

// Are is the verb for so many.
func Are(n int) string {
	if n == 1 {
		return "is"
	}
	return "are"
}
