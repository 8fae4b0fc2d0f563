package column

import "testing"

func TestCommon(t *testing.T) {
	all := []Type{Float32, Float64, Int64, Uint64, Text}
	want := [5][5]Type{
		{Float32, Float64, Float64, Float64, Text},
		{Float64, Float64, Float64, Float64, Text},
		{Float64, Float64, Int64, Uint64, Text},
		{Float64, Float64, Uint64, Uint64, Text},
		{Text, Text, Text, Text, Text},
	}
	for i, a := range all {
		for j, b := range all {
			got, ok := Common(a, b)
			if got != want[i][j] || ok != ((a == Text) == (b == Text)) {
				t.Errorf("%s and %s: %s %v", a, b, got, ok)
			}
		}
	}
}
