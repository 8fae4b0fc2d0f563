package prep

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/internal/rng"
)

// distant are integer columns around a value: three ids, microseconds of a deviation of 5e4, and one run number.
func distant(typ events.Type, at func(d int64) (int64, uint64, float64)) *events.Table {
	const n = 3000
	g := rng.New(17, rng.StreamToy, 0)
	t := &events.Table{Columns: []events.Column{{Name: "id"}, {Name: "us"}, {Name: "run"}}}
	for i := range n {
		d := [3]int64{[]int64{-100000, -7, 100001}[g.IntN(3)], int64(5e4 * g.NormFloat64()), 377}
		if i == 0 {
			d[1] = 0
		}
		for k := range t.Columns {
			c := &t.Columns[k]
			c.Type = typ
			v, u, f := at(d[k])
			switch typ {
			case events.Int64:
				c.I64 = append(c.I64, v)
			case events.Uint64:
				c.U64 = append(c.U64, u)
			case events.Float64:
				c.F64 = append(c.F64, f)
			}
		}
	}
	return t
}

type distantCase struct {
	name  string
	table *events.Table
}

func distantCases() []distantCase {
	var cases []distantCase
	for name, from := range map[string]int64{
		"microseconds": 1550083467000000, "near 2^63": math.MaxInt64 - 400_000, "near -2^63": math.MinInt64 + 400_000, "beyond 2^53": 1<<53 + 1,
	} {
		cases = append(cases, distantCase{name, distant(events.Int64, func(d int64) (int64, uint64, float64) { return from + d, 0, 0 })})
	}
	return append(cases,
		distantCase{"uint64 near 2^64", distant(events.Uint64, func(d int64) (int64, uint64, float64) {
			return 0, math.MaxUint64 - 400_000 + uint64(d), 0
		})},
		distantCase{"float64 of microseconds", distant(events.Float64, func(d int64) (int64, uint64, float64) {
			return 0, 0, 1550083467000000 + float64(d)
		})})
}

var distantNames = []string{"id", "us", "run"}

// Integers beyond 2^53 come back: ids and constants to the last digit, others as well as a float32 tells their places.
func TestLargeIntegersComeBack(t *testing.T) {
	for _, c := range distantCases() {
		for _, steps := range []string{`"auto"`, `{"id": ["levels"], "us": ["dequantise", "quantile"]}`, `{"us": ["standardise"]}`,
			`{"us": ["dequantise", "minmax", {"clip": {"b": 1e-6}}, "logit", "standardise"]}`, `{"us": ["asinh"]}`} {
			var spec Spec
			if err := json.Unmarshal([]byte(steps), &spec); err != nil {
				t.Fatal(err)
			}
			p := mustFit(t, c.table, distantNames, spec)
			var kept Pipeline
			text, err := json.Marshal(p)
			if err == nil {
				err = json.Unmarshal(text, &kept)
			}
			if again, e := json.Marshal(&kept); err != nil || e != nil || string(again) != string(text) {
				t.Fatalf("%s: saved, it differs (%v)", c.name, err)
			}
			cols, d, err := kept.Apply(c.table, nil)
			if err != nil {
				t.Fatal(err)
			}
			back, e, err := p.Invert(cols)
			if err != nil {
				t.Fatal(err)
			}
			for k, name := range distantNames {
				a, b := &c.table.Columns[k], &back.Columns[k]
				if a.Type != b.Type && !(a.Type == events.Float64 && b.Type == events.Float64) {
					t.Errorf("%s %s: %s is %v and comes back as %v", c.name, steps, name, a.Type, b.Type)
				}
				// y is a float32: about 1e-6 of the range of 4e5, and a cell's border may lie between
				most := map[string]float64{"id": 0, "us": 3, "run": 0}[name]
				for i := range a.Len() {
					if off := b.Exact(i).Minus(a.Exact(i)); math.Abs(off) > most {
						t.Fatalf("%s %s: %s %v comes back as %v", c.name, steps, name, a.Exact(i), b.Exact(i))
					}
				}
			}
			for i := range d {
				if math.Abs(d[i]+e[i]) > 1e-3 {
					t.Fatalf("%s %s: log-dets %g there and %g back", c.name, steps, d[i], e[i])
				}
			}
		}
	}
}

