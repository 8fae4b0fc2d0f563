package pyhf

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/sluice-hep/sluice/uhi"
)

// of is a histogram of the bins [0,1), [1,2), ... with underflow and overflow as the first and last of values.
func of(values ...float64) *uhi.Histogram {
	h := &uhi.Histogram{Values: values, Variances: make([]float64, len(values))}
	for i, v := range values {
		h.Variances[i] = math.Abs(v) / 4
	}
	a := uhi.Axis{Underflow: true, Overflow: true}
	for i := range len(values) - 1 {
		a.Edges = append(a.Edges, float64(i))
	}
	h.Axes = []uhi.Axis{a}
	return h
}

// search is a workspace with every modifier that Build makes.
func search(t *testing.T) (*Workspace, []string) {
	t.Helper()
	background := Template{Name: "background", Nominal: of(0, 100, 50, 20, 0), StatError: true,
		Shapes:      map[string]Variation{"closure": {Down: of(0, 90, 50, 22, 0), Up: of(0, 115, 50, 19, 0)}},
		Norms:       map[string]NormSys{"yield": {Low: 0.8, High: 1.3}, "closure": {Low: 0.99, High: 1.02}},
		Independent: map[string][]float64{"rest": {5, 4, 3}}}
	signal := Template{Name: "signal", Nominal: of(1, 2, 10, 0, 3), StatError: true, Free: []string{"mu"}, Lumi: true}
	w, notes, err := Build([]Region{
		{Name: "SR", Observed: of(0, 104, 66, 18, 1), Templates: []Template{signal, background}},
		{Name: "CR", Templates: []Template{{Name: "background", Nominal: of(0, 1000, 0), Norms: map[string]NormSys{"yield": {0.8, 1.3}}}}},
	}, []Measurement{POI("search", "mu", 0, 10, Lumi(0.02))}, 1e-3)
	if err != nil {
		t.Fatal(err)
	}
	return w, notes
}

// schema has the objects of the published schema 1.0.0 (defs.json): a rule a key, those that may be absent with a ?.
var schema = map[string]map[string]string{
	"workspace":   {"channels": "channel+", "measurements": "measurement+", "observations": "observation+", "version": "=1.0.0"},
	"channel":     {"name": "string", "samples": "sample+"},
	"sample":      {"name": "string", "data": "number+", "modifiers": "modifier*"},
	"observation": {"name": "string", "data": "number+"},
	"measurement": {"name": "string", "config": "config"},
	"config":      {"poi": "string", "parameters": "parameter*"},
	"parameter": {"name": "string", "inits?": "number+", "bounds?": "pair+", "auxdata?": "number+", "factors?": "number+",
		"sigmas?": "number+", "fixed?": "boolean"},
	"histosys":      {"name": "string", "type": "=histosys", "data": "histosys data"},
	"histosys data": {"lo_data": "number+", "hi_data": "number+"},
	"lumi":          {"name": "=lumi", "type": "=lumi", "data": "null"},
	"normfactor":    {"name": "string", "type": "=normfactor", "data": "null"},
	"normsys":       {"name": "string", "type": "=normsys", "data": "normsys data"},
	"normsys data":  {"lo": "number", "hi": "number"},
	"shapesys":      {"name": "string", "type": "=shapesys", "data": "number+"},
	"staterror":     {"name": "string", "type": "=staterror", "data": "number+"},
}

// follows tells where v breaks a rule.
func follows(rule string, v any, at string) error {
	wrong := fmt.Errorf("%s: %v is no %s", at, v, rule)
	if want, fixed := strings.CutPrefix(rule, "="); fixed {
		if v != want {
			return wrong
		}
		return nil
	}
	if of, many := strings.CutSuffix(rule, "+"); many || strings.HasSuffix(rule, "*") {
		list, ok := v.([]any)
		if !ok || many && len(list) == 0 {
			return wrong
		}
		for i, v := range list {
			if err := follows(strings.TrimSuffix(of, "*"), v, fmt.Sprintf("%s[%d]", at, i)); err != nil {
				return err
			}
		}
		return nil
	}
	ok := true
	switch rule {
	case "number":
		_, ok = v.(float64)
	case "string":
		_, ok = v.(string)
	case "boolean":
		_, ok = v.(bool)
	case "null":
		ok = v == nil
	case "pair":
		list, isList := v.([]any)
		ok = isList && len(list) == 2 && follows("number+", v, at) == nil
	default:
		return object(rule, v, at)
	}
	if !ok {
		return wrong
	}
	return nil
}

