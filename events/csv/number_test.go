package csv

import (
	"math"
	"strconv"
	"testing"

	"pgregory.net/rapid"
)

// padded is a number as a row holds it: with its end, and slack behind.
func padded(s string) []byte { return append([]byte(s+"\n"), make([]byte, slack)...) }

// The short way to a number gives what strconv gives, to the last bit, or
// nothing at all.
func TestNumbersAreRoundedOnce(t *testing.T) {
	used := 0
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.OneOf(
			rapid.StringMatching(`[-+]?[0-9]{1,12}(\.[0-9]{0,12})?([eE][-+]?[0-9]{1,2})?`),
			rapid.StringMatching(`-?[0-9]?\.[0-9]{1,18}`),
			rapid.Map(rapid.Float32(), func(v float32) string { return strconv.FormatFloat(float64(v), 'g', -1, 32) }),
			rapid.Map(rapid.Float64(), func(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }),
			// Halfway between two float32, and a little off.
			rapid.Map(rapid.Uint32Range(1<<24, 1<<31), func(v uint32) string { return strconv.Itoa(int(v)) + ".5" }),
		).Draw(t, "number")
		d, end := scan(padded(s), 0, '.')
		if d.form == notPlain {
			return
		}
		if end != len(s) {
			t.Fatalf("%q: ended at %d", s, end)
		}
		if v, ok := d.float32(); ok {
			used++
			if want, err := strconv.ParseFloat(s, 32); err != nil || math.Float32bits(v) != math.Float32bits(float32(want)) {
				t.Fatalf("%q: float32 %g, want %g", s, v, want)
			}
		}
		if v, ok := d.float64(); ok {
			if want, err := strconv.ParseFloat(s, 64); err != nil || math.Float64bits(v) != math.Float64bits(want) {
				t.Fatalf("%q: float64 %g, want %g", s, v, want)
			}
		}
	})
	if used == 0 {
		t.Fatal("the short way was never taken")
	}
}

func TestNotNumbers(t *testing.T) {
	for _, s := range []string{"", ".", "-", "1e", "e5", "1e+", "12345678901234567890", "+-1", "1e12345"} {
		if d, end := scan(padded(s), 0, '.'); d.form != notPlain && end == len(s) {
			t.Errorf("%q is taken for a plain number", s)
		}
	}
}
