package validate

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/flow"
	"github.com/sluice-hep/sluice/internal/rng"
	"github.com/sluice-hep/sluice/model"
	"github.com/sluice-hep/sluice/prep"
)

// observed are events with a mass, a number of jets, and what they are given: q.
func observed(n int, seed uint64) *events.Table {
	s := rng.New(seed, rng.StreamTest, 1)
	mass, jets, q := events.Column{Name: "mass", Unit: "TeV", Type: events.Float64}, events.Column{Name: "njets", Type: events.Int64}, events.Column{Name: "q", Type: events.Float64}
	for range n {
		x := s.NormFloat64()
		q.F64 = append(q.F64, x)
		mass.F64 = append(mass.F64, math.Exp(0.5*x+s.NormFloat64()))
		jets.I64 = append(jets.I64, int64(s.IntN(5)))
	}
	return &events.Table{Columns: []events.Column{mass, jets, q}}
}

// drawer is an untrained model of such events, whose flow has been pushed off the identity: what it draws it describes.
func drawer(t testing.TB, given bool) *model.Model {
	t.Helper()
	tab := observed(400, 1)
	m := &model.Model{Seed: 11}
	var err error
	if m.Features, _, err = prep.Fit(tab, []string{"mass", "njets"}, prep.Spec{}, 3); err != nil {
		t.Fatal(err)
	}
	contexts := 0
	if given {
		if m.Context, _, err = prep.FitContext(tab, []string{"q"}, prep.Spec{}); err != nil {
			t.Fatal(err)
		}
		contexts = 1
	}
	f, err := flow.New(m.Features.Dim(), contexts, flow.Spec{Type: "maf", Transforms: 2, Hidden: []int{8}}, m.Seed)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.Close)
	push := make([]float32, f.Size())
	rng.Normal(push, 2, rng.StreamTest, 1, 0)
	for i := range push {
		f.Params()[i] += 0.2 * push[i]
	}
	f.Cut(f.Params())
	m.Density = f
	return m
}

