package prep

import (
	"testing"

	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/internal/reference"
)

func readData(t *testing.T, name string) *events.Table {
	t.Helper()
	tab, err := events.ReadAll([]string{reference.Data(t, name)}, events.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return tab
}

// A test event outside the training range of a column costs few nats there: the automatic preparation alone,
// with a standard normal in place of the flow. (Summed over columns as if they were independent, an event with
// many correlated extremes may cost more; that is for the flow to learn.)
func TestDataFarEventsCostFewNats(t *testing.T) {
	for _, name := range []string{"lhco4", "magic10", "higgs24"} {
		train := readData(t, "splits/"+name+"_train.npy")
		test := readData(t, "splits/"+name+"_test.npy")
		for _, column := range train.Names() {
			p := mustFit(t, train, []string{column}, Spec{})
			mean, all := 0.0, cost(t, p, test)
			for _, c := range all {
				mean += c / float64(len(all))
			}
			for i, c := range all {
				if n, _, _ := p.OutOfRange(test.Slice(i, i+1)); n > 0 && c-mean > 50 {
					t.Errorf("%s, %s: event %d outside costs %.1f nats more than the mean of %.1f", name, column, i, c, mean)
				}
			}
		}
	}
}

// The muon of 24 TeV among transverse momenta of some 10 GeV, not seen in training.
func TestDataFakeMuonCostsFewNats(t *testing.T) {
	tab := readData(t, "cms_dimuon_2012_os_pairs.csv.gz")
	pt, err := tab.Column("pt1")
	if err != nil {
		t.Fatal(err)
	}
	var usual, fake []int32
	for i := range pt.Len() {
		if pt.Float(i) > 20000 {
			fake = append(fake, int32(i))
		} else {
			usual = append(usual, int32(i))
		}
	}
	train := tab.Take(usual)
	p := mustFit(t, train, []string{"pt1"}, Spec{})
	mean := 0.0
	for _, c := range cost(t, p, train) {
		mean += c / float64(len(usual))
	}
	if c := cost(t, p, tab.Take(fake)); len(c) != 1 || c[0]-mean > 50 {
		t.Errorf("%d events cost %.1f nats, %.1f in the mean", len(c), c, mean)
	}
}
