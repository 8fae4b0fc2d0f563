package main

import (
	"bytes"
	"context"
	"os"
	"strings"
	"testing"
)

func TestPrintable(t *testing.T) {
	for text, want := range map[string]string{
		"τ21 [GeV]\tß\n": "τ21 [GeV]\tß\n", "a\x1b[31mred\x07": `a\x1b[31mred\x07`, "b\u009b2J\r": `b\x9b2J\x0d`, "\x7f": `\x7f`,
	} {
		if got := string(printable([]byte(text))); got != want {
			t.Errorf("%q is printed as %q, not %q", text, got, want)
		}
	}
}

// What cannot be printed is a failure, whatever the verb.
func TestFullOutput(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip("no /dev/full here:", err)
	}
	defer full.Close()
	for _, verb := range [][]string{{"version"}, {"version", "--json"}, {"inspect", "../../cards/data/lhco.parquet"}, {"--help"}} {
		var messages bytes.Buffer
		if code := run(context.Background(), verb, full, &messages); code != failed || !strings.Contains(messages.String(), "no space left") {
			t.Errorf("%v: exit code %d, %q", verb, code, messages.String())
		}
	}
}
