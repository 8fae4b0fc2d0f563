package say

import "testing"

func TestText(t *testing.T) {
	for text, want := range map[string]string{
		"τ21 [GeV]\tß\n": "τ21 [GeV]\tß\n", "a\x1b[31mred\x07": `a\x1b[31mred\x07`, "b\u009b2J\r": `b\x9b2J\x0d`, "\x7f": `\x7f`,
	} {
		if got := Text(text, "\n\t"); got != want {
			t.Errorf("%q is shown as %q, not %q", text, got, want)
		}
	}
	if got := Text("a\tb\nc", ""); got != `a\x09b\x0ac` {
		t.Errorf("a line is shown as %q", got)
	}
}

func TestEvents(t *testing.T) {
	for n, want := range map[float64]string{12881: "12881", 5986.4: "5986", 999.96: "1000", 294.43: "294.4", 7.4161: "7.416", 0: "0", -1234.6: "-1235"} {
		if got := Events(n); got != want {
			t.Errorf("%q, not %q", got, want)
		}
	}
	for _, c := range []struct {
		n, deviation float64
		want         string
	}{{13078.3, 158.2, "13078 ± 158"}, {999.7, 99.6, "1000 ± 100"}, {294.43, 22.9, "294 ± 23"}, {67.83, 9.96, "67.8 ± 10"}, {3.014, 1.23, "3.01 ± 1.2"}, {0, 0.0123, "0 ± 0.012"}} {
		if got := Estimate(c.n, c.deviation); got != c.want {
			t.Errorf("%q, not %q", got, c.want)
		}
	}
}

func TestCount(t *testing.T) {
	for n, want := range map[int]string{0: "0 events", 1: "1 event", 12: "12 events"} {
		if got := Count(n, "event"); got != want {
			t.Errorf("%q, not %q", got, want)
		}
	}
}
