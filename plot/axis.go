package plot

import (
	"math"
	"strconv"
	"strings"
)

// axis maps values to fractions of a length.
type axis struct {
	min, max float64
	log      bool
	label    string
	unit     string // of x and y; "" for none
	ticks    []tick
}

// tick is a mark on an axis: minor without a label. Sup is the exponent of a power of ten.
type tick struct {
	at         float64
	label, sup string
	silent     bool // the label is not written
}

func (t tick) major() bool { return t.label != "" || t.sup != "" }

// fraction of the axis' length at which v lies; outside [0, 1] beyond its ends, NaN where v has no logarithm.
func (a *axis) fraction(v float64) float64 {
	lo, hi := a.min, a.max
	if a.log {
		if v <= 0 {
			return math.NaN()
		}
		lo, hi, v = math.Log(lo), math.Log(hi), math.Log(v)
	}
	return (v - lo) / (hi - lo)
}

// value is what lies at a fraction of the length.
func (a *axis) value(t float64) float64 {
	if a.log {
		return a.min * math.Pow(a.max/a.min, t)
	}
	return a.min*(1-t) + a.max*t
}

// at is the fraction, cut to the axis.
func (a *axis) at(v float64) float64 {
	if a.log && v <= a.min {
		return 0
	}
	return min(max(a.fraction(v), 0), 1)
}

// newXAxis has as many labelled ticks as stand side by side in width.
func newXAxis(lo, hi float64, log bool, width float64, label string) axis {
	for n := 6; ; n-- {
		a := newAxis(lo, hi, log, n, label)
		labels := 0.0
		for _, t := range a.ticks {
			if t.major() {
				labels += t.width() + 4*gap
			}
		}
		if labels < 0.9*width || n == 2 {
			return a
		}
	}
}

// newAxis has about n labelled ticks; a log axis labels at most n decades.
func newAxis(lo, hi float64, log bool, n int, label string) axis {
	if !(hi > lo) {
		pad := max(math.Abs(lo)*0.05, 1e-30)
		switch {
		case log:
			lo, hi = lo/2, hi*2
		case lo == 0:
			lo, hi = -0.5, 0.5
		default:
			lo, hi = lo-pad, hi+pad
		}
	}
	a := axis{min: lo, max: hi, log: log, label: label}
	if log {
		a.ticks = logTicks(lo, hi, n)
	} else {
		a.ticks = linearTicks(lo, hi, n)
	}
	return a
}

// linearTicks are multiples of 1, 2 or 5 times a power of ten.
func linearTicks(lo, hi float64, n int) []tick {
	step, minor := niceStep((hi - lo) / float64(n))
	small := step / float64(minor)
	exponent := commonExponent(lo, hi)
	eps := (hi - lo) * 1e-9
	var ticks []tick
	for k := math.Ceil((lo - eps) / small); len(ticks) < 20*n && k*small <= hi+eps; k++ {
		t := tick{at: k * small}
		if math.Mod(k, float64(minor)) == 0 {
			t.label, t.sup = number(t.at, step, exponent)
		}
		ticks = append(ticks, t)
	}
	return ticks
}

// niceStep is the round step nearest to raw, and how many minor steps it has.
func niceStep(raw float64) (step float64, minor int) {
	base := math.Pow(10, math.Floor(math.Log10(raw)))
	switch m := raw / base; {
	case m < 1.5:
		return base, 5
	case m < 3.5:
		return 2 * base, 4
	case m < 7.5:
		return 5 * base, 5
	}
	return 10 * base, 5
}

// commonExponent is the power of ten to write at each tick; 0 where plain numbers are short.
func commonExponent(lo, hi float64) int {
	largest := max(math.Abs(lo), math.Abs(hi))
	if largest >= 1e6 || largest < 1e-3 {
		return int(math.Floor(math.Log10(largest)))
	}
	return 0
}

// number writes v with the digits that step needs, times ten to the exponent.
func number(v, step float64, exponent int) (label, sup string) {
	scale := math.Pow(10, float64(exponent))
	decimals := max(0, int(math.Ceil(-math.Log10(step/scale)-1e-6)))
	if math.Abs(v) < step/1e3 {
		return "0", ""
	}
	label = minus(strconv.FormatFloat(v/scale, 'f', min(decimals, 12), 64))
	if exponent == 0 {
		return label, ""
	}
	return label + "×10", exponentText(exponent)
}

func exponentText(e int) string { return minus(strconv.Itoa(e)) }

func minus(s string) string { return strings.Replace(s, "-", "−", 1) }

func finite(v float64) bool { return v-v == 0 }

// logTicks are powers of ten, labelled, and their multiples between. Where there is one power at most, twice and five times it are labelled too, as plain numbers
// where these are short.
func logTicks(lo, hi float64, n int) []tick {
	few := math.Floor(math.Log10(hi)) <= math.Ceil(math.Log10(lo)) && lo >= 1e-3 && hi < 1e6
	first, last := int(math.Floor(math.Log10(lo))), int(math.Ceil(math.Log10(hi)))
	every := 1 + (last-first-1)/n
	var ticks []tick
	for e := first; e <= last; e++ {
		base := math.Pow(10, float64(e))
		for m := 1.0; m < 10; m++ {
			t := tick{at: m * base}
			if t.at < lo*(1-1e-9) || t.at > hi*(1+1e-9) || (every > 1 && m > 1) {
				continue
			}
			switch {
			case few && (m == 1 || m == 2 || m == 5):
				t.label = strconv.FormatFloat(t.at, 'g', 6, 64)
			case !few && m == 1 && e%every == 0:
				t.label, t.sup = powerOfTen(e)
			}
			ticks = append(ticks, t)
		}
	}
	return ticks
}

func powerOfTen(e int) (label, sup string) {
	switch e {
	case 0:
		return "1", ""
	case 1:
		return "10", ""
	}
	return "10", exponentText(e)
}
