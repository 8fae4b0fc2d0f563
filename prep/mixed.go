package prep

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/events/profile"
)

// Feature is a prepared column as the density of mixed tables sees it.
type Feature struct {
	Name string
	// Categories is the number of codes of a categorical feature, whose column holds one of 0, 1, ...; 0 for a continuous one.
	Categories int
	// By is the categorical feature whose code tells whether an event has a value of a continuous one, and Present the codes with which it has; -1 for
	// one that always has. A value that is not there is NaN.
	By      int
	Present []int
}

// Layout are the prepared columns.
func (p *Pipeline) Layout() (all []Feature) {
	if p.Marks != nil {
		f := Feature{Name: hiddenName, By: -1}
		if p.Mixed {
			f.Categories = max(len(p.Marks.Category.Value), 2)
		}
		all = append(all, f)
	}
	code := map[string]int{} // of the columns of a few values
	for i := range p.Columns {
		c := &p.Columns[i]
		f := Feature{Name: c.Name, By: -1}
		switch s := c.category(); {
		case !c.InFlow():
			continue
		case c.width() > 1 && c.Own == nil || p.Noiseless: // a context
			for range c.width() {
				all = append(all, f)
			}
			continue
		case s != nil:
			f.Categories, code[c.Name] = max(len(s.Value), 2), len(all)
		case c.Own != nil:
			all = append(all, Feature{Name: c.Name + " (code)", Categories: 1 + len(c.Own.Marks), By: -1})
			f.By, f.Present = len(all)-1, []int{0}
		}
		all = append(all, f)
	}
	if !p.Mixed {
		return all
	}
	for i := range all {
		c := p.column(all[i].Name)
		switch {
		case all[i].Categories > 0:
		case c.Told != nil:
			all[i].By, all[i].Present = p.toldCodes(c.Told, code)
		case c.Marked != nil:
			all[i].By, all[i].Present = 0, p.Marks.codes(c.Name, func(state int) bool { return state == 0 })
		}
	}
	return all
}

// HasCodes reports whether a feature is categorical.
func (p *Pipeline) HasCodes() bool {
	return slices.ContainsFunc(p.Layout(), func(f Feature) bool { return f.Categories > 0 })
}

// toldCodes are the feature that tells, and its codes with which there is a value.
func (p *Pipeline) toldCodes(d *Told, code map[string]int) (by int, present []int) {
	c := p.column(d.By)
	if c.absorbed() {
		return 0, p.Marks.codes(d.By, func(state int) bool { return !slices.Contains(d.When, c.Marked.Marks[state-1]) })
	}
	for k, v := range c.category().Value {
		if !slices.Contains(d.When, v) {
			present = append(present, k)
		}
	}
	return code[d.By], present
}

// codes are those of the patterns in which the state of a column is such.
func (m *Marks) codes(name string, such func(state int) bool) (codes []int) {
	k := slices.Index(m.Columns, name)
	for code, place := range m.Category.Value {
		if such(m.Patterns[int(place)][k]) {
			codes = append(codes, code)
		}
	}
	return codes
}

// auto is what a column of a feature or context is prepared by where nothing is said.
func (p *Pipeline) auto(s profile.Summary) (steps []StepSpec, why string) {
	switch {
	case p.Noiseless:
		return autoContext(s)
	case p.Mixed:
		return Auto(s)
	}
	return autoContinuous(s)
}

// autoContinuous is Auto for what sees numbers alone: the probability of a value is that of an interval, or of a window.
func autoContinuous(s profile.Summary) (steps []StepSpec, why string) {
	steps, why = Auto(s)
	for i := range steps {
		switch steps[i].Kind {
		case "category":
			steps[i].Kind = "levels"
			why += ", as the part of a normal that holds it"
		case "atoms":
			steps[i].Kind = "spread"
			why += "; noise spreads single values over narrow windows"
			if len(steps) > 1 && steps[1].Kind == "round" { // which is of what comes back
				steps[0], steps[1] = steps[1], steps[0]
			}
		}
	}
	return steps, why
}

