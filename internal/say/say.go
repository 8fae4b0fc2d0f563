// Package say writes text for people: numbers of things, and what comes from files as no terminal acts on it.
package say

import (
	"fmt"
	"strconv"
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
func Events(n float64) string { return brief(n, 4) }

// Estimate is a number of events with its error: each whole where that has the digits that count, the number of three below 100, the error of two below 10.
func Estimate(n, deviation float64) string { return brief(n, 3) + " ± " + brief(deviation, 2) }

// brief has so many digits, or all before the point where these are more.
func brief(x float64, digits int) string {
	text := strconv.FormatFloat(x, 'g', digits, 64)
	if strings.Contains(text, "e+") {
		return fmt.Sprintf("%.0f", x)
	}
	return text
}

// Are is the verb for so many.
func Are(n int) string {
	if n == 1 {
		return "is"
	}
	return "are"
}
