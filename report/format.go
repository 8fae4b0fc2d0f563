package report

import (
	"math"
	"regexp"
	"strconv"
	"strings"

	"github.com/sluice-hep/sluice/stats"
)

// digits writes a number with three significant digits.
func digits(v float64) string { return number(v, 3) }

// bound writes the end of a column's range: six digits, as many as it needs.
func bound(v float64) string {
	if a := math.Abs(v); a >= 1e-4 && a < 1e6 {
		return minus(strconv.FormatFloat(v, 'g', 6, 64))
	}
	return number(v, 6)
}

func number(v float64, precision int) string {
	switch {
	case math.IsNaN(v):
		return "–"
	case math.IsInf(v, 1):
		return "∞"
	case math.IsInf(v, -1):
		return "−∞"
	case v == 0:
		return "0"
	}
	text := strconv.FormatFloat(v, 'e', precision-1, 64)
	mantissa, exponent, _ := strings.Cut(text, "e")
	e, _ := strconv.Atoi(exponent)
	if e < -4 || e >= 6 {
		return minus(mantissa) + "×10" + superscript.Replace(strconv.Itoa(e))
	}
	rounded, _ := strconv.ParseFloat(text, 64)
	return minus(strconv.FormatFloat(rounded, 'f', max(0, precision-1-e), 64))
}

func minus(s string) string { return strings.Replace(s, "-", "−", 1) }

// signs has minus signs for the hyphens before the numbers of a text.
func signs(s string) string { return negative.ReplaceAllString(s, "$1−$2") }

var negative = regexp.MustCompile(`(^|[\s±])-(\d)`)

var superscript = strings.NewReplacer("-", "⁻", "0", "⁰", "1", "¹", "2", "²", "3", "³", "4", "⁴",
	"5", "⁵", "6", "⁶", "7", "⁷", "8", "⁸", "9", "⁹")

// probability is "= 0.21" or "< 10⁻¹²".
func probability(p float64) string {
	if p < smallestPower {
		return "< 10⁻¹²"
	}
	return "= " + digits(p)
}

// byDraws writes the p-value of a test: at most that of one draw where no draw reaches the value.
func byDraws(t stats.Test) string {
	if t.Unreached() {
		return "≤ " + digits(t.P)
	}
	return plain(t.P)
}
