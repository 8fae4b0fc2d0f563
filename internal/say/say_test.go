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
	for e, want := range map[float64]string{158.2: "158", 22.9: "23", 9.96: "10", 2.61: "2.6", 0.0123: "0.012"} {
		if got := Deviation(e); got != want {
			t.Errorf("%q, not %q", got, want)
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
