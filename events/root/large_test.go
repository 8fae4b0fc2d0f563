package root

import (
	"math"
	"testing"

	"github.com/sluice-hep/sluice/internal/reference"
)

// The last basket of each branch of this file lies in the tree's own record, where
// groot v0.38.1 reads it shifted; the sums are those of JSROOT 7.
func TestDataBasketsInTheTree(t *testing.T) {
	path := reference.Data(t, "higgs_20k.root")
	for tree, want := range map[string][2]float64{"sig_tree": {9674.08282995224, 9227.1975004673}, "bkg_tree": {10266.72264328599, 10028.604577332735}} {
		c := table(t, path, Options{Key: tree, Columns: []string{"lepton_pT", "m_wwbb"}})
		for k := range c {
			sum := 0.0
			for _, v := range c[k].F32 {
				sum += float64(v)
			}
			if math.Abs(sum-want[k]) > 1e-12*want[k] || c[k].Len() != 10000 { // the same sum, in the same order
				t.Errorf("%s: the sum of %s is %v, not %v", tree, c[k].Name, sum, want[k])
			}
		}
	}
}

// Every object of a large jagged file comes out, as many as its counter says.
func TestDataFlatten(t *testing.T) {
	path := reference.Data(t, "cms_doublemu2012_100k_jagged.root")
	muons := int64(0)
	for _, n := range table(t, path, Options{})[0].I64 {
		muons += n
	}
	if c := table(t, path, Options{Flatten: "Muon"}); int64(c[0].Len()) != muons || muons != 235286 || len(c) != 6 {
		t.Errorf("%d columns of %d muons for %d", len(c), c[0].Len(), muons)
	}
}
