package report

import (
	"math"
	"strings"
	"testing"
)

func TestVerdict(t *testing.T) {
	nan := math.NaN()
	for _, c := range []struct {
		name  string
		d     []Distance
		corr  *Correlation
		level Level
		says  string
	}{
		{"chance", []Distance{{"a", "", 0.01, 0.3, 0, 1, 0.5}, {"b", "", 0.008, 0.5, 0, 1, 0.5}}, nil, Agree, "0.0100 in a (p = 0.300): the cumulative distributions come apart by at most 1.00 % of"},
		{"one of many columns is below 5 % by chance", []Distance{{"a", "", 0.01, 0.03, 0, 1, 0.5}, {"b", "", 0.008, 0.5, 0, 1, 0.5}}, nil, Agree, "0.0300 in a, is 0.0600 after allowing for 2 columns: what"},
		{"a shape that KS overlooks", []Distance{{"a", "", 0.01, 0.3, 0, 3.65, 1e-17}, {"b", "", 0.008, 0.5, 0, 1, 0.5}}, nil, Close, "Bin by bin, a differs by more than chance: χ²/ndf 3.65"},
		{"large, but by chance: few events", []Distance{{"a", "", 0.3, 0.4, 0, 1, 0.5}}, nil, Agree, "too few events"},
		{"small, not by chance: many events", []Distance{{"a", "", 0.004, 1e-20, 0, 1, 0.5}, {"b", "", 0.008, 0.02, 0, 1, 0.5}}, nil, Close, "0.00800 in b (p = 0.0200)"},
		{"the smallest p is not in the column of the largest KS", []Distance{{"a", "", 0.004, 1e-20, 0, 1, 0.5}, {"b", "", 0.008, 0.02, 0, 1, 0.5}}, nil, Close, "2 p-values, < 10⁻¹² in a, is < 10⁻¹² after allowing for 2 columns: more than chance"},
		{"visible", []Distance{{"a", "", 0.05, 1e-5, 0, 1, 0.5}}, nil, Differs, "p = 1.00×10⁻⁵"},
		{"apart", []Distance{{"a", "", 0.5, 0, 0, 1, 0.5}}, nil, Apart, "50.0 %"},
		{"a NaN is no distance", []Distance{{"a", "", nan, nan, nan, nan, nan}, {"b", "", 0.01, 0.9, 0, 1, 0.5}}, nil, Close, "no distance for a."},
		{"no p-values", []Distance{{"a", "", 0.01, nan, 0, 1, 0.5}}, nil, Close, "0.0100 in a: the"},
		{"nothing", []Distance{{"a", "", nan, nan, nan, nan, nan}}, nil, Unknown, "No column"},
		{"correlations differ", []Distance{{"a", "", 0.01, 0.9, 0, 1, 0.5}}, &Correlation{MaxDiff: 0.06, A: "a", B: "b"}, Differs, "at most 0.0600 (a with b)"},
		{"correlations say nothing of the columns", []Distance{{"a", "", 0.5, 0, 0, 1, 0.5}}, &Correlation{MaxDiff: 0.2}, Apart, "at most 0.200."},
		{"correlations agree", []Distance{{"a", "", 0.01, 0.9, 0, 1, 0.5}}, &Correlation{MaxDiff: 0.04}, Agree, "at most 0.0400"},
		// sqrt(2/200) times the normal's two-sided 5 % point, 1.96.
		{"correlations differ by chance", []Distance{{"a", "", 0.01, 0.9, 0, 1, 0.5}, {"b", "", 0.01, 0.9, 0, 1, 0.5}}, &Correlation{MaxDiff: 0.19, Events: [2]int{200, 200}}, Agree, "up to 0.196."},
		{"correlations differ by more than chance", []Distance{{"a", "", 0.01, 0.9, 0, 1, 0.5}, {"b", "", 0.01, 0.9, 0, 1, 0.5}}, &Correlation{MaxDiff: 0.199, Events: [2]int{200, 200}}, Differs, "up to 0.196, or more"},
	} {
		v := (&Page{Title: "t", Distances: c.d, Correlation: c.corr}).Verdict()
		if v.Level != c.level {
			t.Errorf("%s: %s, not %s", c.name, v.Level, c.level)
		}
		if v.Headline == "" {
			t.Errorf("%s: no headline", c.name)
		}
		if all := strings.Join(v.Sentences, " "); !strings.Contains(all, c.says) {
			t.Errorf("%s: %q does not say %q", c.name, all, c.says)
		}
	}
}

func TestDigits(t *testing.T) {
	for v, want := range map[float64]string{
		0: "0", 1: "1.00", -1: "−1.00", 0.012345: "0.0123", 0.99999: "1.00", 9.996: "10.0", 123.4: "123", 1234.5: "1230",
		999999: "1.00×10⁶", 1e6: "1.00×10⁶", 0.00012345: "0.000123", 1.2345e-5: "1.23×10⁻⁵", -4.5e-10: "−4.50×10⁻¹⁰",
		math.Inf(1): "∞", math.Inf(-1): "−∞",
	} {
		if got := digits(v); got != want {
			t.Errorf("%v is written %s, not %s", v, got, want)
		}
	}
	if digits(math.NaN()) != "–" || bound(math.NaN()) != "–" {
		t.Error("NaN is not written as a dash")
	}
	for v, want := range map[float64]string{0: "0", 2: "2", 1.2345678: "1.23457", -0.5: "−0.5", 125000: "125000", 3e7: "3.00000×10⁷"} {
		if got := bound(v); got != want {
			t.Errorf("the bound %v is written %s, not %s", v, got, want)
		}
	}
	for p, want := range map[float64]string{0: "< 10⁻¹²", 1e-13: "< 10⁻¹²", 0.21: "= 0.210", 1: "= 1.00"} {
		if got := probability(p); got != want {
			t.Errorf("p of %v is %s, not %s", p, got, want)
		}
	}
}
