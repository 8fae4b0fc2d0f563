package events

import (
	"math"
	"slices"
)

// Kind is what the values of a column look like.
type Kind string

// The kinds of columns.
const (
	KindContinuous Kind = "continuous"
	KindInteger    Kind = "integer"  // whole numbers only, more than one value
	KindDiscrete   Kind = "discrete" // a few values, not all whole (b-tag weights)
	KindAtoms      Kind = "atoms"    // continuous, but single values hold many events (-999 for missing, 0 for none)
	KindConstant   Kind = "constant" // one value
	KindText       Kind = "text"
)

// Atom is a single value that holds many events of a column.
type Atom struct {
	Value    float64 `json:"value"`
	Fraction float64 `json:"fraction"` // of the values that are not NaN
}

// Summary describes the values of one column. Moments and range leave out NaN
// and the infinities, which are counted.
type Summary struct {
	Name     string  `json:"name"`
	Unit     string  `json:"unit,omitempty"`
	Type     string  `json:"type"`
	Kind     Kind    `json:"kind"`
	Count    int     `json:"count"`               // events, missing ones included
	NaN      int     `json:"nan"`                 // missing values; for text, empty ones
	FirstNaN int     `json:"first_nan,omitempty"` // row of the first missing value, from 1
	Inf      int     `json:"inf,omitempty"`
	Min      float64 `json:"min"`
	Max      float64 `json:"max"`
	Mean     float64 `json:"mean"`
	Std      float64 `json:"std"` // of the population
	// Atoms are the values that hold more than 1 % of the events of a column that
	// is otherwise continuous, the fullest first, at most 8.
	Atoms []Atom `json:"atoms,omitempty"`
	// Distinct counts the different values, up to MaxDistinct.
	Distinct int `json:"distinct"`
}

// MaxDistinct is where Summarise stops counting different values.
const MaxDistinct = 1000

const (
	fewValues    = 32   // at most these many values that are not whole: discrete
	atomFraction = 0.01 // a value of a continuous column with more events is an atom
	mostAtoms    = 8
)

// Summarise describes every column of t.
func Summarise(t *Table) []Summary {
	all := make([]Summary, len(t.Columns))
	for i := range t.Columns {
		all[i] = summarise(&t.Columns[i])
	}
	return all
}

func summarise(c *Column) Summary {
	s := Summary{Name: c.Name, Unit: c.Unit, Type: c.Type.String(), Count: c.Len()}
	if c.Type == Text {
		s.text(c.Str)
		return s
	}
	whole := s.moments(c)
	finite := s.Count - s.NaN - s.Inf
	s.Distinct = distinctFloats(c)
	switch {
	case finite == 0:
		s.Min, s.Max, s.Mean, s.Std = 0, 0, 0, 0
		s.Kind = KindConstant
	case s.Min == s.Max:
		s.Kind = KindConstant
	case whole:
		s.Kind = KindInteger
	case s.Distinct <= fewValues && s.Distinct*4 <= finite:
		s.Kind = KindDiscrete
	default:
		s.Kind = KindContinuous
		if s.Atoms = atoms(c, finite); len(s.Atoms) > 0 {
			s.Kind = KindAtoms
		}
	}
	return s
}

func (s *Summary) text(values []string) {
	s.Kind = KindText
	seen := make(map[string]struct{})
	for i, v := range values {
		if v == "" {
			s.missing(i)
		} else if len(seen) < MaxDistinct {
			seen[v] = struct{}{}
		}
	}
	s.Distinct = len(seen)
}

func (s *Summary) missing(row int) {
	if s.NaN == 0 {
		s.FirstNaN = row + 1
	}
	s.NaN++
}

// moments fills range, mean and deviation; it reports whether all values are
// whole numbers. Mean and deviation follow Welford, which keeps its digits where
// the mean is large beside the deviation.
func (s *Summary) moments(c *Column) (whole bool) {
	s.Min, s.Max = math.Inf(1), math.Inf(-1)
	whole = true
	n, squares := 0.0, 0.0
	for i := range c.Len() {
		v := c.Float(i)
		if v != v {
			s.missing(i)
			continue
		}
		if math.IsInf(v, 0) {
			s.Inf++
			continue
		}
		s.Min, s.Max = min(s.Min, v), max(s.Max, v)
		whole = whole && v == math.Floor(v)
		n++
		d := v - s.Mean
		s.Mean += d / n
		squares += d * (v - s.Mean)
	}
	if n > 0 {
		s.Std = math.Sqrt(squares / n)
	}
	return whole
}

// distinctFloats counts the different values that are not NaN, up to MaxDistinct.
func distinctFloats(c *Column) int {
	seen := make(map[float64]struct{})
	for i := range c.Len() {
		if v := c.Float(i); v == v {
			seen[v] = struct{}{}
			if len(seen) == MaxDistinct {
				break
			}
		}
	}
	return len(seen)
}

// atoms finds values with more than atomFraction of the events. An evenly
// spread sample names the candidates, a full pass counts them: an atom of 1 %
// is 200 of 20,000 sampled values, with a standard deviation of 14, and the
// candidates begin at half of that.
func atoms(c *Column, finite int) []Atom {
	const most = 20000
	sample := make([]float64, 0, most)
	step := float64(c.Len()) / float64(min(most, c.Len()))
	for k := range min(most, c.Len()) {
		if v := c.Float(int(step * (float64(k) + 0.5))); v == v && !math.IsInf(v, 0) {
			sample = append(sample, v)
		}
	}
	candidates := frequent(sample)
	counts := make([]int, len(candidates))
	for i := range c.Len() {
		v := c.Float(i)
		for k, a := range candidates {
			if v == a {
				counts[k]++
			}
		}
	}
	var found []Atom
	for k, n := range counts {
		// A value seen once or twice in a small table is no atom.
		if f := float64(n) / float64(finite); f > atomFraction && n > 4 {
			found = append(found, Atom{Value: candidates[k], Fraction: f})
		}
	}
	slices.SortStableFunc(found, func(a, b Atom) int {
		if a.Fraction > b.Fraction {
			return -1
		}
		return 1
	})
	return found
}

// frequent lists the values that hold at least half of atomFraction of the
// sample, which it sorts, the fullest first, at most mostAtoms.
func frequent(sample []float64) []float64 {
	slices.Sort(sample)
	type run struct {
		value float64
		count int
	}
	var runs []run
	for i := 0; i < len(sample); {
		j := i + 1
		for j < len(sample) && sample[j] == sample[i] {
			j++
		}
		if n := j - i; n > 1 && float64(n) >= atomFraction/2*float64(len(sample)) {
			runs = append(runs, run{sample[i], n})
		}
		i = j
	}
	slices.SortStableFunc(runs, func(a, b run) int { return b.count - a.count })
	var values []float64
	for _, r := range runs[:min(len(runs), mostAtoms)] {
		values = append(values, r.value)
	}
	return values
}
