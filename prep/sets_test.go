package prep

import (
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"

	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/internal/rng"
)

// jetTable are events with a column met, and up to 4 jets, of which 3 are taken; absent stands where there is none.
func jetTable(n int, absent float64) (*events.Table, events.Set) {
	src := rng.New(3, rng.StreamTest, 0)
	s := events.Set{Name: "jets", Variables: []string{"pt", "eta"}, Count: "n", Most: 3}
	t := &events.Table{Columns: []events.Column{{Name: "met", Type: events.Float64}, {Name: "n", Type: events.Int64}}}
	for _, name := range s.Columns()[:6] {
		t.Columns = append(t.Columns, events.Column{Name: name, Type: events.Float64})
	}
	for i := range n {
		count := i % 5
		t.Columns[0].F64, t.Columns[1].I64 = append(t.Columns[0].F64, src.NormFloat64()), append(t.Columns[1].I64, int64(count))
		for k := range 6 {
			v := 50 * float64(1-k%2)
			if v += (5 - 4*float64(k%2)) * src.NormFloat64(); k/2 >= count {
				v = absent
			}
			t.Columns[2+k].F64 = append(t.Columns[2+k].F64, v)
		}
	}
	return t, s
}

// All objects share the preparation of a variable, which is fitted on those that there are; what stands where there is none changes
// nothing, and neither does a file.
func TestSets(t *testing.T) {
	const n = 500
	table, s := jetTable(n, -999)
	spec := Spec{Columns: map[string][]StepSpec{"pt": {{Kind: "standardise"}}, "eta": {{Kind: "standardise"}}, "met": {{Kind: "standardise"}}}}
	p, _, err := FitContext(table, []string{"met"}, spec, s)
	if err != nil {
		t.Fatal(err)
	}
	x, _, err := p.Apply(table, nil)
	if err != nil {
		t.Fatal(err)
	}
	if p.Dim() != 8 || len(x) != 8 || len(p.Names()) != 8 {
		t.Fatalf("%d columns and %q for met, three jets of two variables and their number", p.Dim(), p.Names())
	}
	var sum, square [2]float64
	jets := 0.0
	for e := range n {
		count := min(e%5, 3)
		if x[7][e] != float32(count) {
			t.Fatalf("event %d has %v jets, want %d", e, x[7][e], count)
		}
		for k := range 3 {
			for v := range 2 {
				y := float64(x[1+2*k+v][e])
				if k >= count && y != 0 {
					t.Fatalf("%v where there is no jet", y)
				}
				sum[v], square[v] = sum[v]+y, square[v]+y*y
			}
		}
		jets += float64(count)
	}
	for v := range sum {
		if mean, width := sum[v]/jets, math.Sqrt(square[v]/jets); math.Abs(mean) > 1e-5 || math.Abs(width-1) > 1e-5 {
			t.Errorf("variable %d of all jets has the mean %v and width %v", v, mean, width)
		}
	}
	other, _ := others(n)
	again, _, err := FitContext(other, []string{"met"}, spec, s)
	if err != nil {
		t.Fatal(err)
	}
	y, _, err := again.Apply(other, nil)
	if err != nil || fmt.Sprint(x) != fmt.Sprint(y) {
		t.Errorf("what stands where there is no jet changes the others: %v", err)
	}
	text, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	var back Pipeline
	if err := json.Unmarshal(text, &back); err != nil {
		t.Fatal(err)
	}
	if z, _, err := back.Apply(table, nil); err != nil || !reflect.DeepEqual(x, z) {
		t.Errorf("another preparation came back: %v", err)
	}
	var bad Pipeline
	if err := json.Unmarshal([]byte(strings.Replace(string(text), `"most":3`, `"most":0`, 1)), &bad); err == nil {
		t.Error("a set of no objects can be read")
	}
	table.Columns[2].F64[1] = 900
	if out, ranges, err := p.OutOfRange(table); err != nil || out != 1 || len(ranges) != 1 || ranges[0].Column != "jets: pt" {
		t.Errorf("%d events out of range, %+v, %v", out, ranges, err)
	}
}

// others are the same events with nothing where there is no jet.
func others(n int) (*events.Table, events.Set) { return jetTable(n, math.NaN()) }

// An object without a value, and a number of objects that is none, are told with the row.
func TestSetsRefused(t *testing.T) {
	for want, spoil := range map[string]func(t *events.Table){
		`column "pt[0]": row 3 is NaN, where n says that there are 2 objects`: func(t *events.Table) { t.Columns[2].F64[2] = math.NaN() },
		`column "n": row 2: -1 is no number of objects`:                       func(t *events.Table) { t.Columns[1].I64[1] = -1 },
		`"n" is 0 in every event`:                                             func(t *events.Table) { clear(t.Columns[1].I64) },
		`"eta[2]"`:                                                            func(t *events.Table) { t.Columns = t.Columns[:7] },
	} {
		table, s := jetTable(20, 0)
		spoil(table)
		if _, _, err := FitContext(table, []string{"met"}, Spec{}, s); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}