// checkCodes refuses codes that no fit could have given.
func (p *Pipeline) checkCodes() error {
	for i := range p.Columns {
		c := &p.Columns[i]
		if c.category() != nil && (!p.Mixed || len(c.Steps) > 1 || c.Own != nil || c.Told != nil || c.Marked != nil) {
			return fmt.Errorf("prep: column %q cannot be a category", c.Name)
		}
		if c.Own == nil {
			continue
		}
		if !p.Mixed && !p.Noiseless || c.Told != nil || c.Marked != nil || c.Constant() || c.Follows != nil || c.classes() != nil || len(c.Own.Marks) == 0 ||
			len(c.Own.Marks) > maxAtoms || !finite(c.Own.Marks...) || !finite(c.Own.Else) {
			return fmt.Errorf("prep: column %q: it cannot have such codes", c.Name)
		}
	}
	return nil
}

// checkMixed refuses steps that only the density of mixed tables has a use for.
func (p *Pipeline) checkMixed(specs []StepSpec) error {
	instead := map[string]string{"category": "levels", "atoms": "spread"}
	for k, s := range specs {
		other, mixed := instead[s.Kind]
		switch {
		case !mixed:
		case p.Noiseless:
			return fmt.Errorf("step %q is for a feature; a context takes classes, or spread", s.Kind)
		case !p.Mixed:
			return fmt.Errorf("step %q needs a flow that leaves absent cells out, which this is not; take %s", s.Kind, other)
		case k > 0:
			return fmt.Errorf("step %q must be the first", s.Kind)
		case s.Kind == "category" && len(specs) > 1:
			return fmt.Errorf("after step %q there is nothing to prepare", s.Kind)
		}
	}
	return nil
}

// fitApart fits the steps of a column on its values x without those that are codes of their own, and returns what it fitted.
func (p *Pipeline) fitApart(c *Column, x, w []float64, gap Gap, i uint32) (specs []StepSpec, err error) {
	asAuto := p.asAuto(c)
	specs = c.Spec
	if len(specs) > 0 && (specs[0].Kind == "category" || specs[0].Kind == "classes") { // which takes any value
		return specs, p.fitSteps(c, x, w, specs, i)
	}
	marks, err := c.ownMarks(x, w, gap)
	if err != nil {
		return nil, err
	}
	if len(specs) > 0 && specs[0].Kind == "atoms" {
		specs = specs[1:]
	}
	if p.Mixed && asAuto && c.Kind == profile.KindInteger {
		marks = append(marks, apart(valuesWithout(x, marks))...)
	}
	if len(marks) == 0 {
		return specs, p.fitSteps(c, x, w, specs, i)
	}
	slices.Sort(marks)
	c.Own = &Marked{Marks: slices.Compact(marks)}
	rest, weight := without(x, w, c.Own.Marks, c.rounding())
	if len(rest) == 0 {
		return nil, fmt.Errorf("it has no value in the %d events that train: leave it out", len(x))
	}
	c.Own.Else, c.Min, c.Max = median(rest), slices.Min(rest)+c.Origin.Float(), slices.Max(rest)+c.Origin.Float()
	if asAuto {
		s, err := c.ofRest(rest, c.Own.Marks, c.Origin.Float())
		if err != nil {
			return nil, err
		}
		if specs, c.Why = p.auto(s); len(specs) > 0 && specs[0].Kind == "atoms" { // found among the rest, as a few of these are more of it
			c.asSeen(&s)
			specs, c.Why = p.auto(s)
		}
		if len(specs) == 0 || specs[0].Kind == "category" || specs[0].Kind == "classes" {
			return c.Spec, p.fitFew(c, x, w, i)
		}
	}
	c.Own.Bare = len(specs) == 0
	text := "; a code tells events of " + c.list(c.Own.Marks)
	if c.Why += text; len(c.Spec) == 0 || c.Spec[0].Kind != "atoms" {
		c.Chose += text
	}
	if err := p.fitSteps(c, rest, weight, specs, i); err != nil {
		return nil, fmt.Errorf("without %s: %w", c.list(c.Own.Marks), err)
	}
	return specs, nil
}