// object has the keys of its rule, and no others; a modifier is one of a kind that the schema has.
func object(rule string, v any, at string) error {
	m, ok := v.(map[string]any)
	if kind, _ := m["type"].(string); rule == "modifier" {
		rule = kind
	}
	if !ok || schema[rule] == nil {
		return fmt.Errorf("%s: %v is no %s", at, v, rule)
	}
	known := 0
	for key, of := range schema[rule] {
		name, optional := strings.CutSuffix(key, "?")
		v, there := m[name]
		if !there && !optional {
			return fmt.Errorf("%s: a %s has no %q", at, rule, name)
		}
		if there {
			known++
			if err := follows(of, v, at+"."+name); err != nil {
				return err
			}
		}
	}
	if known != len(m) {
		return fmt.Errorf("%s: a %s of keys that the schema has not: %v", at, rule, m)
	}
	return nil
}

// What is written is as the published schema has it, and the same each time; what is broken is seen.
func TestSchema(t *testing.T) {
	w, _ := search(t)
	folder := t.TempDir()
	var texts [2][]byte
	for i := range texts {
		path := filepath.Join(folder, "w.json")
		if err := w.WriteFile(path); err != nil {
			t.Fatal(err)
		}
		texts[i], _ = os.ReadFile(path)
	}
	if !slices.Equal(texts[0], texts[1]) || len(texts[0]) == 0 {
		t.Error("the same workspace became other bytes")
	}
	valid := func(text string) error {
		var v any
		if err := json.Unmarshal([]byte(text), &v); err != nil {
			return err
		}
		return follows("workspace", v, "")
	}
	text := string(texts[0])
	if err := valid(text); err != nil {
		t.Error(err)
	}
	kinds := map[string]bool{}
	for _, c := range w.Channels {
		for _, s := range c.Samples {
			for _, m := range s.Modifiers {
				kinds[m.Type] = true
			}
		}
	}
	if len(kinds) != 6 {
		t.Errorf("the workspace has modifiers %v: not all six kinds", kinds)
	}
	for _, change := range [][2]string{{`"1.0.0"`, `"2.0.0"`}, {`"name": "SR"`, `"nome": "SR"`}, {`"data": null`, `"data": 1`},
		{`"type": "normsys"`, `"type": "normal"`}, {`"lo_data"`, `"low"`}, {`"poi": "mu"`, `"poi": 1`}} {
		if err := valid(strings.Replace(text, change[0], change[1], 1)); err == nil || !strings.Contains(text, change[0]) {
			t.Errorf("%v passed", change)
		}
	}
}

func TestNotes(t *testing.T) {
	_, notes := search(t)
	want := []string{
		"channel SR: 1 of 12 bins of templates held less than 0.001 events, and were raised to that",
		"channel SR: 4 of 186 expected and 1 observed events lie beyond the edges, and are left out",
	}
	if !slices.Equal(notes, want) {
		t.Errorf("%q", notes)
	}
	even := &uhi.Histogram{Axes: []uhi.Axis{{Edges: []float64{0, 1, 2}}}, Values: []float64{3, 4}, Variances: []float64{0, 0}}
	w, notes, err := Build([]Region{{Name: "r", Templates: []Template{{Name: "s", Nominal: even, Free: []string{"mu"}, StatError: true}}}},
		[]Measurement{POI("m", "mu", 0, 5)}, 0.5)
	if err != nil || len(notes) != 1 || notes[0] != "channel r: 2 bins of templates had no error, and got one of 0.5 events" {
		t.Errorf("%q, %v", notes, err)
	}
	if got := w.Observations[0].Data; !slices.Equal(got, []float64{3, 4}) {
		t.Errorf("what is expected is %v", got)
	}
}

// systematic is how pyhf goes from a parameter of normsys (a factor) or histosys (events to be added) to a bin: between -1 and 1 by a
// line or power (codes 0 and 1, the default of pyhf.Model), or by a polynomial (codes 4p and 4, that of the command line).
type systematic struct {
	norm, shape func(down, nominal, up, a float64) float64
}

