package prep

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"math/bits"
	"slices"
	"strings"

	"github.com/sluice-hep/sluice/events"
)

// Marks is a hidden feature, the first that the flow sees: the combination of marks of an event, such as -999 for the jets that it has
// not, or values at which several columns are clipped, with the values of columns of a few that these go with, such as a number of jets that counts no
// more than two. It is one of those that training had, prepared as levels are, so that no other is made,
// and a column that holds a mark has no value then, for which the flow gets noise as where a column tells (Told):
//
//	p(event) = P(combination) p(values that are there | combination).
type Marks struct {
	Columns  []string `json:"columns"`
	Patterns [][]int  `json:"patterns"` // a number for each column: 0 where it has a value, else which of its marks, from 1 on
	// Of the places of patterns: one is prepared as a category where the density is one of mixed tables, as levels where it is a flow.
	Levels   *levels   `json:"levels,omitempty"`
	Category *category `json:"category,omitempty"`

	place map[string]int // of a pattern, a byte a column
}

// Marked says which values of a column are marks, and which value passes through the steps in their place.
type Marked struct {
	Marks []float64 `json:"marks"`
	Else  float64   `json:"else"`
	// Bare says that no steps are the preparation of the others; without, a column without steps has no others.
	Bare bool `json:"bare,omitempty"`
}

