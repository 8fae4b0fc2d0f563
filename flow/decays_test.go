package flow

import (
	"slices"
	"testing"

	"github.com/sluice-hep/sluice/nn"
)

// A weight decay is for the weights of networks and the off-diagonals of linear maps: for no bias, diagonal, scale or
// statistic.
func TestDecays(t *testing.T) {
	f, err := New(3, 1, Spec{Type: "nsf", Transforms: 2, Linear: "lu", BatchNorm: true, Net: "residual", NetBatchNorm: true, Hidden: []int{4}, Base: Part{Kind: "student-t"}}, 1)
	if err != nil {
		t.Fatal(err)
	}
	decays := make([]bool, f.Size())
	for _, r := range f.layout.Decays() {
		for i := r[0]; i < r[1]; i++ {
			decays[i] = true
		}
	}
	seen := map[nn.Role]bool{}
	for _, v := range f.Views() {
		seen[v.Role] = true
		for i := range v.Rows * v.Cols {
			want := v.Role == nn.Weight || v.Role == nn.Triangles && i/v.Cols != i%v.Cols
			if decays[v.Offset+i] != want {
				t.Errorf("%s, number %d: decays is %v", v.Name, i, decays[v.Offset+i])
			}
		}
	}
	if len(seen) != 5 || !slices.IsSortedFunc(f.layout.Decays(), func(a, b [2]int) int { return a[0] - b[0] }) {
		t.Errorf("roles %v", seen)
	}
}
