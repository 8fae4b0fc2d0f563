package formula

import (
	"fmt"
	"testing"
)

func TestLimits(t *testing.T) {
	for selection, want := range map[string]string{
		"pt > 3":                            "[{pt > 3}]",
		"3 > pt && -1.5 <= `tau 21`":        "[{pt < 3} {tau 21 >= -1.5}]",
		"1 < x < 2 and Muon_pt[0] == +7":    "[{x > 1} {x < 2} {Muon_pt[0] == 7}]",
		`(a.b >= 1 && c > d) && col("e")<2`: "[{a.b >= 1} {e < 2}]",
		"pt > 3 || eta < 1":                 "[]",
		"!(pt > 3)":                         "[]",
		"pt != 3 && abs(eta) < 2":           "[]",
		"pt * 2 > 3 && label == 'x'":        "[]",
		"pt > 3 ? eta > 1 : eta < 1":        "[]",
		"pt in [1, 2]":                      "[]",
		"3 > 2 && pt >":                     "[]",
		"id < 9007199254740993 && n == 9007199254740991 && u >= 18446744073709551615": "[{n == 9.007199254740991e+15}]",
	} {
		if got := fmt.Sprint(Limits(selection)); got != want {
			t.Errorf("%s: %s, want %s", selection, got, want)
		}
	}
}
