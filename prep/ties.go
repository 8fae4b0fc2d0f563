package prep

import (
	"cmp"
	"math"
	"math/bits"
	"slices"
)

const (
	// Two marks are tied if one of the four combinations of having them or not is rarer by tiedTimes than by chance, which would give
	// leastTied events.
	leastTied, tiedTimes = 10, 20

	leastApart = 0.01 // of the events hold a value apart from other integers

	tiedWords = 1 << 15 / 64 // of 64 events, in which ties are looked for before all: of many marks, all would take long
)

// mark is a value that many events of a column hold; of a column of a few values, any.
type mark struct {
	column int
	value  float64
	events int
	all    holders
	some   holders // of a selection of the events
	level  bool    // of a column of a few values
	told   bool    // by such a column
	tied   bool    // to one of another column
}

// holders are events, a bit each.
type holders struct {
	at    []uint64 // that hold the mark
	among []uint64 // that hold none of the column's more frequent ones
}

// some are an even selection of 64 events each.
func (h holders) some() (s holders) {
	stride := (len(h.at) + tiedWords - 1) / tiedWords
	for k := 0; k < len(h.at); k += stride {
		s.at, s.among = append(s.at, h.at[k]), append(s.among, h.among[k])
	}
	return s
}

// candidates are the marks of columns, and the values of columns of a few, and which are tied.
func (p *Pipeline) candidates(values [][]float64) (all []mark) {
	for i := range p.Columns {
		if values[i] == nil {
			continue
		}
		if p.Mixed {
			all = append(all, p.Columns[i].candidates(i, values[i])...)
			continue
		}
		switch s := p.Columns[i].first().(type) {
		case *spread:
			for _, m := range marksOf(i, values[i], s.Atom, false) {
				told := p.Columns[i].Told
				m.told = told != nil && told.Mark == m.value
				all = append(all, m)
			}
		case *dequantise:
			all = append(all, marksOf(i, values[i], apart(values[i]), false)...)
		case *levels:
			if len(s.Value) <= mostMarks {
				all = append(all, marksOf(i, values[i], s.Value, true)...)
			}
		}
	}
	for k := range all {
		a := &all[k]
		for l := range all[:k] {
			if b := &all[l]; !(a.tied && b.tied) && tied(a, b) {
				a.tied, b.tied = true, true
			}
		}
	}
	return all
}

// marksOf are the values of column i that are marks, the most frequent first.
func marksOf(i int, x, marks []float64, level bool) (own []mark) {
	words := (len(x) + 63) / 64
	for _, a := range marks {
		m := mark{column: i, value: a, all: holders{at: make([]uint64, words)}, level: level}
		for k, v := range x {
			if v == a {
				m.all.at[k/64] |= 1 << (k % 64)
				m.events++
			}
		}
		own = append(own, m)
	}
	byEvents(own)
	own = own[:min(len(own), mostMarks)]
	among := make([]uint64, words)
	for k := range x {
		among[k/64] |= 1 << (k % 64)
	}
	for k := range own {
		h := &own[k].all
		h.among = among
		if own[k].some = h.some(); level {
			continue
		}
		among = slices.Clone(among)
		for l := range among {
			among[l] &^= h.at[l]
		}
	}
	return own
}

// apart are the values at the ends of integers x that many events hold, apart from the next by half of the width of the others.
func apart(x []float64) (marks []float64) {
	sorted := slices.Sorted(slices.Values(x))
	for _, end := range []float64{sorted[0], sorted[len(sorted)-1]} {
		rest := slices.DeleteFunc(slices.Clone(sorted), func(v float64) bool { return v == end })
		if events := len(sorted) - len(rest); len(rest) == 0 || float64(events) < leastApart*float64(len(sorted)) {
			continue
		}
		next := nearer(end, rest[0], rest[len(rest)-1])
		if n := len(rest); 2*math.Abs(end-next) > rest[n-1-n/20]-rest[n/20] {
			marks = append(marks, end)
		}
	}
	return marks
}

func byEvents(m []mark) {
	slices.SortStableFunc(m, func(a, b mark) int { return cmp.Compare(b.events, a.events) })
}

// tied tells whether two marks are, in all events and in some of them.
func tied(a, b *mark) bool {
	return a.column != b.column && !a.told && !b.told && a.some.tied(&b.some) && a.all.tied(&b.all)
}

// tied tells whether two marks are, in the events in which neither column holds a more frequent one.
func (a *holders) tied(b *holders) bool {
	var n, na, nb, both int
	for k := range a.at {
		n += bits.OnesCount64(a.among[k] & b.among[k])
		na += bits.OnesCount64(a.at[k] & b.among[k])
		nb += bits.OnesCount64(a.among[k] & b.at[k])
		both += bits.OnesCount64(a.at[k] & b.at[k])
	}
	rare := func(events, ofA, ofB int) bool {
		chance := float64(ofA) * float64(ofB) / float64(n)
		return chance >= leastTied && float64(events)*tiedTimes <= chance
	}
	return n > 0 && (rare(both, na, nb) || rare(na-both, na, n-nb) || rare(nb-both, n-na, nb) || rare(n-na-nb+both, n-na, n-nb))
}

// tiedMarks are those of all that are tied to others, which must be taken together: one, or all values of a column of a few. A column of which another
// tells one mark, and of which another mark is tied, is to be told no more where untell is set: both are among them, with what told. Else neither is.
func (p *Pipeline) tiedMarks(all []mark, untell bool) (groups [][]mark, untold []int) {
	taken := make([]bool, len(p.Columns)) // columns of a few values
	level := func(column int) bool {
		of := slices.DeleteFunc(slices.Clone(all), func(m mark) bool { return m.column != column || !m.level })
		if len(of) > 0 && !taken[column] {
			taken[column] = true
			groups = append(groups, of)
		}
		return taken[column]
	}
	for i, m := range all {
		c := &p.Columns[m.column]
		switch {
		case !m.tied:
		case m.level:
			level(m.column)
		case c.Told == nil || slices.Contains(untold, m.column):
			groups = append(groups, all[i:i+1])
		case untell:
			told := slices.IndexFunc(all, func(b mark) bool { return b.column == m.column && b.told })
			if told >= 0 && level(p.place(c.Told.By)) { // neither of more marks nor of more values than are taken
				groups = append(groups, all[i:i+1], all[told:told+1])
				untold = append(untold, m.column)
			}
		}
	}
	slices.SortStableFunc(groups, func(a, b []mark) int { return cmp.Compare(held(b), held(a)) })
	return groups, untold
}

func held(group []mark) (n int) {
	for _, m := range group {
		n += m.events
	}
	return n
}
