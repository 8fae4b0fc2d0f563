package profile

import (
	"cmp"
	"math"
	"slices"

	"github.com/sluice-hep/sluice/events"
)

// unsure are the values of a continuous column that may be atoms, but of which not every event was counted.
func (s *columnSummary) unsure() []float64 {
	if s.words != nil || s.again != nil || s.values.lost == 0 {
		return nil
	}
	var values []float64
	usual := s.values.usual()
	for _, c := range s.values.values {
		if v := math.Float64frombits(c.key); !c.exact && s.isAtom(v, c.seen+s.values.lost, usual) {
			values = append(values, v)
		}
	}
	if len(values) > 0 && s.kind(s.some.sorted(s.at)) != KindContinuous {
		return nil
	}
	return values
}

func (s *columnSummary) isAtom(v float64, events, usual int64) bool {
	return Repeats(float64(events), s.n, float64(usual)) && !math.IsInf(v, 0)
}

// Repeats tells whether a value that so many of all events of a continuous column hold is an atom, where other values are held by usual events. One
// seen once or twice in a small table is none.
func Repeats(events, all, usual float64) bool {
	much := events > atomFraction*all && events > 4
	rare := events > rareFraction*all && events >= rareEvents && events > rareTimes*usual
	return much || rare
}

// clipped are the outermost of the values x, in order and without atoms, some of those that were kept of all events, where each holds ten times as many as those next to it: a
// clip value, of which fewer events tell than of one in the middle.
func clipped(x []float64, kept, all float64) (found []Atom) {
	for _, from := range []int{1, -1} {
		if len(x) == 0 {
			return found
		}
		at := func(i int) float64 { return x[(from*i+len(x)-max(-from, 0))%len(x)] }
		n := 1
		for n < len(x) && at(n) == at(0) {
			n++
		}
		distinct, next := 0, n
		for ; next < len(x) && distinct <= clipNear; next++ {
			if at(next) != at(next-1) {
				distinct++
			}
		}
		share := float64(n) / kept
		if distinct > clipNear && share > rareFraction && share*all >= clipEvents && float64(n*clipNear) > rareTimes*float64(next-1-n) {
			found = append(found, Atom{Value: at(0), Fraction: share})
		}
	}
	return found
}

// Keep takes atoms that were found among more events into the summary of some that hold them, and are otherwise numbers.
func (r *Summary) Keep(atoms []Atom) {
	if r.Kind != KindContinuous && r.Kind != KindAtoms {
		return
	}
	for _, a := range atoms {
		if a.Value < r.Min || a.Value > r.Max || slices.ContainsFunc(r.Atoms, func(b Atom) bool { return b.Value == a.Value }) {
			continue
		}
		r.Kind, r.Angle = KindAtoms, false
		r.Atoms = append(r.Atoms, a)
		if a.Value == r.Min {
			r.LowEdge = nil
		}
		if a.Value == r.Max {
			r.HighEdge = nil
		}
	}
}

// recount counts in a second pass.
func (s *columnSummary) recount(c *events.Column) {
	if s.again == nil {
		unsure := s.unsure()
		s.again = make(map[float64]int64, len(unsure))
		for _, v := range unsure {
			s.again[v] = 0
		}
	}
	if len(s.again) == 0 {
		return
	}
	values := make([]float64, 0, len(s.again))
	for v := range s.again {
		values = append(values, v)
	}
	counts := make([]int64, len(values))
	parts(c, 0, func(_ int, x []float64) {
		for k, a := range values {
			for _, v := range x {
				if v == a {
					counts[k]++
				}
			}
		}
	})
	for k, v := range values {
		s.again[v] += counts[k]
	}
}

// atoms are the values found, the fullest first.
func (s *columnSummary) atoms() []Atom {
	var found []Atom
	usual := s.values.usual()
	for _, c := range s.values.values {
		v, n := math.Float64frombits(c.key), c.seen
		if again, ok := s.again[v]; ok {
			n = again
		}
		if s.isAtom(v, n, usual) {
			found = append(found, Atom{Value: v, Fraction: float64(n) / s.n})
		}
	}
	slices.SortFunc(found, func(a, b Atom) int {
		return cmp.Or(cmp.Compare(b.Fraction, a.Fraction), cmp.Compare(a.Value, b.Value))
	})
	return found[:min(len(found), mostAtoms)]
}
