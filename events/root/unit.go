package root

import "regexp"

// ROOT has no place for units; they stand in brackets at the end of a branch's
// title, as axes have them: `pt/F [GeV]`.
func titled(title, unit string) string {
	if unit == "" {
		return title
	}
	return title + " [" + unit + "]"
}

// A unit begins with a letter, a degree or percent sign, or 1/, which tells it
// from an index or a range.
var bracketed = regexp.MustCompile(`\S \[((?:1/)?[\pL%°][^\[\],;]*)\]$`)

// unitIn is the unit in the title of a branch; "" where there is none.
func unitIn(title string) string {
	m := bracketed.FindStringSubmatch(title)
	if m == nil {
		return ""
	}
	return m[1]
}
