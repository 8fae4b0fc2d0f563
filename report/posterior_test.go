package report

import (
	"fmt"
	"strings"
	"testing"

	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/infer"
)

// Of many observables those are listed that the posterior predicts worst, and the text says so.
func TestManyPredictedObservables(t *testing.T) {
	for n, want := range map[int]string{mostListed: "", 420: "Of the 420 observables, these 40 are least like what was observed."} {
		v := &infer.Predictive{Table: &events.Table{}}
		for i := range n {
			name := fmt.Sprintf("x%d", i)
			v.Observables = append(v.Observables, infer.Predicted{Name: name, P: 1 - float64(i)/float64(n)})
			v.Table.Columns = append(v.Table.Columns, events.Column{Name: name, Type: events.Float64, F64: []float64{1, 2, 3}})
		}
		s, err := (&posteriors{Inferred: &infer.Inferred{}}).predictive(v, "")
		if err != nil {
			t.Fatal(err)
		}
		if len(s.Rows) != mostListed || s.Rows[0][0] != fmt.Sprintf("x%d", n-1) || !strings.HasSuffix(s.Text, want) || want == "" && strings.Contains(s.Text, "least like") {
			t.Errorf("%d rows, the first %v: %s", len(s.Rows), s.Rows[0], s.Text)
		}
	}
}