var codes = map[string]systematic{
	"0 and 1": {
		norm: func(down, nominal, up, a float64) float64 {
			if a < 0 {
				return math.Pow(down/nominal, -a)
			}
			return math.Pow(up/nominal, a)
		},
		shape: func(down, nominal, up, a float64) float64 {
			if a < 0 {
				return a * (nominal - down)
			}
			return a * (up - nominal)
		},
	},
	"4 and 4p": {norm: code4, shape: func(down, nominal, up, a float64) float64 {
		rise, fall := up-nominal, nominal-down
		switch {
		case a > 1:
			return a * rise
		case a < -1:
			return a * fall
		}
		return a*(rise+fall)/2 + (rise-fall)/16*(3*math.Pow(a, 6)-10*math.Pow(a, 4)+15*a*a)
	}},
}

// code4 meets the powers beyond -1 and 1 with its value and two derivatives.
func code4(down, nominal, up, a float64) float64 {
	u, d := up/nominal, down/nominal
	switch {
	case a >= 1:
		return math.Pow(u, a)
	case a <= -1:
		return math.Pow(d, -a)
	}
	// Sums and differences of the values, slopes and curvatures at 1 and -1 are those of the even and the odd powers.
	slope, slopeDown := u*math.Log(u), -d*math.Log(d)
	bend, bendDown := u*math.Log(u)*math.Log(u), d*math.Log(d)*math.Log(d)
	s, s1, s2 := (u+d)/2-1, (slope-slopeDown)/2, (bend+bendDown)/2
	e6 := (8*s - 5*s1 + s2) / 8
	e4 := (s1-2*s)/2 - 2*e6
	e2 := s - e4 - e6
	o, o1, o2 := (u-d)/2, (slope+slopeDown)/2, (bend-bendDown)/2
	o5 := (3*o - 3*o1 + o2) / 8
	o3 := (o1 - o - 4*o5) / 2
	o0 := o - o3 - o5
	return 1 + o0*a + e2*a*a + o3*math.Pow(a, 3) + e4*math.Pow(a, 4) + o5*math.Pow(a, 5) + e6*math.Pow(a, 6)
}

// expected is what pyhf expects in a channel: of each sample the nominal bins and the sum of shapes, times all factors.
func expected(c *Channel, at map[string][]float64, code systematic) []float64 {
	value := func(name string, bin int, otherwise float64) float64 {
		p := at[name]
		if len(p) == 0 {
			return otherwise
		}
		return p[min(bin, len(p)-1)]
	}
	sum := make([]float64, len(c.Samples[0].Data))
	for _, s := range c.Samples {
		for i, n := range s.Data {
			factor, shift := 1., 0.
			for _, m := range s.Modifiers {
				switch d := m.Data.(type) {
				case NormSys:
					factor *= code.norm(d.Low, 1, d.High, value(m.Name, 0, 0))
				case HistoSys:
					shift += code.shape(d.Low[i], n, d.High[i], value(m.Name, 0, 0))
				default:
					factor *= value(m.Name, i, 1)
				}
			}
			sum[i] += (n + shift) * factor
		}
	}
	return sum
}

// The workspace means what the templates say: at the nominal parameters, one sigma up and down, and with each factor.
func TestExpected(t *testing.T) {
	w, _ := search(t)
	for name, code := range codes {
		for _, c := range []struct {
			at   map[string][]float64
			want []float64
		}{
			{nil, []float64{102, 60, 20.001}},
			{map[string][]float64{"mu": {0}}, []float64{100, 50, 20}},
			{map[string][]float64{"mu": {3}, "lumi": {1.02}}, []float64{106.12, 80.6, 20.00306}},
			{map[string][]float64{"mu": {0}, "closure": {1}}, []float64{115 * 1.02, 50 * 1.02, 19 * 1.02}},
			{map[string][]float64{"mu": {0}, "closure": {-1}}, []float64{90 * 0.99, 50 * 0.99, 22 * 0.99}},
			{map[string][]float64{"mu": {0}, "yield": {1}}, []float64{130, 65, 26}},
			{map[string][]float64{"mu": {0}, "yield": {-2}}, []float64{64, 32, 12.8}},
			{map[string][]float64{"mu": {0}, "rest": {1.05, 1, 0.9}}, []float64{105, 50, 18}},
			{map[string][]float64{"stat_SR": {1.1, 1, 1}}, []float64{112.2, 60, 20.001}},
		} {
			got := expected(&w.Channels[0], c.at, code)
			for i := range got {
				if math.Abs(got[i]-c.want[i]) > 1e-9*c.want[i] {
					t.Errorf("codes %s, %v: %v, not %v", name, c.at, got, c.want)
					break
				}
			}
		}
	}
	stat := w.Channels[0].Samples[1].Modifiers[len(w.Channels[0].Samples[1].Modifiers)-1]
	if errors := stat.Data.([]float64); stat.Type != "staterror" || math.Abs(errors[0]-5) > 1e-12 {
		t.Errorf("%+v: the error of the first bin is the root of its variance, 25", stat)
	}
}

