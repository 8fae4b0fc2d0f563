package prep

import (
	"encoding/json"
	"math"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/internal/rng"
)

// dirichlet draws fractions of whole exponents: sums of so many exponential numbers, divided by the sum of all.
func dirichlet(n int, typ events.Type, names []string, exponent ...int) *events.Table {
	src := rng.New(3, rng.StreamTest, uint32(len(exponent)))
	t := &events.Table{}
	for _, name := range names {
		t.Columns = append(t.Columns, events.Column{Name: name, Type: typ})
	}
	a := make([]float64, len(exponent))
	for range n {
		sum := 0.0
		for k, e := range exponent {
			a[k] = 0
			for range e {
				a[k] -= math.Log(src.Float64())
			}
			sum += a[k]
		}
		for k := range a {
			if c := &t.Columns[k]; typ == events.Float32 {
				c.F32 = append(c.F32, float32(a[k]/sum))
			} else {
				c.F64 = append(c.F64, a[k]/sum)
			}
		}
	}
	return t
}

var nuclei = []string{"aH", "aHe", "aN", "aSi", "aFe"}

// composed is a table of two simplexes whose columns stand among each other, with one beside them.
func composed(n int) (*events.Table, []string, Spec) {
	t := dirichlet(n, events.Float64, nuclei, 1, 1, 1, 1, 1)
	other := dirichlet(n, events.Float64, []string{"b1", "b2"}, 2, 3)
	x := events.Column{Name: "x", Type: events.Float64, F64: sample(n)}
	t.Columns = []events.Column{t.Columns[0], other.Columns[0], t.Columns[1], x, t.Columns[2], t.Columns[3], other.Columns[1], t.Columns[4]}
	return t, t.Names(), Spec{Simplex: [][]string{nuclei, {"b2", "b1"}}}
}

func eachMixed(t *testing.T, f func(t *testing.T, spec Spec, tab *events.Table, names []string)) {
	for _, mixed := range []bool{false, true} {
		tab, names, spec := composed(2500)
		spec.Mixed = mixed
		name := "flow"
		if mixed {
			name = "mixed"
		}
		t.Run(name, func(t *testing.T) { f(t, spec, tab, names) })
	}
}

// Of K fractions the flow sees K-1. What it makes of them sums to 1, to the last bits, and none is negative, however far out.
func TestSimplexRoundTrip(t *testing.T) {
	eachMixed(t, func(t *testing.T, spec Spec, tab *events.Table, names []string) {
		p := mustFit(t, tab, names, spec)
		if p.Dim() != len(names)-2 {
			t.Fatalf("%d features of %d columns in two simplexes", p.Dim(), len(names))
		}
		cols, d, err := p.Apply(tab, nil)
		if err != nil {
			t.Fatal(err)
		}
		back, e, err := p.Invert(cols)
		if err != nil {
			t.Fatal(err)
		}
		for k := range back.Columns {
			for i, v := range back.Columns[k].F64 {
				// features are float32: 6e-8 of a width, of which a fraction is at most a third
				if w := tab.Columns[k].F64[i]; names[k] != "x" && math.Abs(v-w) > 2e-6 {
					t.Fatalf("%s: %g comes back as %g", names[k], w, v)
				}
			}
		}
		for i := range d {
			if math.Abs(d[i]+e[i]) > 1e-4 {
				t.Fatalf("log-dets %g and %g", d[i], e[i])
			}
		}
		for k := range cols {
			for i := range cols[k] {
				cols[k][i] = float32(math.Sinh(float64(i%100)/6-8) / float64(1+i%7)) // to 1490, of all signs
			}
		}
		if back, e, err = p.Invert(cols); err != nil || !finite(e...) {
			t.Fatalf("far out: %v, log-dets %g", err, slices.Max(e))
		}
		for _, of := range spec.Simplex {
			for i := range back.Len() {
				sum := 0.0
				for _, name := range of {
					c, _ := back.Column(name)
					if c.F64[i] < 0 {
						t.Fatalf("%s is %g", name, c.F64[i])
					}
					sum += c.F64[i]
				}
				if math.Abs(sum-1) > 1e-15 {
					t.Fatalf("%q sum to 1%+g", of, sum-1)
				}
			}
		}
	})
}

