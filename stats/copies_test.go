package stats

import (
	"math"
	"strings"
	"testing"

	"github.com/sluice-hep/sluice/internal/rng"
)

// joined is the events of several samples.
func joined(samples ...Sample) (all Sample) {
	for k := range samples[0].Columns {
		var c []float64
		for _, s := range samples {
			c = append(c, s.Columns[k]...)
		}
		all.Columns = append(all.Columns, c)
	}
	return all
}

func rounded(s Sample, step float64) (r Sample) {
	for _, c := range s.Columns {
		x := make([]float64, len(c))
		for i, v := range c {
			x[i] = math.Round(v/step) * step
		}
		r.Columns = append(r.Columns, x)
	}
	return r
}

// A tree finds what a search through all finds, of equal ones the first.
func TestTreeFindsTheNearest(t *testing.T) {
	for _, step := range []float64{0, 0.5, 10} {
		a, b, x := several(1500, 3, 1), several(500, 3, 2), several(200, 3, 3)
		if step > 0 {
			a, b, x = rounded(a, step), rounded(b, step), rounded(x, step)
		}
		order := rng.New(1, rng.StreamTest, 1).Perm(2000)
		tree := newTree(a, b, order)
		rows, both := x.rows(), joined(a, b).rows()
		for i := range 200 {
			best, want := math.Inf(1), int32(0)
			for place, e := range order {
				if v := squared(rows[i*3:][:3], both[int(e)*3:][:3]); v < best {
					best, want = v, int32(place)
				}
			}
			if got := tree.nearest(rows[i*3:][:3]); got != want {
				t.Fatalf("step %g, event %d: place %d, want %d", step, i, got, want)
			}
		}
	}
}

func TestHashesDiffer(t *testing.T) {
	s := Sample{Columns: [][]float64{nil, nil, nil}}
	for i := range 200000 {
		for k, v := range []int{i % 100, i / 100 % 100, i / 10000} {
			s.Columns[k] = append(s.Columns[k], float64(v))
		}
	}
	h := s.hashes()
	for i := 1; i < len(h); i++ {
		if h[i] == h[i-1] {
			t.Fatal("two events in one hash")
		}
	}
	zero, minus := Sample{Columns: [][]float64{{0}}}, Sample{Columns: [][]float64{{math.Copysign(0, -1)}}}
	if zero.hashes()[0] != minus.hashes()[0] {
		t.Error("-0 differs from 0")
	}
}

// Copies are found as they are, and moved a little; an honest sample is not accused, be it of few values or of a wrong density.
func TestCopies(t *testing.T) {
	training, heldOut := several(4000, 3, 1), several(1000, 3, 2)
	fresh := several(2000, 3, 3)
	near := training.Take(all(400))
	src := rng.New(4, rng.StreamTest, 0)
	for _, c := range near.Columns {
		for i := range c {
			c[i] += 1e-4 * src.NormFloat64()
		}
	}
	narrow := several(2000, 3, 4)
	for k := range narrow.Columns {
		narrow.Columns[k] = scaledBy(narrow.Columns[k], 0.3)
	}
	c := NewCopies(training, heldOut, fresh, seeded)
	if c.Cannot != "" || !(c.Nearer.P > 0.02) || c.Duplicates != 0 || c.DuplicatesP != 1 || c.Training != 4000 || c.Nearer.NullMean != 0.8 {
		t.Errorf("fresh events: %+v", c)
	}
	if c = NewCopies(training, heldOut, narrow, seeded); !(c.Nearer.P > 0.02) {
		t.Errorf("a narrow sample: %+v", c)
	}
	if c = NewCopies(training, heldOut, joined(fresh, near), seeded); !(c.Nearer.P < 0.01) || math.Abs(c.Copied-1./6) > 4*c.CopiedError || c.Duplicates != 0 {
		t.Errorf("a sixth nearly copied: %+v", c)
	}
	if c = NewCopies(training, heldOut, joined(fresh, training.Take(all(100))), seeded); c.Duplicates != 100 || c.DuplicatesHeldOut != 0 || !(c.DuplicatesP < 0.01) {
		t.Errorf("copies: %+v", c)
	}
	c = NewCopies(rounded(training, 0.5), rounded(heldOut, 0.5), rounded(fresh, 0.5), seeded)
	if !(c.Nearer.P > 0.02) || !(c.DuplicatesP > 0.02) || c.Duplicates < 100 {
		t.Errorf("few values: %+v", c)
	}
	constant := rounded(training, 100)
	if c = NewCopies(constant, constant, constant, seeded); !(c.Nearer.P > 0.02) || c.DuplicatesP != 1 || c.Duplicates != 4000 {
		t.Errorf("constants: %+v", c)
	}
}

// Without copies P is uniform, also where neighbours are shared by many generated events and where values are few.
func TestCopiesNull(t *testing.T) {
	if testing.Short() {
		t.Skip("300 samples")
	}
	for _, step := range []float64{0, 0.7} {
		low, dup := 0, 0
		const samples = 400
		for i := range samples {
			a, b, g := several(600, 2, uint32(3*i)), several(300, 2, uint32(3*i+1)), several(1500, 2, uint32(3*i+2))
			if step > 0 {
				a, b, g = rounded(a, step), rounded(b, step), rounded(g, step)
			}
			c := NewCopies(a, b, g, QualityOptions{Seed: uint64(i)})
			if c.Nearer.P < 0.05 {
				low++
			}
			if c.DuplicatesP < 0.05 {
				dup++
			}
		}
		t.Logf("step %g: %d and %d of %d below 0.05", step, low, dup, samples)
		// binomial: 20 +- 4.4; duplicates are whole numbers, and below 0.05 more seldom
		if low < 7 || low > 33 || dup > 33 {
			t.Errorf("step %g: %d and %d of %d below 0.05", step, low, dup, samples)
		}
	}
}

func TestCopiesOfBadSamples(t *testing.T) {
	good := several(100, 2, 1)
	bad := good.Take(all(100))
	bad.Columns[0][3] = math.NaN()
	for name, c := range map[string]struct {
		training, heldOut, gen Sample
		want                   string
	}{
		"no held-out events": {good, Sample{Columns: [][]float64{nil, nil}}, good, "held-out events has 0 effective events"},
		"NaN":                {good, good, bad, "generated events has 1 events with a value"},
		"columns":            {several(100, 3, 1), good, good, "3 columns of training events"},
		"none":               {Sample{}, Sample{}, Sample{}, "0 columns"},
	} {
		if got := NewCopies(c.training, c.heldOut, c.gen, seeded).Cannot; !strings.Contains(got, c.want) {
			t.Errorf("%s: %q", name, got)
		}
	}
}
