package prep

import (
	"cmp"
	"errors"
	"fmt"
	"math"
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
)

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

// rounding of a mark, relative to it, as of a float32, which a file may hold of it; 0 for integers and names, which are told apart.
func (c *Column) rounding() float64 {
	if t := c.trained(); t == events.Int64 || t == events.Uint64 || t == events.Text {
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
		m := p.column(name).list(p.column(name).Marked.Marks)
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
					c := p.column(m.Columns[k])
					has = append(has, fmt.Sprintf("%s %s", c.Name, c.spelled(c.Marked.Marks[s-1])))
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