// The polynomial meets the powers smoothly, which fixes its six coefficients.
func TestCode4(t *testing.T) {
	const down, up, h = 0.7, 1.5, 1e-4
	for _, a := range []float64{-1, 1} {
		at := func(x float64) float64 { return code4(down, 1, up, x) }
		left, right := (at(a)-at(a-h))/h, (at(a+h)-at(a))/h
		if math.Abs(left-right) > 1e-3 {
			t.Errorf("slopes %g and %g at %g", left, right, a)
		}
		bend := func(x float64) float64 { return (at(x+h) - 2*at(x) + at(x-h)) / h / h }
		if l, r := bend(a-2*h), bend(a+2*h); math.Abs(l-r) > 1e-2 {
			t.Errorf("curvatures %g and %g at %g", l, r, a)
		}
	}
}

func TestBadInput(t *testing.T) {
	good := func() Template { return Template{Name: "s", Nominal: of(0, 3, 4, 0), Free: []string{"mu"}} }
	for want, change := range map[string]func(r *Region, m *Measurement){
		`channel "r": template "s": a template is a histogram of one axis`:   func(r *Region, m *Measurement) { r.Templates[0].Nominal = nil },
		`channel "r": observed: its edges are not those`:                     func(r *Region, m *Measurement) { r.Observed = of(0, 1, 2, 3, 0) },
		`template "s": the content of bin 1 is not finite`:                   func(r *Region, m *Measurement) { r.Templates[0].Nominal.Values[1] = math.NaN() },
		`channel 1, "r", needs a name of its own and at least one sample`:    func(r *Region, m *Measurement) { r.Templates = nil },
		`sample 2, "s", needs a name of its own`:                             func(r *Region, m *Measurement) { r.Templates = append(r.Templates, r.Templates[0]) },
		`the parameter of interest, "nu", is no normfactor`:                  func(r *Region, m *Measurement) { m.Config.POI = "nu" },
		`parameter "x" is of no modifier`:                                    func(r *Region, m *Measurement) { m.Config.Parameters[0].Name = "x" },
		`parameter "mu" has bounds [2 1]`:                                    func(r *Region, m *Measurement) { m.Config.Parameters[0].Bounds[0] = [2]float64{2, 1} },
		`samples have the modifier lumi, whose parameter needs auxdata`:      func(r *Region, m *Measurement) { r.Templates[0].Lumi = true },
		`normsys "n": the factors 0 and 1 must be above 0`:                   func(r *Region, m *Measurement) { r.Templates[0].Norms = map[string]NormSys{"n": {0, 1}} },
		`shape "j": a template is a histogram`:                               func(r *Region, m *Measurement) { r.Templates[0].Shapes = map[string]Variation{"j": {}} },
		`shapesys "i": 1 errors for 2 bins`:                                  func(r *Region, m *Measurement) { r.Templates[0].Independent = map[string][]float64{"i": {1}} },
		`shapesys "mu": another modifier has this name`:                      func(r *Region, m *Measurement) { r.Templates[0].Independent = map[string][]float64{"mu": {1, 1}} },
		`normsys "mu": a normfactor has this name already`:                   func(r *Region, m *Measurement) { r.Templates[0].Norms = map[string]NormSys{"mu": {1, 1}} },
		`observation "r": bin 2 is -4; a number of at least 0 must be there`: func(r *Region, m *Measurement) { r.Observed = of(0, 3, -4, 0) },
	} {
		r, m := Region{Name: "r", Templates: []Template{good()}}, POI("m", "mu", 0, 5)
		change(&r, &m)
		if _, _, err := Build([]Region{r}, []Measurement{m}, 1e-3); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v is not %q", err, want)
		}
	}
	if _, _, err := Build(nil, nil, 0); err == nil {
		t.Error("a floor of 0 passed")
	}
	path := filepath.Join(t.TempDir(), "w.json")
	if err := new(Workspace).WriteFile(path); err == nil {
		t.Error("an empty workspace was written")
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("and left a file")
	}
}