// asSeen makes numbers without single values of the rest of a column, with the edges that all its values have.
func (c *Column) asSeen(rest *profile.Summary) {
	rest.Kind, rest.Atoms = profile.KindContinuous, nil
	for _, e := range []struct{ from, to **float64 }{{&c.seen.LowEdge, &rest.LowEdge}, {&c.seen.HighEdge, &rest.HighEdge}} {
		if *e.to == nil && *e.from != nil && !slices.Contains(c.Own.Marks, **e.from) {
			*e.to = *e.from
		}
	}
}

// ownMarks are the values of a column that are codes: those that its first step finds, those that are stated, and cells without a value.
func (c *Column) ownMarks(x, w []float64, gap Gap) (marks []float64, err error) {
	if len(c.Spec) > 0 && c.Spec[0].Kind == "atoms" {
		steps, err := build(c.Spec[:1])
		if err != nil {
			return nil, err
		}
		a := steps[0].(*atoms)
		a.known = c.seen.Atoms
		if err := a.Fit(without(x, w, c.stands(gap), c.rounding())); err != nil {
			return nil, err
		}
		marks = a.Atom
	}
	return append(marks, c.stands(gap)...), nil
}

// stands are what stands for no value, counted from the origin.
func (c *Column) stands(gap Gap) (marks []float64) {
	for _, v := range gap.Marks {
		marks = append(marks, v-c.Origin.Float())
	}
	if c.Missing {
		marks = append(marks, missingValue)
	}
	return marks
}

// fitFew fits a column that beside its marks has a few values as one of these.
func (p *Pipeline) fitFew(c *Column, x, w []float64, i uint32) error {
	c.Own, c.Kind, c.Spec = nil, profile.KindDiscrete, []StepSpec{{Kind: "category"}}
	c.Why = "a few values, each with its probability"
	if p.Noiseless {
		c.Spec, c.Why = classesSpec(), "a few values: a column of 0 and 1 for each"
	}
	c.Chose = c.Why
	return p.fitSteps(c, x, w, c.Spec, i)
}

// without are the values that are no marks, with their weights.
func without(x, w, marks []float64, within float64) (rest, weight []float64) {
	for k, v := range x {
		if among(marks, v, within) < 0 {
			rest = append(rest, v)
			if w != nil {
				weight = append(weight, w[k])
			}
		}
	}
	return rest, weight
}

func valuesWithout(x, marks []float64) []float64 {
	rest, _ := without(x, nil, marks, 0)
	return rest
}

// single are the values that many events of the column hold.
func (c *Column) single() []float64 {
	if s, ok := c.first().(*spread); ok {
		return s.Atom
	}
	if c.Own != nil {
		return c.Own.Marks
	}
	return nil
}

// tell sets to to 1 in the events of a block of a context that have no value.
func (c *Column) tell(b *buffers, to []float32) {
	within := c.rounding()
	for k, v := range b.x {
		if b.none[k] = among(c.Own.Marks, v, within) >= 0; b.none[k] {
			to[k] = 1
		}
	}
}

// narrowThere is narrow of the values that are there, and 0 for the others.
func narrowThere(dst []float32, src []float64, none []bool) {
	for i, v := range src {
		if !none[i] {
			dst[i] = float32(v)
		}
	}
}

// mayTell says that a column can tell where another has no value.
func (p *Pipeline) mayTell(c *Column) bool {
	if p.Mixed {
		return c.category() != nil
	}
	_, many := c.first().(*spread)
	return !many
}

