package prep

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/sluice-hep/sluice/events"
	"github.com/sluice-hep/sluice/events/column"
	"github.com/sluice-hep/sluice/events/profile"
)

// A column of names, such as channels, is prepared by its codes: the places of its names among those of training, the most frequent first. A name that
// training had not is the code behind the last, so that what takes it for the nearest takes it for the rarest.

const (
	mostNames   = profile.MaxDistinct
	leastOfName = 10 // events of a name, on average, from which auto has something to learn
)

// noNames says why auto takes the texts of a column for no names; "" where it does.
func noNames(s profile.Summary) string {
	there := s.Count - s.NaN
	switch few := s.Distinct <= fewLevels && s.Distinct*4 <= there; {
	case there == 0:
		return "every cell is empty"
	case s.DistinctAtLeast:
		return fmt.Sprintf("more than %d different texts, of which the first is %s", mostNames, s.Word)
	case 2*s.Numbers > there:
		return fmt.Sprintf("numbers in %d of %d cells, but %s", s.Numbers, there, cmp.Or(s.Word, "with a type of text"))
	case s.Distinct > 1 && !few && s.Distinct*leastOfName > there:
		return fmt.Sprintf("%d different texts in %d cells, of which the first is %s", s.Distinct, there, s.Word)
	}
	return ""
}

// name makes a column of text, which s describes, one of names: those of the events of positive weight. given is what a card says of it.
func (p *Pipeline) name(c *Column, s profile.Summary, col *events.Column, w []float64, spec Spec) error {
	given, gap := spec.Of(col.Name), spec.Missing.Of(col.Name)
	_, ranged := spec.Ranges[col.Name]
	allowed := func(s StepSpec) bool { return s.Kind == "category" || s.Kind == "levels" || s.Kind == "classes" }
	const remedy = "; leave it out, or make numbers or fewer names of it"
	example := fmt.Sprintf(" (--define 'NAME=%s == %s ? 1 : 0')", col.Name, strconv.Quote(first(s.Names)))
	why := noNames(s)
	switch {
	case s.DistinctAtLeast:
	case given == nil && why != "" && s.Count > s.NaN:
		key, step := "prepare", "category"
		if p.Noiseless {
			key, step = "prepare_context", "classes"
		}
		example += fmt.Sprintf("; %s: {%s: [%s]} takes the texts for names", key, col.Name, step)
	case given != nil && !(len(given) == 1 && allowed(given[0])):
		return fmt.Errorf("it holds text, of which there is no %s: names take category, levels or, as a context, classes", given[0].Kind)
	case ranged:
		return fmt.Errorf("it holds text, of which there is no range")
	case len(gap.Marks) > 0:
		return fmt.Errorf("it holds text: a name that stands for no value is a name like others, and empty cells are missing (missing: {%s: model})", col.Name)
	default:
		why = ""
	}
	if why != "" {
		return fmt.Errorf("it holds text: %s%s%s", why, remedy, example)
	}
	if c.Names = namesOf(col, w); len(c.Names) == 0 {
		return fmt.Errorf("it has no name in the %d events that train: leave it out", col.Len())
	}
	c.index()
	return nil
}

func first(names []profile.Name) string {
	if len(names) == 0 {
		return ""
	}
	return names[0].Name
}

// namesOf are the texts of a column in the events of positive weight, those of the most events first.
func namesOf(col *events.Column, w []float64) []string {
	events := map[string]int{}
	for i, s := range col.Str {
		if s != "" && weight(w, i) > 0 {
			events[s]++
		}
	}
	names := make([]string, 0, len(events))
	for s := range events {
		names = append(names, strings.Clone(s)) // which does not hold on to the table
	}
	slices.SortFunc(names, func(a, b string) int { return cmp.Or(cmp.Compare(events[b], events[a]), cmp.Compare(a, b)) })
	return names
}

// index makes what coded looks up.
func (c *Column) index() {
	c.codes = make(map[string]float64, len(c.Names))
	for k, name := range c.Names {
		c.codes[name] = float64(k)
	}
}

// coded is a column of a table as the steps see it: itself, or, where training had names, their codes. A column of numbers holds the names that these
// are as text.
func (c *Column) coded(col *events.Column) *events.Column {
	if c.Names == nil {
		return col
	}
	out := column.New(col.Name, col.Unit, events.Float64, col.Len())
	for i := range out.F64 {
		var ok bool
		if v := col.Float(i); col.Type != events.Text && v != v {
			out.F64[i] = v
		} else if out.F64[i], ok = c.codes[col.Format(i)]; !ok {
			out.F64[i] = float64(len(c.Names))
		}
		if col.Type == events.Text && col.Str[i] == "" {
			out.F64[i] = math.NaN()
		}
	}
	return &out
}

// named is a column of codes as names, empty where there is none.
func (c *Column) named(codes *events.Column) events.Column {
	out := column.New(c.Name, c.Unit, events.Text, codes.Len())
	for i, v := range codes.F64 {
		if v == v {
			out.Str[i] = c.Names[int(min(max(v, 0), float64(len(c.Names)-1)))]
		}
	}
	return out
}

// spelled is a value of the column, counted from its origin, as people read it.
func (c *Column) spelled(v float64) string {
	switch {
	case v == missingValue:
		return "missing"
	case c.Names == nil:
		return fmt.Sprintf("%.10g", v)
	case v >= 0 && int(v) < len(c.Names):
		return c.Names[int(v)]
	}
	return "another name"
}

// list are values of the column.
func (c *Column) list(x []float64) string {
	text := ""
	for i, v := range x {
		switch {
		case i > 0 && i == len(x)-1:
			text += " or "
		case i > 0:
			text += ", "
		}
		text += c.spelled(v)
	}
	return text
}

// checkNames refuses names that no fit could have given.
func (c *Column) checkNames() error {
	if len(c.Names) == 0 && c.trained() != events.Text {
		return nil
	}
	sorted := slices.Sorted(slices.Values(c.Names))
	few := len(c.Steps) == 0 || len(c.Steps) == 1 && c.fewValues() != nil || len(c.Steps) == 1 && c.classes() != nil
	if n := len(c.Names); c.Type != events.Text.String() || n == 0 || n > mostNames || sorted[0] == "" || len(slices.Compact(sorted)) < n ||
		!few || c.Origin != (column.Exact{}) || c.Min < 0 || c.Max >= float64(n) {
		return fmt.Errorf("prep: column %q: %d names of type %q cannot be", c.Name, len(c.Names), c.Type)
	}
	c.index()
	return nil
}

// Named are the columns of names.
func (p *Pipeline) Named() (names []string) {
	for i := range p.Columns {
		if p.Columns[i].Names != nil {
			names = append(names, p.Columns[i].Name)
		}
	}
	return names
}

// Code puts the codes of names in their place.
func (p *Pipeline) Code(t *events.Table) {
	for i := range p.Columns {
		c := &p.Columns[i]
		if k := column.Find(t.Columns, c.Name, i); k >= 0 && c.Names != nil {
			t.Columns[k] = *c.coded(&t.Columns[k])
		}
	}
}

// AsTrained is a column of events as text, where training had names and these are numbers; else as it is.
func (p *Pipeline) AsTrained(c *events.Column) events.Column {
	if of := p.column(c.Name); of == nil || of.Names == nil || c.Type == events.Text {
		return *c
	}
	out := column.New(c.Name, c.Unit, events.Text, c.Len())
	for i := range out.Str {
		if v := c.Float(i); v == v {
			out.Str[i] = c.Format(i)
		}
	}
	return out
}