// own are events that a model describes, with its weights, -1 and 1, where some are negative.
func own(t testing.TB, m *model.Model, n int, seed uint64, negative bool) *events.Table {
	t.Helper()
	var given *events.Table
	if m.Context != nil {
		given = observed(n, seed)
	}
	tab, _, err := m.SampleWithin(n, given, seed+1000, 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	if negative {
		s, w := rng.New(seed, rng.StreamTest, 2), events.Column{Name: "w", Type: events.Float64}
		for range n {
			w.F64 = append(w.F64, []float64{1, 1, 1, 1, -1}[s.IntN(5)])
		}
		tab.Columns, tab.Weight = append(tab.Columns, w), "w"
	}
	return tab
}

// A model is calibrated for its own events, whatever the columns: 1 % of the cases, of each p-value, are below 0.01.
func TestCalibrateAModelByItsOwnEvents(t *testing.T) {
	cases, events, level, most := 30, 300, 0.01, 4.0/30
	if os.Getenv("SLUICE_STUDY") != "" {
		cases, events, level, most = 1000, 500, 0.05, 0.065
	}
	for _, given := range []bool{true, false} {
		m := drawer(t, given)
		for _, negative := range []bool{false, true} {
			t.Run(fmt.Sprintf("given %v, negative %v", given, negative), func(t *testing.T) {
				below := map[string]int{}
				for i := range cases {
					c, err := Calibrate(t.Context(), m, own(t, m, events, uint64(i), negative), CalibrationOptions{Seed: uint64(i), Draws: 40})
					if err != nil {
						t.Fatal(err)
					}
					for name, p := range map[string]*float64{"SBC": c.SBCP, "HPD": c.HPDP, "TARP": c.TARPP, "averaged": c.AveragedP} {
						if below[name] += 0; *p < level {
							below[name]++
						}
					}
				}
				for _, name := range slices.Sorted(maps.Keys(below)) {
					rate := float64(below[name]) / float64(cases)
					t.Logf("%s: %.3f below %g", name, rate, level)
					if rate > most {
						t.Errorf("%s: %.3f of %d cases are below %g", name, rate, cases, level)
					}
				}
			})
		}
	}
}

func named(column string) string { return "<" + column + ">" }

// A model that is not that of the events is found, and how it differs is said.
func TestCalibrateFindsWhatIsWrong(t *testing.T) {
	m := drawer(t, true)
	scaled := func(by, shift float64) *events.Table { // of the logarithm of the mass
		tab := own(t, m, 1500, 5, false)
		x := tab.Columns[0].F64
		for i := range x {
			x[i] = math.Exp(by*math.Log(x[i]) + shift)
		}
		return tab
	}
	for _, c := range []struct {
		name  string
		table *events.Table
		says  []string
	}{
		{"shifted", scaled(1, 0.7), []string{"<mass> is drawn too low", "more than chance"}},
		{"wider", scaled(1.8, 0), []string{"too narrow"}},
		{"narrower", scaled(0.5, 0), []string{"too wide"}},
	} {
		found, err := Calibrate(t.Context(), m, c.table, CalibrationOptions{Seed: 1})
		if err != nil {
			t.Fatal(err)
		}
		text := strings.Join(found.Lines(named), "\n")
		for _, want := range c.says {
			if !strings.Contains(text, want) {
				t.Errorf("%s: no %q in\n%s", c.name, want, text)
			}
		}
		if found.Good() {
			t.Errorf("%s: good", c.name)
		}
	}
}

// Columns exchanged between events keep every column, and lose what the context says of it.
func TestCalibrateFindsThatTheContextIsIgnored(t *testing.T) {
	m := drawer(t, true)
	tab := own(t, m, 1500, 5, false)
	q := tab.Columns[2].F64
	shuffled := slices.Clone(q)
	for i := range q {
		q[i] = shuffled[(i+700)%len(q)]
	}
	c, err := Calibrate(t.Context(), m, tab, CalibrationOptions{Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	if c.Good() || *c.HPDP > 0.005 {
		t.Errorf("HPD p = %g", *c.HPDP)
	}
	if *c.AveragedP < 1e-3 {
		t.Errorf("the draws of all events are those of the same contexts, but p = %g", *c.AveragedP)
	}
}

func TestCalibrateIsTheSameOnAnyThreadsAndMarshals(t *testing.T) {
	m := drawer(t, true)
	tab := own(t, m, 700, 3, true)
	var all []*Calibration
	for _, threads := range []int{1, 3} {
		m.Density.UseThreads(threads)
		c, err := Calibrate(t.Context(), m, tab, CalibrationOptions{Seed: 4, Events: 500})
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, c)
	}
	if !reflect.DeepEqual(all[0], all[1]) {
		t.Error("threads change the result")
	}
	text, err := json.Marshal(all[0])
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{`"coverage68":`, `"coverage95":`, `"sbc_p":`, `"tarp_p":`, `"generated_naive_error":`} {
		if !strings.Contains(string(text), key) {
			t.Errorf("no %s in the JSON", key)
		}
	}
	b := all[0].Columns[0].Bins
	for k, e := range b.Error {
		if b.Generated[k] > 0.02 && !(e > 1.5*b.Naive[k]) {
			t.Errorf("bin %d of %g: error %g, naive %g", k, b.Generated[k], e, b.Naive[k])
		}
	}
	if all[0].Events != 500 || all[0].HeldOut != 700 || all[0].Draws != 100 || !(all[0].Effective < 250) {
		t.Errorf("%d of %d events, worth %g, %d draws", all[0].Events, all[0].HeldOut, all[0].Effective, all[0].Draws)
	}
}

func TestCalibrateRefuses(t *testing.T) {
	m := drawer(t, true)
	tab := own(t, m, 100, 3, false)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Calibrate(ctx, m, tab, CalibrationOptions{}); err == nil || !strings.Contains(err.Error(), "interrupted") {
		t.Errorf("cancelled: %v", err)
	}
	if _, err := Calibrate(t.Context(), m, tab.Slice(0, 0), CalibrationOptions{}); err == nil {
		t.Error("no events: no error")
	}
	if _, err := Calibrate(t.Context(), m, &events.Table{Columns: tab.Columns[:2]}, CalibrationOptions{}); err == nil {
		t.Error("no context: no error")
	}
	c, err := Calibrate(t.Context(), m, tab.Slice(0, 7), CalibrationOptions{})
	if err != nil || c.HPDP != nil || !strings.Contains(strings.Join(c.Lines(named), "\n"), "too few") {
		t.Errorf("7 events: %+v, %v", c, err)
	}
	if text, err := json.Marshal(c); err != nil || !strings.Contains(string(text), `"sbc_p":null`) {
		t.Errorf("7 events: %s, %v", text, err)
	}
}

func TestOutsideContext(t *testing.T) {
	m := drawer(t, true)
	tab := observed(50, 9)
	for i := range tab.Columns[2].F64 {
		tab.Columns[2].F64[i] = 0
	}
	tab.Columns[2].F64[3], tab.Columns[2].F64[7] = -40, 90
	o, err := OutsideContext(m, tab)
	if err != nil || o.Events != 2 || o.Of != 50 || len(o.Columns) != 1 || o.Columns[0].Below != 1 || o.Columns[0].Above != 1 || o.Columns[0].Lowest != -40 || o.Columns[0].Most != 90 {
		t.Fatalf("%+v, %v", o, err)
	}
	if s := o.Say(); !strings.Contains(s, `2 of 50 events`) || !strings.Contains(s, `-40 to 90`) {
		t.Error(s)
	}
	if o, err := OutsideContext(drawer(t, false), tab); o != nil || err != nil || o.Say() != "" {
		t.Errorf("without a context: %+v, %v", o, err)
	}
}

// An observation of the model is no surprise; one far out is, and several from elsewhere are misspecified together.
func TestSurprise(t *testing.T) {
	for _, given := range []bool{false, true} {
		m := drawer(t, given)
		s, err := Surprise(t.Context(), m, own(t, m, 6, 3, false), 1, 0)
		if err != nil || *s.P < 0.02 || len(s.Each) != 6 {
			t.Fatalf("%+v, %v", s, err)
		}
		if (s.MMD.Cannot != "") != given || !given && s.MMD.P < 0.01 {
			t.Errorf("MMD %+v", s.MMD)
		}
		if strings.Contains(s.Say(), "extrapolation") {
			t.Error(s.Say())
		}
		far := own(t, m, 3, 3, false)
		for i := range far.Columns[0].F64 {
			far.Columns[0].F64[i] = 400 + float64(i)
		}
		if s, err = Surprise(t.Context(), m, far, 1, 0); err != nil || *s.P > 0.005 || !strings.Contains(s.Say(), "extrapolation") {
			t.Errorf("%v: %s, %v", given, s.Say(), err)
		}
		if !given && s.MMD.P > 0.005 {
			t.Errorf("MMD %+v", s.MMD)
		}
		if s, err = Surprise(t.Context(), m, far.Slice(0, 1), 1, 0); err != nil || s.MMD.Cannot == "" {
			t.Errorf("one: %+v, %v", s, err)
		}
	}
	if _, err := Surprise(t.Context(), drawer(t, false), observed(0, 1), 1, 0); err == nil {
		t.Error("no observation: no error")
	}
}

// At single contexts the density is right, or not.
func TestCalibrateLocally(t *testing.T) {
	m := drawer(t, true)
	right, wrong := own(t, m, 600, 3, false), own(t, m, 600, 3, false)
	for i := range wrong.Columns[0].F64 {
		wrong.Columns[0].F64[i] *= 8
	}
	weighted := own(t, m, 600, 3, true)
	for _, c := range []struct {
		name  string
		table *events.Table
		low   bool
		why   string
	}{{"right", right, false, ""}, {"wrong", wrong, true, ""}, {"weighted", weighted, false, "weights"}} {
		found, err := Calibrate(t.Context(), m, c.table, CalibrationOptions{Seed: 1, Local: 2, Draws: 40})
		if err != nil || len(found.Local) != 2 {
			t.Fatal(c.name, found, err)
		}
		for _, test := range found.Local {
			if !strings.Contains(test.Cannot, c.why) || c.why == "" && test.Cannot != "" {
				t.Errorf("%s: cannot: %q", c.name, test.Cannot)
			}
			if c.why == "" && (test.P < 0.02) != c.low {
				t.Errorf("%s: %+v", c.name, test)
			}
		}
	}
}

func TestNamesAsNumbers(t *testing.T) {
	tab := &events.Table{Columns: []events.Column{{Name: "a", Type: events.Text, Str: []string{"ee", "mumu", "", "ee"}}}}
	x, err := numbersOf(tab, []string{"a"})
	if err != nil || x[0][0] != x[0][3] || x[0][0] == x[0][1] || !math.IsNaN(x[0][2]) {
		t.Errorf("%v, %v", x, err)
	}
}