// candidates are the marks of a column, or its values where these are few.
func (c *Column) candidates(i int, x []float64) (own []mark) {
	if few := c.fewValues(); few != nil && len(few) <= mostMarks {
		return marksOf(i, x, few, true)
	}
	if c.Own == nil || len(c.Own.Marks) > mostMarks {
		return nil
	}
	own = marksOf(i, x, c.Own.Marks, false)
	for k := range own {
		own[k].told = c.Told != nil && c.Told.Mark == own[k].value
	}
	return own
}

// tiedColumns are the marks of each column of which one is tied, those of the most events first, and after them those of columns of which
// another tells one mark of several, with the values of that: all marks of a column are in the combinations, or none.
func (p *Pipeline) tiedColumns(all []mark) (groups [][]mark) {
	var told [][]mark
	for i := range p.Columns {
		own := slices.DeleteFunc(slices.Clone(all), func(m mark) bool { return m.column != i })
		tied := slices.ContainsFunc(own, func(m mark) bool { return m.tied })
		switch d := p.Columns[i].Told; {
		case d == nil && tied:
			groups = append(groups, own)
		case d != nil && len(own) > 1:
			by := p.place(d.By)
			of := slices.DeleteFunc(slices.Clone(all), func(m mark) bool { return m.column != by })
			if len(of) > 0 {
				told = append(told, append(own, of...))
			}
		}
	}
	for _, g := range [][][]mark{groups, told} {
		slices.SortStableFunc(g, func(a, b []mark) int { return held(b) - held(a) })
	}
	return append(groups, told...)
}

// untell leaves what another column tells of a column with more marks to that column's own codes, unless these are in the combinations.
func (p *Pipeline) untell(all []mark) (left []mark) {
	for i := range p.Columns {
		c := &p.Columns[i]
		if c.Told == nil || c.Marked == nil && len(c.Own.Marks) == 1 {
			continue
		}
		c.Told = nil
		if c.Marked == nil {
			left = append(left, slices.DeleteFunc(slices.Clone(all), func(m mark) bool { return m.column != i })...)
		}
	}
	return left
}

// settle leaves the codes of a column to what tells them.
func (c *Column) settle() {
	switch {
	case c.Told != nil:
		c.Told.Else = c.Own.Else
	case c.Marked != nil:
		c.Marked.Else, c.Marked.Bare = c.Own.Else, c.Own.Bare
	default:
		return
	}
	c.Own = nil
}

// Codes says which single values are codes of a categorical feature of their own; "" for none.
func (p *Pipeline) Codes() string {
	var texts []string
	names := map[string][]string{}
	for i := range p.Columns {
		c := &p.Columns[i]
		if c.Own == nil {
			continue
		}
		text := c.list(c.Own.Marks)
		if names[text] == nil {
			texts = append(texts, text)
		}
		names[text] = append(names[text], c.Name)
	}
	for i, text := range texts {
		texts[i] = text + " in " + strings.Join(names[text], ", ")
	}
	if texts == nil || p.Noiseless {
		return ""
	}
	return "single values and missing cells with a probability of their own: " + strings.Join(texts, "; ")
}

// applyMixed prepares the events of a block from lo on: first what is categorical, which then tells which values are there.
func (p *Pipeline) applyMixed(in []*events.Column, b *buffers, cols [][]float32, logDet []float64, at places, lo int, placed []bool) (ok bool) {
	ok = true
	hi := lo + len(b.x)
	features, next := b.features, 0
	if p.Marks != nil {
		for k, name := range p.Marks.Columns {
			i := p.place(name)
			ok = p.Columns[i].read(b.x, in[i], lo) && ok
			p.Columns[i].states(b.state, k, len(p.Marks.Columns), b.x)
		}
		p.Marks.places(b.x, b.state)
		p.Marks.Category.Apply(b.x, logDet)
		narrow(cols[0][lo:hi], b.x)
		next = 1
	}
	for i := range p.Columns {
		c := &p.Columns[i]
		ok = c.read(b.x, in[i], lo) && ok
		if c.Own != nil {
			within := c.rounding()
			for k, v := range b.x {
				cols[next][lo+k] = float32(among(c.Own.Marks, v, within) + 1)
			}
		} else if c.category() != nil {
			p.applyColumn(i, b, logDet, at, lo, placed)
			narrow(cols[next][lo:hi], b.x)
		}
		next += c.width()
	}
	next = p.Marks.width()
	for i := range p.Columns {
		c := &p.Columns[i]
		if next += c.width(); !c.InFlow() || c.category() != nil {
			continue
		}
		c.read(b.x, in[i], lo)
		p.applyNumbers(i, b, &features[next-1], cols, cols[next-1][lo:hi], logDet, at, lo, placed)
	}
	return ok
}

