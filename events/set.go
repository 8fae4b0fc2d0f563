package events

import (
	"fmt"
	"regexp"
	"strconv"

	"github.com/sluice-hep/sluice/events/column"
)

// Set is a number of objects of an event, each of several variables. Event for event the column Count says how many there are; what
// stands in the columns of others is nothing.
type Set struct {
	Name string `json:"name"`
	// Variables name the columns of an object: Jet_pt stands for Jet_pt[0], Jet_pt[1] and so on, and a name with a number in
	// braces for names that count on from it: jet{1}_pt for jet1_pt, jet2_pt and so on.
	Variables []string `json:"variables"`
	Count     string   `json:"count"`
	Most      int      `json:"most"` // objects that are taken, the first of more
}

var counter = regexp.MustCompile(`\{(\d{1,9})\}`)

// Column is the one of a variable of object i.
func (s Set) Column(variable string, i int) string {
	at := counter.FindStringSubmatchIndex(variable)
	if at == nil {
		return fmt.Sprintf("%s[%d]", variable, i)
	}
	first, _ := strconv.Atoi(variable[at[2]:at[3]])
	return variable[:at[0]] + strconv.Itoa(first+i) + variable[at[1]:]
}

// Columns are those of all objects, one object after the other, and the count.
func (s Set) Columns() (names []string) {
	for i := range s.Most {
		for _, v := range s.Variables {
			names = append(names, s.Column(v, i))
		}
	}
	return append(names, s.Count)
}

// Absent is what the columns of objects are read by: it replaces, in a table, what stands where there is no object by 0. Columns
// that are changed are copies.
type Absent struct{ places map[string]place }

type place struct {
	count  string
	object int
}

// NewAbsent knows the columns of sets.
func NewAbsent(sets []Set) Absent {
	a := Absent{map[string]place{}}
	for _, s := range sets {
		for i := range s.Most {
			for _, v := range s.Variables {
				a.places[s.Column(v, i)] = place{s.Count, i}
			}
		}
	}
	return a
}

// Cleared is column c of t, with 0 where there is no object.
func (a Absent) Cleared(t *Table, c *Column) *Column {
	at, ok := a.places[c.Name]
	if !ok {
		return c
	}
	k := column.Find(t.Columns, at.count, 0)
	if k < 0 || t.Columns[k].Type == Text {
		return c
	}
	count, out := &t.Columns[k], column.New(c.Name, c.Unit, c.Type, c.Len())
	for i := range c.Len() {
		if !(count.Float(i) > float64(at.object)) {
			continue
		}
		switch c.Type {
		case Float32:
			out.F32[i] = c.F32[i]
		case Float64:
			out.F64[i] = c.F64[i]
		case Int64:
			out.I64[i] = c.I64[i]
		case Uint64:
			out.U64[i] = c.U64[i]
		default:
			out.Str[i] = c.Str[i]
		}
	}
	return &out
}

// Surplus counts the events that have more objects of a set than are taken.
type Surplus struct {
	Set     Set
	Events  int
	Largest float64
}

// Add counts those of t.
func (s *Surplus) Add(t *Table) error {
	c, err := t.Column(s.Set.Count)
	if err != nil {
		return err
	}
	for i := range c.Len() {
		if n := c.Float(i); n > float64(s.Set.Most) {
			s.Events++
			s.Largest = max(s.Largest, n)
		}
	}
	return nil
}

// Say is a line on them; "" where there are none.
func (s *Surplus) Say() string {
	if s.Events == 0 {
		return ""
	}
	return fmt.Sprintf("%q is above %d in %d of the events, at most %g: of %s, the first %d objects are seen and the others are not (context_sets: most)",
		s.Set.Count, s.Set.Most, s.Events, s.Largest, s.Set.Name, s.Set.Most)
}