// Where all compositions are equally likely, the density of K fractions is (K-1)! per unit of any K-1 of them: that of
// normal features times the log-det is so, at every point.
func TestSimplexIsNormalOfEqualCompositions(t *testing.T) {
	for k := 2; k <= 7; k++ {
		names, exponent := []string{"a", "b", "c", "d", "e", "f", "g"}[:k], slices.Repeat([]int{1}, k)
		tab := dirichlet(500, events.Float64, names, exponent...)
		p := mustFit(t, tab, names, Spec{Simplex: [][]string{names}})
		for i := range p.Columns {
			if s := p.Columns[i].Steps; len(s) > 0 {
				s[0].(*standardise).Mean, s[0].(*standardise).Std = 0, 1
			}
		}
		cols, logDet, err := p.Apply(tab, nil)
		if err != nil {
			t.Fatal(err)
		}
		want, _ := math.Lgamma(float64(k))
		for i, l := range logDet {
			for _, c := range cols {
				l += logNormal(float64(c[i]))
			}
			if math.Abs(l-want) > 1e-5 { // of features that are float32
				t.Fatalf("%d fractions: a log-density of %g, not %g", k, l, want)
			}
		}
	}
}

// The log-det is that of finite differences: of the features by all fractions but the last, which takes what the others give.
func TestSimplexLogDet(t *testing.T) {
	tab := dirichlet(300, events.Float64, nuclei, 1, 2, 1, 3, 1)
	p := mustFit(t, tab, nuclei, Spec{Simplex: [][]string{nuclei}})
	at := func(a []float64) []float64 { // the features, in float64
		in := make([]*events.Column, len(a))
		for k := range in {
			in[k] = &events.Column{Type: events.Float64, F64: a[k : k+1]}
		}
		var u []float64
		for k := range a[1:] {
			c := &p.Columns[k]
			x, rest := []float64{a[k]}, []float64{0}
			p.restOf(c.Share, rest, in, 0)
			c.Share.apply(x, rest, []float64{0})
			c.Steps[0].Apply(x, nil)
			u = append(u, x[0])
		}
		return u
	}
	_, logDet, err := p.Apply(tab, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := range tab.Len() {
		var a []float64
		for k := range nuclei {
			a = append(a, tab.Columns[k].F64[i])
		}
		det := 1.0 // of a triangular matrix: a fraction moves none of the features before it
		for k := range a[1:] {
			h := 1e-6 * min(a[k], a[4])
			up, down := slices.Clone(a), slices.Clone(a)
			up[k], up[4], down[k], down[4] = a[k]+h, a[4]-h, a[k]-h, a[4]+h
			u, v := at(up), at(down)
			for j := range k {
				if math.Abs(u[j]-v[j]) > 1e-3*math.Abs(u[k]-v[k]) {
					t.Fatalf("fraction %d moves feature %d", k, j)
				}
			}
			det *= (u[k] - v[k]) / (2 * h)
		}
		if det <= 0 || math.Abs(math.Log(det)-logDet[i]) > 1e-3 {
			t.Fatalf("%g: a log-det of %g; finite differences say %g", a, logDet[i], math.Log(det))
		}
	}
}

// Any part of a table is prepared as the whole is, and a loaded preparation is the same to the bit.
func TestSimplexSaveAndParts(t *testing.T) {
	eachMixed(t, func(t *testing.T, spec Spec, tab *events.Table, names []string) {
		p := mustFit(t, tab, names, spec)
		data, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		var loaded Pipeline
		if err := json.Unmarshal(data, &loaded); err != nil {
			t.Fatal(err)
		}
		cols, d, err := p.Apply(tab, nil)
		if err != nil {
			t.Fatal(err)
		}
		part := tab.Slice(1000, 1700)
		some, e, err := loaded.Apply(part, nil)
		if err != nil || !slices.Equal(e, d[1000:1700]) {
			t.Fatalf("log-dets of a part differ (%v)", err)
		}
		for k := range some {
			if !slices.Equal(some[k], cols[k][1000:1700]) {
				t.Fatalf("feature %d of a part differs", k)
			}
		}
		for _, wrong := range [][2]string{{`"place":2`, `"place":1`}, {`"of":["aH","aHe"`, `"of":["aHe","aH"`}, {`"of":["b1","b2"]`, `"of":["b1"]`}} {
			if err := json.Unmarshal([]byte(strings.Replace(string(data), wrong[0], wrong[1], 1)), &Pipeline{}); err == nil {
				t.Errorf("%s in place of %s is taken", wrong[1], wrong[0])
			}
		}
	})
}

// Columns of a float32 file, or of five decimals, sum to 1 within their rounding; a 0 of theirs is next to the edge.
func TestSimplexOfRoundedFractions(t *testing.T) {
	tab := dirichlet(1000, events.Float32, nuclei, 2, 2, 2, 2, 2)
	p := mustFit(t, tab, nuclei, Spec{Simplex: [][]string{nuclei}})
	one := &events.Table{}
	for k, v := range []float32{0, 0.5, 0.5, 0, 0} {
		one.Columns = append(one.Columns, events.Column{Name: nuclei[k], Type: events.Float32, F32: []float32{v}})
	}
	cols, d, err := p.Apply(one, nil)
	if err != nil || !finite(d...) {
		t.Fatalf("%v, log-det %g", err, d)
	}
	back, _, err := p.Invert(cols)
	if err != nil {
		t.Fatal(err)
	}
	for k, want := range []float64{0, 0.5, 0.5, 0, 0} {
		if got := back.Columns[k].Float(0); math.Abs(got-want) > 1e-6 {
			t.Errorf("%s: %g comes back as %g", nuclei[k], want, got)
		}
	}
}

func TestSimplexRefuses(t *testing.T) {
	first := regexp.MustCompile(`FIRST\((row \d+), ([^)]+)\)`)
	good := func() *events.Table { return dirichlet(200, events.Float64, nuclei, 2, 2, 2, 2, 2) }
	spec := Spec{Simplex: [][]string{nuclei}}
	fitted := mustFit(t, good(), nuclei, spec)
	for _, c := range []struct {
		change func(c []events.Column)
		want   string
		always bool // in what a fitted preparation is applied to, too
	}{
		{func(c []events.Column) { c[0].F64[2], c[0].F64[9] = c[0].F64[2]+0.25, c[0].F64[9]+0.001 }, "do not sum to 1 in 2 of 200 events, FIRST(row 3, 1.25), the farthest off by 0.25; divide each by their sum (define: {f_aH: aH/(aH + aHe", true},
		{func(c []events.Column) { c[1].F64[4] = -0.1 }, `column "aHe": 1 of 200 fractions are negative, FIRST(row 5, -0.1); leave these events out (where: aHe > 0)`, true},
		{func(c []events.Column) { c[2].F64[7], c[2].F64[8] = 0, 0 }, `column "aN": 2 of 200 fractions are 0, which the density of fractions never is, FIRST(row 8, 0); leave`, false},
		{func(c []events.Column) { c[2].F64[0] = math.NaN() }, `column "aN": 1 of 200 values are missing (NaN), the first in row 1`, true},
	} {
		tab := good()
		c.change(tab.Columns)
		want := first.ReplaceAllString(c.want, "one of them $2") // a training does not know the rows of the files
		if _, _, err := Fit(tab, nuclei, spec, 1); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("fit: the error is %v, not one with %q", err, want)
		}
		want = first.ReplaceAllString(c.want, "the first in $1 ($2)")
		if _, _, err := fitted.Apply(tab, nil); c.always && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("apply: the error is %v, not one with %q", err, want)
		}
	}
	for _, wrong := range [][][]string{{{"aH"}}, {{"aH", "aH"}}, {{"aH", "aX"}}, {{"aH", "aHe"}, {"aHe", "aN"}}} {
		if _, _, err := Fit(good(), nuclei, Spec{Simplex: wrong}, 1); err == nil {
			t.Errorf("simplex %q is taken", wrong)
		}
	}
}

// The last fraction is told by the others: it is no feature that follows from them, which would be told to the user.
func TestSimplexIsNoDependence(t *testing.T) {
	tab, names, spec := composed(2000)
	p := mustFit(t, tab, names, spec)
	found, err := p.Dependents(tab, &Pipeline{})
	if err != nil || len(found) > 0 {
		t.Errorf("%v %v", found, err)
	}
	if _, ranges, err := p.OutOfRange(tab); err != nil || len(ranges) > 0 {
		t.Errorf("%v %v", ranges, err)
	}
}