// applyNumbers prepares the values of column i in b.x, NaN where the codes say that there is none.
func (p *Pipeline) applyNumbers(i int, b *buffers, f *Feature, cols [][]float32, to []float32, logDet []float64, at places, lo int, placed []bool) {
	c := &p.Columns[i]
	if !c.mayLack() {
		p.applyColumn(i, b, logDet, at, lo, placed)
		narrow(to, b.x)
		return
	}
	marks, within, instead := c.lacks(), c.rounding(), c.instead()
	for k, v := range b.x {
		if b.none[k] = !f.present(cols[f.By][lo+k]); b.none[k] || among(marks, v, within) >= 0 {
			b.x[k] = instead
		}
	}
	b.keep(logDet)
	p.applyColumn(i, b, logDet, at, lo, placed)
	for k, none := range b.none {
		if none {
			b.x[k], b.slope[k], logDet[k] = math.NaN(), b.was[0][k], b.was[1][k]
		}
	}
	narrow(to, b.x)
}

func (f *Feature) present(code float32) bool { return slices.Contains(f.Present, int(code)) }

// invertMixed puts the events of a block from lo on back.
func (p *Pipeline) invertMixed(cols [][]float32, b *buffers, logDet []float64, t *events.Table, lo int) {
	if p.Marks != nil {
		widen(b.x, cols[0][lo:])
		p.Marks.Category.Invert(b.x, logDet)
		state := b.state[:0]
		for _, k := range b.x {
			state = row(p.Marks.Patterns[int(k)], state)
		}
	}
	next := p.Marks.width()
	for i := range p.Columns {
		c := &p.Columns[i]
		next += c.width()
		switch {
		case c.Follows != nil:
		case !c.InFlow() || !c.mayLack():
			if c.InFlow() {
				widen(b.x, cols[next-1][lo:])
			}
			p.invertColumn(i, b, logDet, t, lo)
		default:
			p.invertNumbers(i, b, &b.features[next-1], cols, cols[next-1][lo:], logDet, t, lo)
		}
	}
}

// invertNumbers puts the values of column i back, and its marks where the codes say that there is none.
func (p *Pipeline) invertNumbers(i int, b *buffers, f *Feature, cols [][]float32, from []float32, logDet []float64, t *events.Table, lo int) {
	c := &p.Columns[i]
	if c.Marked != nil {
		p.noValue(c, b)
	}
	for k := range b.x {
		code := cols[f.By][lo+k]
		if b.none[k] = !f.present(code); !b.none[k] {
			b.x[k] = float64(from[k])
			continue
		}
		b.x[k] = 0
		switch {
		case c.Told != nil:
			b.marks[k] = c.Told.Mark
		case c.Own != nil:
			b.marks[k] = c.Own.Marks[min(max(int(code), 1), len(c.Own.Marks))-1]
		}
	}
	b.keep(logDet)
	c.invert(b, logDet)
	for k, none := range b.none {
		if none {
			b.x[k], b.slope[k], logDet[k] = b.marks[k], b.was[0][k], b.was[1][k]
		}
	}
	c.write(&t.Columns[i], lo, b.x, b.none)
}