// The flow sees the same columns wherever the integers begin, and so does the density.
func TestLargeIntegersArePreparedAsSmallOnes(t *testing.T) {
	small := distant(events.Int64, func(d int64) (int64, uint64, float64) { return d, 0, 0 })
	names := distantNames[:2]
	p := mustFit(t, small, names, Spec{})
	want, wantDet, err := p.Apply(small, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range distantCases() {
		cols, d, err := mustFit(t, c.table, names, Spec{}).Apply(c.table, nil)
		if err != nil {
			t.Fatal(err)
		}
		for i := range d {
			for k := range cols {
				// knots lie at other multiples of a rounding error
				if math.Abs(float64(cols[k][i]-want[k][i])) > 1e-5 || math.Abs(d[i]-wantDet[i]) > 1e-4 {
					t.Fatalf("%s: event %d is %g with log-det %g; of small integers %g and %g", c.name, i, cols[k][i], d[i], want[k][i], wantDet[i])
				}
			}
		}
	}
}

// Far in a tail the integers end at the ends of their type, and do not wrap.
func TestLargeIntegersEndWithTheirType(t *testing.T) {
	for _, c := range distantCases() {
		p := mustFit(t, c.table, []string{"us"}, Spec{})
		back, _, err := p.Invert([][]float32{{-1e4, -30, -1, 0, 1, 30, 1e4}})
		if err != nil {
			t.Fatal(err)
		}
		us := &back.Columns[0]
		for i := 1; i < us.Len(); i++ {
			if us.Exact(i).Minus(us.Exact(i-1)) < 0 {
				t.Errorf("%s: %v comes after %v", c.name, us.Exact(i), us.Exact(i-1))
			}
		}
	}
}

func TestIntegersOfTooWideARangeAreRefused(t *testing.T) {
	c := events.Column{Name: "hash", Type: events.Int64, I64: []int64{5, -1 << 40, 1<<62 + 1, 17}}
	tab := &events.Table{Columns: []events.Column{c, {Name: "x", F32: []float32{1, 2, 3, 4}}}}
	for _, context := range []bool{false, true} {
		_, _, err := Fit(tab, []string{"hash", "x"}, Spec{}, 1)
		if context {
			_, _, err = FitContext(tab, []string{"hash"}, Spec{})
		}
		const want = `prep: column "hash": row 1: 5 is more than 2^53 from the middle of the column`
		if err == nil || !strings.HasPrefix(err.Error(), want) || !strings.Contains(err.Error(), "--define") {
			t.Errorf("%v, want %q", err, want)
		}
	}
	u := events.Column{Name: "e", Unit: "eV", Type: events.Uint64, U64: []uint64{1e17, 3e18, 18e18, 5e16}}
	p := mustFit(t, &events.Table{Columns: []events.Column{u}}, []string{"e"}, Spec{All: []StepSpec{{Kind: "log"}}})
	if p.Columns[0].Origin.String() != "0" {
		t.Errorf("a logarithm counts from %v", p.Columns[0].Origin)
	}
}

// What Invert gives has the type of training where the steps give its values, and otherwise the next wider one.
func TestTypesComeBack(t *testing.T) {
	tab := &events.Table{Columns: []events.Column{
		{Name: "f32", F32: []float32{0.5, 1, 3}},
		{Name: "f64", Type: events.Float64, F64: []float64{1126259462.4, 1126259462.45, 1126259462.31}},
		{Name: "tiny", Type: events.Float64, F64: []float64{1e-47, 3e-47, 2e-46}},
		{Name: "i64", Type: events.Int64, I64: []int64{1, 2, 9}},
		{Name: "u64", Type: events.Uint64, U64: []uint64{1, 2, 9}},
	}}
	for _, c := range []struct {
		step string
		want []events.Type
	}{
		{"standardise", []events.Type{events.Float32, events.Float64, events.Float64, events.Float64, events.Float64}},
		{"levels", []events.Type{events.Float32, events.Float64, events.Float64, events.Int64, events.Uint64}},
	} {
		p := mustFit(t, tab, tab.Names(), Spec{All: []StepSpec{{Kind: c.step}}})
		cols, _, err := p.Apply(tab, nil)
		if err != nil {
			t.Fatal(err)
		}
		back, _, err := p.Invert(cols)
		if err != nil {
			t.Fatal(err)
		}
		for k := range tab.Columns {
			a, b := &tab.Columns[k], &back.Columns[k]
			if b.Type != c.want[k] {
				t.Errorf("%s: %s comes back as %v, want %v", c.step, a.Name, b.Type, c.want[k])
			}
			for i := range a.Len() {
				width := math.Abs(a.Float(2) - a.Float(0))
				if off := math.Abs(a.Float(i) - b.Float(i)); off > 1e-6*width+1e-6 || math.Abs(a.Float(i)) < 1 && off > 1e-6*width {
					t.Errorf("%s: %s %v comes back as %v", c.step, a.Name, a.Exact(i), b.Exact(i))
				}
			}
		}
	}
}

// A value that float64 holds and no step can follow stays a number.
func TestInvertStaysFinite(t *testing.T) {
	tab := &events.Table{Columns: []events.Column{{Name: "x", Type: events.Float64, F64: []float64{1e300, 2e300, 3e300, 7e300}}}}
	p := mustFit(t, tab, []string{"x"}, Spec{})
	back, d, err := p.Invert([][]float32{{-1e3, -40, 40, 1e3}})
	if err != nil || !finite(back.Columns[0].F64...) || !finite(d...) {
		t.Errorf("%v, log-dets %v, %v", back.Columns[0].F64, d, err)
	}
}

// Pipelines that were saved before columns had an origin still load, and give integers as they did.
func TestPipelineWithoutOriginLoads(t *testing.T) {
	const text = `{"columns":[{"name":"n","type":"int64","kind":"integer","min":0,"max":3,"steps":[{"kind":"levels",` +
		`"state":{"value":[0,3],"cum":[0.25,1],"events":8}}],"why":"w"},{"name":"run","type":"int64","kind":"constant","min":273158,"max":273158,"why":"w"}],"seed":1}`
	var p Pipeline
	if err := json.Unmarshal([]byte(text), &p); err != nil {
		t.Fatal(err)
	}
	if again, err := json.Marshal(&p); err != nil || string(again) != text {
		t.Errorf("saved again: %s (%v)", again, err)
	}
	back, _, err := p.Invert([][]float32{{-2, 2}})
	if err != nil || fmt.Sprint(back.Columns[0].I64, back.Columns[1].I64) != "[0 3] [273158 273158]" {
		t.Errorf("%+v, %v", back, err)
	}
	var bad Pipeline
	for _, origin := range []string{`1.5`, `"x"`, `1e20`} {
		if err := json.Unmarshal([]byte(strings.Replace(text, `"max":3`, `"max":3,"origin":`+origin, 1)), &bad); err == nil {
			t.Errorf("an origin of %s is taken", origin)
		}
	}
}

func TestOutOfRangeOfLargeIntegers(t *testing.T) {
	for _, c := range distantCases() {
		p := mustFit(t, c.table, []string{"id", "run"}, Spec{})
		if n, ranges, err := p.OutOfRange(c.table); n != 0 || err != nil {
			t.Errorf("%s: %d training events are out of range: %+v, %v", c.name, n, ranges, err)
		}
		other := c.table.Take([]int32{0, 1, 2})
		other.Columns[0] = other.Columns[1] // microseconds are no ids
		other.Columns[0].Name = "id"
		if n, _, err := p.OutOfRange(other); n != 3 || err != nil {
			t.Errorf("%s: %d of 3 events of other ids are out of range (%v)", c.name, n, err)
		}
	}
}
