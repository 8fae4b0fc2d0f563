package train

import (
	"slices"
	"testing"
)

func TestSplitIsADivision(t *testing.T) {
	for _, c := range []struct {
		n           int
		valid, test float64
		nv, nt      int
	}{
		{1000, 0.1, 0.2, 100, 200}, {7, 0.1, 0.1, 1, 1}, {4, 0.1, 0.1, 0, 0}, {10, -1, 0.3, 0, 3}, {0, 0.1, 0.1, 0, 0}, {3, 0.5, 0.5, 2, 1},
	} {
		a, v, w := Split(c.n, c.valid, c.test, 5)
		if len(v) != c.nv || len(w) != c.nt || len(a) != c.n-c.nv-c.nt {
			t.Errorf("%+v: %d, %d, %d events", c, len(a), len(v), len(w))
		}
		all := slices.Concat(a, v, w)
		slices.Sort(all)
		for i, r := range all {
			if int(r) != i {
				t.Fatalf("%+v: event %d is missing or twice", c, i)
			}
		}
		if !slices.IsSorted(a) || !slices.IsSorted(v) || !slices.IsSorted(w) {
			t.Errorf("%+v: not in order", c)
		}
	}
	_, v1, _ := Split(1000, 0.1, 0.1, 5)
	_, v2, _ := Split(1000, 0.1, 0.1, 6)
	_, v3, _ := Split(1000, 0.1, 0.1, 5)
	if slices.Equal(v1, v2) || !slices.Equal(v1, v3) {
		t.Error("the sample must follow the seed and nothing else")
	}
}
