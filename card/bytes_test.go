package card

import (
	"strings"
	"testing"
)

func TestBytes(t *testing.T) {
	for text, want := range map[string]Bytes{
		"2GB": 2e9, "2 gb": 2e9, "500MB": 5e8, "1.5G": 15e8, "1GiB": 1 << 30, "64 kB": 64000, "100B": 100,
	} {
		got, err := ParseBytes(text)
		if err != nil || got != want {
			t.Errorf("%q: %d, %v; want %d", text, got, err, want)
		}
		again, err := ParseBytes(got.String())
		if err != nil || again != got {
			t.Errorf("%q written as %q is %d, %v", text, got, again, err)
		}
	}
	for _, text := range []string{"", "2", "GB", "-1GB", "0GB", "1e99GB", "NaNGB", "2XB", "2GBs"} {
		if b, err := ParseBytes(text); err == nil {
			t.Errorf("%q passes for %d", text, b)
		}
	}
	c, err := Parse([]byte("toy: {name: two-moons}\nmemory: 300MB\n"), "card")
	if err != nil || c.Memory != 3e8 {
		t.Fatalf("%v, %v", c, err)
	}
	out, err := c.YAML()
	if err != nil || !strings.Contains(string(out), "memory: 300MB") {
		t.Errorf("%s %v", out, err)
	}
	if _, err := Parse([]byte("toy: {name: two-moons}\nmemory: 300\n"), "card"); err == nil || !strings.Contains(err.Error(), "500MB") {
		t.Errorf("an amount without a unit: %v", err)
	}
}
