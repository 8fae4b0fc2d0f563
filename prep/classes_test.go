package prep

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/internal/rng"
)

// repeated is a column that holds each value so many times.
func repeated(name string, times map[int64]int) events.Table {
	var x []int64
	for _, v := range []int64{-7, 0, 1, 2, 3, 4, 5, 11, 90} {
		x = append(x, slices.Repeat([]int64{v}, times[v])...)
	}
	return events.Table{Columns: []events.Column{{Name: name, Type: events.Int64, I64: x}}}
}

func fitContext(t *testing.T, tab *events.Table, spec Spec) (*Pipeline, []string) {
	t.Helper()
	p, notices, err := FitContext(tab, []string{"k"}, spec)
	if err != nil {
		t.Fatal(err)
	}
	return p, notices
}

// A context of few values is a column of 0 and 1 for each, however rare, also after it was saved.
func TestContextOfFewValuesIsClasses(t *testing.T) {
	tab := repeated("k", map[int64]int{0: 9000, 2: 300, 5: 40, 90: 10})
	p, notices := fitContext(t, &tab, Spec{})
	if p.Dim() != 4 || len(notices) != 0 {
		t.Fatalf("%d columns, notices %q", p.Dim(), notices)
	}
	p = reloaded(t, p)
	given := &events.Table{Columns: []events.Column{{Name: "k", F32: []float32{5, 0, 90, 2, 4, 1000, -3}}}}
	got, _, err := p.Apply(given, nil)
	want := [][]float32{{0, 1, 0, 0, 0, 0, 1}, {0, 0, 0, 1, 0, 0, 0}, {1, 0, 0, 0, 1, 0, 0}, {0, 0, 1, 0, 0, 1, 0}}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, %v; want %v", got, err, want)
	}
	n, ranges, err := p.OutOfRange(given)
	if err != nil || n != 3 || ranges[0].Unseen != 3 || ranges[0].First != 4 || ranges[0].Value != "4" {
		t.Errorf("%d unknown values: %+v, %v", n, ranges, err)
	}
}

func reloaded(t *testing.T, p *Pipeline) *Pipeline {
	t.Helper()
	text, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	q := new(Pipeline)
	if err := q.UnmarshalJSON(text); err != nil {
		t.Fatal(err)
	}
	return q
}

// Values of too few events to learn from count as the nearest, and that is said.
func TestRareClassesAreMergedAndTold(t *testing.T) {
	tab := repeated("k", map[int64]int{-7: 3, 0: 500, 1: 9, 4: 100, 5: 100, 11: 2})
	for _, c := range []struct {
		spec  Spec
		value []float64
		told  string
	}{
		{Spec{}, []float64{0, 4, 5}, `"k": 3 of its 6 values, with 2 % of the events,`},
		{Spec{All: []StepSpec{{"classes", map[string]float64{"most": 2}}}}, []float64{0, 4}, "4 of its 6 values"},
	} {
		p, notices := fitContext(t, &tab, c.spec)
		if got := p.Columns[0].classes().Value; !slices.Equal(got, c.value) {
			t.Errorf("classes %v, want %v", got, c.value)
		}
		if len(notices) != 1 || !strings.Contains(notices[0], c.told) {
			t.Errorf("notices %q", notices)
		}
	}
}

// Labels of many values have a column each where there are events enough; a column of many numbers stays one number.
func TestWhichContextIsClasses(t *testing.T) {
	g := rng.New(5, rng.StreamToy, 0)
	labels, hits, few := make([]int64, 30000), make([]int64, 30000), make([]float32, 30000)
	for i := range labels {
		labels[i], hits[i], few[i] = int64(g.IntN(150)), int64(g.IntN(1000)), float32(g.IntN(30))/8
	}
	for _, c := range []struct {
		column events.Column
		dim    int
	}{
		{events.Column{Name: "k", Type: events.Int64, I64: labels}, 150},
		{events.Column{Name: "k", Type: events.Int64, I64: hits}, 1},
		{events.Column{Name: "k", F32: few}, 30},
		{events.Column{Name: "k", Type: events.Int64, I64: labels[:100]}, 1},
	} {
		p, _ := fitContext(t, &events.Table{Columns: []events.Column{c.column}}, Spec{})
		if p.Dim() != c.dim {
			t.Errorf("%d columns, want %d: %s", p.Dim(), c.dim, p.Columns[0].Why)
		}
	}
}

func TestClassesAreForAContext(t *testing.T) {
	tab := repeated("k", map[int64]int{0: 50, 1: 50})
	if _, _, err := Fit(&tab, []string{"k"}, Spec{All: []StepSpec{{Kind: "classes"}}}, 1); err == nil || !strings.Contains(err.Error(), "prepare_context") {
		t.Error(err)
	}
	_, _, err := FitContext(&tab, []string{"k"}, Spec{All: []StepSpec{{Kind: "classes"}, {Kind: "standardise"}}})
	if err == nil || !strings.Contains(err.Error(), "last") {
		t.Error(err)
	}
	for _, state := range []string{`{"most":4,"value":[1]}`, `{"most":4,"value":[2,1]}`, `{"most":4}`} {
		var s Steps
		if err := s.UnmarshalJSON([]byte(`[{"kind":"classes","state":` + state + `}]`)); err == nil {
			t.Errorf("%s was taken", state)
		}
	}
}
