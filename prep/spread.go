package prep

import (
	"errors"
	"fmt"
	"math"
	"sort"
)

// spread is the identity but for atoms, the values that at least a fraction Above of the events hold: such an
// event goes to a place in a narrow window around its value by noise, and any value of the window comes back
// as the atom. A window reaches half-way to the neighbouring training value, within limits. The density at an
// atom is therefore per width of its window.
type spread struct {
	Above float64   `json:"above"`
	Atom  []float64 `json:"atom"`
	Low   []float64 `json:"low"`  // windows (Low[k], High[k])
	High  []float64 `json:"high"` // around Atom[k]
}

const maxAtoms = 1024

// Half-widths of windows lie between these fractions of the column's scale: wide enough for a spline to
// resolve, narrow enough to hold next to no other event.
const minWindow, maxWindow = 1e-7, 2e-3

func (s *spread) Kind() string { return "spread" }

func (s *spread) Fit(x, w []float64) error {
	e := newEmpirical(x, w)
	*s = spread{Above: s.Above}
	n := len(e.value)
	if n < 2 {
		return errConstant
	}
	scale := e.scaleOutside(s.Above)
	for k, v := range e.value {
		if e.mass[k] < s.Above || e.mass[k]*e.n < 4 { // a value seen once or twice in a small table is no atom
			continue
		}
		least := max(minWindow*scale, math.Abs(v)*0x1p-40) // and well above the spacing of float64
		left, right := maxWindow*scale, maxWindow*scale
		if k > 0 {
			left = min(left, (v-e.value[k-1])/2)
		}
		if k+1 < n {
			right = min(right, (e.value[k+1]-v)/2)
		}
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

// The log-det is 0: the noise moves an event within its window, which has the density of the atom.
func (s *spread) ApplyNoise(x, u, _ []float64) {
	for i, v := range x {
		k := sort.SearchFloat64s(s.Atom, v)
		if k < len(s.Atom) && s.Atom[k] == v {
			x[i] = s.Low[k] + place(u, i)*(s.High[k]-s.Low[k])
		}
	}
}

func (s *spread) Invert(y, _ []float64) {
	for i, v := range y {
		k := sort.SearchFloat64s(s.High, v)
		if k < len(s.High) && v > s.Low[k] {
			y[i] = s.Atom[k]
		}
	}
}

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
	return nil
}
