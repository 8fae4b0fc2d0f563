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

// isAtom: a value seen once or twice in a small table is none.
func (s *columnSummary) isAtom(v float64, events, usual int64) bool {
	share := float64(events) / s.n
	much := share > atomFraction && events > 4
	rare := share > rareFraction && events >= rareEvents && events > rareTimes*usual
	return (much || rare) && !math.IsInf(v, 0)
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
