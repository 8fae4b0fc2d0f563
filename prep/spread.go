package prep

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"sort"

	"github.com/sluice-hep/sluice/events/profile"
)

// spread is the identity but for atoms, the values that at least a fraction Above of the events hold: such an
// event goes to a place in a narrow window around its value by noise u,
//
//	y = low + u (high-low),   log-det = log(high-low),
//
// and any value of the window is taken for the atom. A window reaches half-way to the neighbouring training value, within
// limits. The density at an atom, a mean over u, is therefore its probability, and elsewhere per unit.
//
// Between an atom and the next training value nothing was seen: what comes back from there is the nearer of the two.
type spread struct {
	Above float64   `json:"above"`
	Atom  []float64 `json:"atom"`
	Low   []float64 `json:"low"`  // windows (Low[k], High[k])
	High  []float64 `json:"high"` // around Atom[k]
	// The training values next to each atom; the atom itself at an end of the column, beyond which all is the atom.
	Before []float64 `json:"before,omitempty"`
	After  []float64 `json:"after,omitempty"`

	known []profile.Atom // among more events than the fit's
}

const maxAtoms = 1024

// Half-widths of windows lie between these fractions of the column's scale: wide enough for a spline to
// resolve, narrow enough to hold next to no other event.
const minWindow, maxWindow = 1e-7, 2e-3

func (s *spread) Kind() string { return "spread" }

func (s *spread) Fit(x, w []float64) error {
	e := newEmpirical(x, w)
	*s = spread{Above: s.Above, known: s.known}
	n := len(e.value)
	if n < 2 {
		return errConstant
	}
	scale, usual := e.scaleOutside(s.Above), median(e.mass)
	for k, v := range e.value {
		known := slices.ContainsFunc(s.known, func(a profile.Atom) bool { return a.Value == v && a.Fraction >= s.Above })
		if !known && (e.mass[k] < s.Above || !profile.Repeats(e.mass[k]*e.n, e.n, e.n*usual)) {
			continue
		}
		least := max(minWindow*scale, math.Abs(v)*0x1p-40) // and well above the spacing of float64
		left, right := maxWindow*scale, maxWindow*scale
		before, after := v, v
		if k > 0 {
			before = e.value[k-1]
			left = min(left, (v-before)/2)
		}
		if k+1 < n {
			after = e.value[k+1]
			right = min(right, (after-v)/2)
		}
		s.Before, s.After = append(s.Before, before), append(s.After, after)
		s.Atom = append(s.Atom, v)
		s.Low = append(s.Low, v-max(left, least))
		s.High = append(s.High, v+max(right, least))
	}
	for k := 1; k < len(s.Atom); k++ { // windows that the lower limit made overlap share the ground
		if s.Low[k] < s.High[k-1] {
			mid := s.Atom[k-1] + (s.Atom[k]-s.Atom[k-1])/2
			s.Low[k], s.High[k-1] = mid, mid
		}
	}
	return s.check()
}

// scaleOutside is the width of the central 90 % of the values that are not atoms.
func (e *empirical) scaleOutside(above float64) float64 {
	var x, w []float64
	for k, v := range e.value {
		if e.mass[k] < above {
			x, w = append(x, v), append(w, e.mass[k])
		}
	}
	if len(x) > 1 {
		rest := newEmpirical(x, w)
		if d := rest.at(0.95) - rest.at(0.05); d > 0 {
			return d
		}
	}
	return e.value[len(e.value)-1] - e.value[0]
}

func (s *spread) Apply(x, logDet []float64) { s.ApplyNoise(x, nil, logDet) }

func (s *spread) ApplyNoise(x, u, logDet []float64) {
	for i, v := range x {
		k, inside := s.window(v)
		if !inside {
			continue
		}
		width := s.High[k] - s.Low[k]
		x[i] = s.Low[k] + place(u, i)*width
		if logDet != nil {
			logDet[i] += math.Log(width)
		}
	}
}

func (s *spread) places(x []float64, marked []bool) {
	for i, v := range x {
		if _, inside := s.window(v); inside {
			marked[i] = true
		}
	}
}

// snap takes a value outside of all windows, below window k, to the end of a stretch in which nothing was seen.
func (s *spread) snap(v float64, k int) float64 {
	if k > 0 && (v < s.After[k-1] || s.After[k-1] == s.Atom[k-1]) {
		return nearer(v, s.Atom[k-1], s.After[k-1])
	}
	if k < len(s.Atom) && (v > s.Before[k] || s.Before[k] == s.Atom[k]) {
		return nearer(v, s.Before[k], s.Atom[k])
	}
	return v
}

func nearer(v, a, b float64) float64 {
	if v-a < b-v {
		return a
	}
	return b
}

func (s *spread) Invert(y, logDet []float64) {
	for i, v := range y {
		k, inside := s.window(v)
		switch {
		case inside:
			y[i] = s.Atom[k]
			if logDet != nil {
				logDet[i] -= math.Log(s.High[k] - s.Low[k])
			}
		case len(s.After) > 0:
			y[i] = s.snap(v, k)
		}
	}
}

// window is that of an atom which v lies in, if it does.
func (s *spread) window(v float64) (k int, inside bool) {
	k = sort.SearchFloat64s(s.High, v)
	return k, k < len(s.High) && v > s.Low[k]
}

// has tells that no event lies beside an atom.
func (s *spread) has(v float64) bool {
	k, inside := s.window(v)
	return !inside || v == s.Atom[k]
}

func (s *spread) taken() string { return "the repeated value beside it" }

func (s *spread) check() error {
	n := len(s.Atom)
	if n > maxAtoms || len(s.Low) != n || len(s.High) != n {
		return fmt.Errorf("%d atoms with %d and %d ends of windows; there must be as many of each, up to %d", n, len(s.Low), len(s.High), maxAtoms)
	}
	for k := range n {
		ok := finite(s.Low[k], s.High[k]) && s.Low[k] < s.Atom[k] && s.Atom[k] < s.High[k]
		if !ok || k > 0 && s.Low[k] < s.High[k-1] {
			return errors.New("windows of atoms are not finite and in order")
		}
	}
	if len(s.Before) != len(s.After) || len(s.After) != 0 && len(s.After) != n {
		return errors.New("atoms have no neighbours, or too many")
	}
	for k, v := range s.After {
		if !finite(v, s.Before[k]) || s.Before[k] > s.Atom[k] || v < s.Atom[k] {
			return errors.New("neighbours of atoms are not finite and in order")
		}
	}
	return nil
}