const (
	hiddenName   = "(marks)"
	mostPatterns = 64 // of which a flow learns what goes with each
	mostMarks    = 16 // of a column

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

// combine makes one feature of the marks that are tied to others among the events of values, and says so. Where that would be too many combinations, what
// other columns tell stays told.
func (p *Pipeline) combine(values [][]float64, w []float64) (said []string, err error) {
	all := p.candidates(values)
	groups, untold := p.tiedMarks(all, true)
	if p.Mixed {
		groups = p.tiedColumns(all)
	}
	m, without := p.choose(groups, values)
	if p.Mixed {
		without = append(without, p.untell(all)...)
	} else if len(without) > 0 && len(untold) > 0 {
		for i := range p.Columns {
			p.Columns[i].Marked = nil
		}
		groups, untold = p.tiedMarks(all, false)
		m, without = p.choose(groups, values)
	}
	for _, i := range untold {
		p.Columns[i].Told = nil
	}
	if len(without) > 0 {
		said = append(said, p.saidWithout(without))
	}
	if len(m.Columns) < 2 {
		for _, name := range m.Columns {
			p.column(name).Marked = nil
		}
		return said, nil
	}
	if err := m.fit(p, values, w); err != nil {
		return nil, err
	}
	p.Marks = m
	return append(said, p.Hidden()), nil
}

// choose takes groups of marks, as many as give no more combinations than a flow learns.
func (p *Pipeline) choose(groups [][]mark, values [][]float64) (m *Marks, without []mark) {
	m = &Marks{}
	if len(groups) == 0 {
		return m, nil
	}
	place := make([]int, len(values[groups[0][0].column])) // of the pattern of each event
	for _, group := range groups {
		next, n := place, 0
		for _, one := range group {
			next, n = split(next, one.all.at)
		}
		if n > mostPatterns {
			without = append(without, group...)
			continue
		}
		place = next
		for _, one := range group {
			p.mark(m, one)
		}
	}
	return m, without
}

// split divides patterns by whether they have a mark, and counts them.
func split(place []int, at []uint64) (next []int, n int) {
	known := map[int]int{}
	next = make([]int, len(place))
	for k, v := range place {
		key := 2*v + int(at[k/64]>>(k%64)&1)
		if _, ok := known[key]; !ok {
			known[key] = len(known)
		}
		next[k] = known[key]
	}
	return next, len(known)
}

// mark takes a mark into the combinations.
func (p *Pipeline) mark(m *Marks, one mark) {
	c := &p.Columns[one.column]
	if c.Marked == nil {
		c.Marked = &Marked{}
		m.Columns = append(m.Columns, c.Name)
	}
	c.Marked.Marks = append(c.Marked.Marks, one.value)
}

// fit lists the patterns of the events that weigh something, those of few marks first, and their probabilities.
func (m *Marks) fit(p *Pipeline, values [][]float64, w []float64) error {
	slices.SortFunc(m.Columns, func(a, b string) int { return cmp.Compare(p.place(a), p.place(b)) })
	width := len(m.Columns)
	n := len(values[p.place(m.Columns[0])])
	state := make([]byte, n*width)
	for k, name := range m.Columns {
		slices.Sort(p.column(name).Marked.Marks)
		p.column(name).states(state, k, width, values[p.place(name)])
	}
	m.place = map[string]int{}
	for e := range n {
		row := state[e*width : (e+1)*width]
		if _, ok := m.place[string(row)]; !ok && weight(w, e) > 0 {
			m.place[string(row)] = 0
			pattern := make([]int, width)
			for k, s := range row {
				pattern[k] = int(s)
			}
			m.Patterns = append(m.Patterns, pattern)
		}
	}
	slices.SortFunc(m.Patterns, func(a, b []int) int { return cmp.Or(cmp.Compare(marked(a), marked(b)), slices.Compare(a, b)) })
	m.index()
	x := make([]float64, n)
	m.places(x, state)
	if p.Mixed {
		m.Category = &category{}
		return m.Category.Fit(x, w)
	}
	m.Levels = &levels{}
	return m.Levels.Fit(x, w)
}

// marked is how many columns of a pattern hold a mark.
func marked(pattern []int) (n int) {
	for _, s := range pattern {
		n += min(s, 1)
	}
	return n
}

// seen are the places of the patterns that training had.
func (m *Marks) seen() []float64 {
	if m.Category != nil {
		return m.Category.Value
	}
	return m.Levels.Value
}

func (m *Marks) index() {
	m.place = map[string]int{}
	for i, pattern := range m.Patterns {
		m.place[string(row(pattern, nil))] = i
	}
}

func row(pattern []int, to []byte) []byte {
	for _, s := range pattern {
		to = append(to, byte(s))
	}
	return to
}

// states sets byte k of rows of so many to the places of the marks that values of the column are, 0 for none.
func (c *Column) states(rows []byte, k, width int, x []float64) {
	within := c.rounding()
	for e, v := range x {
		rows[e*width+k] = byte(among(c.Marked.Marks, v, within) + 1)
	}
}

// rounding of a mark, relative to it, as of a float32, which a file may hold of it; 0 for integers, which are told apart.
func (c *Column) rounding() float64 {
	if t := c.trained(); t == events.Int64 || t == events.Uint64 {
		return 0
	}
	return 0x1p-24
}

// among is which of the marks a value is, to a rounding; -1 for none.
func among(marks []float64, v, within float64) int {
	return slices.IndexFunc(marks, func(m float64) bool { return v == m || math.Abs(v-m) <= within*math.Abs(m) })
}

// places sets x to the places of the patterns that rows hold. That of a pattern which training had not is next to the one that is most like it,
// which levels takes for a value that it has not seen.
func (m *Marks) places(x []float64, rows []byte) {
	width := len(m.Columns)
	for e := range x {
		own := rows[e*width : (e+1)*width]
		k, ok := m.place[string(own)]
		if x[e] = float64(k); ok {
			continue
		}
		least := width + 1
		for i, pattern := range m.Patterns {
			others := 0
			for c, s := range pattern {
				if byte(s) != own[c] {
					others++
				}
			}
			if others < least {
				least, x[e] = others, float64(i)+0.25
			}
		}
	}
}

func (m *Marks) width() int {
	if m == nil {
		return 0
	}
	return 1
}

// marksNoise is the noise of the hidden feature, as that of a step of a column behind the last.
func (p *Pipeline) marksNoise() uint32 { return noiseColumn(uint32(len(p.Columns)), 0) }

// applyMarks puts the prepared hidden feature of the events from lo on into b.x, and which marks they hold into b.state.
func (p *Pipeline) applyMarks(in []*events.Column, b *buffers, logDet []float64, at places, lo int, placed []bool) bool {
	ok, m := true, p.Marks
	for k, name := range m.Columns {
		i := p.place(name)
		ok = p.Columns[i].read(b.x, in[i], lo) && ok
		p.Columns[i].states(b.state, k, len(m.Columns), b.x)
	}
	m.places(b.x, b.state)
	if placed != nil {
		markAll(placed[lo : lo+len(b.x)])
	}
	at(b.noise, p.marksNoise(), lo)
	m.Levels.ApplyNoise(b.x, b.noise, logDet)
	return ok
}

// invert sets b.state by the hidden feature in b.x.
func (m *Marks) invert(b *buffers, logDet []float64) {
	m.Levels.Invert(b.x, logDet)
	state := b.state[:0]
	for _, k := range b.x {
		state = row(m.Patterns[int(k)], state)
	}
}

// noValue marks the events of a block that have none in a column, and what they hold.
func (p *Pipeline) noValue(c *Column, b *buffers) {
	k, width := slices.Index(p.Marks.Columns, c.Name), len(p.Marks.Columns)
	for e := range b.none {
		s := b.state[e*width+k]
		if b.none[e] = s > 0; s > 0 {
			b.marks[e] = c.Marked.Marks[s-1]
		}
	}
}

// mayLack says that the column has no value in some events.
func (c *Column) mayLack() bool {
	return c.Told != nil || c.Own != nil || c.Marked != nil && !c.absorbed()
}

// absorbed says that all values of the column are marks, so that the hidden feature is all that the flow sees of it.
func (c *Column) absorbed() bool { return c.Marked != nil && len(c.Steps) == 0 && !c.Marked.Bare }

// lacks are the marks in the place of a value.
func (c *Column) lacks() []float64 {
	switch {
	case c.Told != nil:
		return []float64{c.Told.Mark}
	case c.Marked != nil:
		return c.Marked.Marks
	case c.Own != nil:
		return c.Own.Marks
	}
	return nil
}

// instead passes through the steps in the place of a value that is not there.
func (c *Column) instead() float64 {
	switch {
	case c.Told != nil:
		return c.Told.Else
	case c.Marked != nil:
		return c.Marked.Else
	}
	return c.Own.Else
}

// Hidden says what the hidden feature of the flow is; "" for none.
func (p *Pipeline) Hidden() string {
	if p == nil || p.Marks == nil {
		return ""
	}
	var marks []string
	names := map[string][]string{}
	for _, name := range p.Marks.Columns {
		m := list(p.column(name).Marked.Marks)
		if names[m] == nil {
			marks = append(marks, m)
		}
		names[m] = append(names[m], name)
	}
	for i, m := range marks {
		marks[i] = m + " in " + strings.Join(names[m], ", ")
	}
	return fmt.Sprintf("single values (%s) come in %d combinations: which of them is a hidden feature, the first, so that no other is generated",
		strings.Join(marks, "; "), len(p.Marks.Patterns))
}

func (p *Pipeline) saidWithout(marks []mark) string {
	var names []string
	for _, m := range marks {
		if name := p.Columns[m.column].Name; !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return fmt.Sprintf("marks or values of %s (%d of them) are tied to those of other columns, but all together come in more than %d combinations: these are modelled on their own, "+
		"and some generated events will have combinations that the data have not", strings.Join(names, ", "), held(marks), mostPatterns)
}

// unknown counts the events whose combination of marks training had not, for the first of the columns, and marks them.
func (m *Marks) unknown(p *Pipeline, t *events.Table, r *Range, out []bool) error {
	width := len(m.Columns)
	rows := make([]byte, len(out)*width)
	for k, name := range m.Columns {
		x, err := p.column(name).values(t)
		if err != nil {
			return err
		}
		p.column(name).states(rows, k, width, x)
	}
	for e := range out {
		own := rows[e*width : (e+1)*width]
		if _, ok := m.place[string(own)]; ok {
			continue
		}
		out[e] = true
		if r.Unseen++; r.Unseen == 1 || e < r.First {
			var has []string
			for k, s := range own {
				if s > 0 {
					has = append(has, fmt.Sprintf("%s %s", m.Columns[k], spelled(p.column(m.Columns[k]).Marked.Marks[s-1])))
				}
			}
			text := strings.Join(has, ", ")
			r.First, r.Value, r.Taken = e, cmp.Or(text, "no mark"), "the combination of marks that is most like it"
		}
	}
	return nil
}

// checkMarks refuses combinations that no fit could have given, and makes what finds them.
func (p *Pipeline) checkMarks() error {
	m := p.Marks
	for i := range p.Columns {
		c := &p.Columns[i]
		if c.Marked == nil {
			continue
		}
		if m == nil || !slices.Contains(m.Columns, c.Name) || c.Told != nil || c.Constant() || c.Follows != nil || len(c.Marked.Marks) > mostMarks ||
			len(c.Marked.Marks) == 0 || !finite(c.Marked.Marks...) || !finite(c.Marked.Else) {
			return fmt.Errorf("prep: column %q: it cannot have such marks", c.Name)
		}
	}
	if m == nil {
		return nil
	}
	wrong := errors.New("prep: combinations of marks that cannot be")
	for i, name := range m.Columns {
		if c := p.column(name); c == nil || c.Marked == nil || slices.Contains(m.Columns[:i], name) {
			return wrong
		}
	}
	if len(m.Patterns) == 0 || p.Noiseless || p.Mixed != (m.Category != nil) || p.Mixed == (m.Levels != nil) {
		return wrong
	}
	var step Step = m.Levels
	if p.Mixed {
		step = m.Category
	}
	if step.check() != nil {
		return wrong
	}
	for _, pattern := range m.Patterns {
		if len(pattern) != len(m.Columns) {
			return wrong
		}
		for k, s := range pattern {
			if c := p.column(m.Columns[k]); s < 0 || s > len(c.Marked.Marks) || s == 0 && c.absorbed() {
				return wrong
			}
		}
	}
	for _, v := range m.seen() {
		if v < 0 || v >= float64(len(m.Patterns)) || v != math.Trunc(v) {
			return wrong
		}
	}
	m.index()
	if len(m.place) != len(m.Patterns) {
		return wrong
	}
	return nil
}
